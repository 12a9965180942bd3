#!/usr/bin/env bash
# Kernel direct against through Covey, one table from one run. Needs root; makes its own network namespaces.
#
#   npm run bench                                5 rounds of 3 s
#   npm run bench -- --rounds 9 --seconds 5
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "$(id -u)" = 0 ] || {
  echo 'bench: it makes network namespaces; run it as root' >&2
  exit 1
}
bash scripts/setup.sh bench >&2
exec node bench/farm/bench.mjs "$@"
