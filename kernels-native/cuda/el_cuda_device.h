/* The CUDA execution model as the kernels see it, three times:
 *   clang -x cuda (device)   attributes and builtins of the compiler; no CUDA header or library is involved
 *   EL_CUDA_EMULATED         C++ on the host: every thread of a block is a fiber, see emulation/el_emulator.cpp
 *   otherwise                C++ on the host for the launch rules; entries are parsed and dropped
 * Blocks are one-dimensional, grids have three dimensions; shared memory is of fixed size. */
#ifndef EL_CUDA_DEVICE_H
#define EL_CUDA_DEVICE_H

/* Formulas that host and device share (requantization): the pragma makes them functions of both. */
#ifdef __CUDA__
#pragma clang force_cuda_host_device begin
#endif
#include "el_cuda.h"
#include "el_nn.h"
#include "el_quant.h"
#include "el_block_layout.h"
#include "el_fixed_exp.h"
#include "el_tensor.h"
#include "el_topk_rank.h"
#ifdef __CUDA__
#pragma clang force_cuda_host_device end
#endif

/* In front of a loop whose counters index registers. */
#define EL_UNROLL _Pragma("clang loop unroll(full)")
/* In front of loops of many products; without dp4a, whose replacement is long, they are kept shorter. */
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 610
#define EL_UNROLL_PRODUCTS _Pragma("clang loop unroll_count(2)")
#else
#define EL_UNROLL_PRODUCTS EL_UNROLL
#endif
/* In front of a loop whose body is long. */
#define EL_ROLLED _Pragma("clang loop unroll(disable)")
#define EL_ALL_LANES 0xffffffffu
/* Most threads of a block of an entry: with more registers than a multiprocessor has for so many the driver's assembler spills instead of
 * making a function that does not start. And how many such blocks must find room on a multiprocessor. */
static constexpr int el_block_threads(int most = 256, int = 1) { return most; }
static constexpr int el_resident_blocks(int = 256, int blocks = 1) { return blocks; }
/* The body of an entry that takes instructions from compute capability 8.0 on (7.2: dp4a), and of one whose place another takes from there on: empty
 * in PTX for the others, where no launch rule chooses it. */
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 720
#define EL_FROM_72(body) body
#else
#define EL_FROM_72(body)
#endif
#if !defined(__CUDA_ARCH__)
#define EL_FROM_80(body) body
#define EL_BELOW_80(body) body
#elif __CUDA_ARCH__ >= 800
#define EL_FROM_80(body) body
#define EL_BELOW_80(body)
#else
#define EL_FROM_80(body)
#define EL_BELOW_80(body) body
#endif

#ifdef __CUDA__
#define EL_DEVICE static inline __attribute__((device, always_inline))
#define EL_HOST_DEVICE static inline __attribute__((host, device, always_inline)) /* of kernels and of launch rules */
#define EL_MEMBER inline __attribute__((device, always_inline))
#define EL_OUT_OF_LINE __attribute__((device, noinline))
#define EL_SHARED static __attribute__((shared))
#define EL_CUDA_ENTRY(name, params, ...) \
    extern "C" __attribute__((global, launch_bounds(el_block_threads(__VA_ARGS__), el_resident_blocks(__VA_ARGS__)))) void el_##name(const params p, const el_cuda_buffers b)

