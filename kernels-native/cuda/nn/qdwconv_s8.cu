#include "el_cuda_conv.h"
#include "el_cuda_quant.h"

/* A thread: LANES neighbouring channels of one output pixel. Weights [ceil(c/16)][kh*kw][16]. */
template <int LANES>
EL_DEVICE void el_qdwconv(const el_qconv_params& p, const el_cuda_buffers& b) {
    typedef el_pack<int8_t, LANES> pack;
    const int8_t *x = (const int8_t*)b.p[0], *w = (const int8_t*)b.p[1];
    const int32_t *bias = (const int32_t*)b.p[2], *multiplier = (const int32_t*)b.p[4], *shift = (const int32_t*)b.p[5];
    const unsigned parts = (unsigned)p.c / LANES;
    EL_EACH(i, (unsigned)(p.n * p.oh * p.ow) * parts) {
        const int pixel = (int)(i / parts), c = (int)(i - (unsigned)pixel * parts) * LANES;
        const el_place at = el_place_of(p, pixel);
        const int y0 = at.y * p.stride_h - p.pad_top, x0 = at.x * p.stride_w - p.pad_left;
        const int8_t* filter = w + (int64_t)(c / EL_PANEL) * p.kh * p.kw * EL_PANEL + c % EL_PANEL;
        int sums[LANES] = {};
        for (int ky = 0; ky < p.kh; ky++, filter += p.kw * EL_PANEL) {
            const int iy = y0 + ky * p.dilation_h;
            if ((unsigned)iy >= (unsigned)p.h) continue;
            const int8_t* line = x + ((int64_t)(at.image * p.h + iy) * p.w + x0) * p.c + c;
            EL_ROLLED for (int kx = 0; kx < p.kw; kx++) {
                if ((unsigned)(x0 + kx * p.dilation_w) >= (unsigned)p.w) continue;
                const pack u = *(const pack*)(line + kx * p.dilation_w * p.c), v = *(const pack*)(filter + kx * EL_PANEL);
                EL_UNROLL for (int l = 0; l < LANES; l++) sums[l] = (int)((unsigned)sums[l] + (unsigned)((u.v[l] - p.x_zero) * v.v[l]));
            }
        }
        pack y;
        EL_UNROLL for (int l = 0; l < LANES; l++) {
            const int acc = (int)((unsigned)sums[l] + (bias ? (unsigned)bias[c + l] : 0u));
            y.v[l] = el_clamped_s8(el_rescaled(el_rescale_by(multiplier[c + l], shift[c + l]), acc), p.y_zero, p.y_min, p.y_max);
        }
        *(pack*)((int8_t*)b.p[6] + (int64_t)pixel * p.c + c) = y;
    }
}

/* A thread: four neighbouring channels, of which there is a multiple of four, of PIXELS neighbours in an output line; kernels three wide. Four columns of the
 * image, a word each, are transposed to a word for each channel, and so are the weights of a line of the kernel: the dot product of two words is
 * a channel's line. */
