#include "el_half.h"
#include "el_tensor.h"

EL_KERNEL(f16_to_f32, scalar, el_convert_params)
void el_f16_to_f32__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_convert_params* p = params_;
    const uint16_t* x = buffers[0];
    float* y = buffers[1];
    for (int64_t i = 0; i < p->count; i++) y[i] = el_half_widen(x[i]);
}

EL_KERNEL(f32_to_f16, scalar, el_convert_params)
void el_f32_to_f16__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_convert_params* p = params_;
    const float* x = buffers[0];
    uint16_t* y = buffers[1];
    for (int64_t i = 0; i < p->count; i++) y[i] = el_half_narrow(x[i]);
}