extern __attribute__((shared, aligned(16))) char el_dynamic_bytes[];
/* Shared memory of as many bytes as the launch rule asked for. */
EL_DEVICE char* el_dynamic_shared() { return el_dynamic_bytes; }
EL_DEVICE int el_thread() { return __nvvm_read_ptx_sreg_tid_x(); }
EL_DEVICE int el_threads() { return __nvvm_read_ptx_sreg_ntid_x(); }
EL_DEVICE int el_block_x() { return __nvvm_read_ptx_sreg_ctaid_x(); }
EL_DEVICE int el_block_y() { return __nvvm_read_ptx_sreg_ctaid_y(); }
EL_DEVICE int el_block_z() { return __nvvm_read_ptx_sreg_ctaid_z(); }
EL_DEVICE int el_grid_x() { return __nvvm_read_ptx_sreg_nctaid_x(); }
EL_DEVICE int el_grid_y() { return __nvvm_read_ptx_sreg_nctaid_y(); }
EL_DEVICE void el_barrier() { __syncthreads(); }
EL_DEVICE void el_warp_barrier() { __nvvm_bar_warp_sync(EL_ALL_LANES); }
/* What this thread wrote is seen by all blocks before what it writes later. */
EL_DEVICE void el_fence() { __nvvm_membar_gl(); }
EL_DEVICE int el_atomic_add(int* counter, int v) { return __nvvm_atom_add_gen_i(counter, v); }
EL_DEVICE float el_shuffle_xor(float v, int lanes) { return __nvvm_shfl_sync_bfly_f32(EL_ALL_LANES, v, lanes, 31); }
EL_DEVICE int el_shuffle_xor(int v, int lanes) { return __nvvm_shfl_sync_bfly_i32(EL_ALL_LANES, v, lanes, 31); }
EL_DEVICE float el_fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#else
#define EL_DEVICE static inline __attribute__((unused))
#define EL_HOST_DEVICE EL_DEVICE
#define EL_MEMBER inline
#define EL_OUT_OF_LINE __attribute__((unused, noinline))
#define EL_SHARED static
#define EL_CUDA_BODY_(name, params) \
    static __attribute__((unused)) void el_##name##__body(const params& p, const el_cuda_buffers& b)
#ifdef EL_CUDA_EMULATED
#define EL_CUDA_ENTRY(name, params, ...) \
    EL_CUDA_BODY_(name, params); \
    extern "C" void el_##name##__emulated(const void* p, const el_cuda_buffers* b) { el_##name##__body(*(const params*)p, *b); } \
    extern "C" const unsigned el_##name##__params = sizeof(params); \
    EL_CUDA_BODY_(name, params)
#else
#define EL_CUDA_ENTRY(name, params, ...) EL_CUDA_BODY_(name, params)
#endif

extern "C" {
extern struct el_emulated_thread {
    int thread, threads, block[3], grid[3];
} el_emulated;
extern char el_emulated_dynamic[];
void el_emulated_barrier(void);
/* cp.async: bytes (from NULL: zeros) arrive when el_emulated_await lets their group come, so that a wait that is missing shows. */
void el_emulated_copy(void* to, const void* from, int bytes);
void el_emulated_commit(void);
void el_emulated_await(int pending);
/* What lane (own lane ^ lanes) of the warp passed. */
unsigned el_emulated_shuffle(unsigned bits, int lanes);
/* Six words that the other lanes of the warp may read until all have called el_emulated_seen. */
void el_emulated_show(const void* words);
const void* el_emulated_shown(int lane);
void el_emulated_seen(void);
}
EL_DEVICE char* el_dynamic_shared() { return el_emulated_dynamic; }
EL_DEVICE int el_thread() { return el_emulated.thread; }
EL_DEVICE int el_threads() { return el_emulated.threads; }
EL_DEVICE int el_block_x() { return el_emulated.block[0]; }
EL_DEVICE int el_block_y() { return el_emulated.block[1]; }
EL_DEVICE int el_block_z() { return el_emulated.block[2]; }
EL_DEVICE int el_grid_x() { return el_emulated.grid[0]; }
EL_DEVICE int el_grid_y() { return el_emulated.grid[1]; }
EL_DEVICE void el_barrier() { el_emulated_barrier(); }
EL_DEVICE void el_warp_barrier() { el_emulated_seen(); }
EL_DEVICE void el_fence() {}
EL_DEVICE int el_atomic_add(int* counter, int v) { return (*counter += v) - v; }
EL_DEVICE int el_shuffle_xor(int v, int lanes) { return (int)el_emulated_shuffle((unsigned)v, lanes); }
EL_DEVICE float el_shuffle_xor(float v, int lanes) {
    unsigned bits;
    __builtin_memcpy(&bits, &v, 4);
    bits = el_emulated_shuffle(bits, lanes);
    __builtin_memcpy(&v, &bits, 4);
    return v;
}
EL_DEVICE float el_fma(float a, float b, float c) { return a * b + c; }
#endif

