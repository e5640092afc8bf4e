#!/bin/sh
# Builds the CUDA device for one runtime identifier into build/<RID>-cuda: libel_cuda.a, libel_cuda.so, PTX of every architecture, and on
# the machine's own architecture the emulated driver for tests. Needs clang-19, no part of the CUDA toolkit.
# usage: eng/build-cuda.sh linux-x64|linux-arm64
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
rid=${1:-linux-x64}
case $rid in
    linux-x64 | linux-arm64) ;;
    -h | --help) sed -n '2,4s/^# //p' "$0"; exit 0 ;;
    *) echo "build-cuda.sh: unknown runtime identifier '$rid'; there are linux-x64 and linux-arm64" >&2; exit 1 ;;
esac
build="$root/build/$rid-cuda"
if ! command -v clang-19 >/dev/null 2>&1; then
    echo "The CUDA device is compiled by clang-19, which is missing: apt-get install clang-19." >&2
    exit 1
fi
mkdir -p "$build"
# Projects built in parallel share this folder.
exec 9>"$build/.lock"
flock 9
if [ ! -f "$build/CMakeCache.txt" ]; then
    set -- -S "$root/kernels-native/cuda" -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19
    if command -v ninja >/dev/null 2>&1; then set -- "$@" -G Ninja; fi
    if [ "$rid" = linux-arm64 ] && [ "$(uname -m)" != aarch64 ]; then
        set -- "$@" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_C_COMPILER_TARGET=aarch64-linux-gnu \
            -DCMAKE_CXX_COMPILER_TARGET=aarch64-linux-gnu -DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY -DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld -DCMAKE_SHARED_LINKER_FLAGS=-fuse-ld=lld -DEL_CUDA_EMULATION=OFF
    fi
    cmake "$@" >/dev/null
fi
cmake --build "$build" -j "$(nproc)" >"$build/build.log" 2>&1 || {
    cat "$build/build.log" >&2
    exit 1
}
