/* Times every tile and every number of pieces of float16 products on a GPU, for the estimate of el_choose_matrix (kernels-native/cuda/nn/el_cuda_matrix_tile.h).
 * usage: cuda_tiles LIBEL_CUDA.so M,N,K..       a line each: the microseconds of TILExPIECES, fastest first, and which one the launch rule takes
 * Build: clang++-19 -std=c++17 -O2 -Ikernels-native/include -Ikernels-native/common -Ikernels-native/cuda -Ikernels-native/cuda/nn bench/native/cuda_tiles.cpp -o cuda_tiles -ldl */
#include "el_cuda_matrix_tile.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long address;
static void* driver;

static void check(int result, const char* what) {
    if (result == 0) return;
    fprintf(stderr, "%s: error %d\n", what, result);
    exit(1);
}
#define CALL(name, types, ...) check(((int(*) types)dlsym(driver, #name))(__VA_ARGS__), #name)
#define FROM(library, name) ((decltype(&name))dlsym(library, #name))

static address memory(size_t bytes) {
    address a;
    CALL(cuMemAlloc_v2, (address*, size_t), &a, bytes);
    CALL(cuMemsetD8_v2, (address, unsigned char, size_t), a, 0, bytes);
    return a;
}

/* Small numbers, all different from their neighbours. */
static address numbers(size_t count) {
    unsigned short* host = (unsigned short*)malloc(count * 2);
    for (size_t i = 0; i < count; i++) host[i] = (unsigned short)(0x2800 + i * 2654435761u % 2048);
    address a = memory(count * 2);
    CALL(cuMemcpyHtoD_v2, (address, const void*, size_t), a, host, count * 2);
    free(host);
    return a;
}

struct timing {
    char name[32];
    double microseconds;
};
static int by_time(const void* a, const void* b) {
    const double x = ((const timing*)a)->microseconds, y = ((const timing*)b)->microseconds;
    return x < y ? -1 : x > y;
}

int main(int count, char** arguments) {
    if (count < 3) {
        fprintf(stderr, "usage: cuda_tiles LIBEL_CUDA.so M,N,K..\n");
        return 1;
    }
    driver = dlopen("libcuda.so.1", RTLD_NOW);
    void* library = dlopen(arguments[1], RTLD_NOW);
    if (!driver || !library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    int device, major, minor, multiprocessors, shared_bytes;
    void *context, *module, *begin, *end;
    CALL(cuInit, (unsigned), 0);
    CALL(cuDeviceGet, (int*, int), &device, 0);
    CALL(cuDeviceGetAttribute, (int*, int, int), &major, 75, device);
    CALL(cuDeviceGetAttribute, (int*, int, int), &minor, 76, device);
    CALL(cuDeviceGetAttribute, (int*, int, int), &multiprocessors, 16, device);
    CALL(cuDeviceGetAttribute, (int*, int, int), &shared_bytes, 97, device);
    CALL(cuDevicePrimaryCtxRetain, (void**, int), &context, device);
    CALL(cuCtxSetCurrent, (void*), context);
    size_t bytes;
    char* ptx = FROM(library, el_cuda_ptx)(10 * major + minor, &bytes);
    CALL(cuModuleLoadData, (void**, const void*), &module, ptx);
    CALL(cuEventCreate, (void**, unsigned), &begin, 0);
    CALL(cuEventCreate, (void**, unsigned), &end, 0);
    uint32_t kernels;
    const el_cuda_kernel *table = FROM(library, el_cuda_kernels)(&kernels), *gemm = nullptr;
    for (uint32_t i = 0; i < kernels; i++)
        if (strcmp(table[i].name, "gemm_f32") == 0) gemm = table + i;
    el_cuda_device capability = {10 * major + minor, multiprocessors, 1, shared_bytes, 0, 0};

    for (int a = 2; a < count; a++) {
        int m, n, k;
        if (sscanf(arguments[a], "%d,%d,%d", &m, &n, &k) != 3 || k % 8 != 0) return 1;
        el_gemm_params params = {m, n, k, {}};
        el_cuda_buffers buffers = {};
        buffers.p[0] = (void*)numbers((size_t)m * k);
        buffers.p[1] = (void*)numbers((size_t)(n + 15) / 16 * 16 * k);
        buffers.p[2] = (void*)memory((size_t)n * 4);
        buffers.p[5] = (void*)memory((size_t)m * n * 2);
        buffers.counters = (int32_t*)memory(EL_CUDA_COUNTERS * 4);
        el_cuda_launch chosen[EL_CUDA_MAX_LAUNCHES], launch[EL_CUDA_MAX_LAUNCHES];
        capability.tile_rows = capability.tile_columns = 0;
        gemm->launch(&capability, &params, chosen);
        timing timings[64];
        int found = 0;
        for (const auto& tile : el_matrix_tiles) {
            capability.tile_rows = tile.rows;
            capability.tile_columns = tile.columns;
            gemm->launch(&capability, &params, launch);
            const int rows = (int)launch[0].grid[0], columns = (int)launch[0].grid[1], shared = (int)launch[0].shared_bytes;
            char entry[64];
            snprintf(entry, sizeof entry, "el_%s", launch[0].entry);
            if (rows * columns > EL_CUDA_COUNTERS || shared != el_matrix_shared(tile.rows, tile.columns)) continue; /* few rows take another kernel, less shared memory another tile */
            for (int pieces = 1; pieces <= 16 && (k / 32 / pieces >= 2 || pieces == 1); pieces *= 2) {
                void* function;
                CALL(cuModuleGetFunction, (void**, void*, const char*), &function, module, entry);
                CALL(cuFuncSetAttribute, (void*, int, int), function, 8, shared);
                buffers.detail = pieces;
                buffers.scratch = pieces > 1 ? (void*)memory((size_t)rows * columns * pieces * tile.rows * tile.columns * 4) : nullptr;
                void* both[] = {&params, &buffers};
                const int runs = 30;
                float milliseconds;
                for (int i = -5; i < runs; i++) {
                    if (i == 0) CALL(cuEventRecord, (void*, void*), begin, 0);
                    CALL(cuLaunchKernel, (void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**), function, (unsigned)rows,
                        (unsigned)columns, (unsigned)pieces, launch[0].threads, 1, 1, (unsigned)shared, nullptr, both, nullptr);
                }
                CALL(cuEventRecord, (void*, void*), end, 0);
                CALL(cuCtxSynchronize, (void));
                CALL(cuEventElapsedTime, (float*, void*, void*), &milliseconds, begin, end);
                snprintf(timings[found].name, sizeof timings[found].name, "%dx%dx%d%s", tile.rows, tile.columns, pieces, strcmp(chosen[0].entry, launch[0].entry) == 0 && chosen[0].detail == pieces ? "*" : "");
                timings[found++].microseconds = milliseconds * 1000 / runs;
                if (pieces > 1) CALL(cuMemFree_v2, (address), (address)buffers.scratch);
            }
        }
        qsort(timings, (size_t)found, sizeof *timings, by_time);
        printf("%5d x %4d x %4d %6.0f TFLOP/s ", m, n, k, 2e-6 * m * n * k / timings[0].microseconds);
        for (int i = 0; i < found; i++) printf(" %s %.1f", timings[i].name, timings[i].microseconds);
        printf("\n");
        for (int i = 0; i < 6; i++)
            if (buffers.p[i]) CALL(cuMemFree_v2, (address), (address)buffers.p[i]);
        CALL(cuMemFree_v2, (address), (address)buffers.counters);
    }
    return 0;
}
