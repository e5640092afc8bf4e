#!/bin/sh
# Installs what is missing on Debian or Ubuntu. Does nothing, and asks for nothing, when all is there.
# usage: eng/install-dependencies.sh build|test|demo|bench [linux-x64|linux-arm64]
set -eu
purpose=${1:-build}
rid=${2:-linux-x64}

if ! command -v dotnet >/dev/null 2>&1; then
    echo "The .NET SDK 10 is missing. Install it from https://dotnet.microsoft.com/download (or 'apt-get install dotnet-sdk-10.0' where the distribution has it) and put 'dotnet' on the PATH." >&2
    exit 1
fi
if ! dotnet --version >/dev/null 2>&1; then
    echo "The .NET SDK $(sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' "$(dirname -- "$0")/../global.json") or newer is needed (global.json); 'dotnet --list-sdks' shows: $(dotnet --list-sdks 2>/dev/null | tr '\n' ' ')" >&2
    exit 1
fi

missing=
# need PACKAGE PROGRAM-OR-FILE
need() {
    case $2 in
        /*) [ -e "$2" ] || missing="$missing $1" ;;
        *) command -v "$2" >/dev/null 2>&1 || missing="$missing $1" ;;
    esac
}
need gcc gcc
need libc6-dev /usr/include/stdio.h
need cmake cmake
need ninja-build ninja
need zlib1g-dev /usr/include/zlib.h
case $purpose in
    test) need python3 python3; need binutils nm; need clang-19 clang-19; need musl-tools musl-gcc ;;
    demo | bench) need npm npm; need tar tar ;;
esac
if [ "$rid" = linux-arm64 ] && [ "$(uname -m)" != aarch64 ]; then
    need clang-19 clang-19
    need lld-19 lld-19
    need gcc-aarch64-linux-gnu aarch64-linux-gnu-gcc
    need binutils-aarch64-linux-gnu aarch64-linux-gnu-objcopy
    need libc6-dev-arm64-cross /usr/aarch64-linux-gnu/include/stdio.h
    [ "$purpose" != test ] || need qemu-user qemu-aarch64
fi
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "These are missing, and there is no apt-get to install them:$missing" >&2
    exit 1
fi
sudo=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "These are missing; install them as root: apt-get install$missing" >&2; exit 1; }
    sudo=sudo
fi
echo "installing:$missing"
$sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
