#!/usr/bin/env bash
# `covey bench` of this clone, with the packages of all its peers. Needs root; makes its own network namespaces.
#
#   npm run bench                                           every scenario
#   npm run bench -- http rejected --rounds 9 --html f.html
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "$(id -u)" = 0 ] || {
  echo 'bench: it makes network namespaces; run it as root' >&2
  exit 1
}
bash scripts/setup.sh bench >&2
exec node dist/cli/main.js bench "$@"
