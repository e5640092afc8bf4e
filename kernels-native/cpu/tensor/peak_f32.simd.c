/* Independent chains, more than latency times units of any core. */
#include "el_kernels.h"
#include "el_simd.h"
#include <string.h>

EL_KERNEL_SIMD(peak_f32, el_peak_params)
EL_KERNEL_SIMD(peak_read, el_peak_params)

#define CHAINS (EL_VF == 8 ? 12 : 16)

void EL_SIMD_NAME(peak_f32)(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_peak_params* p = params;
    el_vf c[CHAINS], a = el_vset1(0.999f), b = el_vset1(0.001f);
    for (int i = 0; i < CHAINS; i++) c[i] = el_vset1((float)i);
    for (int64_t n = 0; n < p->rounds; n++)
#pragma GCC unroll 8
        for (int k = 0; k < 8; k++)
#pragma GCC unroll 16
            for (int i = 0; i < CHAINS; i++) c[i] = el_vfma(c[i], a, b);
    for (int i = 1; i < CHAINS; i++) c[0] = el_vadd(c[0], c[i]);
    el_vstore(buffers[2], c[0]);
    *(double*)buffers[0] = 2.0 * 8 * CHAINS * EL_VF * (double)p->rounds;
}

void EL_SIMD_NAME(peak_read)(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_peak_params* p = params;
    const float* x = buffers[1];
    el_vf sum[8];
    for (int j = 0; j < 8; j++) sum[j] = el_vzero();
    for (int64_t n = 0; n < p->rounds; n++)
        for (int64_t i = 0; i < p->bytes / 4; i += 8 * EL_VF)
#pragma GCC unroll 8
            for (int j = 0; j < 8; j++) sum[j] = el_vmax(sum[j], el_vload(x + i + j * EL_VF));
    for (int j = 1; j < 8; j++) sum[0] = el_vmax(sum[0], sum[j]);
    el_vstore(buffers[2], sum[0]);
    *(double*)buffers[0] = (double)p->bytes * (double)p->rounds;
}
