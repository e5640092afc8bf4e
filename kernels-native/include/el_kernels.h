/* The contract between the runtime and the native kernels.
 *
 * A kernel is one C function that computes one step of a model: it tiles, threads and loops by itself. It knows sizes
 * and pointers only; it does not allocate, does not fail, and may assume that the caller checked everything.
 *
 *     EL_KERNEL(conv_f32, avx512, el_conv_params)
 *     void el_conv_f32__avx512(const el_ctx* ctx, const void* params, void* const* buffers) { ... }
 *
 * The marker line is what registers a kernel: the build scans the sources for it and generates the table that
 * el_kernels() returns. There is no list kept by hand.
 *
 * Files:  <op>.c            the plain scalar kernel: obvious, never optimised, exists for every kernel
 *         <op>.<isa>.c      one instruction set (avx2, avxvnni, avx512, avx512vnni, avx512vbmi, neon, neonfp16, neondot, neoni8mm)
 *         <op>.simd.c       compiled once for each of avx2, avx512 and neon, over the vector wrappers of common/el_simd.h;
 *                           registered by EL_KERNEL_SIMD(name, params), symbol written EL_SIMD_NAME(name)
 */
#ifndef EL_KERNELS_H
#define EL_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the shared library exports; everything else is compiled hidden. */
#if defined(__GNUC__)
#define EL_API __attribute__((visibility("default")))
#else
#define EL_API
#endif

/* Instruction sets in order of preference: of two variants of a kernel that the processor can run, the higher wins. */
typedef enum el_isa {
    EL_ISA_scalar = 0,
    EL_ISA_avx2 = 1,       /* AVX2 + FMA + F16C */
    EL_ISA_avxvnni = 2,    /* + AVX-VNNI (VEX-encoded VPDPBUSD) */
    EL_ISA_avx512 = 3,     /* AVX-512 F, BW, DQ, VL */
    EL_ISA_avx512vnni = 4, /* + AVX512-VNNI */
    EL_ISA_avx512vbmi = 5, /* + AVX512-VBMI */
    EL_ISA_neon = 8,       /* AArch64 Advanced SIMD */
    EL_ISA_neonfp16 = 9,   /* + FEAT_FP16 arithmetic */
    EL_ISA_neondot = 10,   /* + FEAT_DotProd */
    EL_ISA_neoni8mm = 11,  /* + FEAT_I8MM */
} el_isa;

/* The set of instruction sets of this processor, one bit (1 << el_isa) each, capped by the environment variable
 * EDGELITE_MAX_ISA (a name of the enum without prefix): no instruction set above the cap is reported.
 * An unknown name in the variable caps to scalar. */
EL_API uint32_t el_cpu_isas(void);
EL_API const char* el_isa_name(uint32_t isa);

/* ---- memory ---------------------------------------------------------------------------------------------------- */

/* A block of 64-byte aligned memory that will be used whole, all 0, its pages present already. NULL when there is not enough.
 * el_memory_free takes the size that was asked for. */
EL_API void* el_memory_alloc(size_t bytes);
EL_API void el_memory_free(void* memory, size_t bytes);

/* Maps a regular file for reading and gives its size; NULL, and the errno in *error, where that fails. An empty file cannot be mapped:
 * *error is 0. */
EL_API const void* el_file_map(const char* path, uint64_t* bytes, int32_t* error);
EL_API void el_file_unmap(const void* memory, uint64_t bytes);

/* Brings a part of a mapped file that will be read soon into this process. A failure changes nothing. */
EL_API void el_memory_prefetch(const void* memory, size_t bytes);

/* ---- trust ------------------------------------------------------------------------------------------------------ */

/* SHA-512 (FIPS 180-4) of `size` bytes. */
EL_API void el_sha512(const void* data, size_t size, uint8_t digest[64]);

/* 1 when `signature` is the Ed25519 signature (RFC 8032) of the message by the holder of `key`, otherwise 0. Strict: also 0 where key or signature
 * are not in the one form that the standard gives them, the key is not of the prime order, or the message is longer than allowed here. */
