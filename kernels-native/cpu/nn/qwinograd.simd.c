/* Winograd's minimal filtering F(4x4, 3x3) of int8 convolutions, exactly: in integers. See qwinograd.c for the plan and qwinograd_products.h for products; here are
 * the transforms, over vectors of the registers' width.
 *
 * Each 4x4 tile of outputs comes from a 6x6 patch d of inputs by (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015)
 *     Y = A^T [ sum_ci (G g G^T) . (B^T d B) ] A
 * with the interpolation points 0, +-1, +-2 and infinity, whose G has fractions with the divisors 4, 6, 6, 24, 24 and 1 in its rows. G' = G times these
 * divisors, up to a sign, is whole, and A' = A times 24 over them; then A'^T [..G'..] A' = 576 Y. Everything is computed modulo 2^32: 576 = 9 * 64, 9 has
 * an inverse, and a shift by 6 bits gives Y if |Y| < 2^25. |Y| <= 128 * sum|w|, which the driver looks at.
 * Transformed inputs are at most 10 * 10 * 128 = 12,800 in size, weights 7 * 7 * 128 = 6,272: both are int16, and products of pairs of them are added up
 * as int32, modulo 2^32.
 *
 * Layouts: a register of int16 holds the even bytes of a register of int8, sign-extended, and the next one the odd bytes. So weights, packed in quads of input
 * channels (el_quant.h), become U[point][panel][quad][2][16][2] with channels (0, 2) of a quad and then (1, 3), and inputs become V[point][tile][channel]
 * with the even channels of as many as a register of int8 holds, then the odd ones. M[point][tile][64] are int32. */
#include "qwinograd.h"
#include "el_simd.h"

typedef int16_t qw_words __attribute__((vector_size(QW_BYTES), may_alias, aligned(1)));
typedef uint32_t qw_sums __attribute__((vector_size(QW_BYTES), may_alias, aligned(4)));

/* The even (half 0) or odd (half 1) bytes at x. */
EL_INLINE qw_words qw_bytes(const int8_t* x, int half) { return *(const qw_words*)(const void*)x << (half ? 0 : 8) >> 8; }

EL_INLINE void qw_input_row(const qw_words* x, qw_words* to, int64_t step) {
    const qw_words a = x[4] - (x[2] << 2), b = x[3] - (x[1] << 2), c = x[4] - x[2], d = (x[3] - x[1]) << 1;
    to[0] = ((x[0] - x[2]) << 2) + c;
    to[1 * step] = a + b;
    to[2 * step] = a - b;
    to[3 * step] = c + d;
    to[4 * step] = c - d;
    to[5 * step] = ((x[1] - x[3]) << 2) + x[5] - x[3];
}

/* B^T d B of c channels of one patch whose first pixel is at x. step: registers between points. Up to QW_BYTES - 1 bytes past the channels are read. */
static void qw_input(const int8_t* x, int64_t line, int64_t pixel, int32_t c, int16_t* v, int64_t v_point) {
    qw_words* to = (qw_words*)(void*)v;
    const int64_t step = v_point / QW_WORDS;
    EL_ROLLED for (int32_t i = 0; i < c; i += QW_BYTES, x += QW_BYTES)
        EL_ROLLED for (int half = 0; half < 2; half++, to++) {
            qw_words d[6], t[6][6];
            EL_ROLLED for (int col = 0; col < 6; col++) {
                EL_UNROLL for (int row = 0; row < 6; row++) d[row] = qw_bytes(x + row * line + col * pixel, half);
                qw_input_row(d, &t[0][col], 6);
            }
            EL_ROLLED for (int row = 0; row < 6; row++) qw_input_row(t[row], to + 6 * row * step, step);
        }
}

