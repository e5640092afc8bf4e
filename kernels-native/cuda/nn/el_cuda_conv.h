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
    struct row {
        const char* x;
        bool exists;
    };
    typedef int place;
    const char* x;
    int m, bytes;
    EL_MEMBER row at(int i) const { return {x + (int64_t)i * bytes, i < m}; }
    EL_MEMBER place start(int byte) const { return byte; }
    EL_MEMBER void next(place& byte) const { byte += EL_STEP_BYTES; }
    EL_MEMBER void fetch(char*, el_shared to, const row& r, place byte, bool is_wanted) const { el_copy_async(to, r.x + byte, is_wanted && r.exists && byte < bytes); }
};

/* The upper left tap of an output pixel in the image, and the number of its element (of the group's first channel); far outside where there is no
 * such pixel. */
struct el_matrix_window {
    int first, y, x;
};
#define EL_FAR_OUTSIDE (-(1 << 30))

template <typename P>
EL_DEVICE el_matrix_window el_matrix_window_at(const P& p, int m) {
    if (m >= p.n * p.oh * p.ow) return {0, EL_FAR_OUTSIDE, 0};
    const el_place at = el_place_of(p, m);
    const int iy = at.y * p.stride_h - p.pad_top, ix = at.x * p.stride_w - p.pad_left;
    return {((at.image * p.h + iy) * p.w + ix) * p.c, iy, ix};
}

/* A channel of a tap, for all windows: how far from the first tap in the image, and in elements. */
template <typename P>
struct el_matrix_tap {
    int channel, y, x, offset;
    EL_MEMBER el_matrix_tap(const P& p, int k, int cin) {
        const int tap = k / cin, ky = tap / p.kw;
        channel = k - tap * cin;
        y = ky < p.kh ? ky * p.dilation_h : EL_FAR_OUTSIDE;
        x = (tap - ky * p.kw) * p.dilation_w;
        find(p);
    }
    EL_MEMBER void find(const P& p) { offset = (int)(((unsigned)y * (unsigned)p.w + (unsigned)x) * (unsigned)p.c) + channel; }
    EL_MEMBER void next(const P& p, int step, int cin) {
        channel += step;
        offset += step;
        if (channel < cin) return;
        do {
            channel -= cin;
            x += p.dilation_w;
            if (x == p.kw * p.dilation_w) {
                x = 0;
                y = y + p.dilation_h < p.kh * p.dilation_h ? y + p.dilation_h : EL_FAR_OUTSIDE;
            }
        } while (channel >= cin);
        find(p);
    }
    EL_MEMBER bool is_inside(const P& p, const el_matrix_window& window) const {
        return (unsigned)(window.y + y) < (unsigned)p.h && (unsigned)(window.x + x) < (unsigned)p.w;
    }
};

/* Windows of an image whose group of channels is a multiple of 16 bytes. SIZE: of an element; padding: four bytes of it. */
template <typename P, int SIZE>
struct el_matrix_windows {
    typedef el_matrix_window row;
    typedef el_matrix_tap<P> place;
    const P& p;
    const char* x; /* first channel of the group */
    int cin, padding;

    EL_MEMBER row at(int m) const { return el_matrix_window_at(p, m); }
    EL_MEMBER place start(int byte) const { return place(p, byte / SIZE, cin); }
    EL_MEMBER void next(place& at) const { at.next(p, EL_STEP_BYTES / SIZE, cin); }
    EL_MEMBER void fetch(char* bytes, el_shared to, const row& window, const place& at, bool is_wanted) const {
        const bool inside = at.is_inside(p, window);
        if (SIZE == 1 && is_wanted && !inside) *(el_quad<int>*)bytes = {{padding, padding, padding, padding}};
        else el_copy_async(to, x + (int64_t)(window.first + at.offset) * SIZE, is_wanted && inside);
    }
};