#define EL_ED25519_MAX_MESSAGE 1024
EL_API int32_t el_ed25519_verify(const uint8_t signature[64], const uint8_t key[32], const void* message, size_t size);

/* ---- threads --------------------------------------------------------------------------------------------------- */

typedef struct el_pool el_pool;

/* threads counts the caller: 1 creates no thread. Returns NULL when a thread cannot be created. */
EL_API el_pool* el_pool_create(int32_t threads);
EL_API void el_pool_destroy(el_pool* pool);
EL_API int32_t el_pool_threads(const el_pool* pool); /* NULL pool: 1 */

/* Brackets one inference: between the two the workers spin (bounded) for the next parallel section, outside they soon
 * sleep. Nesting is not allowed; one inference at a time per pool. */
EL_API void el_pool_begin(el_pool* pool);
EL_API void el_pool_end(el_pool* pool);

typedef struct el_ctx {
    el_pool* pool;        /* NULL: single-threaded */
    void* scratch;        /* 64-byte aligned */
    size_t scratch_bytes; /* at least what the kernel's scratch function asked for */
} el_ctx;

static inline int32_t el_ctx_threads(const el_ctx* ctx) { return ctx->pool ? el_pool_threads(ctx->pool) : 1; }

/* Threads that should share so many grains of work (el_parallel): 1 where it is too little, or the caller is faster alone. */
int32_t el_pool_threads_for(el_pool* pool, int64_t grains);

/* 1 where a step of `work` should not be cut for threads, otherwise how many there are. */
static inline int32_t el_ctx_threads_for(const el_ctx* ctx, int64_t work, int64_t grain) {
    return ctx->pool && work >= 2 * grain && el_pool_threads_for(ctx->pool, work / grain) > 1 ? el_pool_threads(ctx->pool) : 1;
}

/* Calls body(arg, begin, end, worker) over [0, count) split in contiguous pieces; the caller takes part. `grain` is how many items are
 * worth another thread, a microsecond or two of work: no more than count / grain threads take part, and pieces have a quarter of it at
 * least, but the last. worker is in [0, threads) and unique among the pieces running at one time: it indexes per-thread scratch.
 * Runs inline when there is work for one thread only. */
typedef void (*el_body_fn)(void* arg, int64_t begin, int64_t end, int32_t worker);
void el_parallel(const el_ctx* ctx, int64_t count, int64_t grain, el_body_fn body, void* arg);

/* ---- kernels --------------------------------------------------------------------------------------------------- */

/* buffers: inputs in the order of the kernel's documentation, then outputs. An absent optional input is NULL.
 * Buffers are aligned to their element; const (packed) ones and arena ones to 64 bytes. Reading past the end of an
 * activation buffer is not allowed; packed weights are padded as their packing says. */
typedef void (*el_kernel_fn)(const el_ctx* ctx, const void* params, void* const* buffers);

/* Bytes of scratch for these parameters on this many threads: the same for every instruction set, so that the plan
 * that the converter stores holds on every device. */
typedef size_t (*el_scratch_fn)(const void* params, int32_t threads);

