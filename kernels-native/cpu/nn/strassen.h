/* Strassen's multiplication over the products of gemm_driver.h; see strassen_job.h for the method. */
#ifndef EL_STRASSEN_H
#define EL_STRASSEN_H
#include "strassen_job.h"

_Static_assert(EL_STRASSEN_TILE % EL_MR == 0 && EL_STRASSEN_GROUP % EL_WIDE(EL_MR) == 0, "blocks are whole tiles");

typedef struct el_strassen_run_t {
    const el_ctx* ctx;
    const el_gemm_params* p;
    el_strassen_plan s;
    el_gemm_job job;      /* the whole product, without Strassen */
    float* sums;          /* S */
    char* thread_scratch; /* of each thread: T, P and what a job needs */
    size_t thread_bytes;
    int64_t parts;        /* in which the rows of a half are shared */
} el_strassen_run_t;

/* S1 to S4 of the rows [begin, end) of a half. */
static void el_strassen_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_strassen_run_t* r = arg;
    const int64_t k = r->s.k, quarter = r->s.half * r->s.lda;
    for (int64_t row = begin; row < end; row++) {
        const float *a1 = r->job.x + row * r->p->k, *a2 = a1 + r->s.half * r->p->k;
        float* s = r->sums + row * r->s.lda;
        for (int64_t i = 0; i < k; i += EL_VF) {
            const int64_t n = k - i < EL_VF ? k - i : EL_VF;
            const el_vf a11 = el_vload_n(a1 + i, n), a12 = el_vload_n(a1 + k + i, n), a21 = el_vload_n(a2 + i, n), a22 = el_vload_n(a2 + k + i, n);
            const el_vf s1 = el_vadd(a21, a22), s2 = el_vsub(s1, a11);
            el_vstore(s + i, s1); /* a row has room for whole registers */
            el_vstore(s + quarter + i, s2);
            el_vstore(s + 2 * quarter + i, el_vsub(a11, a21));
            el_vstore(s + 3 * quarter + i, el_vsub(a12, s2));
        }
    }
}

/* From the products P to y, with bias, residual and activation: for the rows [row, row + rows) of the upper half and the same rows of the lower one, in
 * one group of columns of each half, which begin at `left` and at `right`. */
static void el_strassen_end(const el_strassen_run_t* r, const float* products, int64_t row, int64_t rows, int32_t left, int32_t right) {
    enum { COLUMNS = EL_STRASSEN_GROUP * EL_PANEL };
    const int64_t next = r->s.block * COLUMNS, n = r->p->n;
    const el_vf lo = el_vset1(el_act_lo(r->p->act)), hi = el_vset1(el_act_hi(r->p->act));
    int64_t off[2 * EL_STRASSEN_BLOCK];
    for (int64_t i = 0; i < rows; i++) {
        off[i] = (row + i) * n;
        off[rows + i] = off[i] + r->s.half * n;
        for (int32_t c = 0; c < COLUMNS; c += EL_VF) {
            const float* p = products + i * COLUMNS + c;
            const el_vf p1 = el_vload(p), p2 = el_vload(p + next), p3 = el_vload(p + 2 * next), p5 = el_vload(p + 3 * next);
            const el_vf p6 = el_vload(p + 4 * next), p4 = el_vload(p + 5 * next), p7 = el_vload(p + 6 * next);
            const el_vf u = el_vadd(p1, p6), v = el_vadd(u, p7);
            const el_vf sums[4] = {el_vadd(p1, p2), el_vadd(el_vadd(u, p5), p3), el_vadd(v, p4), el_vadd(v, p5)};
#pragma GCC unroll 4
            for (int q = 0; q < 4; q++) {
                const int64_t column = (q % 2 ? right : left) + c, at = off[q / 2 * rows + i] + column;
                el_vf y = sums[q];
                if (r->job.bias) y = el_vadd(y, el_vload(r->job.bias + column));
                if (r->job.residual) y = el_vadd(y, el_vload(r->job.residual + at));
                el_vstore(r->job.y + at, el_vclamp(y, lo, hi));
            }
        }
    }
    if (el_act_is_clamp(r->p->act)) return;
    el_gemm_activate(r->p->act, r->job.y + left, off, 2 * rows, r->job.slope ? r->job.slope + left : NULL, COLUMNS);
    el_gemm_activate(r->p->act, r->job.y + right, off, 2 * rows, r->job.slope ? r->job.slope + right : NULL, COLUMNS);
}

