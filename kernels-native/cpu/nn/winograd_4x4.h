/* The transforms of Winograd's F(4x4, 3x3) in float32, for winograd.h.
 *
 * The interpolation points are 0, +-p, +-q and infinity with p = sqrt(1/2), q = sqrt(2): as the products of their magnitudes
 * are 1, rounding errors stay several times below those of the points 0, +-1, +-2. With a = p^2 = 1/2, b = q^2 = 2 the Cook-Toom
 * construction gives (x an input row of 6, g a kernel row of 3, m a row of 6 products):
 *     B^T x = [ x0 - 5/2 x2 + x4,  e + p o,  e - p o,  f + q r,  f - q r,  x1 - 5/2 x3 + x5 ]
 *             e = x4 - b x2, o = x3 - b x1, f = x4 - a x2, r = x3 - a x1
 *     G g   = [ g0,  -2/3 (g0 + a g2) -+ 2/3 p g1 (two rows),  1/6 (g0 + b g2) +- 1/6 q g1 (two rows),  g2 ]
 *     A^T m = [ m0 + s + t,  p u + q v,  a s + b t,  p a u + q b v + m5 ]
 *             s = m1 + m2, u = m1 - m2, t = m3 + m4, v = m3 - m4
 */
#ifndef EL_WINOGRAD_4X4_H
#define EL_WINOGRAD_4X4_H

#define EL_WG_P 0.707106781186547524f
#define EL_WG_Q 1.41421356237309505f

typedef el_vf el_wv;
#define EL_WV EL_VF
#define EL_W(name) el_v##name

/* The transforms are done a row of the result at a time, straight from what is loaded: 36 intermediate values would not fit in
 * registers, and storing them costs more than loading inputs again. */

/* B^T along a row: six points, `step` floats apart. */
static inline __attribute__((always_inline)) void el_wg_input_row(const el_vf* x, float* to, int64_t step) {
    const el_vf p = el_vset1(EL_WG_P), q = el_vset1(EL_WG_Q), c = el_vset1(2.5f), a = el_vset1(0.5f), b = el_vset1(2.0f);
    el_vf e = el_vfnma(b, x[2], x[4]), o = el_vfnma(b, x[1], x[3]), f = el_vfnma(a, x[2], x[4]), r = el_vfnma(a, x[1], x[3]);
    el_vstore(to, el_vadd(el_vfnma(c, x[2], x[4]), x[0]));
    el_vstore(to + step, el_vfma(p, o, e));
    el_vstore(to + 2 * step, el_vfnma(p, o, e));
    el_vstore(to + 3 * step, el_vfma(q, r, f));
    el_vstore(to + 4 * step, el_vfnma(q, r, f));
    el_vstore(to + 5 * step, el_vadd(el_vfnma(c, x[3], x[5]), x[1]));
}

/* G along a row. */
static inline __attribute__((always_inline)) void el_wg_kernel_row(const el_vf* g, float* to, int64_t step) {
    const el_vf third = el_vset1(1.0f / 3), sixth = el_vset1(1.0f / 6);
    el_vf e = el_vmul(el_vset1(-2.0f / 3), el_vfma(el_vset1(0.5f), g[2], g[0])), o = el_vmul(el_vset1(-2.0f / 3 * EL_WG_P), g[1]);
    el_vf f = el_vfma(third, g[2], el_vmul(sixth, g[0])), r = el_vmul(el_vset1(EL_WG_Q / 6), g[1]);
    el_vstore(to, g[0]);
    el_vstore(to + step, el_vadd(e, o));
    el_vstore(to + 2 * step, el_vsub(e, o));
    el_vstore(to + 3 * step, el_vadd(f, r));
    el_vstore(to + 4 * step, el_vsub(f, r));
    el_vstore(to + 5 * step, g[2]);
}

/* A^T along a row: four outputs of six products. */
static inline __attribute__((always_inline)) void el_wg_output_row(const el_vf* m, el_vf* to) {
    const el_vf p = el_vset1(EL_WG_P), q = el_vset1(EL_WG_Q);
    el_vf s = el_vadd(m[1], m[2]), u = el_vsub(m[1], m[2]), t = el_vadd(m[3], m[4]), v = el_vsub(m[3], m[4]);
    to[0] = el_vadd(el_vadd(m[0], s), t);
    to[1] = el_vfma(p, u, el_vmul(q, v));
    to[2] = el_vfma(el_vset1(0.5f), s, el_vadd(t, t));
    to[3] = el_vfma(el_vset1(0.5f * EL_WG_P), u, el_vfma(el_vset1(2 * EL_WG_Q), v, m[5]));
}

