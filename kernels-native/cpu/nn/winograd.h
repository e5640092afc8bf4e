/* Winograd's minimal filtering over one micro-kernel; included where gemm_driver.h is, after winograd_4x4.h or winograd_2x2.h, which has the
 * transforms and says with what vectors (EL_W). See winograd_job.h for the plan. */
#ifndef EL_WINOGRAD_H
#define EL_WINOGRAD_H
#include "winograd_job.h"

typedef struct el_winograd_run_t {
    const el_ctx* ctx;
    const el_conv_params* p;
    el_winograd_plan w;
    const el_element *x, *b, *residual;
    const float *bias, *slope;
    el_element* y;
    const el_element* zero; /* v_row zeros */
    el_element *u, *v;         /* shared: all weights, or the tiles of the block at hand */
    char* thread_scratch;
    size_t thread_bytes;
    int64_t t0, t1;       /* tiles of the block at hand */
} el_winograd_run_t;

/* Weights of the panels [p0, p0 + panels) and channels [k0, k0 + depth) into U[point][panel][depth][16]; missing panels are zero. */
static void el_wg_weights(const el_winograd_run_t* r, int32_t p0, int32_t k0, el_element* u) {
    const el_winograd_plan* w = &r->w;
    const int64_t c = r->p->c, depth = c - k0 < w->depth ? c - k0 : w->depth, u_point = w->u_point, tap = c * EL_PANEL;
    for (int32_t q = 0; q < EL_WG_GROUP; q++, u += w->u_panel) {
        if (p0 + q >= w->panels) {
            for (int point = 0; point < EL_WG_POINTS; point++) memset(u + point * u_point, 0, (size_t)depth * EL_PANEL * sizeof(el_element));
            continue;
        }
        const el_element* b = r->b + ((int64_t)(p0 + q) * 9 * c + k0) * EL_PANEL;
        for (int64_t i = 0; i < depth * EL_PANEL; i += EL_WV) {
            if (i % EL_PANEL == 0) /* nine streams are more than the hardware foresees */
#pragma GCC unroll 9
                for (int n = 0; n < 9; n++) __builtin_prefetch(b + n * tap + i + 8 * EL_PANEL);
            el_wg_kernel(b + i, tap, u + i, u_point);
        }
    }
}

/* Tiles [begin, end) into V, whose first tile is t0. */
static void el_wg_input(const el_winograd_run_t* r, int64_t begin, int64_t end, int64_t t0, el_element* v) {
    const el_conv_params* p = r->p;
    const el_winograd_plan* w = &r->w;
    const int64_t column = p->c, line = (int64_t)p->w * column;
    for (int64_t t = begin; t < end; t++) {
        int64_t tx = t % w->tiles_x, ty = t / w->tiles_x % w->tiles_y, image = t / w->tiles_x / w->tiles_y;
        int64_t iy = EL_WG_TILE * ty - p->pad_top, ix = EL_WG_TILE * tx - p->pad_left;
        const el_element* x = r->x + image * p->h * line;
        el_element* to = v + (t - t0) * w->v_row;
        if (iy >= 0 && ix >= 0 && iy + EL_WG_SIDE <= p->h && ix + EL_WG_SIDE <= p->w && p->c % EL_WV == 0) {
            el_wg_patch(w->v_point, p->c, NULL, x + iy * line + ix * column, line, column, 0, 0, to);
            continue;
        }
        const el_element* pixel[EL_WG_POINTS];
        for (int row = 0; row < EL_WG_SIDE; row++)
            for (int col = 0; col < EL_WG_SIDE; col++) {
                int inside = iy + row >= 0 && iy + row < p->h && ix + col >= 0 && ix + col < p->w;
                pixel[EL_WG_SIDE * row + col] = inside ? x + (iy + row) * line + (ix + col) * column : r->zero;
            }
        if (p->c % EL_WV == 0) el_wg_patch(w->v_point, p->c, pixel, NULL, 0, 0, 1, 0, to);
        else el_wg_patch(w->v_point, p->c, pixel, NULL, 0, 0, 1, 1, to);
    }
}