/* Parts of scratch begin at whole lines of a cache. */
static inline size_t el_align64(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* A row of the table. Its addresses are distances from the field that holds them: 4 bytes, where a pointer takes 8 and a relocation of 24. */
typedef struct el_kernel {
    int32_t name;
    int32_t run;
    int32_t scratch; /* 0: none. Declared beside the scalar kernel by EL_SCRATCH. */
    uint16_t isa;    /* el_isa */
    uint16_t params_size;
} el_kernel;

static inline const char* el_kernel_name(const el_kernel* k) { return (const char*)&k->name + k->name; } /* e.g. "conv_f32" */

static inline void el_kernel_run(const el_kernel* k, const el_ctx* ctx, const void* params, void* const* buffers) {
    ((el_kernel_fn)((uintptr_t)&k->run + (uintptr_t)(intptr_t)k->run))(ctx, params, buffers);
}

static inline size_t el_kernel_scratch(const el_kernel* k, const void* params, int32_t threads) {
    return k->scratch ? ((el_scratch_fn)((uintptr_t)&k->scratch + (uintptr_t)(intptr_t)k->scratch))(params, threads) : 0;
}

EL_API const el_kernel* el_kernels(uint32_t* count);

/* A kernel named <kernel>__<form> is another way to compute <kernel>: the same parameters, packing and buffers; integer results the
 * same bits, floats within rounding. It is never found for <kernel>; a model that was tuned on its device may name it. Its scratch
 * function returns EL_NO_FORM where it would do what <kernel> does anyway. */
#define EL_NO_FORM SIZE_MAX

/* The best variant of `name` whose bit is in `isas`, or NULL. The scalar variant is always allowed. */
EL_API const el_kernel* el_find_kernel(const char* name, uint32_t isas);

/* Increases when the meaning of any parameter block or packing changes. */
#define EL_KERNELS_ABI 1
EL_API uint32_t el_kernels_abi(void);

/* ---- declaring a kernel (read by the build, see the head of this file) ----------------------------------------- */

#define EL_KERNEL(name, isa, params) void el_##name##__##isa(const el_ctx* ctx, const void* params_, void* const* buffers);
#define EL_SCRATCH(name, params) size_t el_##name##__scratch(const void* params_, int32_t threads);

#define EL_CAT3_(a, b, c) a##b##c
#define EL_CAT3(a, b, c) EL_CAT3_(a, b, c)
/* In a .simd.c file EL_SIMD_ISA is avx2, avx512 or neon. */
#define EL_SIMD_NAME(name) EL_CAT3(el_##name, __, EL_SIMD_ISA)
#define EL_KERNEL_SIMD(name, params) void EL_SIMD_NAME(name)(const el_ctx* ctx, const void* params_, void* const* buffers);

/* ---- what several parameter blocks share ----------------------------------------------------------------------- */

/* Activation fused into the end of a float kernel, applied after bias and residual. */
typedef enum el_act_kind {
    EL_ACT_NONE = 0,
    EL_ACT_CLAMP = 1,       /* min(max(x, a), b): Relu is a=0, b=+inf; Relu6 a=0, b=6 */
    EL_ACT_LEAKY_RELU = 2,  /* x < 0 ? a*x : x */
    EL_ACT_HARD_SIGMOID = 3,/* clamp(a*x + b, 0, 1) */
    EL_ACT_HARD_SWISH = 4,  /* x * clamp(x/6 + 0.5, 0, 1) */
    EL_ACT_SIGMOID = 5,
    EL_ACT_SILU = 6,        /* x * sigmoid(x) */
    EL_ACT_TANH = 7,
    EL_ACT_GELU = 8,        /* exact: 0.5 x (1 + erf(x / sqrt 2)) */
    EL_ACT_GELU_TANH = 9,   /* 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
    EL_ACT_ELU = 10,        /* x < 0 ? a (exp(x) - 1) : x */
    EL_ACT_PRELU = 11,      /* x < 0 ? slope[channel] * x : x; slope is a buffer of its own */
    EL_ACT_SOFTPLUS = 12,   /* log(1 + exp(x)) */
    EL_ACT_MISH = 13        /* x * tanh(softplus(x)) */
} el_act_kind;

typedef struct el_act {
    int32_t kind; /* el_act_kind */
    float a, b;
} el_act;

/* peak_f32, peak_s8, peak_read: what one core can do at most, for rooflines: multiply-adds of floats, products of int8 summed in
 * int32 (each counts as two operations), bytes read from memory. The caller takes the time.
 * buffers: done (double: operations or bytes), memory[bytes] (peak_read; a multiple of 1024), sink (64 bytes, written) */
typedef struct el_peak_params {
    int64_t rounds; /* of peak_f32 and peak_s8: about a hundred instructions each; of peak_read: passes */
    int64_t bytes;
} el_peak_params;

#ifdef __cplusplus
}
#endif
#endif
