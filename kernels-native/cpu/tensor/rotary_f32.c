/* Halves of rows lie side by side, so that the compiler's vectors are enough: there is no variant for an instruction set. */
#include "el_nd.h"
#include <string.h>

typedef struct job {
    const el_rotary_params* p;
    const float *x, *cos, *sin;
    const int64_t* ids;
    float* y;
} job;

/* Items are rows: [batch][heads][rows]. */
static void some_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const job* j = arg;
    const el_rotary_params* p = j->p;
    const int64_t half = p->dim / 2, rest = p->width - p->dim;
    for (int64_t item = begin; item < end; item++) {
        int64_t t = item % p->rows, h = item / p->rows % p->heads, b = item / p->rows / p->heads, row = b * p->rows + t;
        int64_t at = b * p->batch_stride + h * p->head_stride + t * p->row_stride, place = j->ids ? j->ids[row] : row;
        const float* x = j->x + at;
        float* y = j->y + at;
        if (y != x && rest > 0) memcpy(y + p->dim, x + p->dim, (size_t)rest * sizeof(float));
        if (place < 0 || place >= p->places) {
            memset(y, 0, (size_t)p->dim * sizeof(float));
            continue;
        }
        const float *cos = j->cos + place * half, *sin = j->sin + place * half;
        if (p->interleaved)
            for (int64_t i = 0; i < half; i++) {
                float first = x[2 * i], second = x[2 * i + 1];
                y[2 * i] = cos[i] * first - sin[i] * second;
                y[2 * i + 1] = sin[i] * first + cos[i] * second;
            }
        else
#pragma GCC ivdep /* y is x or apart from it */
            for (int64_t i = 0; i < half; i++) {
                float first = x[i], second = x[i + half];
                y[i] = cos[i] * first - sin[i] * second;
                y[i + half] = sin[i] * first + cos[i] * second;
            }
    }
}

EL_KERNEL(rotary_f32, scalar, el_rotary_params)
void el_rotary_f32__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_rotary_params* p = params_;
    job j = {p, buffers[0], buffers[1], buffers[2], buffers[3], buffers[4]};
    el_parallel(ctx, p->batch * p->heads * p->rows, EL_ELEMENTS_PER_PIECE / (p->width + 1) + 1, some_rows, &j);
}