/* M[point][tiles][group * 16] (+)= V[point][tiles][k0 ..] * U[point][..]. a, off: tables of `tiles` entries. */
static void el_wg_multiply(const el_winograd_run_t* r, int64_t tiles, int32_t panels, int32_t k0, const el_element* u, el_element* m,
                           const el_element* const* a, const int64_t* off) {
    static const int32_t brow = 0;
    const el_winograd_plan* w = &r->w;
    const int32_t depth = r->p->c - k0 < w->depth ? r->p->c - k0 : w->depth;
    const int64_t cuts = (tiles + EL_MR - 1) / EL_MR;
    const int32_t wide = EL_WIDE((tiles + cuts - 1) / cuts);
    el_tile tile = {.segs = 1, .brow = &brow, .b_panel = w->u_panel, .b_row = EL_PANEL, .tail = EL_PANEL, .scale = 1.0f, .lo = -INFINITY, .hi = INFINITY};
    for (int32_t k = 0; k < depth; k += tile.seglen) {
        tile.seglen = EL_KC_ALWAYS && depth - k > EL_KC ? EL_KC : depth - k;
        for (int point = 0; point < EL_WG_POINTS; point++) {
            tile.a_offset = point * w->v_point + k0 + k;
            for (int32_t q = 0, step; q < panels; q += step) {
                for (step = wide; step > panels - q;) step >>= 1;
                tile.b = u + point * w->u_point + q * w->u_panel + k * EL_PANEL;
                tile.y = m + point * w->m_point + q * EL_PANEL;
                tile.residual = k0 + k > 0 ? tile.y : NULL;
                for (int64_t i = 0; i < cuts; i++) {
                    int64_t begin = i * tiles / cuts, end = (i + 1) * tiles / cuts;
                    tile.a = a + begin;
                    tile.off = off + begin;
                    el_tile_kernel((int32_t)(end - begin), step)(&tile);
                }
            }
        }
    }
}

/* y = act(A^T M A + bias + residual) for the tiles [t0, t1) and the panels from p0 on. */
static void el_wg_output(const el_winograd_run_t* r, int64_t t0, int64_t t1, int32_t p0, const el_element* m) {
    const el_conv_params* p = r->p;
    const el_winograd_plan* w = &r->w;
    const int32_t first = p0 * EL_PANEL, count = p->oc - first < EL_WG_GROUP * EL_PANEL ? p->oc - first : EL_WG_GROUP * EL_PANEL;
    const int64_t m_point = w->m_point, oc = p->oc, line = p->ow * oc;
    const el_element* residual = r->residual;
    el_element* y = r->y;
    const el_act act = p->act;
    const int clamps = el_act_is_clamp(act);
    const el_wv lo = EL_W(set1)(el_act_lo(act)), hi = EL_W(set1)(el_act_hi(act));
    for (int64_t tile = t0; tile < t1; tile++, m += w->m_row) {
        int64_t tx = tile % w->tiles_x, ty = tile / w->tiles_x % w->tiles_y, image = tile / w->tiles_x / w->tiles_y;
        int64_t rows = p->oh - EL_WG_TILE * ty, cols = p->ow - EL_WG_TILE * tx;
        if (rows > EL_WG_TILE) rows = EL_WG_TILE;
        int64_t at = ((image * p->oh + EL_WG_TILE * ty) * p->ow + EL_WG_TILE * tx) * p->oc + first;
        for (int32_t i = 0; i < count; i += EL_WV) {
            int32_t n = count - i < EL_WV ? count - i : EL_WV;
            el_wv bias = r->bias ? el_wg_floats(r->bias + first + i, n) : EL_W(zero)();
            el_wv slope = act.kind == EL_ACT_PRELU ? el_wg_floats(r->slope + first + i, n) : EL_W(zero)();
            for (int64_t row = 0; row < rows; row++) {
                el_wv full[EL_WG_TILE];
                el_wg_outputs(m + i, m_point, row, full);
                int64_t pixel = at + row * line + i;
#pragma GCC unroll 4
                for (int64_t col = 0; col < EL_WG_TILE; col++, pixel += oc) {
                    if (col >= cols) break;
                    el_wv s = EL_W(add)(full[col], bias);
                    if (residual) s = EL_W(add)(s, n == EL_WV ? EL_W(load)(residual + pixel) : EL_W(load_n)(residual + pixel, n));
                    s = clamps ? EL_W(clamp)(s, lo, hi) : el_wg_act(act, s, slope);
                    if (n == EL_WV) EL_W(store)(y + pixel, s);
                    else EL_W(store_n)(y + pixel, s, n);
                }
            }
        }
    }
}

