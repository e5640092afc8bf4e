/* Times every tile and every number of pieces of float16 products on a GPU, for the estimate of el_choose_matrix (kernels-native/cuda/nn/el_cuda_matrix_tile.h).
 * usage: cuda_tiles LIBEL_CUDA.so M,N,K..       a line each: the microseconds of TILExPIECES, fastest first, and which one the launch rule takes
 * Build: gcc -O2 -Ikernels-native/include bench/native/cuda_tiles.c -o cuda_tiles -ldl */
#include "el_cuda.h"
#include "el_nn.h"
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

static address memory(size_t bytes) {
    address a;
    CALL(cuMemAlloc_v2, (address*, size_t), &a, bytes);
    CALL(cuMemsetD8_v2, (address, unsigned char, size_t), a, 0, bytes);
    return a;
}

/* Small numbers, all different from their neighbours. */
static address numbers(size_t count) {
    unsigned short* host = malloc(count * 2);
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
    const double x = ((const struct timing*)a)->microseconds, y = ((const struct timing*)b)->microseconds;
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
    char* ptx = ((char* (*)(int32_t, size_t*))dlsym(library, "el_cuda_ptx"))(10 * major + minor, &bytes);
    CALL(cuModuleLoadData, (void**, const void*), &module, ptx);
    CALL(cuEventCreate, (void**, unsigned), &begin, 0);
    CALL(cuEventCreate, (void**, unsigned), &end, 0);
    uint32_t kernels;
    const el_cuda_kernel *table = ((const el_cuda_kernel* (*)(uint32_t*))dlsym(library, "el_cuda_kernels"))(&kernels), *gemm = 0;
    for (uint32_t i = 0; i < kernels; i++)
        if (strcmp(table[i].name, "gemm_f32") == 0) gemm = table + i;
    const el_cuda_device capability = {10 * major + minor, multiprocessors, 1, shared_bytes};

    static const int tiles[][3] = {{192, 128, 192}, {128, 128, 128}, {128, 64, 128}, {64, 64, 128}};
    for (int a = 2; a < count; a++) {
        int m, n, k;
        if (sscanf(arguments[a], "%d,%d,%d", &m, &n, &k) != 3 || k % 8 != 0) return 1;
        el_gemm_params params = {.m = m, .n = n, .k = k};
        el_cuda_buffers buffers = {.p = {0}};
        buffers.p[0] = (void*)numbers((size_t)m * k);
        buffers.p[1] = (void*)numbers((size_t)(n + 15) / 16 * 16 * k);
        buffers.p[2] = (void*)memory((size_t)n * 4);
        buffers.p[5] = (void*)memory((size_t)m * n * 2);
        buffers.counters = (int32_t*)memory(EL_CUDA_COUNTERS * 4);
        el_cuda_launch chosen[EL_CUDA_MAX_LAUNCHES];
        gemm->launch(&capability, &params, chosen);
        struct timing timings[64];
        int found = 0;
        for (int t = 0; t < 4; t++)
            for (int pieces = 1; pieces <= 16 && (k / 32 / pieces >= 2 || pieces == 1); pieces *= 2) {
                const int rows = (m + tiles[t][0] - 1) / tiles[t][0], columns = (n + tiles[t][1] - 1) / tiles[t][1];
                const int stages = 4 * (tiles[t][0] + tiles[t][1]) * 64, sums = tiles[t][0] * (tiles[t][1] + 16) * 4, shared = stages > sums ? stages : sums;
                if (rows * columns > EL_CUDA_COUNTERS || shared > shared_bytes) continue;
                char entry[64];
                sprintf(entry, "el_gemm_f16_%dx%d", tiles[t][0], tiles[t][1]);
                void* function;
                CALL(cuModuleGetFunction, (void**, void*, const char*), &function, module, entry);
                CALL(cuFuncSetAttribute, (void*, int, int), function, 8, shared);
                buffers.detail = pieces;
                buffers.scratch = pieces > 1 ? (void*)memory((size_t)rows * columns * pieces * tiles[t][0] * tiles[t][1] * 4) : 0;
                void* both[] = {&params, &buffers};
                const int runs = 30;
                float milliseconds;
                for (int i = -5; i < runs; i++) {
                    if (i == 0) CALL(cuEventRecord, (void*, void*), begin, 0);
                    CALL(cuLaunchKernel, (void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**), function, (unsigned)rows,
                        (unsigned)columns, (unsigned)pieces, (unsigned)tiles[t][2], 1, 1, (unsigned)shared, 0, both, 0);
                }
                CALL(cuEventRecord, (void*, void*), end, 0);
                CALL(cuCtxSynchronize, (void));
                CALL(cuEventElapsedTime, (float*, void*, void*), &milliseconds, begin, end);
                sprintf(timings[found].name, "%dx%dx%d%s", tiles[t][0], tiles[t][1], pieces, strcmp(chosen[0].entry, entry + 3) == 0 && chosen[0].detail == pieces ? "*" : "");
                timings[found++].microseconds = milliseconds * 1000 / runs;
                if (pieces > 1) CALL(cuMemFree_v2, (address), (address)buffers.scratch);
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
