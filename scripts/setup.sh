#!/usr/bin/env bash
# Makes this machine ready to run Covey from a clone: Debian packages, npm packages, build. Does only what is missing, so
# it costs a second when all is there.
#
#   scripts/setup.sh         what running a farm, the lab and the demo need
#   scripts/setup.sh test    what the tests need as well
#   scripts/setup.sh bench   and what Covey is measured against: `covey bench`
set -euo pipefail
cd "$(dirname "$0")/.."

RUN_PACKAGES=(ca-certificates curl g++ iproute2 libpcap-dev make nftables openssl procps python3)
TEST_PACKAGES=(binutils bind9-dnsutils chromium dnsmasq-base ethtool fish iperf3 iputils-arping iputils-ping mandoc mmdebstrap nginx-light prometheus redis-server redis-tools
  shellcheck socat systemd tcpdump wrk zsh)
BENCH_PACKAGES=(haproxy iptables keepalived)

say() { printf '==> %s\n' "$*"; }
fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

check_node() {
  command -v node >/dev/null || fail 'Node.js is missing; install version 20 or newer: https://nodejs.org'
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] || fail "Node.js $(node --version) is too old; Covey needs 20 or newer"
  command -v npm >/dev/null || fail 'npm is missing; it comes with Node.js'
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Servers that tests start in their own namespaces (nginx) must not start on this host because they were installed.
without_starting_services() {
  local policy=/usr/sbin/policy-rc.d mark='# of covey, while it installs packages'
  # Left by a run that was killed.
  if grep -qsxF "$mark" "$policy"; then rm -f "$policy"; fi
  local status=0
  if [ -e "$policy" ]; then
    "$@" || status=$?
    return "$status"
  fi
  # In a subshell, whose trap goes with it.
  (
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
    chmod 755 "$policy"
    "$@"
  ) || status=$?
  return "$status"
}

apt_packages() {
  local missing=() package
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  command -v apt-get >/dev/null || fail "this is no Debian system; install by hand: ${missing[*]}"
  [ "$(id -u)" = 0 ] || fail "run as root to install: ${missing[*]}"
  say "apt-get install ${missing[*]}"
  apt-get update -q
  without_starting_services env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# libFuzzer comes with clang. Any version that is there will do; Debian 12 calls its own clang-14.
clang_packages() {
  if command -v clang++ clang++-14 >/dev/null; then return; fi
  if apt-cache show clang-14 >/dev/null 2>&1; then apt_packages clang-14 libclang-rt-14-dev; else apt_packages clang libclang-rt-dev; fi
}

npm_packages() {
  [ node_modules/.package-lock.json -nt package-lock.json ] && return
  say 'npm ci'
  npm ci --no-audit --no-fund
}

# True when something below the given paths is newer than the product $1, or the product is missing.
is_stale() {
  local product=$1
  shift
  [ ! -e "$product" ] || [ -n "$(find "$@" -newer "$product" -type f -not -path '*/build/*' -print -quit)" ]
}

build() {
  local addon=addons/dataplane/build/Release/dataplane.node
  if is_stale "$addon" addons/dataplane node_modules/.package-lock.json; then
    say 'build of the native data plane'
    npm run --silent build:addon
  fi
  # tsc does not touch files that stay as they are, so a stamp says when it last ran.
  if is_stale dist/.built src package.json tsconfig.json; then
    say 'build of TypeScript'
    npm run --silent build:ts
    npm run --silent build:web
    touch dist/.built
  fi
}

main() {
  # Two runs at once would install and build over each other.
  exec 9<"$PWD/package.json"
  flock 9
  check_node
  apt_packages "${RUN_PACKAGES[@]}"
  if [ "${1:-}" = test ] || [ "${1:-}" = bench ]; then
    # Each on a line of its own: in a list of && the shell would not end when the first fails.
    apt_packages "${TEST_PACKAGES[@]}"
    clang_packages
  fi
  if [ "${1:-}" = bench ]; then apt_packages "${BENCH_PACKAGES[@]}"; fi
  npm_packages
  build
  say 'ready'
}

main "$@"
