#include "el_tensor.h"

EL_KERNEL(resize_f32, scalar, el_resize_params)
void el_resize_f32__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_resize_params* p = params_;
    const float *x = buffers[0], *yw = buffers[3], *xw = buffers[6];
    const int32_t *yi0 = buffers[1], *yi1 = buffers[2], *xi0 = buffers[4], *xi1 = buffers[5];
    float* y = buffers[7];
    const int64_t row = (int64_t)p->w * p->c;
    for (int32_t n = 0; n < p->n; n++)
        for (int32_t i = 0; i < p->oh; i++)
            for (int32_t j = 0; j < p->ow; j++)
                for (int32_t c = 0; c < p->c; c++) {
                    const float* image = x + (int64_t)n * p->h * row;
                    const float *top = image + yi0[i] * row + c, *bottom = image + yi1[i] * row + c;
                    float t = (1 - xw[j]) * top[(int64_t)xi0[j] * p->c] + xw[j] * top[(int64_t)xi1[j] * p->c];
                    float b = (1 - xw[j]) * bottom[(int64_t)xi0[j] * p->c] + xw[j] * bottom[(int64_t)xi1[j] * p->c];
                    *y++ = (1 - yw[i]) * t + yw[i] * b;
                }
}
