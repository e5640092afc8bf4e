/* int8 to int8 with another scale and zero point, 16 elements in lanes. */
#include "qoperand.h"

EL_KERNEL_SIMD(requantize_s8, el_requantize_params)

typedef struct requantize_args {
    const el_requantize_params* p;
    const int8_t* x;
    int8_t* y;
} requantize_args;

static void range(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const requantize_args* a = arg;
    const el_requantize_params* p = a->p;
    q_requant r = q_requant_set(p->multiplier, p->shift);
    q16 zero = q16_set(p->x_zero);
    for (int64_t i = begin; i < end; i += 16) {
        int64_t lanes = end - i < 16 ? end - i : 16;
        q16 v = q_requant_apply(q16_sub(q16_load8_part(a->x + i, lanes), zero), r);
        q16_store8_part(a->y + i, q16_clamp(v, p->y_zero, p->y_min, p->y_max), lanes);
    }
}

void EL_SIMD_NAME(requantize_s8)(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_requantize_params* p = params;
    requantize_args a = {p, buffers[0], buffers[1]};
    el_parallel(ctx, p->count, EL_Q_GRAIN, range, &a);
}
