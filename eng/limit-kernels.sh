#!/bin/sh
# Makes the table of a build with some kernels only: an object that, linked before libel_kernels.a, takes the place of the table there.
# usage: eng/limit-kernels.sh linux-x64|linux-arm64 LIST OUTPUT.o     LIST: lines "kernel NAME" (edgelite inspect MODEL.edgl --needs)
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
rid=$1 list=$2 output=$3
table=$root/build/$rid/kernels-native/el_table.c
compiler=gcc
if [ "$rid" = linux-arm64 ] && [ "$(uname -m)" != aarch64 ]; then compiler=aarch64-linux-gnu-gcc; fi
mkdir -p "$(dirname "$output")"
source=${output%.o}.c
# Rows of the table are lines EL_ROW("name", ...); a list that names a kernel there is not is wrong.
awk -v list="$list" '
    BEGIN { while ((getline line < list) > 0) if (sub(/^kernel /, "", line)) wanted[line] = 0 }
    /^    EL_ROW\("/ { split($0, part, "\""); if (!(part[2] in wanted)) next; wanted[part[2]]++ }
    { print }
    END { for (name in wanted) if (!wanted[name]) { print "limit-kernels.sh: there is no kernel " name > "/dev/stderr"; exit 1 } }
' "$table" >"$source"
$compiler -std=c11 -O2 -fPIC -fvisibility=hidden -I"$root/kernels-native/include" -I"$root/kernels-native/common" -c "$source" -o "$output"
