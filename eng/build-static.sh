#!/bin/sh
# Builds edgelite-run as artifacts/<RID>/static/edgelite-run, which needs no library of the system: for Alpine, OpenWrt, and what has a glibc
# older than 2.27. It cannot open a GPU's driver, and is 1.1 MB larger.
# usage: eng/build-static.sh [linux-x64|linux-arm64]
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
rid=${1:-linux-x64}
case $rid in
    linux-x64 | linux-arm64) ;;
    -h | --help) sed -n '2,4s/^# //p' "$0"; exit 0 ;;
    *) echo "build-static.sh: unknown runtime identifier '$rid'; there are linux-x64 and linux-arm64" >&2; exit 1 ;;
esac
"$root/eng/install-dependencies.sh" build "$rid"
"$root/eng/build-kernels.sh" "$rid"
out=$root/artifacts/$rid/static
work=$root/build/$rid/static
mkdir -p "$out"
DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 dotnet publish "$root/targets/edgelite-run/EdgeLite.Run.csproj" -c Release -r "$rid" \
    --artifacts-path "$work" -o "$work/publish" -p:EdgeLiteStatic=true -v quiet
cp "$work/publish/edgelite-run" "$out/.edgelite-run"
mv "$out/.edgelite-run" "$out/edgelite-run"
printf '%10s bytes  %s\n' "$(wc -c <"$out/edgelite-run")" "artifacts/$rid/static/edgelite-run"
