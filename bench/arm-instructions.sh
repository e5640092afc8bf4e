#!/bin/sh
# Instructions that one inference executes on an emulated Cortex-A76, EdgeLite's and those of ONNX Runtime's linux-arm64 library.
# usage: bench/arm-instructions.sh [--half] [MODEL[:FILE.onnx]..]   names of artifacts/bench/MODEL.edgl and MODEL.onnx, which bench/run.sh makes; all when none
#                                                                  is given. Of published models only the first is there: FILE.onnx is then what was fetched
# --half: a column more, of the same models converted with --quantize half; qemu emulates arithmetic of float16 slowly (resnet50: ten minutes).
# One thread; the difference between two and one inferences more, so that starting cancels out. A count repeats nearly to the instruction, and says
# nothing of cycles: bench/neon-ports.sh does that for the inner loops.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
half=0
case ${1:-} in
    -h | --help) sed -n '2,7s/^# //p' "$0"; exit 0 ;;
    --half) half=1; shift ;;
esac
command -v qemu-aarch64 >/dev/null || { echo "arm-instructions.sh: qemu-aarch64 is not installed (Debian: qemu-user)" >&2; exit 1; }
models=$root/artifacts/bench
if [ $# -eq 0 ]; then
    for file in "$models"/*.edgl; do set -- "$@" "$(basename "$file" .edgl)"; done
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$root/build.sh" linux-arm64 >/dev/null
edgelite_run=$root/artifacts/linux-arm64/edgelite-run
dotnet build "$root/converter/EdgeLite.Converter.csproj" -c Release -v quiet >/dev/null
converter=$root/converter/bin/Release/net10.0/edgelite.dll
peer=$(dotnet msbuild "$root/bench/peers/EdgeLite.Bench.csproj" -getProperty:PkgMicrosoft_ML_OnnxRuntime)
aarch64-linux-gnu-gcc -O2 -Wall -Wextra -Werror "-I$peer/build/native/include" "$root/bench/peers/ort_start.c" -o "$work/ort_start" -ldl
gcc -shared -fPIC -O2 -Wall -Wextra -Werror "$root/bench/native/count_instructions.c" -o "$work/count.so"

# ONNX Runtime looks at the processor in /proc/cpuinfo and fails on one that is not Arm's.
mkdir -p "$work/system/proc"
cp -r /usr/aarch64-linux-gnu/lib "$work/system/"
for core in 0 1; do
    printf 'processor\t: %s\nFeatures\t: fp asimd aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp\n' $core
    printf 'CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x4\nCPU part\t: 0xd0b\nCPU revision\t: 1\n\n'
done >"$work/system/proc/cpuinfo"

# inference COMMAND..: instructions of the second of two inferences; their number is the command's last argument. Nothing, and what the
# program said, when it fails.
inference() {
    before=0
    for runs in 1 2; do
        if ! qemu-aarch64 -cpu cortex-a76 -plugin "$work/count.so" -L "$work/system" "$@" $runs >/dev/null 2>"$work/said"; then
            sed 's/^/    /' "$work/said" >&2
            return 0
        fi
        count=$(sed -n 's/^instructions //p' "$work/said")
        [ $runs -eq 2 ] || before=$count
    done
    echo $((count - before))
}

printf '%-28s %14s %14s %6s' model EdgeLite "ONNX Runtime" ratio
[ $half -eq 0 ] || printf ' %14s' "EdgeLite half"
echo
for model in "$@"; do
    name=${model%%:*}
    own=$(inference "$edgelite_run" bench "$models/$name.edgl" --threads 1 --warmup 0 --runs)
    onnx=${model#"$name"} other=
    onnx=${onnx#:}
    : "${onnx:=$models/$name.onnx}"
    if [ -f "$onnx" ]; then
        inputs=$(dotnet "$converter" inspect "$models/$name.edgl" --json | sed 's/"outputs":.*//' | grep -o '"name":"[^"]*","dtype":"[^"]*","shape":"[^"]*"' \
            | sed 's/"name":"\([^"]*\)","dtype":"[^"]*","shape":"\[\([^]]*\)\]"/\1=\2/; s/,/x/g')
        # shellcheck disable=SC2086
        other=$(inference "$work/ort_start" "$peer/runtimes/linux-arm64/native/libonnxruntime.so" "$onnx" all $inputs)
    fi
    ratio=-
    [ -z "$own" ] || [ -z "$other" ] || ratio=$(awk "BEGIN { printf \"%.2f\", $own / $other }")
    printf '%-28s %14s %14s %6s' "$name" "${own:--}" "${other:--}" "$ratio"
    if [ $half -eq 1 ]; then
        count=
        case $name in *.int8) ;; *)
            if [ -f "$onnx" ] && dotnet "$converter" convert "$onnx" -o "$work/half.edgl" --quantize half --samples 1 >/dev/null; then
                count=$(inference "$edgelite_run" bench "$work/half.edgl" --threads 1 --warmup 0 --runs)
            fi ;;
        esac
        printf ' %14s' "${count:--}"
    fi
    echo
done
