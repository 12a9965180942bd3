#!/usr/bin/env bash
# Lays out all files of an installation below a directory, as they will lie below /: for install.sh and build-deb.sh.
#
#   scripts/package/stage.sh DIRECTORY         Covey must be built (scripts/setup.sh)
set -euo pipefail
cd "$(dirname "$0")/../.."
umask 022
root=$1
lib=$root/usr/lib/covey

# What npm needs to build or publish, and nobody to run: sources, headers, objects, tests.
prune() {
  find "$1" \( -name obj.target -o -name .deps -o -name test -o -name tests -o -name examples -o -name '@types' -o -name .github \) \
    -type d -prune -exec rm -rf {} +
  find "$1" -type f \( -name '*.cc' -o -name '*.cpp' -o -name '*.c' -o -name '*.h' -o -name '*.o' -o -name '*.mk' -o -name '*.a' \
    -o -name 'Makefile' -o -name '*.Makefile' -o -name 'config.gypi' -o -name '*.gyp' -o -name '*.d.ts' -o -name '*.d.mts' \
    -o -name '*.d.cts' -o -name '*.map' -o -name '*.ts' -o -name '*.mts' \) -delete
  rm -rf "$1"/node_modules/nan "$1"/deps
}

install -d "$lib" "$lib/bin" "$root/usr/bin" "$lib/addons/dataplane/build/Release"
cp -R dist "$lib/dist"
rm -f "$lib/dist/.built" "$lib"/dist/*.tsbuildinfo
install -m 644 package.json "$lib/package.json"
install -m 644 addons/dataplane/build/Release/dataplane.node "$lib/addons/dataplane/build/Release/dataplane.node"

# One line a package that runs need, the optional ones that were built here among them. Headers are not among what runs need.
npm ls --omit=dev --all --parseable 2>/dev/null | sed -n "s#^$PWD/##p" | while read -r package; do
  case $package in
    */node_modules/*/node_modules/* | node_modules/node-addon-api | node_modules/nan | node_modules/@types/*) continue ;;
  esac
  install -d "$lib/$(dirname "$package")"
  cp -R "$package" "$lib/$package"
  prune "$lib/$package"
done
find "$lib" -name '*.node' -exec strip --strip-unneeded {} +
find "$lib" -type d -empty -not -path "$lib/bin" -delete
chmod -R u+rwX,go+rX,go-w "$lib"

install -m 755 scripts/package/covey.sh "$root/usr/bin/covey"
install -D -m 644 scripts/package/covey.service "$root/usr/lib/systemd/system/covey.service"
install -D -m 644 LICENSE "$root/usr/share/doc/covey/copyright"
install -D -m 644 README.md "$root/usr/share/doc/covey/README.md"
install -D -m 644 scripts/package/covey.yaml "$root/usr/share/doc/covey/examples/covey.yaml"
install -D -m 644 scripts/package/polkit.rules "$root/usr/share/doc/covey/examples/polkit.rules"

# From the commands themselves.
generated() {
  install -d "$(dirname "$root$1")"
  node dist/cli/main.js "${@:2}" >"$root$1"
}
generated /usr/share/man/man8/covey.8 man
gzip -9n "$root/usr/share/man/man8/covey.8"
generated /usr/share/bash-completion/completions/covey completion bash
generated /usr/share/zsh/vendor-completions/_covey completion zsh
generated /usr/share/fish/vendor_completions.d/covey.fish completion fish
