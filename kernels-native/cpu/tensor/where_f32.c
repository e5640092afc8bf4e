#include "el_tensor.h"

EL_KERNEL(where_f32, scalar, el_where_params)
void el_where_f32__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_where_params* p = params_;
    const uint8_t* c = buffers[0];
    const float *a = buffers[1], *b = buffers[2];
    float* y = buffers[3];
    int64_t count = 1;
    for (int32_t d = 0; d < p->rank; d++) count *= p->dims[d];
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = i, ci = 0, ai = 0, bi = 0;
        for (int32_t d = p->rank - 1; d >= 0; d--) {
            int64_t at = rest % p->dims[d];
            rest /= p->dims[d];
            ci += at * p->c_stride[d];
            ai += at * p->a_stride[d];
            bi += at * p->b_stride[d];
        }
        y[i] = c[ci] ? a[ai] : b[bi];
    }
}
