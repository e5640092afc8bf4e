/* The contract between the runtime and the CUDA kernels.
 *
 * A CUDA kernel computes the same step as the CPU kernel of its name, from the same parameter block (el_tensor.h, el_nn.h,
 * el_quant.h) and the same buffers: bindings, packings and plans of the CPU serve both. A file kernels-native/cuda/<tensor|nn>/<op>.cu
 * holds
 *
 *     EL_CUDA_ENTRY(conv_f32_64x64, el_conv_params) { ... }    a function of the GPU: parameters p, buffers b; blocks of more than 256
 *                                                              threads are said behind the parameters, and how many
 *                                                              of them a multiprocessor must take, where that matters
 *     EL_CUDA_LAUNCH(conv_f32, el_conv_params) { ... }         its launch rule, on the host: which entries, grids and blocks
 *
 * and registers by existing: the build scans for the two markers. It is compiled three times: by clang to PTX, as C++ for the
 * launch rules, and as C++ for the host emulation of the execution model, in which tests run without a GPU. */
#ifndef EL_CUDA_H
#define EL_CUDA_H
#include "el_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EL_CUDA_MAX_BUFFERS 8
#define EL_CUDA_MAX_LAUNCHES 4
#define EL_CUDA_COUNTERS 8192

/* Second argument of every entry; the first is the parameter block, by value. Addresses are those of the device. */
typedef struct el_cuda_buffers {
    void* p[EL_CUDA_MAX_BUFFERS]; /* in the order of the kernel's documentation; NULL: absent */
    void* scratch;                /* what the launch rule asked for */
    int32_t* counters;            /* EL_CUDA_COUNTERS of them, zero when a kernel starts and when it has ended */
    int64_t detail;               /* what the launch rule passes on */
} el_cuda_buffers;

/* What a launch rule may know of the device. */
typedef struct el_cuda_device {
    int32_t arch; /* compute capability, 10 * major + minor */
    int32_t multiprocessors;
    int32_t allows_half; /* the float32 operands of this call may be given in float16 */
    int32_t shared_bytes; /* most shared memory of a block */
    int32_t tile_rows, tile_columns; /* products take this tile, where they have it, and not the one that seems best; 0: they do not */
} el_cuda_device;

/* Compute capability from which a warp multiplies matrices of int8 and of float16, and copies to shared memory go on beside it
 * (cuda/nn/el_cuda_matrix.h). Kernels over float16 exist from there on. */
#define EL_CUDA_MATRIX_ARCH 80

/* One launch: entry "el_<entry>" over grid blocks of `threads` threads (a multiple of 32, at most 1024), each with so much shared memory for
 * el_dynamic_shared beside what the entry declares. halves, of the first one:
 * the buffers (bit i: buffer i) that this call takes and leaves in float16 where the parameters say float32; 0: none. */
typedef struct el_cuda_launch {
    const char* entry;
    uint32_t grid[3];
    uint32_t threads;
    uint32_t shared_bytes;
    uint64_t scratch_bytes;
    int64_t detail;
    uint64_t halves;
} el_cuda_launch;

/* Fills up to EL_CUDA_MAX_LAUNCHES launches, done in order, and returns their number; 0: these parameters are not for this
 * device, and the step runs on the CPU. */
typedef int32_t (*el_cuda_launch_fn)(const el_cuda_device* device, const void* params, el_cuda_launch* launches);

typedef struct el_cuda_kernel {
    const char* name; /* as in el_kernel */
    uint32_t params_size;
    uint32_t buffers; /* highest number that it takes */
    el_cuda_launch_fn launch;
} el_cuda_kernel;

EL_API const el_cuda_kernel* el_cuda_kernels(uint32_t* count);

/* The PTX for the best architecture up to `arch`, zero-terminated, or NULL: none, or no memory. Freed by el_cuda_ptx_free. */
EL_API char* el_cuda_ptx(int32_t arch, size_t* bytes);
EL_API void el_cuda_ptx_free(char* ptx);

/* Architecture and compressed size of the i-th PTX in the library; 0 past the last. */
EL_API int32_t el_cuda_ptx_arch(uint32_t i, size_t* compressed_bytes);

#ifdef __cplusplus
}
#endif
#endif
