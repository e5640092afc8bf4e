/* int8 depthwise convolution in int16: x86 multiplies pairs of rows (VPMADDWD), which is exact, Neon one row at a time. */
#include "qmat.h"
#include "qvec.h"

#if defined(__aarch64__)
#define QDW_TAPS 1
typedef int16_t qdw_unit;
typedef struct { int16x8_t v[2]; } qdw_vec;
EL_VEC qdw_vec qdw_load(const qdw_unit* p) { return (qdw_vec){{vld1q_s16(p), vld1q_s16(p + 8)}}; }
EL_VEC q16 qdw_dot(q16 acc, qdw_vec x, qdw_vec w) {
    EL_UNROLL for (int i = 0; i < 2; i++) {
        acc.v[2 * i] = vmlal_s16(acc.v[2 * i], vget_low_s16(x.v[i]), vget_low_s16(w.v[i]));
        acc.v[2 * i + 1] = vmlal_high_s16(acc.v[2 * i + 1], x.v[i], w.v[i]);
    }
    return acc;
}
EL_VEC void interleave_16(const int8_t* const* r, qdw_unit* d, int8_t flip) {
    int8x16_t v = vld1q_s8(r[0]);
    vst1q_s16(d, vmovl_s8(vget_low_s8(v)));
    vst1q_s16(d + 8, vmovl_high_s8(v));
}
#else
#define QDW_TAPS 2
typedef int32_t qdw_unit;
typedef q16 qdw_vec;
EL_VEC qdw_vec qdw_load(const qdw_unit* p) { return q16_load(p); }
/* The empty statements keep sums in the order written: a compiler that adds up products in pairs keeps all of them at once,
 * which are more than there are registers. */
#if defined(__AVX512BW__)
EL_VEC q16 qdw_dot(q16 acc, qdw_vec x, qdw_vec w) {
    acc.v = _mm512_add_epi32(acc.v, _mm512_madd_epi16(x.v, w.v));
    __asm__("" : "+v"(acc.v));
    return acc;
}
#else
EL_VEC q16 qdw_dot(q16 acc, qdw_vec x, qdw_vec w) {
    EL_UNROLL for (int h = 0; h < 2; h++) {
        acc.v[h] = _mm256_add_epi32(acc.v[h], _mm256_madd_epi16(x.v[h], w.v[h]));
        __asm__("" : "+x"(acc.v[h]));
    }
    return acc;
}
#endif
EL_VEC void interleave_16(const int8_t* const* r, qdw_unit* d, int8_t flip) {
    __m128i a = _mm_loadu_si128((const __m128i*)r[0]), b = _mm_loadu_si128((const __m128i*)r[1]);
    _mm256_storeu_si256((__m256i*)d, _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a, b)));
    _mm256_storeu_si256((__m256i*)(d + 8), _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(a, b)));
}
#endif
#define QDW_BIAS 0

static __attribute__((noinline)) void qdw_interleave(const int8_t* const* rows, int64_t count, qdw_unit* d) {
    const int8_t* r[QDW_TAPS];
    int64_t i = 0;
    for (; i + 16 <= count; i += 16) {
        EL_UNROLL for (int t = 0; t < QDW_TAPS; t++) r[t] = rows[t] + i;
        interleave_16(r, d + i, 0);
    }
    if (i < count) {
        int8_t last[QDW_TAPS][16] = {{0}};
        for (int t = 0; t < QDW_TAPS; t++) memcpy(last[t], rows[t] + i, (size_t)(count - i)), r[t] = last[t];
        interleave_16(r, d + i, 0);
    }
}

#include "qdwconv_rows.h"

EL_KERNEL_SIMD(qdwconv_s8, el_qconv_params)

void EL_SIMD_NAME(qdwconv_s8)(const el_ctx* ctx, const void* params, void* const* buffers) { qdwconv(ctx, params, buffers); }
