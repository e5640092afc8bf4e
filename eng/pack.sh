#!/bin/sh
# Makes the NuGet packages EdgeLite, EdgeLite.Cuda (kernels for linux-x64 and linux-arm64) and EdgeLite.Converter (the command edgelite as
# a .NET tool) in artifacts/nuget.
# usage: eng/pack.sh
set -eu
case ${1:-} in
    '') ;;
    -h | --help) sed -n '2,4s/^# //p' "$0"; exit 0 ;;
    *) echo "pack.sh: unexpected argument '$1'" >&2; exit 1 ;;
esac
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
for rid in linux-x64 linux-arm64; do
    eng/install-dependencies.sh build "$rid"
    eng/build-kernels.sh "$rid"
    eng/build-cuda.sh "$rid"
done
rm -rf artifacts/nuget
for project in runtime/EdgeLite.Runtime targets/nuget/EdgeLite.Cuda converter/EdgeLite.Converter; do
    dotnet pack "$project.csproj" -c Release -o artifacts/nuget -v quiet
done
for file in artifacts/nuget/*.nupkg; do printf '%10s bytes  %s\n' "$(wc -c <"$file")" "$file"; done
