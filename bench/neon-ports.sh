#!/bin/sh
# How near the inner loops of the NEON kernels come to the limit of the processor's ports, by llvm-mca's models of cores.
# usage: bench/neon-ports.sh [CORE..]       cortex-a72 and cortex-a76 when none is given
# For each kernel the innermost loop with the most multiply-adds is taken from the compiled object. "limit" is what the busiest resource takes
# alone, "cycles" what llvm-mca simulates; reached is their quotient. LLVM has one model for both cores.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
case ${1:-} in -h | --help) sed -n '2,5s/^# //p' "$0"; exit 0 ;; esac
mca=
for name in llvm-mca-19 llvm-mca-18 llvm-mca-17 llvm-mca; do
    if command -v "$name" >/dev/null 2>&1; then mca=$name; break; fi
done
[ -n "$mca" ] || { echo "neon-ports.sh: llvm-mca is not installed (Debian: llvm)" >&2; exit 1; }
"$root/eng/build-kernels.sh" linux-arm64
objects=$root/build/linux-arm64/kernels-native/CMakeFiles
objdump=aarch64-linux-gnu-objdump
[ "$(uname -m)" != aarch64 ] || objdump=objdump
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The innermost loop of FUNCTION that has the most multiply-adds, as assembly that llvm-mca reads; what it does under a condition is
# in it, jumps are not.
loop() {
    "$objdump" -d --no-show-raw-insn "$1" | awk -v function_name="$2" '
        $2 == "<" function_name ">:" || index($2, "<" function_name ".constprop.") == 1 { inside = 1; next }
        inside && NF == 0 { exit }
        inside {
            address = $1; sub(/:$/, "", address)
            at[address] = ++n
            text = $0; sub(/^[^\t]*\t/, "", text); sub(/ *(<|\/\/).*/, "", text)
            line[n] = text
            if (text ~ /^(b\.|cbnz|cbz|tbnz|tbz|b\t)/) { target[n] = text; sub(/.*[ \t,]/, "", target[n]) }
        }
        END {
            for (i = 1; i <= n; i++) {
                if (!(i in target) || !(target[i] in at) || at[target[i]] >= i) continue
                first = at[target[i]]; macs = 0; straight = 1
                for (k = first; k < i; k++) if ((k in target) && (target[k] in at) && at[target[k]] <= k) straight = 0
                if (!straight) continue
                for (k = first; k <= i; k++) if (line[k] ~ /^(fmla|fmls|sdot|smlal|smull|sadalp|smmla)/) macs++
                if (macs > most) { most = macs; begin = first; end = i }
            }
            if (most) for (k = begin; k < end; k++) if (!(k in target)) print line[k]
        }'
}

printf '%-34s %-11s %5s %9s %9s %8s\n' kernel core instr limit cycles reached
while read -r object function_name; do
    file=$(find "$objects" -name "$object" -path "*neon*" | head -n 1)
    [ -n "$file" ] || { echo "neon-ports.sh: $object was not built" >&2; exit 1; }
    loop "$file" "$function_name" >"$work/loop.s"
    [ -s "$work/loop.s" ] || { echo "neon-ports.sh: no loop in $function_name of $object" >&2; exit 1; }
    for core in "${@:-cortex-a72 cortex-a76}"; do
        for one in $core; do
            "$mca" -mtriple=aarch64-linux-gnu -mcpu="$one" -mattr=+dotprod,+fullfp16 -iterations=1000 "$work/loop.s" >"$work/mca.txt"
            awk -v kernel="${object%.c.o} $function_name" -v core="$one" '
                /^Instructions:/ { instructions = $2 / 1000 }
                /^Total Cycles:/ { cycles = $3 / 1000 }
                /^Block RThroughput:/ { limit = $3 }
                END { printf "%-34s %-11s %5d %9.1f %9.1f %7.0f%%\n", kernel, core, instructions, limit, cycles, 100 * limit / cycles }' "$work/mca.txt"
        done
    done
done <<LIST
gemm_f32.neon.c.o run_packed
gemm_f32.neon.c.o run_4
gemm_f32.neon.c.o tile_6_1
gemm_f32.neon.c.o tile_3_2
gemm_f16.neonfp16.c.o tile_8_1
dwconv_f32.simd.c.o seven_3_1
dwconv_f32.simd.c.o four_3_2
dwconv_f32.simd.c.o four_5_2
dwconv_f16.neonfp16.c.o seven_3_1
qmat.neondot.c.o panel_finished
qmat.neon.c.o core
LIST
