/* int8 depthwise convolution with SDOT, which sums four rows of one channel. */
#include "qvec.h"

typedef struct { int8x16_t v[4]; } qdw_vec;
EL_VEC qdw_vec qdw_load(const int32_t* p) {
    return (qdw_vec){{vreinterpretq_s8_s32(vld1q_s32(p)), vreinterpretq_s8_s32(vld1q_s32(p + 4)), vreinterpretq_s8_s32(vld1q_s32(p + 8)), vreinterpretq_s8_s32(vld1q_s32(p + 12))}};
}
EL_VEC q16 qdw_dot(q16 acc, qdw_vec x, qdw_vec w) {
    for (int i = 0; i < 4; i++) acc.v[i] = vdotq_s32(acc.v[i], x.v[i], w.v[i]);
    return acc;
}
#define QDW_BIAS 0
EL_VEC void interleave_16(const int8_t* const* r, int32_t* d, int8_t flip) {
    vst4q_s8((int8_t*)d, (int8x16x4_t){{vld1q_s8(r[0]), vld1q_s8(r[1]), vld1q_s8(r[2]), vld1q_s8(r[3])}});
}
#include "qdwconv_quads.h"

EL_KERNEL(qdwconv_s8, neondot, el_qconv_params)

void el_qdwconv_s8__neondot(const el_ctx* ctx, const void* params, void* const* buffers) { qdwconv(ctx, params, buffers); }
