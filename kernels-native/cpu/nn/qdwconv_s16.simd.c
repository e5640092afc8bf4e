/* int16 depthwise convolution: sixteen channels of one output at a time, in loops that the compiler turns into vectors of this
 * instruction set. A sum of up to 511 products fits into int32; the binding leaves larger kernels to the reference loops. */
#include "el_quant.h"

EL_KERNEL_SIMD(qdwconv_s16, el_qconv_params)

typedef struct dw_job {
    const el_qconv_params* p;
    void* const* buffers;
} dw_job;

/* acc[j] += x[j] * w[j] for `lanes` channels */
static inline void add_products(int32_t* restrict acc, const int16_t* restrict x, const int8_t* restrict w, int32_t lanes) {
    if (lanes == 16)
        for (int32_t j = 0; j < 16; j++) acc[j] += x[j] * w[j];
    else
        for (int32_t j = 0; j < lanes; j++) acc[j] += x[j] * w[j];
}

static void lines(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const dw_job* job = arg;
    const el_qconv_params* p = job->p;
    const int16_t* x = job->buffers[0];
    const int8_t* weights = job->buffers[1];
    const int64_t* bias = job->buffers[2];
    const int32_t *multiplier = job->buffers[4], *shift = job->buffers[5];
    const int64_t taps = (int64_t)p->kh * p->kw;
    for (int64_t line = begin; line < end; line++) {
        int64_t n = line / p->oh, oy = line % p->oh;
        for (int32_t c = 0; c < p->c; c += 16) {
            const int32_t lanes = p->c - c < 16 ? p->c - c : 16;
            uint64_t start[16];
            int32_t reduced[16], right[16];
            for (int32_t j = 0; j < lanes; j++) {
                start[j] = bias ? (uint64_t)bias[c + j] : 0;
                reduced[j] = el_reduced_multiplier(multiplier[c + j]), right[j] = 15 - shift[c + j];
            }
            for (int64_t ox = 0; ox < p->ow; ox++) {
                int32_t acc[16] = {0};
                for (int32_t ky = 0; ky < p->kh; ky++) {
                    int64_t iy = oy * p->stride_h - p->pad_top + ky * p->dilation_h;
                    if (iy < 0 || iy >= p->h) continue;
                    for (int32_t kx = 0; kx < p->kw; kx++) {
                        int64_t ix = ox * p->stride_w - p->pad_left + kx * p->dilation_w;
                        if (ix < 0 || ix >= p->w) continue;
                        add_products(acc, x + ((n * p->h + iy) * p->w + ix) * p->c + c, weights + (c / 16 * taps + ky * p->kw + kx) * 16, lanes);
                    }
                }
                int16_t* y = (int16_t*)job->buffers[6] + (line * p->ow + ox) * p->c + c;
                for (int32_t j = 0; j < lanes; j++) {
                    int64_t v = el_requantize_reduced((uint64_t)(int64_t)acc[j] + start[j], reduced[j], right[j]) + p->y_zero;
                    y[j] = (int16_t)(v < p->y_min ? p->y_min : v > p->y_max ? p->y_max : v);
                }
            }
        }
    }
}

void EL_SIMD_NAME(qdwconv_s16)(const el_ctx* ctx, const void* params, void* const* buffers) {
    dw_job job = {params, buffers};
    int64_t macs = (int64_t)job.p->ow * job.p->c * job.p->kh * job.p->kw;
    el_parallel(ctx, (int64_t)job.p->n * job.p->oh, 100000 / (macs + 1) + 1, lines, &job);
}
