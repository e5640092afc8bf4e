#!/bin/sh
# Builds edgelite-run and libedgelite.so with the operators and kernels of some models and nothing else, and prints the sizes.
# usage: eng/build-for-model.sh OUTPUT-FOLDER RID MODEL.edgl..      RID: linux-x64 or linux-arm64; needs ./build.sh linux-x64 before
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
[ $# -ge 3 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 1; }
mkdir -p "$1"
out=$(CDPATH= cd -- "$1" && pwd) rid=$2
shift 2
needs=$out/needs.txt
for model in "$@"; do "$root/artifacts/linux-x64/edgelite" inspect "$model" --needs; done | sort -u >"$needs"
"$root/eng/build-kernels.sh" "$rid"
table=
if ! grep -qxF 'kernel *' "$needs"; then
    table=$out/build/el_table.o
    "$root/eng/limit-kernels.sh" "$rid" "$needs" "$table"
fi
for project in edgelite-run/EdgeLite.Run libedgelite/EdgeLite.Native; do
    dotnet publish "$root/targets/$project.csproj" -c Release -r "$rid" --artifacts-path "$out/build/net" -o "$out/build/publish" -v quiet \
        "-p:EdgeLiteOperators=$needs" "-p:EdgeLiteKernelTable=$table"
done
for file in edgelite-run libedgelite.so; do
    cp "$out/build/publish/$file" "$out/$file"
    printf '%10s bytes  %s\n' "$(wc -c <"$out/$file")" "$out/$file"
done
