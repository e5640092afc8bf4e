#!/bin/sh
# Prints the folder of Debian's package libonnx-testdata (the ONNX backend tests of release 1.12): where it is installed, or where it was
# unpacked into artifacts/ after a download; nothing is installed.
# usage: eng/debian-testdata.sh
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
share=usr/share/libonnx-testdata cache=$root/artifacts/libonnx-testdata
for folder in "/$share" "$cache/$share"; do
    if [ -d "$folder/data" ]; then echo "$folder"; exit 0; fi
done
command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || { echo "the package libonnx-testdata is not installed, and there is no apt-get to download it" >&2; exit 1; }
partial=$root/artifacts/.libonnx-testdata-$$
trap 'rm -rf "$partial"' EXIT
mkdir -p "$partial/unpacked"
chmod 755 "$partial"
cd "$partial"
apt-get download -q libonnx-testdata >log 2>&1 || { echo "the package libonnx-testdata is not installed and cannot be downloaded: $(tail -1 log)" >&2; exit 1; }
dpkg-deb -x libonnx-testdata_*.deb unpacked
mv unpacked "$cache"
echo "$cache/$share"
