#!/bin/sh
# The command `covey`, as installed. Node.js is taken from /usr/lib/covey/bin, where one of its own can be put, else from the path.
set -eu
node=/usr/lib/covey/bin/node
[ -x "$node" ] || node=$(command -v node) || {
  echo 'covey: Node.js is missing: install version 20 or newer, or link one: ln -s /path/to/node /usr/lib/covey/bin/node' >&2
  exit 1
}
exec "$node" /usr/lib/covey/dist/cli/main.js "$@"
