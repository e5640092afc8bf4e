/* What the kernels of block_gemm over vectors share: numbers beside the weights, the end of a tile, and one walk over panels for each
 * number of bits. EL_BLOCK_BY_BITS stands behind the including file's panels(job, begin, end, bits). */
#ifndef EL_BLOCK_GEMM_SIMD_H
#define EL_BLOCK_GEMM_SIMD_H
#include "block_gemm.h"
#include "el_simd.h"

#define VECTORS (16 / EL_VF)

/* EL_VF float16 numbers, and EL_VF bytes. */
#if EL_VF == 16
EL_BLOCK_INLINE el_vf load_half(const uint16_t* p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p)); }
EL_BLOCK_INLINE el_vi load_bytes(const uint8_t* p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)p)); }
#elif EL_VF == 8
EL_BLOCK_INLINE el_vf load_half(const uint16_t* p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p)); }
EL_BLOCK_INLINE el_vi load_bytes(const uint8_t* p) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p)); }
#else
EL_BLOCK_INLINE el_vf load_half(const uint16_t* p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
EL_BLOCK_INLINE el_vi load_bytes(const uint8_t* p) {
    uint32_t four;
    memcpy(&four, p, 4);
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(four)))));
}
#endif

EL_BLOCK_INLINE el_vf load_scales(const el_block_job* j, int64_t at) {
    return j->p->half_scales ? load_half((const uint16_t*)j->scales + at) : el_vload((const float*)j->scales + at);
}

/* Rows m .. m+MR-1 of the columns from `column`, VV vectors: y + bias. */
EL_BLOCK_INLINE void store_tile(const el_block_job* j, int64_t m, int64_t column, el_vf y[][VECTORS], const int MR, const int VV) {
    const el_block_gemm_params* p = j->p;
    EL_BLOCK_UNROLL for (int v = 0; v < VV; v++) {
        int64_t n = column + v * EL_VF, count = p->n - n;
        if (count <= 0) break;
        if (count > EL_VF) count = EL_VF;
        el_vf bias = j->bias ? el_vload_n(j->bias + n, count) : el_vzero();
        EL_BLOCK_UNROLL for (int r = 0; r < MR; r++) el_vstore_n(j->y + (m + r) * p->n + n, el_vadd(y[r][v], bias), count);
    }
}

#define EL_BLOCK_BY_BITS                                                                                                        \
    static void panels8(void* arg, int64_t begin, int64_t end, int32_t worker) { panels(arg, begin, end, 8); }                  \
    static void panels4(void* arg, int64_t begin, int64_t end, int32_t worker) { panels(arg, begin, end, 4); }                  \
    static void panels3(void* arg, int64_t begin, int64_t end, int32_t worker) { panels(arg, begin, end, 3); }                  \
    static void panels2(void* arg, int64_t begin, int64_t end, int32_t worker) { panels(arg, begin, end, 2); }                  \
    static inline el_body_fn panels_of(const el_block_gemm_params* p) {                                                         \
        return p->bits == 8 ? panels8 : p->bits == 4 ? panels4 : p->bits == 3 ? panels3 : panels2;                              \
    }
#endif
