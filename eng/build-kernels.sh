#!/bin/sh
# Builds the native kernels for one runtime identifier into build/<RID>; does nothing when they are up to date.
# usage: eng/build-kernels.sh linux-x64|linux-arm64 [all]     all: their tests and benchmarks too
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
rid=${1:-linux-x64}
case $rid in
    linux-x64 | linux-arm64) ;;
    -h | --help) sed -n '2,3s/^# //p' "$0"; exit 0 ;;
    *) echo "build-kernels.sh: unknown runtime identifier '$rid'; there are linux-x64 and linux-arm64" >&2; exit 1 ;;
esac
goals="--target el_kernels el_kernels_shared"
[ "${2:-}" != all ] || goals=
build="$root/build/$rid"
mkdir -p "$build"
# Projects built in parallel share this folder.
exec 9>"$build/.lock"
flock 9
if [ ! -f "$build/CMakeCache.txt" ]; then
    set -- -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release
    if command -v ninja >/dev/null 2>&1; then set -- "$@" -G Ninja; fi
    if [ "$rid" = linux-arm64 ] && [ "$(uname -m)" != aarch64 ]; then
        set -- "$@" "-DCMAKE_TOOLCHAIN_FILE=$root/eng/toolchain-linux-arm64.cmake"
    fi
    cmake "$@" >/dev/null
fi
# shellcheck disable=SC2086
cmake --build "$build" $goals -j "$(nproc)" >"$build/build.log" 2>&1 || {
    cat "$build/build.log" >&2
    exit 1
}
