#!/bin/sh
# Assembles the PTX of every architecture, as it is embedded, with NVIDIA's own assembler, ptxas, where a developer has it on PATH (it is part of the CUDA toolkit,
# which the project neither needs nor installs), and shows what each kernel takes: registers of a thread, bytes of stack, spilled and
# shared memory; with nvdisasm beside it also the instructions of the loop that multiplies most.
# usage: eng/ptxas.sh [-q] [ARCH..]      -q: only totals; ARCH: 53 72 80 87 90 (all). Exit status 3: there is no ptxas.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
quiet=0
case ${1:-} in
    -h | --help) sed -n '2,5s/^# //p' "$0"; exit 0 ;;
    -q) quiet=1; shift ;;
esac
if ! command -v ptxas >/dev/null 2>&1; then
    echo "ptxas.sh: there is no ptxas on PATH; it is part of NVIDIA's CUDA toolkit" >&2
    exit 3
fi
[ $# -gt 0 ] || set -- 53 72 80 87 90
build=$root/build/linux-x64-cuda
"$root/eng/build-cuda.sh" linux-x64
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ptxas --version | sed -n 's/^Cuda compilation tools, /ptxas: /p'
for arch in "$@"; do
    ptxas -v -arch="sm_$arch" "$build/el_$arch.min.ptx" -o "$work/el.cubin" 2>"$work/info" || { grep error "$work/info" >&2; exit 1; }
    if command -v nvdisasm >/dev/null 2>&1; then nvdisasm -c "$work/el.cubin" >"$work/sass"; else : >"$work/sass"; fi
    # First the listing: of the loops (a backward branch to a label of the same kernel) the one that has most products.
    awk -v arch="$arch" -v quiet="$quiet" '
        FILENAME ~ /sass$/ {
            if ($1 ~ /^\.text\.el_/) { kernel = substr($1, 7); sub(/:$/, "", kernel); split("", at); ffma = mma = dp = lds = ldg = all = 0; next }
            if ($1 ~ /^\.L_x_[0-9]+:$/) { label = substr($1, 1, length($1) - 1); at[label] = ffma " " mma " " dp " " lds " " ldg " " all; next }
            if ($1 !~ /^\/\*[0-9a-f]+\*\/$/) next
            op = $2 ~ /^@/ ? $3 : $2
            all++
            if (op ~ /^FFMA/) ffma++; else if (op ~ /^[HI]MMA/) mma++; else if (op ~ /^IDP/) dp++
            else if (op ~ /^LDS/) lds++; else if (op ~ /^LDG/) ldg++
            if (op == "BRA" && match($0, /\.L_x_[0-9]+/)) {
                label = substr($0, RSTART, RLENGTH)
                if (label in at) {
                    split(at[label], then, " ")
                    products = ffma - then[1] + 64 * (mma - then[2]) + 4 * (dp - then[3])
                    if (products > most[kernel]) {
                        most[kernel] = products
                        loop[kernel] = sprintf("%5d %5d %5d %5d %5d %5d", ffma - then[1], mma - then[2], dp - then[3], lds - then[4], ldg - then[5], all - then[6])
                    }
                }
            }
            next
        }
        /Compiling entry function/ { split($0, quoted, "\047"); entry = quoted[2]; stack = ""; next }
        /bytes stack frame/ && stack == "" { stack = $1; spilled = $5 + $9; next }
        / Used [0-9]+ registers/ {
            for (i = 1; i < NF; i++) { if ($i == "Used") registers = $(i + 1); if ($(i + 2) ~ /^smem/) shared = $i }
            entries++; if (registers > largest) largest = registers
            stacks += stack; spills += spilled
            row[entries] = sprintf("%-30s %4d %6d %6d %7d   %s", entry, registers, stack, spilled, shared, loop[entry])
            shared = 0
        }
        END {
            printf "sm_%s: %d kernels assembled, at most %d registers, %d bytes of stack, %d spilled\n", arch, entries, largest, stacks, spills
            if (quiet) exit
            printf "%-30s %4s %6s %6s %7s   %5s %5s %5s %5s %5s %5s\n", "", "regs", "stack", "spill", "shared", "ffma", "mma", "dp4a", "lds", "ldg", "all"
            for (i = 1; i <= entries; i++) print row[i]
        }' "$work/sass" "$work/info"
done
