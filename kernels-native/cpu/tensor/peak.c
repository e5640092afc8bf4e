#include "el_kernels.h"
#include <string.h>

EL_KERNEL(peak_f32, scalar, el_peak_params)
void el_peak_f32__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_peak_params* p = params;
    float c[16];
    for (int i = 0; i < 16; i++) c[i] = (float)i;
    for (int64_t n = 0; n < p->rounds; n++)
        for (int i = 0; i < 16; i++) c[i] = c[i] * 0.999f + 0.001f;
    memcpy(buffers[2], c, sizeof c);
    *(double*)buffers[0] = 32.0 * (double)p->rounds;
}

EL_KERNEL(peak_s8, scalar, el_peak_params)
void el_peak_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_peak_params* p = params;
    const volatile int8_t factors[2] = {3, 5};
    int32_t c[16] = {0};
    for (int64_t n = 0; n < p->rounds; n++) {
        const int8_t a = factors[0], b = factors[1];
        for (int i = 0; i < 16; i++) c[i] += (int8_t)(a + i) * b;
    }
    memcpy(buffers[2], c, sizeof c);
    *(double*)buffers[0] = 32.0 * (double)p->rounds;
}

EL_KERNEL(peak_read, scalar, el_peak_params)
void el_peak_read__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_peak_params* p = params;
    const uint64_t* x = buffers[1];
    uint64_t sum[8] = {0};
    for (int64_t n = 0; n < p->rounds; n++)
        for (int64_t i = 0; i < p->bytes / 8; i += 8)
            for (int j = 0; j < 8; j++) sum[j] += x[i + j];
    memcpy(buffers[2], sum, sizeof sum);
    *(double*)buffers[0] = (double)p->bytes * (double)p->rounds;
}
