#include "el_nd.h"
#include "el_half_simd.h"

typedef struct job {
    const void* x;
    void* y;
} job;

static void to_f32(void* arg, int64_t i, int64_t end, int32_t worker) {
    const uint16_t* x = ((job*)arg)->x;
    float* y = ((job*)arg)->y;
    for (; i + EL_VF <= end; i += EL_VF) el_vstore(y + i, el_vwiden(x + i));
    if (i < end) el_vstore_n(y + i, el_vwiden_n(x + i, end - i), end - i);
}

static void to_f16(void* arg, int64_t i, int64_t end, int32_t worker) {
    const float* x = ((job*)arg)->x;
    uint16_t* y = ((job*)arg)->y;
    for (; i + EL_VF <= end; i += EL_VF) el_vnarrow(y + i, el_vload(x + i));
    if (i < end) el_vnarrow_n(y + i, el_vload_n(x + i, end - i), end - i);
}

EL_KERNEL_SIMD(f16_to_f32, el_convert_params)
void EL_SIMD_NAME(f16_to_f32)(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_convert_params* p = params_;
    job j = {buffers[0], buffers[1]};
    el_parallel(ctx, p->count, EL_ELEMENTS_PER_PIECE, to_f32, &j);
}

EL_KERNEL_SIMD(f32_to_f16, el_convert_params)
void EL_SIMD_NAME(f32_to_f16)(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_convert_params* p = params_;
    job j = {buffers[0], buffers[1]};
    el_parallel(ctx, p->count, EL_ELEMENTS_PER_PIECE, to_f16, &j);
}
