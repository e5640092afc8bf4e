/* The transforms of Winograd's F(2x2, 3x3) in float16, for winograd.h. With the points 0, 1, -1 and infinity (x an input row of 4, g a kernel
 * row of 3, m a row of 4 products):
 *     B^T x = [ x0 - x2,  x1 + x2,  x2 - x1,  x1 - x3 ]
 *     G g   = [ g0,  (g0 + g2) / 2 +- g1 / 2 (two rows),  g2 ]
 *     A^T m = [ m0 + m1 + m2,  m1 - m2 - m3 ]
 */
#ifndef EL_WINOGRAD_2X2_H
#define EL_WINOGRAD_2X2_H

typedef el_hf el_wv;
#define EL_WV EL_HF
#define EL_W(name) el_h##name

/* One of the transforms of four numbers and of three, in place of them. */
static inline __attribute__((always_inline)) void el_wg_input_row(el_hf* x, int step) {
    el_hf a = x[0], b = x[step], c = x[2 * step], d = x[3 * step];
    x[0] = el_hsub(a, c);
    x[step] = el_hadd(b, c);
    x[2 * step] = el_hsub(c, b);
    x[3 * step] = el_hsub(b, d);
}
static inline __attribute__((always_inline)) void el_wg_kernel_row(const el_hf* g, int step, el_hf* to, int to_step) {
    const el_hf half = el_hset1(0.5f);
    el_hf e = el_hmul(half, el_hadd(g[0], g[2 * step])), o = el_hmul(half, g[step]);
    to[0] = g[0];
    to[to_step] = el_hadd(e, o);
    to[2 * to_step] = el_hsub(e, o);
    to[3 * to_step] = g[2 * step];
}

/* G g G^T of one vector of output channels; g: the first tap, `tap` elements between taps. */
static inline __attribute__((always_inline)) void el_wg_kernel(const el_half* g, int64_t tap, el_half* u, int64_t u_point) {
    el_hf taps[9], half[12], whole[16];
#pragma GCC unroll 9
    for (int i = 0; i < 9; i++) taps[i] = el_hload(g + i * tap);
#pragma GCC unroll 3
    for (int col = 0; col < 3; col++) el_wg_kernel_row(taps + col, 3, half + col, 3);
#pragma GCC unroll 4
    for (int row = 0; row < 4; row++) el_wg_kernel_row(half + 3 * row, 1, whole + 4 * row, 1);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) el_hstore(u + i * u_point, whole[i]);
}

/* B^T d B of channels [0, c) of one patch: pixel (row, col) is at first + row * line + col * column, or at pixel[4 * row + col] where
 * that table is given. Of the last vector `tail` lanes are read. */
static inline __attribute__((always_inline)) void el_wg_patch(int64_t v_point, int32_t c, const el_half* const* pixel, const el_half* first,
                                                              int64_t line, int64_t column, const int table, const int tail, el_half* v) {
    for (int32_t i = 0; i < c; i += EL_HF, v += EL_HF) {
        el_hf x[16];
#pragma GCC unroll 16
        for (int n = 0; n < 16; n++) {
            const el_half* from = (table ? pixel[n] : first + n / 4 * line + n % 4 * column) + i;
            x[n] = tail ? el_hload_n(from, c - i) : el_hload(from);
        }
#pragma GCC unroll 4
        for (int col = 0; col < 4; col++) el_wg_input_row(x + col, 4);
#pragma GCC unroll 4
        for (int row = 0; row < 4; row++) el_wg_input_row(x + 4 * row, 1);
#pragma GCC unroll 16
        for (int n = 0; n < 16; n++) el_hstore(v + n * v_point, x[n]);
    }
}

/* Row `row` of A^T M A: two outputs of one vector; m: its first product, `point` elements between products. */
static inline __attribute__((always_inline)) void el_wg_outputs(const el_half* m, int64_t point, int64_t row, el_hf* to) {
    el_hf half[4];
#pragma GCC unroll 4
    for (int col = 0; col < 4; col++) {
        el_hf m1 = el_hload(m + (4 + col) * point), m2 = el_hload(m + (8 + col) * point);
        half[col] = row == 0 ? el_hadd(el_hload(m + col * point), el_hadd(m1, m2)) : el_hsub(el_hsub(m1, m2), el_hload(m + (12 + col) * point));
    }
    to[0] = el_hadd(half[0], el_hadd(half[1], half[2]));
    to[1] = el_hsub(el_hsub(half[1], half[2]), half[3]);
}

/* Floats of a bias or slope, and the activation. */
static inline el_hf el_wg_floats(const float* p, int64_t n) { return el_hnarrow_n(p, n); }
static inline __attribute__((always_inline)) el_hf el_wg_act(const el_act act, el_hf x, el_hf slope) { return el_hact(act, x, slope); }

#endif
