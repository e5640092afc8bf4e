/* Vectors of float from float16 in memory and back, by the processor's own conversion. */
#ifndef EL_HALF_SIMD_H
#define EL_HALF_SIMD_H
#include "el_simd.h"
#include <string.h>

#if EL_VF == 16
static inline el_vf el_vwiden(const uint16_t* p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p)); }
static inline el_vf el_vwiden1(uint16_t h) { return _mm512_cvtph_ps(_mm256_set1_epi16((short)h)); } /* in all lanes */
static inline void el_vnarrow(uint16_t* p, el_vf v) {
    _mm256_storeu_si256((__m256i*)p, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
#elif EL_VF == 8
static inline el_vf el_vwiden(const uint16_t* p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p)); }
static inline el_vf el_vwiden1(uint16_t h) { return _mm256_cvtph_ps(_mm_set1_epi16((short)h)); }
static inline void el_vnarrow(uint16_t* p, el_vf v) { _mm_storeu_si128((__m128i*)p, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT)); }
#else
static inline el_vf el_vwiden(const uint16_t* p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
static inline el_vf el_vwiden1(uint16_t h) { return vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(h))); }
static inline void el_vnarrow(uint16_t* p, el_vf v) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v))); }
#endif

/* The first n lanes, zero after; they go through a buffer of one vector. */
static inline el_vf el_vwiden_n(const uint16_t* p, int64_t n) {
    if (n >= EL_VF) return el_vwiden(p);
    uint16_t lanes[EL_VF] = {0};
    memcpy(lanes, p, (size_t)n * sizeof *p);
    return el_vwiden(lanes);
}
static inline void el_vnarrow_n(uint16_t* p, el_vf v, int64_t n) {
    uint16_t lanes[EL_VF];
    if (n >= EL_VF) el_vnarrow(p, v);
    else el_vnarrow(lanes, v), memcpy(p, lanes, (size_t)n * sizeof *p);
}

#endif
