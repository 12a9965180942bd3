#!/usr/bin/env bash
# Makes a bare Debian 12 below a directory: essential packages, and what the .deb depends on. No compiler, no Node.js.
#
#   scripts/package/chroot.sh DIRECTORY
#
# From the mirror that this machine's own apt uses. To make one takes a minute; it is kept, and used again for a week.
set -euo pipefail
root=$1
packages=libpcap0.8,libstdc++6,nftables,iproute2,openssl
cache=${COVEY_CHROOT_CACHE:-/var/tmp}/covey-chroot-bookworm-$(cksum <<<"$packages" | cut -d' ' -f1).tar

mirror() {
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
    awk '$2 == "bookworm" && $3 == "main" { print $1; exit }'
}

make_cache() {
  # mmdebstrap makes a directory of every name that does not end with .tar.
  local uri options=() line fresh=${cache%.tar}.new.tar
  uri=$(mirror)
  [ -n "$uri" ] || {
    echo "chroot: apt of this machine has no main component of bookworm" >&2
    return 1
  }
  # A proxy that apt is told of, the new system's apt needs as well.
  while read -r line; do options+=("--aptopt=$line"); done < <(apt-config dump | grep -i '^Acquire::[a-z]*::Proxy' || true)
  mmdebstrap --quiet --variant=minbase --include="$packages" "${options[@]}" \
    bookworm "$fresh" "$uri" >&2
  mv "$fresh" "$cache"
}

if [ -z "$(find "$cache" -mtime -7 2>/dev/null)" ]; then make_cache; fi
mkdir -p "$root"
# Device files cannot be made everywhere; what is needed of /dev is bound in.
tar -xf "$cache" -C "$root" --exclude='./dev/*'
