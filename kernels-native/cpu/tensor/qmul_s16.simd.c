/* int16 multiplication, 16 elements in lanes. */
#include "qoperand.h"

EL_KERNEL_SIMD(qmul_s16, el_qmul_params)

typedef struct mul_args {
    const el_qmul_params* p;
    void* const* buffers;
} mul_args;

static void range(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const mul_args* args = arg;
    const el_qmul_params* p = args->p;
    int16_t* y = args->buffers[2];
    q_operand a = q_operand_at(args->buffers[0], p->a_period, begin), b = q_operand_at(args->buffers[1], p->b_period, begin);
    const q_requant to = q_requant_set(p->y_multiplier, p->y_shift);
    const q16 oa = q16_set(p->a_offset), ob = q16_set(p->b_offset);
    for (int64_t i = begin; i < end; i += 16) {
        int64_t lanes = end - i < 16 ? end - i : 16;
        q16 va = q_operand_next16(&a, lanes), vb = q_operand_next16(&b, lanes);
        q16 v = q_requant_apply(q16_mul(q16_add(va, oa), q16_add(vb, ob)), to);
        q16_store16_part(y + i, q16_clamp(v, p->y_offset, p->y_min, p->y_max), lanes);
    }
}

void EL_SIMD_NAME(qmul_s16)(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_qmul_params* p = params;
    mul_args a = {p, buffers};
    el_parallel(ctx, p->count, EL_Q_GRAIN, range, &a);
}
