#!/bin/sh
# Starts the converter that lies beside this script in the folder "converter".
here=$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
dotnet=${DOTNET_ROOT:+$DOTNET_ROOT/dotnet}
if [ -z "$dotnet" ] || [ ! -x "$dotnet" ]; then dotnet=$(command -v dotnet) || {
    echo "edgelite: the converter needs the .NET 10 runtime (https://dotnet.microsoft.com/download); edgelite-run and libedgelite.so do not" >&2
    exit 1
}; fi
exec "$dotnet" "$here/converter/edgelite.dll" "$@"
