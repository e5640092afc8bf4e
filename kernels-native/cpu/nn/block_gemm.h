/* What block_gemm_f32 and block_gemm_s8 share: scratch memory, sums, and the walk over panels. Layout and arithmetic are in
 * el_quant.h. */
#ifndef EL_BLOCK_GEMM_H
#define EL_BLOCK_GEMM_H
#include "el_block_layout.h"
#include <math.h>
#include <string.h>

#define EL_BLOCK_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define EL_BLOCK_UNROLL _Pragma("unroll")
#else
#define EL_BLOCK_UNROLL _Pragma("GCC unroll 16")
#endif

/* Offsets into the scratch memory: rows of x up to whole units, then a number or two for each block of each row. */
typedef struct el_block_scratch {
    size_t sums, scales, bytes;
} el_block_scratch;

static inline el_block_scratch el_block_scratch_of(const el_block_gemm_params* p, size_t element) {
    el_block_sizes s = el_block_sizes_of(p);
    size_t m = (size_t)p->m, each = el_align64(m * (size_t)s.blocks * 4);
    el_block_scratch at;
    at.sums = el_align64(m * (size_t)s.depth * element);
    at.scales = at.sums + each;
    at.bytes = at.scales + each;
    return at;
}

/* Sum of a block of x: eight sums of every eighth number, then added in pairs. */
static inline float el_block_sum(const float* x, int32_t count) {
    float s[8] = {0};
    int32_t i = 0;
    for (; i + 8 <= count; i += 8)
        for (int32_t j = 0; j < 8; j++) s[j] += x[i + j];
    for (int32_t j = 0; i + j < count; j++) s[j] += x[i + j];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

typedef struct el_block_job {
    const el_block_gemm_params* p;
    el_block_sizes s;
    const float* x;      /* as given */
    const void* rows;    /* m rows of `stride` elements: float, or int8 */
    int64_t stride;
    float* row_sums;     /* [m][blocks], float kernel */
    int32_t* int_sums;   /* [m][blocks], integer kernel */
    float* row_scales;   /* [m][blocks], integer kernel */
    int32_t x_zero;      /* per_tensor: zero point less 128 */
    float x_scale;       /* per_tensor */
    const uint8_t* packed;
    const void* scales;
    const uint8_t* zeros;
    const float* bias;
    const int32_t* wsum;
    float* y;
} el_block_job;

static inline el_block_job el_block_job_of(const el_block_gemm_params* p, void* const* buffers) {
    el_block_job j = {p, el_block_sizes_of(p), buffers[0], buffers[0], p->k, NULL, NULL, NULL, 0, 0, buffers[1], buffers[2], buffers[3], buffers[4], buffers[5], buffers[6]};
    return j;
}

/* Panels for one thread at least: 32 kB of weights, or as much work for many rows. */
static inline int64_t el_block_grain(const el_block_job* j) {
    int64_t bytes = (int64_t)j->s.units * j->s.bytes + 1, work = j->p->m < 8 ? j->p->m : 8;
    return 32768 / (bytes * (work > 0 ? work : 1)) + 1;
}

static inline int64_t el_block_panels(const el_block_job* j) { return ((int64_t)j->p->n + 15) / 16; }
#endif
