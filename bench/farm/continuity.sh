#!/usr/bin/env bash
# Continuity under load: joins, drains, weights and reloads, then a crash; prints a table. Needs root and scripts/setup.sh test.
#
#   bench/farm/continuity.sh                       20 events, about four minutes
#   bench/farm/continuity.sh --events 6 --seed 3   fewer, in another order
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
npx tsc -p bench/farm/continuity/tsconfig.json
exec node bench/farm/continuity/build/bench/farm/continuity/main.js "$@"