/* A launch rule is a function of the host; the compiler for the device reads and drops it. */
#define EL_CUDA_LAUNCH(name, params) \
    static int el_##name##__rule(const params& p, const el_cuda_device& device, el_cuda_launch* launches); \
    extern "C" int32_t el_##name##__launch(const el_cuda_device* device, const void* p, el_cuda_launch* launches) { \
        return el_##name##__rule(*(const params*)p, *device, launches); \
    } \
    static int el_##name##__rule(const params& p, const el_cuda_device& device, el_cuda_launch* launches)

/* ---- vectors and words ------------------------------------------------------------------------------------------ */

EL_DEVICE unsigned el_bits(float v) {
    unsigned bits;
    __builtin_memcpy(&bits, &v, 4);
    return bits;
}
EL_DEVICE float el_float(unsigned bits) {
    float v;
    __builtin_memcpy(&v, &bits, 4);
    return v;
}

/* To float16, to nearest, ties to even, and back. */
EL_DEVICE unsigned el_to_half(float x) {
#ifdef __CUDA__
    unsigned short h;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(x));
    return h;
#else
    unsigned bits = el_bits(x), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return sign | 0x7fffu;
    if (magnitude >= 0x477ff000u) return sign | 0x7c00u; /* 65520 and more */
    if (magnitude < 0x38800000u) return sign | (el_bits(el_float(magnitude) + 0.5f) - 0x3f000000u); /* below 2^-14: the sum has units of 2^-24 */
    return sign | (magnitude + 0xfffu + (magnitude >> 13 & 1u) - 0x38000000u) >> 13;
#endif
}
EL_DEVICE float el_from_half(unsigned h) {
#ifdef __CUDA__
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"((unsigned short)h));
    return x;
#else
    unsigned sign = (h & 0x8000u) << 16, exponent = h >> 10 & 31u, mantissa = h & 0x3ffu;
    if (exponent == 31) return el_float(sign | 0x7f800000u | mantissa << 13);
    if (exponent > 0) return el_float(sign | (exponent + 112) << 23 | mantissa << 13);
    return el_float(sign | el_bits((float)mantissa * 5.9604644775390625e-8f)); /* 2^-24 */
#endif
}

/* A float16 in memory. Kernels over both kinds of float are templates that read by el_value and write by el_keep. */
struct el_half {
    unsigned short bits;
};
EL_DEVICE float el_value(float x) { return x; }
EL_DEVICE float el_value(el_half x) { return el_from_half(x.bits); }
EL_DEVICE void el_keep(float& y, float v) { y = v; }
EL_DEVICE void el_keep(el_half& y, float v) { y.bits = (unsigned short)el_to_half(v); }

/* N neighbours in one load or store, of at most 16 bytes each. */
template <typename T, int N>
struct alignas(sizeof(T) * N < 16 ? sizeof(T) * N : 16) el_pack {
    T v[N];
};
template <typename T>
using el_quad = el_pack<T, 4>;
template <typename T>
using el_eight = el_pack<T, 8>;

/* Four words that another block has written: not from this multiprocessor's own cache. */
template <typename T>
EL_DEVICE el_quad<T> el_load_fresh(const el_quad<T>* from) {
    static_assert(sizeof(T) == 4, "words");
#ifdef __CUDA__
    unsigned words[4];
    el_quad<T> fresh;
    asm volatile("ld.global.cg.v4.u32 {%0,%1,%2,%3}, [%4];" : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3]) : "l"(from) : "memory");
    __builtin_memcpy(&fresh, words, 16);
    return fresh;
#else
    return *from;
#endif
}

/* sum + a . b over the four int8 of two words; wraps around. */
EL_DEVICE int el_dot4(int a, int b, int sum) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 610
    int y;
    asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(y) : "r"(a), "r"(b), "r"(sum));
    return y;
#else
    for (int i = 0; i < 32; i += 8) sum += (int)(signed char)(a >> i) * (int)(signed char)(b >> i);
    return sum;
#endif
}

/* ---- sums over a warp and over a block -------------------------------------------------------------------------- */

EL_DEVICE float el_warp_sum(float v) {
    for (int lanes = 16; lanes > 0; lanes >>= 1) v += el_shuffle_xor(v, lanes);
    return v;
}

/* The larger; NaN when either is. */
EL_DEVICE float el_max(float a, float b) { return a > b || a != a ? a : b; }
EL_DEVICE float el_min(float a, float b) { return a < b || a != a ? a : b; }

