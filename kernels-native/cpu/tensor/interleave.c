#include "interleave.h"

#define INTERLEAVE(size, type)                                                                                              \
    static void rows_b##size(void* arg, int64_t begin, int64_t end, int32_t worker) {                                       \
        const el_interleave_job* j = arg;                                                                                   \
        const int64_t c = j->p->width, half = j->p->halves ? c / 2 : c;                                                     \
        for (int64_t r = begin; r < end; r++)                                                                               \
            for (int64_t i = 0; i < c; i++) {                                                                               \
                type* y = (type*)(i < half ? j->y0 : j->y1) + r * 2 * half + 2 * (i < half ? i : i - half);                  \
                y[0] = ((const type*)j->a)[r * c + i];                                                                      \
                y[1] = ((const type*)j->b)[r * c + i];                                                                      \
            }                                                                                                               \
    }

EL_KERNEL(interleave_b1, scalar, el_interleave_params)
EL_KERNEL(interleave_b4, scalar, el_interleave_params)
INTERLEAVE(1, uint8_t)
INTERLEAVE(4, uint32_t)

void el_interleave_b1__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    el_interleave_job j = {params, buffers[0], buffers[1], buffers[2], buffers[3]};
    el_parallel(ctx, j.p->rows, EL_ELEMENTS_PER_PIECE / (j.p->width + 1) + 1, rows_b1, &j);
}
void el_interleave_b4__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    el_interleave_job j = {params, buffers[0], buffers[1], buffers[2], buffers[3]};
    el_parallel(ctx, j.p->rows, EL_ELEMENTS_PER_PIECE / (j.p->width + 1) + 1, rows_b4, &j);
}
