/* Winograd F(4x4, 3x3) over one micro-kernel; included by gemm_f32.h. See winograd_job.h for the plan.
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
#ifndef EL_WINOGRAD_H
#define EL_WINOGRAD_H
#include "winograd_job.h"

#define EL_WG_P 0.707106781186547524f
#define EL_WG_Q 1.41421356237309505f

typedef struct el_winograd_run_t {
    const el_ctx* ctx;
    const el_conv_params* p;
    el_winograd_plan w;
    const float *x, *b, *bias, *residual, *slope;
    float* y;
    const float* zero;    /* v_row zeros */
    float *u, *v;         /* shared: all weights, or the tiles of the block at hand */
    char* thread_scratch;
    size_t thread_bytes;
    int64_t t0, t1;       /* tiles of the block at hand */
} el_winograd_run_t;

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

/* Weights of the panels [p0, p0 + panels) and channels [k0, k0 + depth) into U[36][panel][depth][16]; missing panels are zero. */
static void el_wg_weights(const el_winograd_run_t* r, int32_t p0, int32_t k0, float* u) {
    const el_winograd_plan* w = &r->w;
    const int64_t c = r->p->c, depth = c - k0 < w->depth ? c - k0 : w->depth, u_point = w->u_point, tap = c * EL_PANEL;
    for (int32_t q = 0; q < EL_WG_GROUP; q++, u += w->u_panel) {
        if (p0 + q >= w->panels) {
            for (int point = 0; point < EL_WG_POINTS; point++) memset(u + point * u_point, 0, (size_t)depth * EL_PANEL * sizeof(float));
            continue;
        }
        const float* b = r->b + ((int64_t)(p0 + q) * 9 * c + k0) * EL_PANEL;
        for (int64_t i = 0; i < depth * EL_PANEL; i += EL_VF) {
            if (i % EL_PANEL == 0) /* nine streams are more than the hardware foresees */
#pragma GCC unroll 9
                for (int n = 0; n < 9; n++) __builtin_prefetch(b + n * tap + i + 8 * EL_PANEL);
            el_wg_kernel(b + i, tap, u + i, u_point);
        }
    }
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

/* Tiles [begin, end) into V, whose first tile is t0. */
static void el_wg_input(const el_winograd_run_t* r, int64_t begin, int64_t end, int64_t t0, float* v) {
    const el_conv_params* p = r->p;
    const el_winograd_plan* w = &r->w;
    const int64_t column = p->c, line = (int64_t)p->w * column;
    for (int64_t t = begin; t < end; t++) {
        int64_t tx = t % w->tiles_x, ty = t / w->tiles_x % w->tiles_y, image = t / w->tiles_x / w->tiles_y;
        int64_t iy = 4 * ty - p->pad_top, ix = 4 * tx - p->pad_left;
        const float* x = r->x + image * p->h * line;
        float* to = v + (t - t0) * w->v_row;
        if (iy >= 0 && ix >= 0 && iy + 6 <= p->h && ix + 6 <= p->w && p->c % EL_VF == 0) {
            el_wg_patch(w->v_point, p->c, NULL, x + iy * line + ix * column, line, column, 0, 0, to);
            continue;
        }
        const float* pixel[36];
        for (int row = 0; row < 6; row++)
            for (int col = 0; col < 6; col++) {
                int inside = iy + row >= 0 && iy + row < p->h && ix + col >= 0 && ix + col < p->w;
                pixel[6 * row + col] = inside ? x + (iy + row) * line + (ix + col) * column : r->zero;
            }
        if (p->c % EL_VF == 0) el_wg_patch(w->v_point, p->c, pixel, NULL, 0, 0, 1, 0, to);
        else el_wg_patch(w->v_point, p->c, pixel, NULL, 0, 0, 1, 1, to);
    }
}

/* M[36][tiles][group * 16] (+)= V[36][tiles][k0 ..] * U[36][..]. a, off: tables of `tiles` entries. */
static void el_wg_multiply(const el_winograd_run_t* r, int64_t tiles, int32_t panels, int32_t k0, const float* u, float* m,
                           const float* const* a, const int64_t* off) {
    static const int32_t brow = 0;
    const el_winograd_plan* w = &r->w;
    int64_t cuts = (tiles + EL_MR - 1) / EL_MR;
    int32_t wide = EL_WIDE((tiles + cuts - 1) / cuts), step;
    el_tile tile = {.segs = 1, .seglen = r->p->c - k0 < w->depth ? r->p->c - k0 : w->depth, .brow = &brow, .b_panel = w->u_panel,
                    .b_row = EL_PANEL, .tail = EL_PANEL, .scale = 1.0f, .lo = -INFINITY, .hi = INFINITY};
    for (int point = 0; point < EL_WG_POINTS; point++) {
        tile.a_offset = point * w->v_point + k0;
        for (int32_t q = 0; q < panels; q += step) {
            for (step = wide; step > panels - q;) step >>= 1;
            tile.b = u + point * w->u_point + q * w->u_panel;
            tile.y = m + point * w->m_point + q * EL_PANEL;
            tile.residual = k0 > 0 ? tile.y : NULL;
            for (int64_t i = 0; i < cuts; i++) {
                int64_t begin = i * tiles / cuts, end = (i + 1) * tiles / cuts;
                tile.a = a + begin;
                tile.off = off + begin;
                el_tile_kernel((int32_t)(end - begin), step)(&tile);
            }
        }
    }
}

/* y = act(A^T M A + bias + residual) for the tiles [t0, t1) and the panels from p0 on. */
static void el_wg_output(const el_winograd_run_t* r, int64_t t0, int64_t t1, int32_t p0, const float* m) {
    const el_conv_params* p = r->p;
    const el_winograd_plan* w = &r->w;
    const int32_t first = p0 * EL_PANEL, count = p->oc - first < EL_WG_GROUP * EL_PANEL ? p->oc - first : EL_WG_GROUP * EL_PANEL;
    const int64_t m_point = w->m_point, oc = p->oc, line = p->ow * oc;
    const float* residual = r->residual;
    float* y = r->y;
    const el_act act = p->act;
    const int clamps = el_act_is_clamp(act);
    const el_vf lo = el_vset1(el_act_lo(act)), hi = el_vset1(el_act_hi(act)), cp = el_vset1(EL_WG_P), cq = el_vset1(EL_WG_Q);
    for (int64_t tile = t0; tile < t1; tile++, m += w->m_row) {
        int64_t tx = tile % w->tiles_x, ty = tile / w->tiles_x % w->tiles_y, image = tile / w->tiles_x / w->tiles_y;
        int64_t rows = p->oh - 4 * ty < 4 ? p->oh - 4 * ty : 4, cols = p->ow - 4 * tx < 4 ? p->ow - 4 * tx : 4;
        int64_t at = ((image * p->oh + 4 * ty) * p->ow + 4 * tx) * p->oc + first;
        for (int32_t i = 0; i < count; i += EL_VF) {
            int32_t n = count - i < EL_VF ? count - i : EL_VF;
            const float* from = m + i;
            el_vf bias = r->bias ? el_vload_n(r->bias + first + i, n) : el_vzero();
            el_vf slope = act.kind == EL_ACT_PRELU ? el_vload_n(r->slope + first + i, n) : el_vzero();
            for (int64_t row = 0; row < rows; row++) {
                el_vf half[6], full[4];
#define EL_WG_AT(point) el_vload(from + (6 * point + col) * m_point)
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
                el_wg_output_row(half, full);
                int64_t pixel = at + row * line + i;
#pragma GCC unroll 4
                for (int64_t col = 0; col < 4; col++, pixel += oc) {
                    if (col >= cols) break;
                    el_vf s = el_vadd(full[col], bias);
                    if (residual) s = el_vadd(s, n == EL_VF ? el_vload(residual + pixel) : el_vload_n(residual + pixel, n));
                    s = clamps ? el_vclamp(s, lo, hi) : act.kind == EL_ACT_PRELU ? el_vprelu(s, slope) : el_vact(act, s);
                    if (n == EL_VF) el_vstore(y + pixel, s);
                    else el_vstore_n(y + pixel, s, n);
                }
            }
        }
    }
}

static void el_wg_tables(const el_winograd_plan* w, int64_t tiles, const float* v, const float** a, int64_t* off) {
    for (int64_t t = 0; t < tiles; t++) {
        a[t] = v + t * w->v_row;
        off[t] = t * w->m_row;
    }
}

static int32_t el_wg_panels(const el_winograd_plan* w, int64_t group) {
    int32_t left = w->panels - (int32_t)group * EL_WG_GROUP;
    return left < EL_WG_GROUP ? left : EL_WG_GROUP;
}

static void el_wg_whole_weights(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_winograd_run_t* r = arg;
    for (int64_t g = begin; g < end; g++) el_wg_weights(r, (int32_t)g * EL_WG_GROUP, 0, r->u + g * (int64_t)(r->w.u_bytes / 4));
}

/* Weights whole: blocks of tiles, each from input to output. */
static void el_wg_blocks(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_winograd_run_t* r = arg;
    const el_winograd_plan* w = &r->w;
    char* s = r->thread_scratch + (size_t)worker * r->thread_bytes;
    float *v = (float*)s, *m = (float*)(s + w->v_bytes);
    const float** a = (const float**)(s + w->v_bytes + w->m_bytes);
    int64_t* off = (int64_t*)(s + w->v_bytes + w->m_bytes + w->table_bytes);
    el_wg_tables(w, w->block, v, a, off);
    for (int64_t i = begin; i < end; i++) {
        int64_t t0 = i * w->tiles / w->blocks, t1 = (i + 1) * w->tiles / w->blocks;
        el_wg_input(r, t0, t1, t0, v);
        for (int64_t g = 0; g < w->groups; g++) {
            el_wg_multiply(r, t1 - t0, el_wg_panels(w, g), 0, r->u + g * (int64_t)(w->u_bytes / 4), m, a, off);
            el_wg_output(r, t0, t1, (int32_t)g * EL_WG_GROUP, m);
        }
    }
}

static void el_wg_inputs(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_winograd_run_t* r = arg;
    el_wg_input(r, r->t0 + begin, r->t0 + end, r->t0, r->v);
}

/* Tiles at hand: groups of panels, each from weights to output. */
static void el_wg_groups(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_winograd_run_t* r = arg;
    const el_winograd_plan* w = &r->w;
    char* s = r->thread_scratch + (size_t)worker * r->thread_bytes;
    float *u = (float*)s, *m = (float*)(s + w->u_bytes);
    const float** a = (const float**)(s + w->u_bytes + w->m_bytes);
    int64_t* off = (int64_t*)(s + w->u_bytes + w->m_bytes + w->table_bytes);
    el_wg_tables(w, r->t1 - r->t0, r->v, a, off);
    for (int64_t g = begin; g < end; g++) {
        for (int32_t k0 = 0; k0 < r->p->c; k0 += w->depth) {
            el_wg_weights(r, (int32_t)g * EL_WG_GROUP, k0, u);
            el_wg_multiply(r, r->t1 - r->t0, el_wg_panels(w, g), k0, u, m, a, off);
        }
        el_wg_output(r, r->t0, r->t1, (int32_t)g * EL_WG_GROUP, m);
    }
}

static void el_winograd_run(const el_ctx* ctx, const el_conv_params* p, void* const* buffers) {
    el_winograd_run_t r = {.ctx = ctx, .p = p, .w = el_winograd_plan_of(p), .x = buffers[0], .b = buffers[1], .bias = buffers[2],
                           .residual = buffers[3], .slope = buffers[4], .y = buffers[5]};
    const el_winograd_plan* w = &r.w;
    char* s = ctx->scratch;
    memset(s, 0, (size_t)w->v_row * 4);
    r.zero = (const float*)s;
    s += el_align64((size_t)w->v_row * 4);
    if (w->whole) {
        r.u = (float*)s;
        r.thread_scratch = s + (size_t)w->groups * w->u_bytes;
        r.thread_bytes = w->v_bytes + w->m_bytes + 2 * w->table_bytes;
        el_parallel(ctx, w->groups, 1, el_wg_whole_weights, &r);
        el_parallel(ctx, w->blocks, 1, el_wg_blocks, &r);
        return;
    }
    r.v = (float*)s;
    r.thread_scratch = s + w->v_bytes;
    r.thread_bytes = w->u_bytes + w->m_bytes + 2 * w->table_bytes;
    for (int64_t i = 0; i < w->blocks; i++) {
        r.t0 = i * w->tiles / w->blocks;
        r.t1 = (i + 1) * w->tiles / w->blocks;
        el_parallel(ctx, r.t1 - r.t0, 4, el_wg_inputs, &r);
        el_parallel(ctx, w->groups, 1, el_wg_groups, &r);
    }
}

#endif
