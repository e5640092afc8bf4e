#include "el_tensor.h"
#include <math.h>

EL_KERNEL(reduce_f32, scalar, el_reduce_params)
void el_reduce_f32__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_reduce_params* p = params_;
    const float* x = buffers[0];
    float* y = buffers[1];
    for (int64_t o = 0; o < p->outer; o++)
        for (int64_t i = 0; i < p->inner; i++) {
            double sum = 0, product = 1;
            float max = -INFINITY, min = INFINITY;
            for (int64_t a = 0; a < p->axis; a++) {
                float v = x[(o * p->axis + a) * p->inner + i];
                switch ((el_reduce_op)p->op) {
                case EL_REDUCE_SUM:
                case EL_REDUCE_MEAN: sum += v; break;
                case EL_REDUCE_SUM_SQUARE:
                case EL_REDUCE_L2: sum += (double)v * v; break;
                case EL_REDUCE_L1: sum += fabs((double)v); break;
                case EL_REDUCE_PROD: product *= v; break;
                case EL_REDUCE_MAX: max = v > max || v != v ? v : max; break;
                case EL_REDUCE_MIN: min = v < min || v != v ? v : min; break;
                case EL_REDUCE_COUNT_: break;
                }
            }
            float r = (float)sum;
            if (p->op == EL_REDUCE_MEAN) r = p->axis ? (float)(sum / (double)p->axis) : NAN;
            if (p->op == EL_REDUCE_L2) r = (float)sqrt(sum);
            if (p->op == EL_REDUCE_PROD) r = (float)product;
            if (p->op == EL_REDUCE_MAX) r = max;
            if (p->op == EL_REDUCE_MIN) r = min;
            y[o * p->inner + i] = r;
        }
}
