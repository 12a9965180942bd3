#!/usr/bin/env bash
# Shows a farm of three nodes on this machine: one address, real HTTP, a kill, a stall, a return. Needs root.
#
#   scripts/demo.sh              to the end, then everything is removed; exit code 1 if the farm did not behave
#   scripts/demo.sh --keep       leaves the farm up to play with
#   scripts/demo.sh --lab NAME   calls the lab NAME instead of demo
#   scripts/demo.sh --rate N     N new connections a second instead of 200
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  echo 'usage: sudo scripts/demo.sh [--keep] [--lab NAME] [--rate N]'
  echo '  --keep       leave the farm up to play with'
  echo '  --lab NAME   call the lab NAME (a-z, 0-9, -) instead of demo'
  echo '  --rate N     N new connections a second (1 to 5000) instead of 200'
}

wrong() {
  printf 'demo: %s\n' "$*" >&2
  usage >&2
  exit 2
}

# All flags are checked before anything is installed or built.
check_flags() {
  while [ "$#" -gt 0 ]; do
    case $1 in
      -h | --help)
        usage
        exit 0
        ;;
      --keep) ;;
      --lab)
        [[ ${2-} =~ ^[a-z0-9][a-z0-9-]{0,30}$ ]] || wrong "--lab takes a name of a-z, 0-9 and -, not \"${2-}\""
        shift
        ;;
      --rate)
        [[ ${2-} =~ ^[1-9][0-9]{0,3}$ && $2 -le 5000 ]] || wrong "--rate takes a number from 1 to 5000, not \"${2-}\""
        shift
        ;;
      *) wrong "there is no flag $1" ;;
    esac
    shift
  done
}

check_flags "$@"
[ "$(id -u)" = 0 ] || {
  echo 'demo: it makes network namespaces; run it as root: sudo scripts/demo.sh' >&2
  exit 1
}
bash scripts/setup.sh
echo '==> a farm of three nodes and a client, in network namespaces'
exec node dist/lab/demo.js "$@"
