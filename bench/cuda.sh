#!/bin/sh
# What can be checked and measured on a GPU, in two halves, as machines that have one often lack the tools.
# usage: bench/cuda.sh prepare [FOLDER]    on a machine with the .NET SDK and clang-19: programs and models into FOLDER (artifacts/gpu, 20 MB; FOLDER/tests, 60 MB)
#        bench/cuda.sh run [FOLDER]        on one with the GPU: needs its driver, gzip, and PyTorch only for the comparison; about five minutes
# The sequence of `run`: what the GPU is; outputs of three networks against the processor's, float32, float16 and int8, batch 1 and 16; the ONNX backend
# tests where their archives are (EDGELITE_SHARED or shared/, conformance/onnx); times; the same networks in PyTorch. Exit status 1: something failed.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
folder=${2:-$root/artifacts/gpu}
networks=${EDGELITE_NETWORKS:-resnet50 mobilenet_v2 vit_b_16}
case ${1:-} in
    prepare)
        rm -rf "$folder"
        mkdir -p "$folder/models"
        "$root/eng/build-kernels.sh" linux-x64
        dotnet publish "$root/targets/edgelite-run/EdgeLite.Run.csproj" -c Release -r linux-x64 -p:EdgeLiteCuda=true -o "$folder/publish" -v quiet
        mv "$folder/publish/edgelite-run" "$folder/"
        gcc -O2 -Wall -Wextra -Werror "$root/bench/native/compare_npy.c" -o "$folder/compare_npy" -lm
        dotnet publish "$root/tests/Conformance/EdgeLite.Conformance.csproj" -c Release -r linux-x64 --self-contained -p:PublishSingleFile=true \
            -p:IncludeNativeLibrariesForSelfExtract=true -p:EnableCompressionInSingleFile=true -o "$folder/tests" -v quiet
        cp "$root/build/linux-x64-cuda/libel_cuda.so" "$root/build/linux-x64/kernels-native/libel_kernels.so" "$folder/tests/"
        find "$folder" \( -name '*.pdb' -o -name '*.xml' -o -name '*.dbg' \) -delete
        dotnet build "$root/bench/peers/EdgeLite.Bench.csproj" -c Release -v quiet
        for batch in 1 16; do
            # shellcheck disable=SC2086
            dotnet "$root/bench/peers/bin/Release/net10.0/edgelite-bench.dll" --export "$folder/models" --batch $batch $networks
        done
        gzip -9 "$folder"/models/*
        rm -rf "$folder/publish"
        du -sh "$folder"
        ;;
    run)
        failed=0
        run=$folder/edgelite-run
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
        "$run" doctor
        for packed in "$folder"/models/*.gz; do gzip -dc "$packed" >"$work/$(basename "$packed" .gz)"; done

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
                *_int8.edgl) check "$model" 1e-6 ;;
                *) check "$model" 1e-4; check "$model" 2e-2 --half ;;
            esac
        done

        suites=${EDGELITE_SHARED:-$root/shared}/conformance/onnx
        if [ -d "$suites" ] && [ -x "$folder/tests/conformance" ]; then
            echo "== ONNX backend tests on the GPU"
            "$folder/tests/conformance" "$suites"/*.tar.xz --session --device cuda --failed >"$work/conformance" || failed=1
            tail -40 "$work/conformance"
        else
            echo "skipped: the ONNX backend tests are not in $suites, or their program not in $folder/tests"
        fi

        echo "== milliseconds"
        for model in "$work"/*.edgl; do
            name=$(basename "$model" .edgl)
            "$run" bench "$model" --device cuda --warmup 20 --runs 100 --json || failed=1
            case $name in *_int8) ;; *) echo "$name --half"; "$run" bench "$model" --device cuda --half --warmup 20 --runs 100 --json || failed=1 ;; esac
        done
        for network in $networks; do "$run" profile "$work/${network}_b1.edgl" --device cuda --half --runs 20 | head -60; done

        echo "== PyTorch"
        # shellcheck disable=SC2086
        if python3 -c 'import torch, torchvision' 2>/dev/null; then python3 "$root/bench/peers/torch_speed.py" $networks || failed=1
        else echo "skipped: PyTorch is not installed"; fi
        exit $failed
        ;;
    *)
        sed -n '2,7s/^# //p' "$0"
        [ "${1:-}" = --help ] || [ "${1:-}" = -h ] || exit 1
        ;;
esac