/* G g G^T of one vector of output channels; g: the first tap, `tap` floats between taps. */
static inline __attribute__((always_inline)) void el_wg_kernel(const float* g, int64_t tap, float* u, int64_t u_point) {
    const el_vf third = el_vset1(1.0f / 3), sixth = el_vset1(1.0f / 6);
    el_vf x[3], y[3];
#define EL_WG_AT(row) el_vload(g + (3 * row + col) * tap)
#pragma GCC unroll 3
    for (int col = 0; col < 3; col++) x[col] = EL_WG_AT(0);
    el_wg_kernel_row(x, u, u_point);
#pragma GCC unroll 3
    for (int col = 0; col < 3; col++) {
        el_vf e = el_vmul(el_vset1(-2.0f / 3), el_vfma(el_vset1(0.5f), EL_WG_AT(2), EL_WG_AT(0)));
        el_vf o = el_vmul(el_vset1(-2.0f / 3 * EL_WG_P), EL_WG_AT(1));
        x[col] = el_vadd(e, o), y[col] = el_vsub(e, o);
    }
    el_wg_kernel_row(x, u + 6 * u_point, u_point);
    el_wg_kernel_row(y, u + 12 * u_point, u_point);
#pragma GCC unroll 3
    for (int col = 0; col < 3; col++) {
        el_vf f = el_vfma(third, EL_WG_AT(2), el_vmul(sixth, EL_WG_AT(0))), r = el_vmul(el_vset1(EL_WG_Q / 6), EL_WG_AT(1));
        x[col] = el_vadd(f, r), y[col] = el_vsub(f, r);
    }
    el_wg_kernel_row(x, u + 18 * u_point, u_point);
    el_wg_kernel_row(y, u + 24 * u_point, u_point);
#pragma GCC unroll 3
    for (int col = 0; col < 3; col++) x[col] = EL_WG_AT(2);
    el_wg_kernel_row(x, u + 30 * u_point, u_point);
#undef EL_WG_AT
}

/* B^T d B of channels [0, c) of one patch: pixel (row, col) is at first + row * line + col * column, or at pixel[6 * row + col] where
 * that table is given. Of the last vector `tail` lanes are read. */
static inline __attribute__((always_inline)) void el_wg_patch(int64_t v_point, int32_t c, const float* const* pixel, const float* first,
                                                              int64_t line, int64_t column, const int table, const int tail, float* v) {
    const el_vf p = el_vset1(EL_WG_P), q = el_vset1(EL_WG_Q);
    for (int32_t i = 0; i < c; i += EL_VF, v += EL_VF) {
        el_vf x[6], y[6];
#define EL_WG_FROM(row) ((table ? pixel[6 * (row) + col] : first + (row) * line + col * column) + i)
#define EL_WG_AT(row) (tail ? el_vload_n(EL_WG_FROM(row), c - i < EL_VF ? c - i : EL_VF) : el_vload(EL_WG_FROM(row)))
#pragma GCC unroll 6
        for (int col = 0; col < 6; col++) x[col] = el_vadd(el_vfnma(el_vset1(2.5f), EL_WG_AT(2), EL_WG_AT(4)), EL_WG_AT(0));
        el_wg_input_row(x, v, v_point);
#pragma GCC unroll 6
        for (int col = 0; col < 6; col++) {
            el_vf e = el_vfnma(el_vset1(2.0f), EL_WG_AT(2), EL_WG_AT(4)), o = el_vfnma(el_vset1(2.0f), EL_WG_AT(1), EL_WG_AT(3));
            x[col] = el_vfma(p, o, e), y[col] = el_vfnma(p, o, e);
        }
        el_wg_input_row(x, v + 6 * v_point, v_point);
        el_wg_input_row(y, v + 12 * v_point, v_point);
#pragma GCC unroll 6
        for (int col = 0; col < 6; col++) {
            el_vf f = el_vfnma(el_vset1(0.5f), EL_WG_AT(2), EL_WG_AT(4)), r = el_vfnma(el_vset1(0.5f), EL_WG_AT(1), EL_WG_AT(3));
            x[col] = el_vfma(q, r, f), y[col] = el_vfnma(q, r, f);
        }
        el_wg_input_row(x, v + 18 * v_point, v_point);
        el_wg_input_row(y, v + 24 * v_point, v_point);
#pragma GCC unroll 6
        for (int col = 0; col < 6; col++) x[col] = el_vadd(el_vfnma(el_vset1(2.5f), EL_WG_AT(3), EL_WG_AT(5)), EL_WG_AT(1));
        el_wg_input_row(x, v + 30 * v_point, v_point);
#undef EL_WG_AT
#undef EL_WG_FROM
    }
}

/* Row `row` of A^T M A: four outputs of one vector; m: its first product, `point` floats between products. */
static inline __attribute__((always_inline)) void el_wg_outputs(const float* m, int64_t point, int64_t row, el_vf* to) {
    const el_vf cp = el_vset1(EL_WG_P), cq = el_vset1(EL_WG_Q);
    el_vf half[6];
#define EL_WG_AT(row) el_vload(m + (6 * row + col) * point)
#pragma GCC unroll 6
    for (int col = 0; col < 6; col++) {
        el_vf m1 = EL_WG_AT(1), m2 = EL_WG_AT(2), m3 = EL_WG_AT(3), m4 = EL_WG_AT(4);
        if (row % 2 == 0) {
            el_vf s = el_vadd(m1, m2), t = el_vadd(m3, m4);
            half[col] = row == 0 ? el_vadd(el_vadd(EL_WG_AT(0), s), t) : el_vfma(el_vset1(0.5f), s, el_vadd(t, t));
        } else {
            el_vf u = el_vsub(m1, m2), v = el_vsub(m3, m4);
            half[col] = row == 1 ? el_vfma(cp, u, el_vmul(cq, v))
                                 : el_vfma(el_vset1(0.5f * EL_WG_P), u, el_vfma(el_vset1(2 * EL_WG_Q), v, EL_WG_AT(5)));
        }
    }
#undef EL_WG_AT
    el_wg_output_row(half, to);
}

/* Floats of a bias or slope, and the activation. */
static inline el_vf el_wg_floats(const float* p, int64_t n) { return el_vload_n(p, n); }
static inline __attribute__((always_inline)) el_vf el_wg_act(const el_act act, el_vf x, el_vf slope) {
    return act.kind == EL_ACT_PRELU ? el_vprelu(x, slope) : el_vact(act, x);
}

#endif
