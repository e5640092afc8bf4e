#!/bin/sh
# Time of TFLite's int8 files in EdgeLite against EdgeLite's own int8 of the float files of the same networks: the fastest of all runs of both in
# turn, one thread. Int8 inputs and outputs on both sides. Exit status 1 where one of TFLite's is slower by more than 3 % and 0.1 us.
# usage: bench/tflite-int8.sh [ROUNDS]     needs ./build.sh, and the folder of models that EDGELITE_SHARED names (../shared)
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
case ${1:-} in -h | --help) sed -n '2,4s/^# //p' "$0"; exit 0 ;; esac
rounds=${1:-10}
zoo=${EDGELITE_SHARED:-$root/../shared}/zoo/tflite
tools=$root/artifacts/linux-x64 bench=$root/artifacts/bench/tflite-int8
[ -d "$zoo" ] || { echo "tflite-int8.sh: there is no folder '$zoo'" >&2; exit 1; }
[ -x "$tools/edgelite-run" ] || { echo "tflite-int8.sh: run ./build.sh first" >&2; exit 1; }
mkdir -p "$bench"

# microseconds FILE: the fastest of 2000 runs
microseconds() { "$tools/edgelite-run" bench "$1" --threads 1 --warmup 200 --runs 2000 --json | sed -n 's/.*"min_ms": *\([0-9.]*\).*/\1/p' | awk '{ print $1 * 1000 }'; }

printf '%-18s %12s %12s\n' model "TFLite's, us" "ours, us"
slow=0
for model in tiny_resnet8 tiny_vww tiny_ad01 tflm_hello_world tflm_mnist_lstm; do
    "$tools/edgelite" convert "$zoo/${model}_int8/model.tflite" -o "$bench/theirs.edgl" >/dev/null 2>&1
    "$tools/edgelite" convert "$zoo/${model}_fp32/model.tflite" -o "$bench/ours.edgl" --quantize int8 --int8-io --calibrate random >/dev/null 2>&1
    : >"$bench/theirs.us"
    : >"$bench/ours.us"
    for _ in $(seq "$rounds"); do
        microseconds "$bench/theirs.edgl" >>"$bench/theirs.us"
        microseconds "$bench/ours.edgl" >>"$bench/ours.us"
    done
    theirs=$(sort -g "$bench/theirs.us" | head -1) ours=$(sort -g "$bench/ours.us" | head -1)
    printf '%-18s %12s %12s\n' "$model" "$theirs" "$ours"
    awk -v a="$theirs" -v b="$ours" 'BEGIN { exit !(a > 1.03 * b + 0.1) }' && slow=1 && echo "    TFLite's is slower" || :
done
exit $slow
