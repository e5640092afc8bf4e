#!/bin/sh
# Installs what is missing, builds, runs every test. The last line is "N passed, N failed, N skipped".
# usage: ./test.sh [--quick]     --quick: the inner loop; no ahead-of-time build, no Arm, no conformance suite
set -u
root=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
cd "$root" || exit 1
quick=0
case ${1:-} in
    "") ;;
    --quick) quick=1 ;;
    -h | --help) sed -n '2,3s/^# //p' "$0"; exit 0 ;;
    *) echo "test.sh: unknown option '$1'" >&2; exit 1 ;;
esac
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
passed=0 failed=0 skipped=0
results=$root/artifacts/test-results
rm -rf "$results"
mkdir -p "$results"

section() { printf '\n== %s\n' "$1"; }
count() { passed=$((passed + $1)); failed=$((failed + $2)); skipped=$((skipped + $3)); }
# step NAME COMMAND..: a step that must succeed, and counts only when it fails.
step() {
    name=$1
    shift
    section "$name"
    "$@" && return 0
    echo "FAILED: $name"
    count 0 1 0
    return 1
}
finish() {
    printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
}

# native_tests RID: every C test of the kernels, one line each, as many at once as there are processors; Arm ones run under qemu.
native_tests() {
    export rid="$1" runner="" results
    if [ "$rid" = linux-arm64 ] && [ "$(uname -m)" != aarch64 ]; then runner="qemu-aarch64 -cpu max -E EL_EMULATED=1 -L /usr/aarch64-linux-gnu"; fi
    # shellcheck disable=SC2016
    for source in kernels-native/tests/*.c; do basename "$source" .c; done | xargs -P "$(nproc)" -I NAME sh -c '
        start=$(date +%s)
        if timeout 600 $runner "build/$rid/kernels-native/NAME" >"$results/$rid-NAME.log" 2>&1; then
            echo "passed  NAME ($rid, $(($(date +%s) - start)) s)"
        else
            echo "FAILED  NAME ($rid); the end of its output:
$(tail -20 "$results/$rid-NAME.log")"
        fi' | tee "$results/$rid-native.log"
    good=$(grep -c '^passed ' "$results/$rid-native.log")
    set -- kernels-native/tests/*.c
    count "$good" $(($# - good)) 0
}

step "what is missing is installed" eng/install-dependencies.sh test linux-x64 || finish
if [ $quick -eq 0 ]; then step "what is missing for Arm is installed" eng/install-dependencies.sh test linux-arm64 || finish; fi

step "native kernels and their tests are built (linux-x64)" eng/build-kernels.sh linux-x64 all || finish
section "native kernel tests (linux-x64)"
native_tests linux-x64

if [ $quick -eq 0 ]; then
    if step "native kernels and their tests are built (linux-arm64)" eng/build-kernels.sh linux-arm64 all; then
        section "native kernel tests (linux-arm64 under qemu)"
        native_tests linux-arm64
    fi
    step "what people ship is built (linux-x64)" ./build.sh linux-x64
    step "what people ship is built (linux-arm64)" ./build.sh linux-arm64
    step "the device program without libraries is built" eng/build-static.sh linux-x64
    step "packages are made" eng/pack.sh
fi

configuration=Release
[ $quick -eq 0 ] || configuration=Debug
step "the solution is built ($configuration)" dotnet build EdgeLite.sln -c $configuration -v quiet || finish

section "tests of converter, runtime and targets"
dotnet test tests/EdgeLite.Tests -c $configuration --no-build --logger "trx;LogFileName=tests.trx" --results-directory "$results" \
    --blame-hang-timeout 10m
if [ -f "$results/tests.trx" ]; then
    counters=$(grep -o '<Counters [^>]*>' "$results/tests.trx")
    counter() { printf '%s' "$counters" | sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p"; }
    count "$(counter passed)" "$(($(counter executed) - $(counter passed)))" "$(($(counter total) - $(counter executed)))"
else
    echo "FAILED: dotnet test ended without a result"
    count 0 1 0
fi

# conformance NAME PATH.. [OPTION..]: ONNX backend tests, each counts.
conformance() {
    name=$1
    shift
    section "ONNX backend conformance: $name"
    start=$(date +%s)
    dotnet tests/Conformance/bin/$configuration/net10.0/conformance.dll "$@" --failed >"$results/conformance.log" 2>&1
    totals=$(sed -n 's/^all  *\([0-9]*\)  *\([0-9]*\)  *\([0-9]*\)$/\1 \2 \3/p' "$results/conformance.log" | tail -1)
    if [ -n "$totals" ]; then
        grep '^FAIL ' "$results/conformance.log"
        echo "conformance: passed, failed, skipped: $totals ($(($(date +%s) - start)) s)"
        # shellcheck disable=SC2086
        count $totals
    else
        echo "FAILED: the conformance runner ended without a report"
        tail -5 "$results/conformance.log"
        count 0 1 0
    fi
}

if [ $quick -eq 0 ]; then
    suites=${EDGELITE_SHARED:-$(dirname "$root")/shared}/conformance/onnx
    [ -d "$suites" ] || suites=$root/shared/conformance/onnx
    if [ -d "$suites" ]; then
        conformance "reference loops" "$suites"/*.tar.xz
        conformance "passes, lowering, model file and session on the CPU" "$suites"/*.tar.xz --session
        # The sets that this processor lacks run as the best one that it has.
        for isa in scalar avx2 avx512; do
            [ "$(uname -m)" = x86_64 ] || break
            export EDGELITE_MAX_ISA=$isa
            conformance "a session of at most $isa" "$suites"/*.tar.xz --session
        done
        unset EDGELITE_MAX_ISA
        # A GPU where there is one, otherwise the emulated driver.
        ldconfig -p 2>/dev/null | grep -q 'libcuda\.so\.1' || export EDGELITE_CUDA_DRIVER="$root/build/linux-x64-cuda/libel_cuda_emulated.so"
        LD_LIBRARY_PATH=$root/build/linux-x64-cuda conformance "the same on the device cuda" "$suites"/*.tar.xz --session --device cuda
        [ ! -f artifacts/linux-x64/libedgelite.so ] || conformance "the same through libedgelite.so" "$suites"/*.tar.xz --library artifacts/linux-x64/libedgelite.so
        if [ -f artifacts/linux-arm64/libedgelite.so ]; then
            compiler=gcc emulator=
            [ "$(uname -m)" = aarch64 ] || { compiler=aarch64-linux-gnu-gcc emulator="qemu-aarch64 -cpu max -L /usr/aarch64-linux-gnu"; }
            step "the server of models is built (linux-arm64)" $compiler -std=c11 -O2 -Wall -Wextra -Werror tests/capi/serve.c -Iartifacts/include \
                artifacts/linux-arm64/libedgelite.so "-Wl,-rpath,$root/artifacts/linux-arm64" -o artifacts/serve-arm64 &&
                conformance "every 16th test through libedgelite.so on Arm" "$suites"/*.tar.xz --every 16 --serve "$emulator artifacts/serve-arm64"
        fi
    else
        section "ONNX backend conformance"
        echo "skipped: the suite is not there (folder conformance/onnx beside the repository in 'shared', or where EDGELITE_SHARED says)"
        count 0 0 1
    fi
    if debian=$(eng/debian-testdata.sh 2>"$results/debian.log"); then
        conformance "Debian's libonnx-testdata, reference loops" "$debian"
        conformance "Debian's libonnx-testdata, sessions" "$debian" --session
    else
        section "ONNX backend conformance: Debian's libonnx-testdata"
        echo "skipped: $(cat "$results/debian.log")"
        count 0 0 1
    fi
fi

# A build for one model only: small enough, and with the same result as the whole library's program.
wake_words=${EDGELITE_SHARED:-$(dirname "$root")/shared}/zoo/tflite/tiny_vww_int8
if [ $quick -eq 0 ] && [ -d "$wake_words" ] && [ -f artifacts/linux-x64/edgelite-run ]; then
    section "a build for one model"
    only=artifacts/.for-one-model
    rm -rf "$only"
    mkdir -p "$only"
    artifacts/linux-x64/edgelite convert "$wake_words/model.tflite" -o "$only/model.edgl" --json >"$only/convert.json"
    eng/build-for-model.sh "$only" linux-x64 "$only/model.edgl"
    good=0
    [ "$(wc -c <"$only/libedgelite.so")" -gt 1800000 ] || good=$((good + 1))
    artifacts/linux-x64/edgelite-run run "$only/model.edgl" --in "$wake_words/input.npy" --out "$only/whole" >/dev/null
    "$only/edgelite-run" run "$only/model.edgl" --in "$wake_words/input.npy" --out "$only/only" >/dev/null
    if cmp -s "$only/whole/"*.npy "$only/only/"*.npy; then good=$((good + 1)); fi
    # A name that no operator has must not go by.
    if dotnet build runtime/EdgeLite.Runtime.csproj --artifacts-path "$only/build/net" -v quiet -p:EdgeLiteOperators=Conv+Konv >"$only/wrong.log" 2>&1; then
        echo "FAILED: a build for the operator Konv went by"
    elif grep -q 'EDGELITE001.*Konv' "$only/wrong.log"; then good=$((good + 1)); else tail -5 "$only/wrong.log"; fi
    count $good $((3 - good)) 0
fi
finish