/* The largest sum|w| of any column, of panels of nine taps and c < 1024 channels. */
static uint32_t qw_largest(const int8_t* w, int32_t panels, int32_t c) {
    uint32_t largest = 0;
    for (int32_t i = 0; i < panels * (64 / QW_BYTES); i++) {
        const int8_t* from = w + (int64_t)(i / (64 / QW_BYTES)) * 9 * c * 16 + i % (64 / QW_BYTES) * QW_BYTES;
        qw_sums sums = {0};
        for (int tap = 0; tap < 9; tap++) {
            qw_words words = {0}; /* two for each column, below 2^16 */
            EL_ROLLED for (int32_t quad = 0; quad < c; quad += 4, from += 64)
                EL_UNROLL for (int half = 0; half < 2; half++) {
                    const qw_words x = qw_bytes(from, half), sign = x >> 15;
                    words += (x ^ sign) - sign;
                }
            sums += ((qw_sums)words & 0xffff) + ((qw_sums)words >> 16);
        }
        for (int j = 0; j < QW_SUMS; j++) largest = sums[j] > largest ? sums[j] : largest;
    }
    return largest;
}

/* Row `row` of G' g G'^T of `quads` quads of a panel; tap: bytes between its taps. */
static void qw_weights(const int8_t* w, int64_t tap, int32_t quads, int32_t row, int16_t* u, int64_t u_point) {
    static const int16_t rows[6][3] = {{1, 0, 0}, {1, 1, 1}, {1, -1, 1}, {1, 2, 4}, {1, -2, 4}, {0, 0, 1}};
    const int16_t* g = rows[row];
    const int64_t step = u_point / QW_WORDS;
    const int parts = 64 / QW_BYTES;
    EL_ROLLED for (int32_t i = 0; i < quads * parts; i++, w += QW_BYTES) {
        qw_words* to = (qw_words*)(void*)u + i / parts * 2 * parts + i % parts;
        EL_UNROLL for (int half = 0; half < 2; half++) {
            qw_words t[3];
            EL_UNROLL for (int col = 0; col < 3; col++)
                t[col] = qw_bytes(w + col * tap, half) * g[0] + qw_bytes(w + (3 + col) * tap, half) * g[1] + qw_bytes(w + (6 + col) * tap, half) * g[2];
            const qw_words e = t[0] + t[2], f = t[0] + (t[2] << 2), r = t[1] << 1;
            qw_words* at = to + half * parts;
            at[0] = t[0];
            at[1 * step] = e + t[1];
            at[2 * step] = e - t[1];
            at[3 * step] = f + r;
            at[4 * step] = f - r;
            at[5 * step] = t[2];
        }
    }
}

EL_INLINE void qw_output_row(const qw_sums* m, qw_sums* to, int64_t step) {
    const qw_sums s = m[1] + m[2], u = m[1] - m[2], t = m[3] + m[4], v = m[3] - m[4], s4 = s << 2, u4 = u << 2;
    to[0] = ((m[0] + m[0] + m[0]) << 1) - s4 + t;
    to[1 * step] = (v << 1) - u4;
    to[2 * step] = (t << 2) - s4;
    to[3 * step] = ((v + m[5] + m[5] + m[5]) << 3) - u4;
}

/* A'^T M A' / 576 + start of one tile and EL_QPANELS panels: sums[16][64]. */
static void qw_output(const el_qpanel* panels, const int32_t* m, int64_t m_point, int32_t* sums) {
    typedef int32_t signed_sums __attribute__((vector_size(QW_BYTES)));
    EL_ROLLED for (int32_t i = 0; i < 16 * EL_QPANELS; i += QW_SUMS) {
        const qw_sums start = *(const qw_sums*)(const void*)&panels[i / 16].start[i % 16];
        qw_sums x[6], h[4][6], y[4];
        EL_ROLLED for (int col = 0; col < 6; col++) {
            EL_UNROLL for (int row = 0; row < 6; row++) x[row] = *(const qw_sums*)(const void*)(m + (6 * row + col) * m_point + i);
            qw_output_row(x, &h[0][col], 6);
        }
        EL_ROLLED for (int row = 0; row < 4; row++) {
            qw_output_row(h[row], y, 1);
            EL_UNROLL for (int col = 0; col < 4; col++)
                *(qw_sums*)(void*)(sums + (4 * row + col) * 64 + i) = (qw_sums)((signed_sums)(y[col] * 0x38e38e39u) >> 6) + start;
        }
    }
}

const el_qwinograd EL_SIMD_NAME(qwinograd) = {QW_BYTES, qw_largest, qw_weights, qw_input, qw_output};