/* Windows in float16 of any number of channels, gathered one by one. */
struct el_matrix_gathered {
    typedef el_matrix_window row;
    typedef int place; /* number of the element in the window */
    const el_conv_params& p;
    const el_half* x;
    int cin;
    EL_MEMBER row at(int m) const { return el_matrix_window_at(p, m); }
    EL_MEMBER place start(int byte) const { return byte / 2; }
    EL_MEMBER void next(place& k) const { k += EL_STEP_BYTES / 2; }
    EL_MEMBER void fetch(char* bytes, el_shared, const row& window, place k, bool is_wanted) const {
        if (!is_wanted) return;
        el_eight<el_half> chunk = {};
        el_matrix_tap<el_conv_params> at(p, k, cin);
        EL_UNROLL for (int i = 0; i < 8; i++) {
            if (at.is_inside(p, window)) chunk.v[i] = x[window.first + at.offset];
            at.next(p, 1, cin);
        }
        *(el_eight<el_half>*)bytes = chunk;
    }
};

/* The end of a layer in float16: sum + bias + residual, activated. Eight channels that are all there, in a row of whole eights, are read and written in one piece. */
struct el_half_end {
    typedef el_quad<unsigned> given; /* eight, two in a word */
    struct columns {
        float bias[8];
        int channel, count;
        bool is_whole;
    };
    const el_act& act;
    const float *bias, *slope;
    const el_half* residual;
    el_half* y;
    int m, n, pitch, first; /* rows, columns; channels of a row, that of column 0 */

    EL_MEMBER columns at(int column) const {
        columns c = {};
        c.channel = first + column;
        c.count = n - column;
        c.is_whole = c.count >= 8 && (pitch & 7) == 0 && (first & 7) == 0;
        if (c.is_whole && ((uint64_t)bias & 15) == 0) {
            if (!bias) return c;
            const el_quad<float> low = *(const el_quad<float>*)(bias + c.channel), high = *(const el_quad<float>*)(bias + c.channel + 4);
            EL_UNROLL for (int l = 0; l < 4; l++) c.bias[l] = low.v[l], c.bias[l + 4] = high.v[l];
        } else {
            EL_UNROLL for (int l = 0; l < 8; l++)
                if (bias && l < c.count) c.bias[l] = bias[c.channel + l];
        }
        return c;
    }
    EL_MEMBER given before(int row, const columns& c) const {
        given g = {};
        if (!residual || row >= m) return g;
        const el_half* from = residual + (unsigned)row * (unsigned)pitch + (unsigned)c.channel;
        if (c.is_whole) return *(const given*)from;
        EL_UNROLL for (int l = 0; l < 8; l++)
            if (l < c.count) g.v[l / 2] |= (unsigned)from[l].bits << l % 2 * 16;
        return g;
    }
    EL_MEMBER void finish(int row, const columns& c, const given& g, el_eight<float>& sums) const {
        if (row >= m || c.count <= 0) return;
        EL_UNROLL for (int l = 0; l < 8; l++) sums.v[l] += c.bias[l] + el_from_half(g.v[l / 2] >> l % 2 * 16 & 0xffffu);
        if (act.kind == EL_ACT_CLAMP) {
            EL_UNROLL for (int l = 0; l < 8; l++) sums.v[l] = el_clamp(sums.v[l], act.a, act.b);
        } else if (act.kind == EL_ACT_PRELU) {
            EL_UNROLL for (int l = 0; l < 8; l++)
                if (l < c.count && sums.v[l] < 0) sums.v[l] *= slope[c.channel + l];
        } else if (act.kind != EL_ACT_NONE) {
            EL_UNROLL for (int i = 0; i < 8; i += 4) {
                const el_four four = el_activate_roughly(act.kind, act.a, act.b, el_four{sums.v[i], sums.v[i + 1], sums.v[i + 2], sums.v[i + 3]});
                EL_UNROLL for (int l = 0; l < 4; l++) sums.v[i + l] = four[l];
            }
        }
        el_quad<unsigned> whole;
        EL_UNROLL for (int l = 0; l < 4; l++) whole.v[l] = el_half_pair(sums.v[2 * l], sums.v[2 * l + 1]);
        el_half* to = y + (unsigned)row * (unsigned)pitch + (unsigned)c.channel;
        if (c.is_whole) *(el_quad<unsigned>*)to = whole;
        else EL_UNROLL for (int l = 0; l < 8; l++)
            if (l < c.count) to[l].bits = (unsigned short)(whole.v[l / 2] >> l % 2 * 16);
    }
};

#endif
