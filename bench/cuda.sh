#!/bin/sh
# What can be checked and measured on a GPU, in two halves, as machines that have one often lack the tools.
# usage: bench/cuda.sh prepare [FOLDER]    on a machine with the .NET SDK and clang-19: programs, models and tests into FOLDER (artifacts/gpu, 50 MB)
#        bench/cuda.sh run [FOLDER]        on one with the GPU: needs its driver, xz, and PyTorch only for the comparison; about three minutes
# The sequence of `run`: what the GPU is; outputs of three networks against the processor's, float32, float16 and int8, batch 1 and 16; times; the same
# networks in PyTorch; the tests of the CUDA device; the ONNX backend tests where their archives are (EDGELITE_SHARED or shared/, conformance/onnx).
# Exit status 1: something failed.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
folder=${2:-$root/artifacts/gpu}
networks=${EDGELITE_NETWORKS:-resnet50 mobilenet_v2 vit_b_16}
case ${1:-} in
    prepare)
        rm -rf "$folder"
        mkdir -p "$folder/models"
        folder=$(CDPATH= cd -- "$folder" && pwd)
        "$root/eng/build-kernels.sh" linux-x64
        dotnet publish "$root/targets/edgelite-run/EdgeLite.Run.csproj" -c Release -r linux-x64 -p:EdgeLiteCuda=true -o "$folder/publish" -v quiet
        mv "$folder/publish/edgelite-run" "$folder/"
        gcc -O2 -Wall -Wextra -Werror "$root/bench/native/compare_npy.c" -o "$folder/compare_npy" -lm
        # The tests run where no SDK is: with the runtime of this machine, and what of its SDK runs tests.
        tests=$folder/tests sdk=$(dotnet --list-sdks | tail -1 | sed 's/\(.*\) \[\(.*\)\]/\2\/\1/')
        mkdir -p "$tests/dotnet/shared/Microsoft.NETCore.App" "$tests/vstest"
        dotnet build "$root/tests/EdgeLite.Tests/EdgeLite.Tests.csproj" -c Release -v quiet
        dotnet build "$root/tests/Conformance/EdgeLite.Conformance.csproj" -c Release -v quiet
        cp -r "$sdk/../../dotnet" "$sdk/../../host" "$tests/dotnet/"
        cp -r "$(ls -d "$sdk"/../../shared/Microsoft.NETCore.App/* | tail -1)" "$tests/dotnet/shared/Microsoft.NETCore.App/"
        (cd "$sdk" && cp -r ./*TestPlatform* vstest* testhost* Extensions Newtonsoft.Json.dll NuGet.Frameworks.dll Microsoft.Extensions.DependencyModel.dll \
            Microsoft.Extensions.FileSystemGlobbing.dll "$tests/vstest/")
        cp -r "$root/tests/EdgeLite.Tests/bin/Release/net10.0" "$tests/units"
        cp -r "$root/tests/Conformance/bin/Release/net10.0" "$tests/conformance"
        cp "$root/build/linux-x64-cuda/libel_cuda.so" "$tests/conformance/"
        rm -rf "$tests"/*/runtimes "$tests"/*/linux-x64 "$tests"/dotnet/shared/*/*/libcoreclrtraceptprovider.so "$tests"/dotnet/shared/*/*/libmscor*
        find "$folder" \( -name '*.pdb' -o -name '*.xml' -o -name '*.dbg' \) -delete
        (cd "$folder" && tar cf - tests | xz -3 -T0 >tests.tar.xz && rm -rf tests)
        dotnet build "$root/bench/peers/EdgeLite.Bench.csproj" -c Release -v quiet
        for batch in 1 16; do
            # shellcheck disable=SC2086
            dotnet "$root/bench/peers/bin/Release/net10.0/edgelite-bench.dll" --export "$folder/models" --batch $batch $networks
        done
        xz -T0 "$folder"/models/*
        rm -rf "$folder/publish"
        du -sh "$folder"
        ;;
    run)
        failed=0
        run=$folder/edgelite-run
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
        "$run" doctor
        for packed in "$folder"/models/*.xz; do xz -dc "$packed" >"$work/$(basename "$packed" .xz)"; done

        echo "== outputs against the processor's"
        # check MODEL TOLERANCE OPTION..
        check() {
            model=$1 tolerance=$2 batch=${1%.edgl}
            batch=${batch%_int8}
            input=$work/x_b${batch##*_b}.npy
            shift 2
            "$run" run "$model" --in "$input" --out "$work/cpu" --threads 0 >/dev/null
            "$run" run "$model" --in "$input" --out "$work/gpu" --device cuda "$@" >/dev/null || { failed=1; return 0; }
            for file in "$work"/cpu/*.npy; do
                printf '%-28s %-7s ' "$(basename "$model" .edgl)" "$*"
                "$folder/compare_npy" "$file" "$work/gpu/$(basename "$file")" "$tolerance" || failed=1
            done
            rm -rf "$work/cpu" "$work/gpu"
        }
        for model in "$work"/*.edgl; do
            case $model in
                */vit*_int8.edgl) check "$model" 1e-1 ;; # float32 between its integer layers, which round what differs in the last place
                *_int8.edgl) check "$model" 1e-6 ;;
                *) check "$model" 1e-4; check "$model" 2e-2 --half ;;
            esac
        done

        echo "== milliseconds"
        for model in "$work"/*.edgl; do
            name=$(basename "$model" .edgl)
            batch=${name%_int8}
            input=$work/x_b${batch##*_b}.npy
            "$run" bench "$model" --in "$input" --device cuda --warmup 20 --runs 100 --json || failed=1
            case $name in *_int8) ;; *) echo "$name --half"; "$run" bench "$model" --in "$input" --device cuda --half --warmup 20 --runs 100 --json || failed=1 ;; esac
        done
        for network in $networks; do "$run" profile "$work/${network}_b1.edgl" --device cuda --half --runs 20 | head -60; done

        echo "== PyTorch"
        # shellcheck disable=SC2086
        if python3 -c 'import torch, torchvision' 2>/dev/null; then python3 "$root/bench/peers/torch_speed.py" $networks || failed=1
        else echo "skipped: PyTorch is not installed"; fi

        echo "== tests of the CUDA device"
        xz -dc "$folder/tests.tar.xz" | tar xf - -C "$work"
        tests=$work/tests DOTNET_ROOT=$work/tests/dotnet
        export DOTNET_ROOT
        (cd "$tests/units" && "$DOTNET_ROOT/dotnet" "$tests/vstest/vstest.console.dll" EdgeLite.Tests.dll '--TestCaseFilter:FullyQualifiedName~Sessions.Cuda') || failed=1

        suites=${EDGELITE_SHARED:-$root/shared}/conformance/onnx
        if [ -d "$suites" ]; then
            echo "== ONNX backend tests on the GPU"
            "$DOTNET_ROOT/dotnet" "$tests/conformance/conformance.dll" "$suites"/*.tar.xz --filter '!image_decoder' --session --device cuda --failed || failed=1
        else
            echo "skipped: the ONNX backend tests are not in $suites"
        fi
        exit $failed
        ;;
    *)
        sed -n '2,8s/^# //p' "$0"
        [ "${1:-}" = --help ] || [ "${1:-}" = -h ] || exit 1
        ;;
esac
