/* Integer softmax over the last axis, bit for bit that of TFLite's reference kernel; see el_fixed_exp.h. */
#include "el_fixed_exp.h"

EL_KERNEL(qsoftmax_s8, scalar, el_qsoftmax_params)

static void rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    void** a = arg;
    const el_qsoftmax_params* p = a[0];
    for (int64_t row = begin; row < end; row++) {
        const int8_t* x = (const int8_t*)a[1] + row * p->depth;
        int8_t* y = (int8_t*)a[2] + row * p->depth;
        int32_t largest = -128, exps[256]; /* by difference from the maximum; -1: not computed yet */
        for (int32_t i = 0; i < p->depth; i++) largest = x[i] > largest ? x[i] : largest;
        for (int32_t i = 0; i < 256; i++) exps[i] = -1;
        uint32_t sum = 0;
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t diff = x[i] - largest;
            if (diff < p->diff_min) continue;
            if (exps[-diff] < 0)
                exps[-diff] = el_fixed_exp_negative(el_fixed_multiply((int32_t)((uint32_t)diff << p->input_left_shift), p->input_multiplier));
            sum += (uint32_t)el_rounding_divide_by_pot(exps[-diff], 12);
        }
        int32_t headroom = el_fixed_leading_zeros(sum), bits_over_one = 12 - headroom;
        int32_t scale = el_fixed_reciprocal_one_plus((int32_t)((sum << headroom) - (1u << 31)));
        int32_t right = bits_over_one + 31 - 8;
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t diff = x[i] - largest, v = -128;
            if (diff >= p->diff_min) v = el_clamp_s8(el_rounding_divide_by_pot(el_fixed_multiply(scale, exps[-diff]), right > 31 ? 31 : right), -128, -128, 127);
            y[i] = (int8_t)v;
        }
    }
}

void el_qsoftmax_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_qsoftmax_params* p = params;
    void* a[] = {(void*)params, buffers[0], buffers[1]};
    el_parallel(ctx, p->rows, 8192 / ((int64_t)p->depth + 256) + 1, rows, a);
}
