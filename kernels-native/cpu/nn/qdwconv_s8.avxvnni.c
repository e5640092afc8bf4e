/* int8 depthwise convolution with AVX-VNNI: VPDPBUSD sums four rows of one channel, x taken as x + 128. */
#include "qdwconv_quads_x86.h"

typedef q16 qdw_vec;
EL_VEC qdw_vec qdw_load(const int32_t* p) { return q16_load(p); }
EL_VEC q16 qdw_dot(q16 acc, qdw_vec x, qdw_vec w) {
    return (q16){{_mm256_dpbusd_avx_epi32(acc.v[0], x.v[0], w.v[0]), _mm256_dpbusd_avx_epi32(acc.v[1], x.v[1], w.v[1])}};
}
#include "qdwconv_quads.h"

EL_KERNEL(qdwconv_s8, avxvnni, el_qconv_params)

void el_qdwconv_s8__avxvnni(const el_ctx* ctx, const void* params, void* const* buffers) { qdwconv(ctx, params, buffers); }
