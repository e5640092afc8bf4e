#!/bin/sh
# What the CUDA device costs a program: size of edgelite-run and libedgelite.so without and with it, and the time from the start of a process to the end of its first inference,
# on the processor (--device cpu), turn by turn.
# usage: bench/cuda-cost.sh MODEL.edgl [ROUNDS]       median and minimum of ROUNDS (40) processes
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
case ${1:-} in -h | --help | '') sed -n '2,4s/^# //p' "$0"; [ "${1:-}" ] || exit 1; exit 0 ;; esac
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
rid=linux-x64
[ "$(uname -m)" != aarch64 ] || rid=linux-arm64
work=$root/artifacts/cuda-cost
mkdir -p "$work"
"$root/eng/build-kernels.sh" "$rid" >&2
for cuda in false true; do
    for target in edgelite-run/EdgeLite.Run libedgelite/EdgeLite.Native; do
        # The two builds share their intermediate files.
        rm -rf "$root/targets/${target%/*}/obj/Release/net10.0/$rid/native" "$root/targets/${target%/*}/bin/Release/net10.0/$rid/native"
        dotnet publish "$root/targets/$target.csproj" -c Release -r "$rid" -p:EdgeLiteCuda=$cuda -o "$work/$cuda" -v quiet >&2
    done
done
gcc -O2 -Wall -Wextra -Werror "$root/bench/peers/process_times.c" -o "$work/process_times"
printf '%-28s %12s %12s\n' bytes 'without CUDA' 'with'
for file in edgelite-run libedgelite.so; do printf '%-28s %12s %12s\n' "$file" "$(stat -c %s "$work/false/$file")" "$(stat -c %s "$work/true/$file")"; done
"$work/process_times" "${2:-40}" "$work/false/edgelite-run" bench "$1" --runs 0 --device cpu -- "$work/true/edgelite-run" bench "$1" --runs 0 --device cpu |
    awk '{ median[NR] = $1 / 1e6; least[NR] = $2 / 1e6 } END {
        printf "%-28s %12.2f %12.2f\n%-28s %12.2f %12.2f\n", "start, median ms", median[1], median[2], "start, minimum ms", least[1], least[2] }'