template <int STRIDE, int PIXELS>
EL_DEVICE void el_qdwconv_line(const el_qconv_params& p, const el_cuda_buffers& b) {
    constexpr int COLUMNS = (PIXELS - 1) * STRIDE + 3;
    typedef el_pack<int32_t, 4> four;
    const int8_t *x = (const int8_t*)b.p[0], *w = (const int8_t*)b.p[1];
    const unsigned parts = (unsigned)p.c / 4, strips = (unsigned)(p.ow + PIXELS - 1) / PIXELS, padding = (unsigned)(uint8_t)p.x_zero * 0x01010101u;
    EL_EACH(i, (unsigned)(p.n * p.oh) * strips * parts) {
        const unsigned strip = i / parts, row = strip / strips, image = row / (unsigned)p.oh;
        const int c = (int)(i - strip * parts) * 4, ox = (int)(strip - row * strips) * PIXELS;
        const int y0 = (int)(row - image * (unsigned)p.oh) * p.stride_h - p.pad_top, x0 = ox * STRIDE - p.pad_left;
        const int8_t* filter = w + (int64_t)(c / EL_PANEL) * p.kh * 3 * EL_PANEL + c % EL_PANEL;
        const four multiplier = *(const four*)((const int32_t*)b.p[4] + c), shift = *(const four*)((const int32_t*)b.p[5] + c);
        four bias = {};
        if (b.p[2]) bias = *(const four*)((const int32_t*)b.p[2] + c);
        int sums[PIXELS][4] = {}, weights[4] = {}; /* of products, and of the weights of lines that are not padding */
        EL_ROLLED for (int ky = 0; ky < p.kh; ky++) {
            const int iy = y0 + ky * p.dilation_h;
            if ((unsigned)iy >= (unsigned)p.h) continue;
            unsigned taps[4] = {}, columns[(COLUMNS + 3) / 4][4] = {};
            const int8_t* line = x + ((int64_t)((int)image * p.h + iy) * p.w + x0) * p.c + c;
            EL_UNROLL for (int k = 0; k < 3; k++) taps[k] = *(const unsigned*)(filter + (ky * 3 + k) * EL_PANEL);
            EL_UNROLL for (int k = 0; k < COLUMNS; k++) columns[k / 4][k % 4] = (unsigned)(x0 + k) < (unsigned)p.w ? *(const unsigned*)(line + k * p.c) : padding;
            el_transpose_bytes(taps);
            EL_UNROLL for (int k = 0; k < COLUMNS; k += 4) el_transpose_bytes(columns[k / 4]);
            EL_UNROLL for (int l = 0; l < 4; l++) {
                weights[l] = el_dot4((int)taps[l], 0x01010101, weights[l]);
                EL_UNROLL for (int q = 0; q < PIXELS; q++) {
                    constexpr int LAST = (COLUMNS - 1) / 4;
                    const int word = q * STRIDE / 4, at = q * STRIDE % 4;
                    unsigned window = columns[word][l] >> 8 * at;
                    if (at > 1) window |= columns[word < LAST ? word + 1 : LAST][l] << 8 * (4 - at); /* with at = 1 the last byte meets no weight */
                    sums[q][l] = el_dot4((int)window, (int)taps[l], sums[q][l]);
                }
            }
        }
        el_pack<int8_t, 4> out[PIXELS];
        EL_UNROLL for (int l = 0; l < 4; l++) {
            const el_rescale by = el_rescale_by(multiplier.v[l], shift.v[l]);
            const unsigned base = (unsigned)bias.v[l] - (unsigned)p.x_zero * (unsigned)weights[l];
            EL_UNROLL for (int q = 0; q < PIXELS; q++) out[q].v[l] = el_clamped_s8(el_rescaled(by, (int)((unsigned)sums[q][l] + base)), p.y_zero, p.y_min, p.y_max);
        }
        int8_t* y = (int8_t*)b.p[6] + ((int64_t)row * (unsigned)p.ow + (unsigned)ox) * p.c + c;
        EL_UNROLL for (int q = 0; q < PIXELS; q++)
            if (ox + q < p.ow) *(el_pack<int8_t, 4>*)(y + q * p.c) = out[q];
    }
}

EL_CUDA_ENTRY(qdwconv_s8, el_qconv_params) { el_qdwconv<1>(p, b); }
EL_CUDA_ENTRY(qdwconv_s8_4, el_qconv_params) { el_qdwconv<4>(p, b); }
EL_CUDA_ENTRY(qdwconv_s8_line, el_qconv_params) { EL_FROM_72((el_qdwconv_line<1, 4>(p, b))); }
EL_CUDA_ENTRY(qdwconv_s8_line_halved, el_qconv_params) { EL_FROM_72((el_qdwconv_line<2, 2>(p, b))); }

EL_CUDA_LAUNCH(qdwconv_s8, el_qconv_params) {
    const int64_t lines = (int64_t)p.n * p.oh;
    if (!el_fits((int64_t)p.n * p.h * p.w * p.c) || !el_fits(lines * p.ow * p.c)) return 0;
    if (p.c % 4 != 0) return el_each(device, launches, "qdwconv_s8", lines * p.ow * p.c);
    if (device.arch >= 72 && p.kw == 3 && p.dilation_w == 1 && p.stride_w == 1) return el_each(device, launches, "qdwconv_s8_line", lines * el_pieces(p.ow, 4) * (p.c / 4));
    if (device.arch >= 72 && p.kw == 3 && p.dilation_w == 1 && p.stride_w == 2) return el_each(device, launches, "qdwconv_s8_line_halved", lines * el_pieces(p.ow, 2) * (p.c / 4));
    return el_each(device, launches, "qdwconv_s8_4", lines * p.ow * (p.c / 4));
}
