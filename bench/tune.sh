#!/bin/sh
# Measures on this device which kernels do the steps of models fastest, for everybody who converts for such a device: edgelite convert
# --target PROFILE takes the choices from targets/profiles/PROFILE.tuning. Run it on an idle device. It needs edgelite-run alone, from
# artifacts/ of this machine or named by EDGELITE_RUN; copied to a board, the table is written to the present folder.
# usage: bench/tune.sh PROFILE [--threads 1,4] [--rounds N] MODEL.edgl..
set -eu
case ${1:-} in "" | -h | --help) sed -n '2,5s/^# //p' "$0"; exit 0 ;; esac
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
rid=linux-x64
[ "$(uname -m)" != aarch64 ] || rid=linux-arm64
run=${EDGELITE_RUN:-$root/artifacts/$rid/edgelite-run}
folder=$root/targets/profiles
[ -d "$folder" ] || folder=.
table=$folder/$1.tuning
shift
threads=1 rounds=31
while [ $# -gt 0 ]; do
    case $1 in
        --threads) threads=$2; shift 2 ;;
        --rounds) rounds=$2; shift 2 ;;
        --*) echo "tune.sh: unknown option '$1'" >&2; exit 1 ;;
        *) break ;;
    esac
done
[ $# -gt 0 ] || { echo "tune.sh: no model is given" >&2; exit 1; }
one=$table.$$
trap 'rm -f "$one" "$one.all"' EXIT
echo "# bench/tune.sh: measured by edgelite-run tune, a machine of equal calls for each model" >"$one.all"
for model in "$@"; do
    for count in $(echo "$threads" | tr , ' '); do
        echo "$(basename "$model"), $count threads"
        "$run" tune "$model" --threads "$count" --rounds "$rounds" --table "$one" | tail -2
        echo "# $(basename "$model")" >>"$one.all"
        cat "$one" >>"$one.all"
    done
done
mv "$one.all" "$table"
echo "written to $table"
