#!/bin/sh
# Builds what people ship into artifacts/<RID>: edgelite (the converter, needs the .NET runtime), edgelite-run and libedgelite.so
# (native, need nothing), for Arm edgelite-watch of targets/raspberry-pi and edgelite-jetson of targets/jetson too, and
# artifacts/include/edgelite.h with artifacts/cmake for find_package(EdgeLite).
# usage: ./build.sh [linux-x64|linux-arm64]
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
cd "$root"
rid=${1:-linux-x64}
case $rid in
    linux-x64 | linux-arm64) ;;
    -h | --help) sed -n '2,5s/^# //p' "$0"; exit 0 ;;
    *) echo "build.sh: unknown runtime identifier '$rid'; there are linux-x64 and linux-arm64" >&2; exit 1 ;;
esac
eng/install-dependencies.sh build "$rid"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
out=artifacts/$rid
staging=artifacts/.staging-$rid
rm -rf "$staging"
mkdir -p "$out" "$staging" artifacts/include artifacts/cmake

echo "== kernels ($rid)"
eng/build-kernels.sh "$rid"
# With those for GPUs the converter knows them, too. What makes them is needed for Arm anyway, but not for x64.
if command -v clang-19 >/dev/null 2>&1; then eng/build-cuda.sh "$rid"; fi

# publish PROJECT FILE: ahead-of-time compiles a project; only the program itself is kept.
publish() {
    echo "== $2 ($rid)"
    dotnet publish "$1" -c Release -r "$rid" -o "$staging/$2" -v quiet
    rm -f "$out/$2"
    cp "$staging/$2/$2" "$out/$2"
}
publish targets/edgelite-run/EdgeLite.Run.csproj edgelite-run
publish targets/libedgelite/EdgeLite.Native.csproj libedgelite.so
if [ "$rid" = linux-arm64 ]; then
    publish targets/raspberry-pi/EdgeLite.RaspberryPi.csproj edgelite-watch
    publish targets/jetson/EdgeLite.Jetson.csproj edgelite-jetson
fi
cp targets/libedgelite/include/edgelite.h artifacts/include/edgelite.h
cp targets/libedgelite/cmake/EdgeLiteConfig.cmake artifacts/cmake/
version=$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' Directory.Build.props)
sed "s/@VERSION@/$version/" targets/libedgelite/cmake/EdgeLiteConfigVersion.cmake.in >artifacts/cmake/EdgeLiteConfigVersion.cmake

echo "== edgelite ($rid)"
dotnet publish converter/EdgeLite.Converter.csproj -c Release -o "$staging/converter" -p:UseAppHost=false -p:NativeRid="$rid" -v quiet
rm -rf "$out/converter"
mv "$staging/converter" "$out/converter"
cp eng/edgelite-launcher.sh "$out/edgelite"
chmod +x "$out/edgelite"
rm -rf "$staging"

echo "== $out"
for file in edgelite edgelite-run libedgelite.so edgelite-watch edgelite-jetson; do
    [ ! -f "$out/$file" ] || printf '%10s bytes  %s\n' "$(wc -c <"$out/$file")" "$out/$file"
done
