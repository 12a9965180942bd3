#!/usr/bin/env bash
# Removes what scripts/install.sh has installed; a running node drains first. The config in /etc/covey stays, and the user that owns it.
#
#   sudo scripts/uninstall.sh [--purge] [--root DIRECTORY]        --purge: config, key and user as well
set -euo pipefail
root="" what=remove
while [ $# -gt 0 ]; do
  case $1 in
    --purge) what=purge ;;
    --root)
      root=$(realpath "${2:?--root needs a directory}")
      shift
      ;;
    *)
      echo "uninstall: unknown word $1; there are --purge and --root DIRECTORY" >&2
      exit 2
      ;;
  esac
  shift
done
[ "$(id -u)" = 0 ] || {
  echo 'uninstall: needs root; type: sudo scripts/uninstall.sh' >&2
  exit 1
}
within() { if [ -z "$root" ]; then "$@"; else chroot "$root" "$@"; fi; }

lib=$root/usr/lib/covey
scripts=$(mktemp -d "$root/tmp/covey-uninstall.XXXXXX")
trap 'rm -rf "$scripts"' EXIT
if [ -e "$lib/files" ]; then
  cp "$lib/scripts/prerm" "$lib/scripts/postrm" "$scripts/"
  inside=${scripts#"$root"}
  within sh "$inside/prerm" remove
  while read -r file; do rm -f "$root$file"; done <"$lib/files"
  rm -f "$lib/files" "$lib/scripts/postinst"
  find "$lib" "$root/usr/share/doc/covey" -depth -type d -empty -delete 2>/dev/null || true
  within sh "$inside/postrm" remove
  [ "$what" = remove ] || within sh "$inside/postrm" purge
  echo 'covey is removed'
elif [ "$what" = purge ] && [ -e "$(dirname "$0")/package/postrm" ]; then
  cp "$(dirname "$0")/package/postrm" "$scripts/"
  within sh "${scripts#"$root"}/postrm" purge
  echo 'what was left of covey is removed'
else
  echo 'covey is not installed here by scripts/install.sh'
fi
