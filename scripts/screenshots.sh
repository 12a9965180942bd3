#!/usr/bin/env bash
# Pictures of every page of the console, dark, light and as a phone shows them, of a farm under load: build/screenshots/*.png. Needs root.
#
#   npm run screenshots [-- DIRECTORY]
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || {
  echo 'screenshots: it makes network namespaces; run as root: sudo npm run screenshots' >&2
  exit 1
}
bash scripts/setup.sh test >&2
npx esbuild test/browser/screenshots.ts --bundle --platform=node --format=esm --packages=external --outfile=build/screenshots.mjs \
  --log-level=warning
exec node build/screenshots.mjs "${1:-build/screenshots}"