EL_DEVICE float el_warp_max(float v) {
    for (int lanes = 16; lanes > 0; lanes >>= 1) v = el_max(v, el_shuffle_xor(v, lanes));
    return v;
}

/* Of all threads of a block of up to 1024 threads, the same in each. WARP: the same of a warp; none: what changes nothing; store: 33 floats
 * of shared memory, free again after the call. */
template <float (*WARP)(float)>
EL_DEVICE float el_block_all(float v, float none, float* store) {
    int thread = el_thread(), warps = el_threads() / 32;
    v = WARP(v);
    if (thread % 32 == 0) store[thread / 32] = v;
    el_barrier();
    if (thread < 32) {
        v = WARP(thread < warps ? store[thread] : none);
        if (thread == 0) store[32] = v;
    }
    el_barrier();
    v = store[32];
    el_barrier();
    return v;
}
EL_DEVICE float el_block_sum(float v, float* store) { return el_block_all<el_warp_sum>(v, 0.0f, store); }
EL_DEVICE float el_block_max(float v, float* store) { return el_block_all<el_warp_max>(v, -__builtin_inff(), store); }

/* ---- images in NHWC --------------------------------------------------------------------------------------------- */

/* Image, line and column of an output pixel. */
struct el_place {
    int image, y, x;
};

template <typename P>
EL_DEVICE el_place el_place_of(const P& p, int pixel) {
    int row = pixel / p.ow, image = row / p.oh;
    return {image, row - image * p.oh, pixel - row * p.ow};
}

/* ---- launch rules ----------------------------------------------------------------------------------------------- */

/* Counts and offsets inside kernels are 32 bits wide where this holds of every tensor. */
static inline bool el_fits(int64_t count) { return count >= 0 && count < (1ll << 31) - (1 << 20); }

static inline int64_t el_pieces(int64_t count, int64_t piece) { return (count + piece - 1) / piece; }

static inline int el_one(el_cuda_launch* launches, const char* entry, int64_t x, int64_t y, int64_t z, int threads, uint64_t scratch = 0) {
    if (x > 0x7fffffff || y > 65535 || z > 65535) return 0;
    launches[0] = {entry, {(uint32_t)(x > 0 ? x : 1), (uint32_t)(y > 0 ? y : 1), (uint32_t)(z > 0 ? z : 1)}, (uint32_t)threads, 0, scratch, 0, 0};
    return 1;
}

/* As chosen, over float16 in these buffers. */
static inline int el_in_half(int count, el_cuda_launch* launches, uint64_t buffers) {
    launches[0].halves = buffers;
    return count;
}

/* The rule of a kernel over float16: that of its sibling over float32, whose operands may be float16, and are so by themselves here. */
template <typename P>
static inline int el_over_half(int (*rule)(const P&, const el_cuda_device&, el_cuda_launch*), const P& p, el_cuda_device device, el_cuda_launch* launches) {
    if (device.arch < EL_CUDA_MATRIX_ARCH) return 0;
    device.allows_half = 1;
    return el_in_half(rule(p, device, launches), launches, 0);
}

/* One thread an item, going over the rest in strides: EL_EACH in the entry. Few items are spread over the multiprocessors in smaller blocks. */
static inline int el_each(const el_cuda_device& device, el_cuda_launch* launches, const char* entry, int64_t count) {
    const int64_t most = (int64_t)device.multiprocessors * 32;
    int threads = 256;
    while (threads > 64 && el_pieces(count, threads) < device.multiprocessors) threads /= 2;
    const int64_t blocks = el_pieces(count, threads);
    return el_fits(count) ? el_one(launches, entry, blocks < most ? blocks : most, 1, 1, threads) : 0;
}
/* A thread for each output value of an image layer with so many channels. */
template <typename P>
static inline int el_each_output(const P& p, const el_cuda_device& device, el_cuda_launch* launches, const char* entry, int channels) {
    return el_fits((int64_t)p.n * p.h * p.w * p.c) ? el_each(device, launches, entry, (int64_t)p.n * p.oh * p.ow * channels) : 0;
}
#define EL_EACH(i, count)     for (unsigned i = (unsigned)el_block_x() * (unsigned)el_threads() + (unsigned)el_thread(); i < (unsigned)(count);          i += (unsigned)el_grid_x() * (unsigned)el_threads())

#endif