/* What is in no half: the rows from `row` on, in the panels [panel, panel + panels), as an ordinary product. */
static void el_strassen_rest(const el_strassen_run_t* r, char* scratch, int64_t row, int32_t panel, int32_t panels) {
    el_gemm_job j = r->job;
    const int32_t column = panel * EL_PANEL;
    j.thread_scratch = scratch;
    j.m -= row;
    j.n = j.n - column < panels * EL_PANEL ? j.n - column : panels * EL_PANEL;
    j.x += row * j.lda;
    j.b += panel * j.b_panel;
    j.y += row * j.ldc + column;
    if (j.residual) j.residual += row * j.ldc + column;
    if (j.bias) j.bias += column;
    if (j.slope) j.slope += column;
    el_gemm_run(r->ctx, &j);
}

/* P1 to P7 of the rows [row, row + rows) of a half and group g of columns, cut by cut of K. T1, T2 and T4 are needed one after the other and share one
 * place, t; T3 takes it last. */
static void el_strassen_block(const el_strassen_run_t* r, int64_t row, int64_t rows, int32_t g, float* t, float* products) {
    const el_strassen_plan* s = &r->s;
    const int64_t panel = r->job.b_panel, half = panel / 2, group = EL_STRASSEN_GROUP * panel, right = s->groups * group;
    const int64_t lda = r->job.lda, quarter = s->half * s->lda, cuts = (s->k + EL_KC - 1) / EL_KC;
    el_tile tile = {.ldc = EL_STRASSEN_GROUP * EL_PANEL, .b_row = EL_PANEL, .segs = 1, .scale = 1.0f, .lo = -INFINITY, .hi = INFINITY, .tail = EL_PANEL};
    for (int64_t i = 0; i < cuts; i++) {
        const int64_t k = i * s->k / cuts, end = (i + 1) * s->k / cuts, t_panel = (end - k) * EL_PANEL;
        const float *a1 = r->job.x + row * lda + k, *a2 = a1 + s->half * lda;
        const float *s1 = r->sums + row * s->lda + k, *s2 = s1 + quarter, *s3 = s2 + quarter, *s4 = s3 + quarter;
        const float *b11 = r->job.b + g * group + k * EL_PANEL, *b12 = b11 + right, *b21 = b11 + half, *b22 = b12 + half;
        const float* ahead = end < s->k ? b11 + t_panel : g + 1 < s->groups ? r->job.b + (g + 1) * group : NULL;
        const struct {
            const float *a, *b, *less, *ahead; /* of A; of B, or, where there is a less, b - less, which is stored to t; what of B is read soon */
        } factors[7] = {
            {a1, b11, NULL, NULL},
            {a1 + s->k, b21, NULL, NULL},
            {s4, b22, NULL, NULL},
            {s1, b12, b11, ahead},
            {s2, b22, t, ahead ? ahead + half : NULL},
            {a2 + s->k, b21, t, ahead ? ahead + right : NULL},
            {s3, b22, b12, ahead ? ahead + right + half : NULL},
        };
        tile.seglen = (int32_t)(end - k);
        for (int q = 0; q < 7; q++) {
            tile.lda = q == 0 || q == 1 || q == 5 ? lda : s->lda;
            for (int32_t p = 0; p < EL_STRASSEN_GROUP; p += EL_WIDE(EL_MR)) {
                int64_t tiles = rows / EL_MR;
                tile.a_rows = factors[q].a;
                tile.b = factors[q].b + p * panel;
                tile.b_panel = panel;
                tile.y = tile.y_rows = products + (q * s->block * EL_STRASSEN_GROUP + p) * EL_PANEL;
                tile.residual = k ? tile.y : NULL;
                if (factors[q].less) {
                    tile.less_panel = factors[q].less == t ? t_panel : panel;
                    tile.less = factors[q].less + p * tile.less_panel;
                    tile.kept = t + p * t_panel;
                    tile.kept_panel = t_panel;
#ifdef EL_RUN_LESS
                    tile.ahead = 0;
                    el_run_less(&tile);
                    tiles--;
                    tile.a_rows += EL_MR * tile.lda;
                    tile.y_rows += EL_MR * tile.ldc;
#else
#pragma GCC unroll 4
                    for (int64_t n = 0; n < t_panel; n += EL_VF) el_vstore(tile.kept + n, el_vsub(el_vload(tile.b + n), el_vload(tile.less + n)));
#endif
                    tile.b = tile.kept;
                    tile.b_panel = t_panel;
                }
                tile.ahead = factors[q].ahead ? (intptr_t)factors[q].ahead - (intptr_t)tile.b : 0;
                el_run_kernel(EL_WIDE(EL_MR), EL_PANEL)(&tile, tiles);
            }
        }
    }
}

