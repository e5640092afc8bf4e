/* Rows of the implicit matrix of a convolution: row m is the window of output pixel m of an image in NHWC, in the order (ky, kx, ci) of
 * the packed weights. P is el_conv_params or el_qconv_params. */
#ifndef EL_CUDA_CONV_H
#define EL_CUDA_CONV_H
#include "el_cuda_tile.h"

/* Input place of the upper left tap of an output pixel. */
struct el_window {
    const void* image; /* NULL: no such pixel */
    int y, x;
};

template <typename P>
EL_DEVICE el_window el_window_at(const P& p, const void* x, int64_t image_bytes, int m) {
    if (m >= p.n * p.oh * p.ow) return {nullptr, 0, 0};
    el_place at = el_place_of(p, m);
    return {(const char*)x + at.image * image_bytes, at.y * p.stride_h - p.pad_top, at.x * p.stride_w - p.pad_left};
}

/* Where tap (ky, kx) of a window lies, as y*w + x; -1 in the padding. */
template <typename P>
EL_DEVICE int el_tap(const P& p, const el_window& window, int tap) {
    int ky = tap / p.kw, kx = tap - ky * p.kw;
    int y = window.y + ky * p.dilation_h, x = window.x + kx * p.dilation_w;
    return (unsigned)y < (unsigned)p.h && (unsigned)x < (unsigned)p.w ? y * p.w + x : -1;
}

/* Input coordinate that tap k of the kernel carries to output coordinate o, or -1. */
EL_DEVICE int el_transposed_source(int o, int k, int stride, int dilation, int pad, int size) {
    int at = o + pad - k * dilation;
    if (at < 0 || at % stride != 0) return -1;
    at /= stride;
    return at < size ? at : -1;
}

/* float32; FOUR: the channels of a group are a multiple of 4, so that four neighbours of a window are one load. */
template <bool FOUR>
struct el_conv_rows {
    typedef el_window row;
    const el_conv_params& p;
    const float* x; /* first channel of the group */
    int cin, k;

    EL_MEMBER row at(int m) const { return el_window_at(p, x, (int64_t)p.h * p.w * p.c * 4, m); }
    EL_MEMBER el_quad<float> quad(const row& window, int kk) const {
        el_quad<float> q = {};
        if (!window.image) return q;
        const float* image = (const float*)window.image;
        if (FOUR) {
            int tap = kk / cin, place = kk < k ? el_tap(p, window, tap) : -1;
            if (place >= 0) q = *(const el_quad<float>*)(image + (int64_t)place * p.c + (kk - tap * cin));
            return q;
        }
        for (int i = 0; i < 4 && kk + i < k; i++) {
            int tap = (kk + i) / cin, place = el_tap(p, window, tap);
            if (place >= 0) q.v[i] = image[(int64_t)place * p.c + (kk + i - tap * cin)];
        }
        return q;
    }
};

#endif
