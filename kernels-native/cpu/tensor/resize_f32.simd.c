/* A pixel of y at a time, its channels in whole vectors and one masked vector. Rows of y are shared out. */
#include "el_nd.h"
#include "el_simd.h"

typedef struct job {
    const el_resize_params* p;
    const float *x, *yw, *xw;
    const int32_t *yi0, *yi1, *xi0, *xi1;
    float* y;
} job;

static inline el_vf mix(el_vf a, el_vf b, el_vf w0, el_vf w1) { return el_vfma(w0, a, el_vmul(w1, b)); }

static void some_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const job* j = arg;
    const el_resize_params* p = j->p;
    const int64_t c = p->c, row = p->w * c;
    for (int64_t r = begin; r < end; r++) {
        const float* image = j->x + r / p->oh * p->h * row;
        const int64_t i = r % p->oh;
        const float* top = image + j->yi0[i] * row;
        float* y = j->y + r * p->ow * c;
        const float* bottom = image + j->yi1[i] * row;
        const el_vf v0 = el_vset1(1 - j->yw[i]), v1 = el_vset1(j->yw[i]);
        for (int32_t q = 0; q < p->ow; q++, y += c) {
            const int64_t left = j->xi0[q] * c, right = j->xi1[q] * c;
            const el_vf h0 = el_vset1(1 - j->xw[q]), h1 = el_vset1(j->xw[q]);
            int64_t k = 0;
            for (; k + EL_VF <= c; k += EL_VF) {
                el_vf t = mix(el_vload(top + left + k), el_vload(top + right + k), h0, h1);
                el_vf b = mix(el_vload(bottom + left + k), el_vload(bottom + right + k), h0, h1);
                el_vstore(y + k, mix(t, b, v0, v1));
            }
            if (k < c) {
                el_vf t = mix(el_vload_n(top + left + k, c - k), el_vload_n(top + right + k, c - k), h0, h1);
                el_vf b = mix(el_vload_n(bottom + left + k, c - k), el_vload_n(bottom + right + k, c - k), h0, h1);
                el_vstore_n(y + k, mix(t, b, v0, v1), c - k);
            }
        }
    }
}

EL_KERNEL_SIMD(resize_f32, el_resize_params)
void EL_SIMD_NAME(resize_f32)(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_resize_params* p = params_;
    if (p->ow <= 0 || p->c <= 0) return;
    job j = {p, buffers[0], buffers[3], buffers[6], buffers[1], buffers[2], buffers[4], buffers[5], buffers[7]};
    el_parallel(ctx, (int64_t)p->n * p->oh, EL_ELEMENTS_PER_PIECE / ((int64_t)p->ow * p->c) + 1, some_rows, &j);
}
