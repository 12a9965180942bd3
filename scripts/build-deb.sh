#!/usr/bin/env bash
# Builds covey_VERSION_ARCHITECTURE.deb with all that runs need but Node.js: no compiler and no npm on the servers.
#
#   scripts/build-deb.sh [DIRECTORY]         where to put it (default: build/)
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh >&2
umask 022

output=$(realpath -m "${1:-build}")
version=$(node -p 'require("./package.json").version')
architecture=$(dpkg --print-architecture)
tree=$(mktemp -d /tmp/covey-deb.XXXXXX)
trap 'rm -rf "$tree"' EXIT
chmod 755 "$tree"

bash scripts/package/stage.sh "$tree"
install -d "$tree/DEBIAN"
for script in postinst prerm postrm; do install -m 755 "scripts/package/$script" "$tree/DEBIAN/$script"; done
cat >"$tree/DEBIAN/control" <<END
Package: covey
Version: $version
Architecture: $architecture
Maintainer: Covey <covey@localhost>
Section: net
Priority: optional
Installed-Size: $(du -sk --exclude=DEBIAN "$tree" | cut -f1)
Depends: libc6 (>= 2.36), libstdc++6 (>= 12), libpcap0.8 (>= 1.10) | libpcap0.8t64, nftables (>= 1.0), iproute2, openssl, passwd
Recommends: nodejs (>= 20)
Description: $(node -p 'require("./package.json").description.split(":")[0]')
 Covey makes a farm of servers answer on one address, without a load balancer in
 front. Each connection is served by one server; when one dies the others have
 its share within a second.
 .
 It needs Node.js 20 or newer, which Debian 12 does not have: install one from
 elsewhere, or link a binary to /usr/lib/covey/bin/node. The optional packages
 in it (probes, ICMP) were built for Node.js $(node -p 'process.versions.node.split(".")[0]').
END
(cd "$tree" && find usr -type f -exec md5sum {} +) >"$tree/DEBIAN/md5sums"
install -d "$output"
dpkg-deb --root-owner-group -Zxz --build "$tree" "$output/covey_${version}_${architecture}.deb" >&2
echo "$output/covey_${version}_${architecture}.deb"
