/* int16 to int16 with another scale and zero point, 16 elements in lanes. */
#include "qoperand.h"

EL_KERNEL_SIMD(requantize_s16, el_requantize_params)

typedef struct requantize_args {
    const el_requantize_params* p;
    void* const* buffers;
} requantize_args;

static void range(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const requantize_args* args = arg;
    const el_requantize_params* p = args->p;
    int16_t* y = args->buffers[1];
    q_operand x = q_operand_at(args->buffers[0], p->count, begin);
    const q_requant to = q_requant_set(p->multiplier, p->shift);
    const q16 zero = q16_set(p->x_zero);
    for (int64_t i = begin; i < end; i += 16) {
        int64_t lanes = end - i < 16 ? end - i : 16;
        q16 v = q_requant_apply(q16_sub(q_operand_next16(&x, lanes), zero), to);
        q16_store16_part(y + i, q16_clamp(v, p->y_zero, p->y_min, p->y_max), lanes);
    }
}

void EL_SIMD_NAME(requantize_s16)(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_requantize_params* p = params;
    requantize_args a = {p, buffers};
    el_parallel(ctx, p->count, EL_Q_GRAIN, range, &a);
}
