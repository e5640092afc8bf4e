/* int8 mean over spatial positions, 16 channels in lanes. */
#include "el_quant.h"
#include "qvec.h"

EL_KERNEL_SIMD(qmean_s8, el_qmean_params)

typedef struct mean_args {
    const el_qmean_params* p;
    const int8_t* x;
    int8_t* y;
} mean_args;

/* items: (image, block of 16 channels). The last block of an image begins so that it ends with the channels, where there are 16; where there
 * are fewer, sixteens of a pixel and those that follow are read as long as they are there. */
static void blocks(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const mean_args* a = arg;
    const el_qmean_params* p = a->p;
    const int64_t count = ((int64_t)p->c + 15) / 16, lanes = p->c < 16 ? p->c : 16;
    const int32_t whole = p->c < 16 ? p->hw - (15 + p->c) / p->c : p->hw; /* pixels at which 16 elements may be read, at least */
    q16 offset = q16_set((int32_t)((uint32_t)p->x_zero * (uint32_t)p->hw));
    q16 m = q16_set(p->multiplier), left = q16_set(p->shift > 0 ? p->shift : 0), right = q16_set(p->shift > 0 ? 0 : -p->shift);
    for (int64_t item = begin; item < end; item++) {
        const int64_t n = item / count, first = item % count * 16, c = first + lanes > p->c ? p->c - lanes : first;
        const int8_t* x = a->x + n * p->hw * p->c + c;
        q16 sum = q16_set(0), more = sum;
        int32_t i = 0;
        for (; i + 2 <= whole; i += 2) {
            sum = q16_add(sum, q16_load8(x + (int64_t)i * p->c));
            more = q16_add(more, q16_load8(x + (int64_t)(i + 1) * p->c));
        }
        sum = q16_add(sum, more);
        for (; i < p->hw; i++) sum = q16_add(sum, q16_load8_part(x + (int64_t)i * p->c, lanes));
        q16 v = q16_requantize(q16_sub(sum, offset), m, left, right);
        int8_t y[16];
        q16_store8(y, q16_clamp(v, p->y_zero, -128, 127));
        memcpy(a->y + n * p->c + first, y + first - c, (size_t)(c + lanes - first));
    }
}

void EL_SIMD_NAME(qmean_s8)(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_qmean_params* p = params;
    mean_args a = {p, buffers[0], buffers[1]};
    el_parallel(ctx, (int64_t)p->n * (((int64_t)p->c + 15) / 16), 4096 / ((int64_t)p->hw + 1) + 1, blocks, &a);
}
