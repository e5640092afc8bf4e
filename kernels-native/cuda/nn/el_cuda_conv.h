/* Rows of the implicit matrix of a convolution: row m is the window of output pixel m of an image in NHWC, in the order (ky, kx, ci) of
 * the packed weights. P is el_conv_params or el_qconv_params. */
#ifndef EL_CUDA_CONV_H
#define EL_CUDA_CONV_H
#include "el_cuda_matrix_tile.h"
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

/* ---- rows for matrix instructions: el_cuda_matrix_tile.h ---------------------------------------------------------- */

/* Of a dense matrix, each a multiple of 16 bytes. */
struct el_matrix_rows {
    typedef const char* row;
    typedef int place;
    const char* x;
    int m, bytes;
    EL_MEMBER row at(int i) const { return i < m ? x + (int64_t)i * bytes : nullptr; }
    EL_MEMBER place start(int byte) const { return byte; }
    EL_MEMBER void next(place& byte) const { byte += EL_STEP_BYTES; }
    EL_MEMBER void fetch(char* shared, row r, place byte) const { el_copy_async(shared, r && byte < bytes ? r + byte : nullptr, x); }
};

/* Windows of an image whose group of channels is a multiple of 16 bytes. SIZE: of an element; padding: four bytes of it. */
template <typename P, int SIZE>
struct el_matrix_windows {
    typedef el_window row;
    struct place {
        int ky, kx, channel; /* in bytes */
    };
    const P& p;
    const char* x; /* first channel of the group */
    int bytes;     /* of a group's channels */
    int padding;

    EL_MEMBER row at(int m) const { return el_window_at(p, x, (int64_t)p.h * p.w * p.c * SIZE, m); }
    EL_MEMBER place start(int byte) const {
        const int tap = byte / bytes, ky = tap / p.kw;
        return {ky, tap - ky * p.kw, byte - tap * bytes};
    }
    EL_MEMBER void next(place& at) const {
        at.channel += EL_STEP_BYTES;
        while (at.channel >= bytes) {
            at.channel -= bytes;
            if (++at.kx == p.kw) {
                at.kx = 0;
                at.ky++;
            }
        }
    }
    EL_MEMBER void fetch(char* shared, const row& window, const place& at) const {
        const int iy = window.y + at.ky * p.dilation_h, ix = window.x + at.kx * p.dilation_w;
        const bool exists = window.image && at.ky < p.kh, inside = exists && (unsigned)iy < (unsigned)p.h && (unsigned)ix < (unsigned)p.w;
        if (SIZE == 1 && exists && !inside) *(el_quad<int>*)shared = {{padding, padding, padding, padding}};
        else el_copy_async(shared, inside ? (const char*)window.image + ((int64_t)iy * p.w + ix) * p.c * SIZE + at.channel : nullptr, x);
    }
};

/* Windows in float16 of any number of channels, gathered one by one. */
struct el_matrix_gathered {
    typedef el_window row;
    typedef int place; /* number of the element */
    const el_conv_params& p;
    const el_half* x;
    int cin, k;
    EL_MEMBER row at(int m) const { return el_window_at(p, x, (int64_t)p.h * p.w * p.c * 2, m); }
    EL_MEMBER place start(int byte) const { return byte / 2; }
    EL_MEMBER void next(place& kk) const { kk += EL_STEP_BYTES / 2; }
    EL_MEMBER void fetch(char* shared, const row& window, place kk) const {
        el_pack<el_half, 8> chunk = {};
        int tap = kk / cin, channel = kk - tap * cin;
        EL_UNROLL for (int i = 0; i < 8; i++) {
            const int at = window.image && kk + i < k ? el_tap(p, window, tap) : -1;
            if (at >= 0) chunk.v[i] = ((const el_half*)window.image)[(int64_t)at * p.c + channel];
            if (++channel == cin) {
                channel = 0;
                tap++;
            }
        }
        *(el_pack<el_half, 8>*)shared = chunk;
    }
};

/* The end of a layer in float16 for eight neighbouring channels of which `count` are there: sum + bias + residual, activated. Whole and aligned
 * ones are read and written in one piece. */
EL_DEVICE void el_finish_half(const el_act& act, float* sums, int64_t at, int channel, int count, const float* bias, const el_half* residual, const float* slope, el_half* y) {
    el_pack<el_half, 8> whole = {};
    const bool is_whole = count >= 8 && at % 8 == 0;
    if (is_whole) {
        if (residual) whole = *(const el_pack<el_half, 8>*)(residual + at);
        EL_UNROLL for (int l = 0; l < 8; l++) sums[l] += (bias ? bias[channel + l] : 0.0f) + (residual ? el_value(whole.v[l]) : 0.0f);
    } else {
        EL_ROLLED for (int l = 0; l < 8 && l < count; l++) sums[l] += (bias ? bias[channel + l] : 0.0f) + (residual ? el_value(residual[at + l]) : 0.0f);
    }
    if (act.kind == EL_ACT_CLAMP) {
        EL_UNROLL for (int l = 0; l < 8; l++) sums[l] = el_clamp(sums[l], act.a, act.b);
    } else if (act.kind != EL_ACT_NONE) {
        EL_ROLLED for (int l = 0; l < 8 && l < count; l++) sums[l] = el_activate(act, sums[l], slope ? slope[channel + l] : 0.0f);
    }
    if (is_whole) {
        EL_UNROLL for (int l = 0; l < 8; l++) el_keep(whole.v[l], sums[l]);
        *(el_pack<el_half, 8>*)(y + at) = whole;
    } else {
        EL_ROLLED for (int l = 0; l < 8 && l < count; l++) el_keep(y[at + l], sums[l]);
    }
}

#endif
