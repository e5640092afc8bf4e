/* Vectors of eight float16 (FEAT_FP16), under the names that el_simd.h has for vectors of float with h for v: el_hload is el_vload.
 * For files of the instruction set neonfp16. */
#ifndef EL_SIMD_F16_H
#define EL_SIMD_F16_H
#include "el_act.h"
#include "el_simd.h"
#include <string.h>

#define EL_HF 8
typedef float16_t el_half; /* an element in memory */
typedef float16x8_t el_hf;

static inline el_hf el_hload(const el_half* p) { return vld1q_f16(p); }
static inline void el_hstore(el_half* p, el_hf a) { vst1q_f16(p, a); }
/* The first n lanes, n <= 8, zero after. */
static inline el_hf el_hload_n(const el_half* p, int64_t n) {
    if (n >= EL_HF) return vld1q_f16(p);
    el_half lanes[EL_HF] = {0};
    for (int64_t i = 0; i < n; i++) lanes[i] = p[i];
    return vld1q_f16(lanes);
}
static inline void el_hstore_n(el_half* p, el_hf a, int64_t n) {
    if (n >= EL_HF) {
        vst1q_f16(p, a);
        return;
    }
    float16x4_t h = vget_low_f16(a);
    if (n & 4) {
        vst1_f16(p, h);
        h = vget_high_f16(a);
        p += 4;
    }
    if (n & 2) {
        uint32_t two = vget_lane_u32(vreinterpret_u32_f16(h), 0);
        memcpy(p, &two, sizeof two);
        h = vext_f16(h, h, 2);
        p += 2;
    }
    if (n & 1) vst1_lane_f16(p, h, 0);
}
static inline el_hf el_hset1(float a) { return vdupq_n_f16((el_half)a); }
static inline el_hf el_hzero(void) { return vdupq_n_f16(0); }
static inline el_hf el_hadd(el_hf a, el_hf b) { return vaddq_f16(a, b); }
static inline el_hf el_hsub(el_hf a, el_hf b) { return vsubq_f16(a, b); }
static inline el_hf el_hmul(el_hf a, el_hf b) { return vmulq_f16(a, b); }
static inline el_hf el_hfma(el_hf a, el_hf b, el_hf c) { return vfmaq_f16(c, a, b); }
static inline el_hf el_hclamp(el_hf x, el_hf lo, el_hf hi) { return vminq_f16(hi, vmaxq_f16(lo, x)); }

static inline el_vf el_hlow(el_hf a) { return vcvt_f32_f16(vget_low_f16(a)); }
static inline el_vf el_hhigh(el_hf a) { return vcvt_high_f32_f16(a); }
static inline el_hf el_hjoin(el_vf low, el_vf high) { return vcvt_high_f16_f32(vcvt_f16_f32(low), high); }

/* Floats of a bias or slope. */
static inline el_hf el_hnarrow(const float* p) { return el_hjoin(vld1q_f32(p), vld1q_f32(p + 4)); }
static inline el_hf el_hnarrow_n(const float* p, int64_t n) {
    return n >= EL_HF ? el_hnarrow(p) : el_hjoin(el_vload_n(p, n), n > 4 ? el_vload_n(p + 4, n - 4) : el_vzero());
}

/* An activation that is computed in float. */
el_hf el_hact_float(el_act act, el_hf x);

/* The activations whose every step float16 has room for are done in it, the others in float. slope: read by EL_ACT_PRELU only. */
static inline __attribute__((always_inline)) el_hf el_hact(const el_act act, el_hf x, el_hf slope) {
    switch (act.kind) {
    case EL_ACT_NONE: return x;
    case EL_ACT_CLAMP: return el_hclamp(x, el_hset1(act.a), el_hset1(act.b));
    case EL_ACT_HARD_SWISH: return el_hmul(x, el_hclamp(el_hfma(x, el_hset1(1.0f / 6), el_hset1(0.5f)), el_hzero(), el_hset1(1)));
    case EL_ACT_HARD_SIGMOID: return el_hclamp(el_hfma(x, el_hset1(act.a), el_hset1(act.b)), el_hzero(), el_hset1(1));
    case EL_ACT_PRELU: return vbslq_f16(vcltq_f16(x, el_hzero()), el_hmul(x, slope), x);
    case EL_ACT_LEAKY_RELU: return vbslq_f16(vcltq_f16(x, el_hzero()), el_hmul(x, el_hset1(act.a)), x);
    default: return el_hact_float(act, x);
    }
}

#endif
