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
    int64_t lda;          /* floats between rows of S */
    int64_t packed;       /* rows of each half, from the first on, of which S, A11, A12 and A22 are packed, lda floats for a row */
    char* thread_scratch; /* of each thread: T, P and what a job needs */
    size_t thread_bytes;
    int64_t parts;        /* in which the rows of a half are shared */
} el_strassen_run_t;

/* S1 to S4 of the rows [begin, end) of a half, counted from the last packed one. */
static void el_strassen_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_strassen_run_t* r = arg;
    const int64_t k = r->s.k, quarter = r->s.half * r->lda;
    for (int64_t row = r->packed + begin; row < r->packed + end; row++) {
        const float *a1 = r->job.x + row * r->p->k, *a2 = a1 + r->s.half * r->p->k;
        float* s = r->sums + row * r->lda;
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

#ifdef EL_PACKS
/* S1 to S4, A11, A12 and A22 of the tiles [begin, end) of a half, packed. */
static void el_strassen_tiles(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_strassen_run_t* r = arg;
    const int64_t k = r->s.k, lda = r->p->k, quarter = r->s.half * r->lda;
    for (int64_t row = begin * EL_MR; row < end * EL_MR; row += 2) {
        const float *a1 = r->job.x + row * lda, *a2 = a1 + r->s.half * lda;
        float* to = r->sums + row / EL_MR * EL_MR * r->lda + row % EL_MR * 2;
        for (int64_t i = 0; i < k; i += EL_VF, to += EL_MR * EL_VF) {
            el_vf f[EL_STRASSEN_FACTORS][2];
#pragma GCC unroll 2
            for (int l = 0; l < 2; l++) {
                const el_vf a11 = el_vload(a1 + l * lda + i), a12 = el_vload(a1 + l * lda + k + i), a21 = el_vload(a2 + l * lda + i);
                const el_vf a22 = el_vload(a2 + l * lda + k + i), s1 = el_vadd(a21, a22), s2 = el_vsub(s1, a11);
                f[0][l] = s1, f[1][l] = s2, f[2][l] = el_vsub(a11, a21), f[3][l] = el_vsub(a12, s2), f[4][l] = a11, f[5][l] = a12, f[6][l] = a22;
            }
#pragma GCC unroll 7
            for (int q = 0; q < EL_STRASSEN_FACTORS; q++) el_pack_two(to + q * quarter, f[q][0], f[q][1]);
        }
    }
}
#endif

/* One row of products, of each half, to y: with residual, where there is one, and clamped. */
static inline __attribute__((always_inline)) void el_strassen_sum(const float* p, int64_t next, const float* residual, float* y, int64_t upper, int64_t lower,
                                                                  int32_t left, int32_t right, el_vf lo, el_vf hi, const int plain) {
    for (int32_t c = 0; c < EL_STRASSEN_GROUP * EL_PANEL; c += EL_VF, p += EL_VF) {
        const el_vf u = el_vadd(el_vload(p), el_vload(p + 4 * next)), p5 = el_vload(p + 3 * next), v = el_vadd(u, el_vload(p + 6 * next));
        const el_vf sums[4] = {el_vadd(el_vload(p), el_vload(p + next)), el_vadd(el_vadd(u, p5), el_vload(p + 2 * next)), el_vadd(v, el_vload(p + 5 * next)), el_vadd(v, p5)};
#pragma GCC unroll 4
        for (int q = 0; q < 4; q++) {
            const int64_t at = (q < 2 ? upper : lower) + (q % 2 ? right : left) + c;
            el_vf sum = sums[q];
            if (!plain && residual) sum = el_vadd(sum, el_vload(residual + at));
            el_vstore(y + at, plain ? sum : el_vclamp(sum, lo, hi));
        }
    }
}

/* From the products P to y, with residual and activation: for the rows [row, row + rows) of the upper half and the same rows of the lower one, in
 * one group of columns of each half, which begin at `left` and at `right`. */
static void el_strassen_end(const el_strassen_run_t* r, const float* products, int64_t row, int64_t rows, int32_t left, int32_t right) {
    enum { COLUMNS = EL_STRASSEN_GROUP * EL_PANEL };
    const int64_t next = r->s.most * COLUMNS, n = r->p->n;
    const el_vf lo = el_vset1(el_act_lo(r->p->act)), hi = el_vset1(el_act_hi(r->p->act));
    const float* residual = r->job.residual;
    float* y = r->job.y;
    const int plain = !residual && el_act_lo(r->p->act) == -INFINITY && el_act_hi(r->p->act) == INFINITY;
    int64_t off[2 * (EL_STRASSEN_BLOCK + EL_STRASSEN_TILE)];
    for (int64_t i = 0; i < rows; i++) {
        off[i] = (row + i) * n;
        off[rows + i] = off[i] + r->s.half * n;
        if (plain) el_strassen_sum(products + i * COLUMNS, next, NULL, y, off[i], off[rows + i], left, right, lo, hi, 1);
        else el_strassen_sum(products + i * COLUMNS, next, residual, y, off[i], off[rows + i], left, right, lo, hi, 0);
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

#ifndef EL_RUN_LESS
/* to = b - less, of `rows` rows of a panel. */
static void el_strassen_difference(const float* b, const float* less, float* to, int64_t rows) {
    enum { STEP = 4 * EL_PANEL / EL_VF };
    for (; rows >= 4; rows -= 4, b += 4 * EL_PANEL, less += 4 * EL_PANEL, to += 4 * EL_PANEL) {
        el_vf v[STEP];
#pragma GCC unroll 16
        for (int i = 0; i < STEP; i++) v[i] = el_vsub(el_vload(b + i * EL_VF), el_vload(less + i * EL_VF));
#pragma GCC unroll 16
        for (int i = 0; i < STEP; i++) el_vstore(to + i * EL_VF, v[i]);
    }
    for (int64_t i = 0; i < rows * EL_PANEL; i += EL_VF) el_vstore(to + i, el_vsub(el_vload(b + i), el_vload(less + i)));
}
#endif

/* P1 to P7 of the rows [row, row + rows) of a half and group g of columns, cut by cut of K. T1, T2 and T4 are needed one after the other and share one
 * place, t; T3 takes it last. */
static void el_strassen_block(const el_strassen_run_t* r, int64_t row, int64_t rows, int32_t g, float* t, float* products) {
    const el_strassen_plan* s = &r->s;
    const int64_t panel = r->job.b_panel, half = panel / 2, group = EL_STRASSEN_GROUP * panel, right = s->groups * group;
    /* cuts are up to half as long again as EL_KC, as those of el_gemm_block */
    const int64_t cuts = (2 * s->k - 1) / (3 * EL_KC) + 1, unit = r->packed ? 4 : 1, quarter = s->half * r->lda, lda = r->job.lda;
    const int64_t full = rows / EL_MR, left = EL_STRASSEN_LEAST < EL_STRASSEN_ROWS ? rows % EL_MR : 0;
    const float *sums = r->sums + row * r->lda, *a11 = r->job.x + row * lda, *a12 = a11 + s->k, *a22 = a12 + s->half * lda;
    const int32_t brow = 0;
    const float* a[EL_MR];
    int64_t off[EL_MR];
    for (int64_t i = 0; i < left; i++) off[i] = (full * EL_MR + i) * EL_STRASSEN_GROUP * EL_PANEL;
    el_tile tile = {.ldc = EL_STRASSEN_GROUP * EL_PANEL, .b_row = EL_PANEL, .segs = 1, .brow = &brow, .scale = 1.0f, .lo = -INFINITY, .hi = INFINITY, .tail = EL_PANEL,
                    .a = a, .off = off};
    for (int64_t i = 0; i < cuts; i++) {
        const int64_t k = i * (s->k / unit) / cuts * unit, end = (i + 1) * (s->k / unit) / cuts * unit, t_panel = (end - k) * EL_PANEL;
        const float *b11 = r->job.b + g * group + k * EL_PANEL, *b12 = b11 + right, *b21 = b11 + half, *b22 = b12 + half;
        const float* ahead = end < s->k ? b11 + t_panel : g + 1 < s->groups ? r->job.b + (g + 1) * group : NULL;
        const float* bias = r->job.bias && k == 0 ? r->job.bias + (int64_t)g * EL_STRASSEN_GROUP * EL_PANEL : NULL;
        const struct {
            const float *a, *b, *less, *ahead; /* of A; of B, or, where there is a less, b - less, which is stored to t; what of B is read soon */
            const float* bias; /* to begin with: of C11 it is in P2, of C21 in P4, of C12 and C22 in P5 */
            int64_t lda, packed; /* of A; which of the packed factors it is */
        } factors[7] = {
            {a11, b11, NULL, NULL, NULL, lda, 4},
            {a12, b21, NULL, NULL, bias, lda, 5},
            {sums + 3 * quarter, b22, NULL, NULL, NULL, r->lda, 3},
            {sums, b12, b11, ahead, bias ? bias + (int64_t)s->groups * EL_STRASSEN_GROUP * EL_PANEL : NULL, r->lda, 0},
            {sums + quarter, b22, t, ahead ? ahead + half : NULL, NULL, r->lda, 1},
            {a22, b21, t, ahead ? ahead + right : NULL, bias, lda, 6},
            {sums + 2 * quarter, b22, b12, ahead ? ahead + right + half : NULL, NULL, r->lda, 2},
        };
        tile.seglen = (int32_t)(end - k);
        for (int q = 0; q < 7; q++) {
            for (int64_t n = 0; n < left; n++) a[n] = factors[q].a + k + (full * EL_MR + n) * factors[q].lda;
            for (int32_t p = 0; p < EL_STRASSEN_GROUP; p += EL_WIDE(EL_MR)) {
                int64_t tiles = full;
                tile.a_rows = factors[q].a + k;
                tile.lda = factors[q].lda;
#ifdef EL_PACKS
                if (r->packed) tile.a_rows = sums + factors[q].packed * quarter + k * EL_MR, tile.lda = r->lda;
#endif
                tile.b = factors[q].b + p * panel;
                tile.b_panel = panel;
                tile.y = tile.y_rows = products + (q * s->most * EL_STRASSEN_GROUP + p) * EL_PANEL;
                tile.residual = k ? tile.y : NULL;
                tile.bias = factors[q].bias ? factors[q].bias + p * EL_PANEL : NULL;
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
                    el_strassen_difference(tile.b, tile.less, tile.kept, end - k);
#endif
                    tile.b = tile.kept;
                    tile.b_panel = t_panel;
                }
                tile.ahead = factors[q].ahead ? (intptr_t)factors[q].ahead - (intptr_t)tile.b : 0;
#ifdef EL_PACKS
                if (r->packed) run_packed(&tile, tiles);
                else
#endif
                    el_run_kernel(EL_WIDE(EL_MR), EL_PANEL)(&tile, tiles);
                tile.ahead = 0;
                if (left) el_tile_kernel((int32_t)left, EL_WIDE(EL_MR))(&tile);
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
        const int64_t r1 = part + parts < r->parts ? (part + parts) * tiles / r->parts * EL_STRASSEN_TILE : s->half;
        for (int64_t row = part * tiles / r->parts * EL_STRASSEN_TILE, rows; row < r1; row += rows) {
            rows = r1 - row < s->block + EL_STRASSEN_TILE ? r1 - row : s->block;
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
    r.lda = r.s.lda;
#ifdef EL_PACKS
    if (r.s.k % 4 == 0) {
        r.lda = r.s.k;
        r.packed = r.s.half / EL_MR * EL_MR;
        el_parallel(ctx, r.s.half / EL_MR, threads == 1 ? r.s.half : EL_PARALLEL_FMAS / (16 * EL_MR * r.s.k) + 1, el_strassen_tiles, &r);
    }
#endif
    if (r.packed < r.s.half)
        el_parallel(ctx, r.s.half - r.packed, threads == 1 ? r.s.half : EL_PARALLEL_FMAS / (16 * r.s.k) + 1, el_strassen_rows, &r);
    el_parallel(ctx, r.s.groups * r.parts, threads == 1 ? r.s.groups : 1, el_strassen_body, &r);
}

#endif
