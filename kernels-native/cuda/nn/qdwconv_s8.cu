#include "el_cuda_conv.h"

/* A thread: one output value. Weights [ceil(c/16)][kh*kw][16]. */
EL_CUDA_ENTRY(qdwconv_s8, el_qconv_params) {
    const int8_t *x = (const int8_t*)b.p[0], *w = (const int8_t*)b.p[1];
    const int32_t *bias = (const int32_t*)b.p[2], *multiplier = (const int32_t*)b.p[4], *shift = (const int32_t*)b.p[5];
    int8_t* y = (int8_t*)b.p[6];
    const int taps = p.kh * p.kw;
    EL_EACH(i, (unsigned)(p.n * p.oh * p.ow) * (unsigned)p.c) {
        int pixel = (int)(i / (unsigned)p.c), c = (int)(i - (unsigned)pixel * (unsigned)p.c);
        el_window window = el_window_at(p, x, (int64_t)p.h * p.w * p.c, pixel);
        const int8_t* filter = w + (int64_t)(c / EL_PANEL) * taps * EL_PANEL + c % EL_PANEL;
        uint32_t sum = bias ? (uint32_t)bias[c] : 0;
        for (int tap = 0; tap < taps; tap++) {
            int place = el_tap(p, window, tap);
            if (place >= 0) sum += (uint32_t)((((const int8_t*)window.image)[(int64_t)place * p.c + c] - p.x_zero) * filter[tap * EL_PANEL]);
        }
        y[i] = (int8_t)el_clamp_s8(el_requantize((int32_t)sum, multiplier[c], shift[c]), p.y_zero, p.y_min, p.y_max);
    }
}

EL_CUDA_LAUNCH(qdwconv_s8, el_qconv_params) {
    return el_each_output(p, device, launches, "qdwconv_s8", p.c);
}