/* A task is one part of the rows of a half, for one group of panels. */
static void el_strassen_body(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_strassen_run_t* r = arg;
    const el_strassen_plan* s = &r->s;
    char* scratch = r->thread_scratch + (size_t)worker * r->thread_bytes;
    float *t = (float*)scratch, *products = (float*)(scratch + s->t_bytes);
    scratch += s->t_bytes + s->p_bytes;
    const int64_t tiles = s->half / EL_STRASSEN_TILE;
    const int32_t right = s->groups * EL_STRASSEN_GROUP;
    while (begin < end) {
        const int64_t part = begin % r->parts, parts = end - begin < r->parts - part ? end - begin : r->parts - part;
        const int32_t g = (int32_t)(begin / r->parts), panel = g * EL_STRASSEN_GROUP;
        const int64_t r1 = (part + parts) * tiles / r->parts * EL_STRASSEN_TILE;
        for (int64_t row = part * tiles / r->parts * EL_STRASSEN_TILE, rows; row < r1; row += rows) {
            rows = r1 - row < s->block ? r1 - row : s->block;
            el_strassen_block(r, row, rows, g, t, products);
            el_strassen_end(r, products, row, rows, panel * EL_PANEL, (right + panel) * EL_PANEL);
        }
        begin += parts;
        if (part + parts < r->parts) continue;
        el_strassen_rest(r, scratch, 2 * s->half, panel, EL_STRASSEN_GROUP);
        el_strassen_rest(r, scratch, 2 * s->half, right + panel, EL_STRASSEN_GROUP);
        if (g == s->groups - 1 && 2 * right * EL_PANEL < r->p->n) el_strassen_rest(r, scratch, 0, 2 * right, 2 * EL_STRASSEN_GROUP);
    }
}

static __attribute__((cold)) void el_strassen_run(const el_ctx* ctx, const el_gemm_params* p, void* const* buffers) {
    el_strassen_run_t r = {.ctx = ctx, .p = p, .s = el_strassen_plan_of(p), .job = el_dense_job(p, buffers), .parts = 1};
    const int64_t threads = el_ctx_threads_for(ctx, p->m * p->n * p->k, EL_PARALLEL_FMAS), tiles = r.s.half / EL_STRASSEN_TILE;
    int32_t *brow, *taps;
    el_gemm_take_scratch(ctx, &r.job, 1, 0, el_gemm_thread_bytes(1, 0), &brow, &taps);
    brow[0] = 0;
    r.job.serial = 1;
    r.sums = (float*)r.job.thread_scratch;
    r.thread_scratch = r.job.thread_scratch + r.s.s_bytes;
    r.thread_bytes = r.s.t_bytes + r.s.p_bytes + r.job.thread_bytes;
    /* where groups of panels are few, rows are shared, too, so that threads get about the same and can help each other */
    if (threads > 1 && r.s.groups < 16 * threads) r.parts = tiles < 4 ? tiles : 4;
    el_parallel(ctx, r.s.half, threads == 1 ? r.s.half : EL_PARALLEL_FMAS / (16 * r.s.k) + 1, el_strassen_rows, &r);
    el_parallel(ctx, r.s.groups * r.parts, threads == 1 ? r.s.groups : 1, el_strassen_body, &r);
}

#endif