static void el_wg_tables(const el_winograd_plan* w, int64_t tiles, const el_element* v, const el_element** a, int64_t* off) {
    for (int64_t t = 0; t < tiles; t++, v += w->v_row) {
        __asm__("" : "+r"(v)); /* vectors would be more code than gain */
        a[t] = v;
        off[t] = t * w->m_row;
    }
}

static int32_t el_wg_panels(const el_winograd_plan* w, int64_t group) {
    int32_t left = w->panels - (int32_t)group * EL_WG_GROUP;
    return left < EL_WG_GROUP ? left : EL_WG_GROUP;
}

static void el_wg_whole_weights(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_winograd_run_t* r = arg;
    for (int64_t g = begin; g < end; g++) el_wg_weights(r, (int32_t)g * EL_WG_GROUP, 0, r->u + g * (int64_t)(r->w.u_bytes / sizeof(el_element)));
}

/* Weights whole: blocks of tiles, each from input to output. */
static void el_wg_blocks(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_winograd_run_t* r = arg;
    const el_winograd_plan* w = &r->w;
    char* s = r->thread_scratch + (size_t)worker * r->thread_bytes;
    el_element *v = (el_element*)s, *m = (el_element*)(s + w->v_bytes);
    const el_element** a = (const el_element**)(s + w->v_bytes + w->m_bytes);
    int64_t* off = (int64_t*)(s + w->v_bytes + w->m_bytes + w->table_bytes);
    el_wg_tables(w, w->block, v, a, off);
    for (int64_t i = begin; i < end; i++) {
        int64_t t0 = i * w->tiles / w->blocks, t1 = (i + 1) * w->tiles / w->blocks;
        el_wg_input(r, t0, t1, t0, v);
        for (int64_t g = 0; g < w->groups; g++) {
            el_wg_multiply(r, t1 - t0, el_wg_panels(w, g), 0, r->u + g * (int64_t)(w->u_bytes / sizeof(el_element)), m, a, off);
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
    el_element *u = (el_element*)s, *m = (el_element*)(s + w->u_bytes);
    const el_element** a = (const el_element**)(s + w->u_bytes + w->m_bytes);
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
    el_winograd_run_t r = {.ctx = ctx, .p = p, .x = buffers[0], .b = buffers[1], .bias = buffers[2],
                           .residual = buffers[3], .slope = buffers[4], .y = buffers[5]};
    const int64_t work = (int64_t)p->n * p->oh * p->ow * EL_WG_POINTS / (EL_WG_TILE * EL_WG_TILE) * p->c * p->oc;
    const int64_t threads = el_ctx_threads_for(ctx, work, EL_PARALLEL_FMAS);
    r.w = el_winograd_plan_of(p, threads);
    const el_winograd_plan* w = &r.w;
    if (w->tiles == 0) return;
    char* s = ctx->scratch;
    memset(s, 0, (size_t)w->v_row * sizeof(el_element));
    r.zero = (const el_element*)s;
    s += el_align64((size_t)w->v_row * sizeof(el_element));
    if (w->whole) {
        r.u = (el_element*)s;
        r.thread_scratch = s + (size_t)w->groups * w->u_bytes;
        r.thread_bytes = w->v_bytes + w->m_bytes + 2 * w->table_bytes;
        el_parallel(ctx, w->groups, threads == 1 ? w->groups : 1, el_wg_whole_weights, &r);
        el_parallel(ctx, w->blocks, EL_PARALLEL_FMAS / (work / w->blocks + 1) + 1, el_wg_blocks, &r);
        return;
    }
    r.v = (el_element*)s;
    r.thread_scratch = s + w->v_bytes;
    r.thread_bytes = w->u_bytes + w->m_bytes + 2 * w->table_bytes;
    for (int64_t i = 0; i < w->blocks; i++) {
        r.t0 = i * w->tiles / w->blocks;
        r.t1 = (i + 1) * w->tiles / w->blocks;
        el_parallel(ctx, r.t1 - r.t0, 4, el_wg_inputs, &r);
        el_parallel(ctx, w->groups, EL_PARALLEL_FMAS / (work / w->groups / w->blocks + 1) + 1, el_wg_groups, &r);
    }
}

#endif
