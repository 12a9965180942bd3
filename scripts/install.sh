#!/usr/bin/env bash
# Installs Covey on this host as a service: builds it, copies it to /usr/lib/covey, makes the user, the unit, completions and man page.
# Again for an upgrade. The config in /etc/covey is left as it is, and a running node goes on until it is restarted.
#
#   sudo scripts/install.sh [--root DIRECTORY]        DIRECTORY: another root of a file system, e.g. of an image
set -euo pipefail
cd "$(dirname "$0")/.."
fail() {
  printf 'install: %s\n' "$*" >&2
  exit 1
}

root=
if [ "${1:-}" = --root ]; then root=$(realpath "${2:?--root needs a directory}"); fi
[ "$(id -u)" = 0 ] || fail 'needs root; type: sudo scripts/install.sh'
within() { if [ -z "$root" ]; then "$@"; else chroot "$root" "$@"; fi; }
# shellcheck disable=SC2016
if [ "$(within dpkg-query -W -f '${db:Status-Status}' covey 2>/dev/null || true)" = installed ]; then
  fail 'covey is installed here as a package; type: apt-get remove covey, or upgrade it with its .deb'
fi

bash scripts/setup.sh
tree=$(mktemp -d /tmp/covey-install.XXXXXX)
trap 'rm -rf "$tree"' EXIT
chmod 755 "$tree"
bash scripts/package/stage.sh "$tree"

# For uninstall.sh, which may run when this clone is gone.
install -d "$tree/usr/lib/covey/scripts"
install -m 755 scripts/uninstall.sh scripts/package/prerm scripts/package/postrm "$tree/usr/lib/covey/scripts/"
(cd "$tree" && find . -type f -printf '/%P\n') | sort >"$tree/usr/lib/covey/files"

upgraded=
if [ -e "$root/usr/lib/covey/files" ]; then
  upgraded=before
  # What an older version had and this one has not. A node binary that was linked there is not in the list, and stays.
  comm -23 "$root/usr/lib/covey/files" "$tree/usr/lib/covey/files" | while read -r file; do rm -f "$root$file"; done
fi
# Beside the old ones, then in their place: a running node never sees half a file.
cp -R --remove-destination --no-preserve=ownership "$tree/." "$root/"
install -m 755 scripts/package/postinst "$root/usr/lib/covey/scripts/postinst"
within /usr/lib/covey/scripts/postinst configure "$upgraded"
echo "covey $(node -p 'require("./package.json").version') is installed; to remove it: sudo scripts/uninstall.sh"
