#!/usr/bin/env bash
# The life of a farm in imitated networks, and README's table of it on standard output. Needs root.
#
#   scripts/zoo.sh                         every network (`covey lab networks`), about half a minute each
#   scripts/zoo.sh macvlan hub             only these
#   scripts/zoo.sh --reach relay switch    with this reach instead of `auto`
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || {
  echo 'zoo: it makes network namespaces; run it as root: sudo scripts/zoo.sh' >&2
  exit 1
}
bash scripts/setup.sh >&2
exec node dist/lab/zoo/main.js "$@"
