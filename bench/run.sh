#!/bin/sh
# EdgeLite beside ONNX Runtime: builds what it needs, fetches models, prints two tables (speed, start).
# usage: bench/run.sh [--write] [--json] [--rounds N] [--starts N] [--threads 1,2] [--no-int8] [--no-speed] [--no-start] [MODEL..]
#   --write      both tables into docs/performance.md, a picture beside   --json       one JSON object instead of tables
#   --rounds N   rounds of about 50 ms for each engine (15)     --starts N   processes for each engine (30)
#   MODEL        published, classic, tflite, one model of them (resnet50 ..), or a file, MODEL.onnx[:INPUT=1x3x64x64..]; all when none is given
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
case ${1:-} in -h | --help) sed -n '2,6s/^# //p' "$0"; exit 0 ;; esac
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
rid=linux-x64
[ "$(uname -m)" != aarch64 ] || rid=linux-arm64
bench=$root/artifacts/bench
project=$root/bench/peers/EdgeLite.Bench.csproj
mkdir -p "$bench"
{
    "$root/eng/install-dependencies.sh" bench "$rid"
    "$root/eng/build-kernels.sh" "$rid"
    dotnet publish "$root/targets/edgelite-run/EdgeLite.Run.csproj" -c Release -r "$rid" -o "$bench/.staging" -v quiet
    dotnet build "$project" -c Release -v quiet -p:KernelsRid="$rid"
    peer=$(dotnet msbuild "$project" -getProperty:PkgMicrosoft_ML_OnnxRuntime)
    gcc -O2 -Wall -Wextra -Werror "$root/bench/peers/process_times.c" -o "$bench/process_times"
    gcc -O2 -Wall -Wextra -Werror "-I$peer/build/native/include" "$root/bench/peers/ort_start.c" -o "$bench/ort_start" -ldl
} >&2
exec dotnet "$root/bench/peers/bin/Release/net10.0/edgelite-bench.dll" \
    --edgelite-run "$bench/.staging/edgelite-run" --ort-library "$peer/runtimes/$rid/native/libonnxruntime.so" "$@"
