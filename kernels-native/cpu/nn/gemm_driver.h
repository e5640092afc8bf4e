/* Blocking, threading, and dense layers and convolutions over one micro-kernel. Included once by each gemm_<type>.<isa>.c, which defines
 * before it:
 *     EL_MR                 most rows of a tile
 *     EL_KC                 K is cut in pieces of so many rows of B: small where the second-level cache is slow
 *     EL_KC_ALWAYS          whether K is cut even where there is but one tile
 *     el_tile_kernel(R, P)  the micro-kernel for R rows and P panels, or NULL when there is none
 *     EL_WIDE(R)            the most panels that a tile of R rows takes (a power of two)
 *     EL_LOW                optional: rows of low tiles, which are three panels wide
 *     EL_RUNS               optional, where there are kernels for runs of tiles (el_run_fn): el_run_kernel(P, tail) gives them, and
 *                           el_run_activates(kind, P, tail) tells whether they apply an activation that is no interval
 *     EL_PACKS              optional: there are el_pack_rows and run_packed, a run of tiles of one panel over rows that were packed (lda: floats of
 *                           a packed row), and el_pack_two, which packs four numbers of two rows
 *     EL_RUN_LESS           optional: there is el_run_less, a run of one tile of EL_WIDE(EL_MR) panels whose B is a difference (el_tile)
 *     el_gemm_activate      applies an activation that is no interval to rows [count] of y at off[r], which have just been stored
 *
 * Order of a block of rows x panels: for each cut of K, for each group of panels, for each tile. The cut of B that a group of
 * panels reads stays near the core over all tiles of the block, the whole block of B in the second-level cache.
 */
#ifndef EL_GEMM_DRIVER_H
#define EL_GEMM_DRIVER_H
#include "gemm_job.h"

#define EL_L2_BYTES (512 << 10)     /* share of the second-level cache that a block of B may fill */
#define EL_PARALLEL_FMAS (1 << 17)  /* multiply-adds that are worth a task of their own */
#define EL_FEW_ROWS 2               /* so many rows take no longer than one, as reading B takes longer than multiplying it */

typedef struct el_gemm_plan {
    const el_gemm_job* job;
    int64_t tiles, tile_rows, tile_rest, block_tiles, m_blocks;
    int32_t panels, block_panels, n_blocks, wide;
    int runs; /* tiles are computed in runs: each has EL_MR rows but the last */
    int packs; /* for which their rows are packed */
} el_gemm_plan;

#ifndef EL_RUNS
#define EL_RUNS 0
static inline el_run_fn el_run_kernel(int32_t panels, int32_t tail) { return NULL; }
static inline int el_run_activates(int32_t kind, int32_t panels, int32_t tail) { return 0; }
#endif

#ifndef EL_LOW
#define EL_LOW 0
#endif

/* Whether tiles are low: the 49 rows of a picture of 7x7, as networks end with, take fewer loads in tiles of 7 rows and three panels than in tiles of 10
 * and two. */
static int el_gemm_is_low(const el_gemm_job* j) {
    return EL_LOW && j->fill == el_fill_dense && j->m <= 8 * EL_LOW && j->m % (EL_LOW ? EL_LOW : 1) == 0 && j->n > 5 * EL_PANEL &&
           3 * (int64_t)j->seglen * EL_PANEL * (int64_t)sizeof(el_element) <= EL_L2_BYTES;
}

/* Whether the rows of a dense matrix are taken in full tiles, by runs. Where that leaves few rows for the last tile, tiles of equal height are better. */
static int el_gemm_has_runs(const el_gemm_job* j) {
    const int64_t left = j->m % EL_MR;
    return EL_RUNS && j->fill == el_fill_dense && j->seglen >= 4 && j->scale == 1.0f && j->m >= EL_MR &&
           (left == 0 || left >= EL_MR / 3 || j->m > 40 * EL_MR);
}

/* One cut of K over the panels [p0, p1) and the tiles of a block: tile t is rows [start[t], start[t + 1]) of it. */
static void el_gemm_cut(const el_gemm_plan* plan, int32_t g, const int32_t* start, int32_t tiles, int32_t p0, int32_t p1, el_tile tile,
                        const el_element* const* a, const int64_t* off, el_element* packed, int32_t seg, int first, int last) {
    const el_gemm_job* j = plan->job;
    tile.brow = j->brow + seg;
    a += (int64_t)seg * EL_MB;
    const int activates = last && !el_act_is_clamp(j->act);
    const int32_t full = plan->runs && start[tiles] - start[tiles - 1] < EL_MR ? tiles - 1 : tiles; /* of runs: tiles of EL_MR rows */
#ifdef EL_PACKS
    const int packs = plan->packs && p1 - p0 >= EL_PACKS_PANELS && tile.seglen % 4 == 0 && tile.seglen <= EL_PACKED_K;
    if (packs) el_pack_rows(a[0] + tile.a_offset, j->lda, full, tile.seglen, packed);
#endif
    int32_t step;
    for (int32_t p = p0; p < p1; p += step) {
        step = plan->wide;
        while (step > p1 - p) step = (step + 1) / 2;
        if (step == 3 && p1 - p == 4) step = 4;
        /* of three panels with a narrow last one, the last two go together: AVX-512 has a kernel for them that wastes less */
        if ((step == 2 || step == 3) && p1 - p == 3 && j->n - (p1 - 1) * EL_PANEL <= EL_PANEL / 2) step = 1;
        int32_t column = p * EL_PANEL, columns = j->n - column < step * EL_PANEL ? j->n - column : step * EL_PANEL;
        int64_t channel = (int64_t)g * j->n + column;
        tile.b = j->b + g * j->b_group + p * j->b_panel + tile.a_offset * j->b_row;
        tile.bias = first && j->bias ? j->bias + channel : NULL;
        tile.y = j->y + column;
        tile.residual = !first ? tile.y : j->residual ? j->residual + column : NULL;
        tile.tail = columns - (step - 1) * EL_PANEL;
        int32_t t = 0;
        const el_run_fn run = plan->runs ? el_run_kernel(step, tile.tail) : NULL;
        if (run) {
            t = full;
            tile.a_rows = a[0] + tile.a_offset;
            tile.lda = j->lda;
            tile.y_rows = tile.y + off[0];
            tile.ahead = p + 2 * step <= p1 ? step * j->b_panel * (int64_t)sizeof(el_element) : 0;
            tile.act = activates && el_run_activates(j->act.kind, step, tile.tail) ? j->act.kind : EL_ACT_NONE;
#ifdef EL_PACKS
            if (packs && tile.tail == EL_PANEL) tile.a_rows = packed, tile.lda = tile.seglen, run_packed(&tile, t);
            else
#endif
                run(&tile, t);
            if (activates && tile.act == EL_ACT_NONE) el_gemm_activate(j->act, tile.y, off, start[t], j->slope ? j->slope + channel : NULL, columns);
        }
        for (; t < tiles; t++) {
            tile.a = a + start[t];
            tile.off = off + start[t];
            const int32_t rows = start[t + 1] - start[t];
            /* each tile fetches one panel of the next group */
            tile.ahead = t < step && p + step + t < p1 ? (step + t) * j->b_panel : 0;
            el_tile_kernel(rows, step)(&tile);
            if (activates) el_gemm_activate(j->act, tile.y, tile.off, rows, j->slope ? j->slope + channel : NULL, columns);
        }
    }
}

static void el_gemm_block(const el_gemm_plan* plan, int32_t g, int64_t t0, int64_t t1, int32_t p0, int32_t p1,
                          int32_t worker) {
    const el_gemm_job* j = plan->job;
    char* scratch = j->thread_scratch + (size_t)worker * j->thread_bytes;
    const el_element** a = (const el_element**)scratch;
    scratch += el_align64((size_t)(EL_MB * (j->segs > 0 ? j->segs : 1)) * sizeof(el_element*));
    int64_t* off = (int64_t*)scratch;
    scratch += el_align64(EL_MB * sizeof(int64_t));
    /* Tile t begins at row t * m / tiles. Quotient and rest are carried from tile to tile, as a division takes longer than a small tile. */
    int32_t start[EL_MB / (EL_LOW ? EL_LOW : EL_MR) + 1], tiles = (int32_t)(t1 - t0);
    const int64_t m0 = plan->runs ? t0 * EL_MR : t0 * j->m / plan->tiles;
    int64_t rest = t0 * j->m - m0 * plan->tiles;
    start[0] = 0;
    for (int32_t t = 0; t < tiles; t++) {
        if (plan->runs) {
            const int64_t end = (t + 1) * EL_MR;
            start[t + 1] = (int32_t)(end < j->m - m0 ? end : j->m - m0);
            continue;
        }
        start[t + 1] = start[t] + (int32_t)plan->tile_rows;
        rest += plan->tile_rest;
        if (rest >= plan->tiles) rest -= plan->tiles, start[t + 1]++;
    }
    j->fill(j, g, m0, start[tiles], a, off, (el_element*)scratch);

    el_tile tile = {.b_panel = j->b_panel, .b_row = j->b_row, .lda = j->lda, .ldc = j->ldc, .segs = j->segs, .seglen = j->seglen, .scale = j->scale,
                    .lo = el_act_lo(j->act), .hi = el_act_hi(j->act)};
    int64_t depth = (int64_t)j->segs * j->seglen;
    if ((plan->tiles < 2 && !EL_KC_ALWAYS) || depth <= EL_KC + EL_KC / 2) {
        el_gemm_cut(plan, g, start, tiles, p0, p1, tile, a, off, (el_element*)scratch, 0, 1, 1);
        return;
    }
    /* Between cuts of K the partial sums stay in y, neither scaled nor clamped. */
    int32_t segs = EL_KC / j->seglen, cuts = (int32_t)((j->seglen + EL_KC - 1) / EL_KC);
    if (segs < 1) segs = 1;
    int32_t length = segs > 1 ? j->seglen : (j->seglen + cuts - 1) / cuts;
    for (int32_t s = 0; s < j->segs; s += segs)
        for (int32_t k = 0; k < j->seglen; k += length) {
            int first = s == 0 && k == 0, last = s + segs >= j->segs && k + length >= j->seglen;
            tile.segs = j->segs - s < segs ? j->segs - s : segs;
            tile.seglen = j->seglen - k < length ? j->seglen - k : length;
            tile.a_offset = k;
            tile.scale = last ? j->scale : 1.0f;
            tile.lo = last ? el_act_lo(j->act) : -INFINITY;
            tile.hi = last ? el_act_hi(j->act) : INFINITY;
            el_gemm_cut(plan, g, start, tiles, p0, p1, tile, a, off, (el_element*)scratch, s, first, last);
        }
}

static void el_gemm_body(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_gemm_plan* plan = arg;
    int64_t mb = begin % plan->m_blocks, nb = begin / plan->m_blocks % plan->n_blocks, g = begin / plan->m_blocks / plan->n_blocks;
    int64_t t0 = mb * plan->tiles / plan->m_blocks;
    for (int64_t i = begin; i < end; i++) {
        const int64_t t1 = (mb + 1) * plan->tiles / plan->m_blocks;
        int32_t p0 = (int32_t)nb * plan->block_panels, p1 = p0 + plan->block_panels;
        if (p1 > plan->panels) p1 = plan->panels;
        el_gemm_block(plan, (int32_t)g, t0, t1, p0, p1, worker);
        t0 = t1;
        if (++mb < plan->m_blocks) continue;
        t0 = mb = 0;
        if (++nb == plan->n_blocks) nb = 0, g++;
    }
}

/* Chooses blocks that all threads get equally many of: by cutting rows where that makes enough blocks, otherwise also panels, and where these do not
 * come out even, rows twice as fine. */
static void el_gemm_share(el_gemm_plan* plan, int32_t threads) {
    const int64_t groups = plan->job->groups, blocks = plan->m_blocks * groups;
    if (blocks >= 4 * threads) {
        const int64_t even = (plan->m_blocks + threads - 1) / threads * threads;
        if (groups == 1 && even <= plan->tiles) plan->m_blocks = even;
        return;
    }
    const int64_t want = (4 * threads + blocks - 1) / blocks, wide = plan->wide;
    int64_t share = ((plan->panels + want - 1) / want + wide - 1) / wide * wide, best = INT64_MAX;
    if (share > plan->block_panels) share = plan->block_panels;
    const int64_t once = plan->m_blocks;
    for (int64_t rows = once; rows <= 2 * once && rows <= plan->tiles; rows += once)
        for (int64_t panels = share, tries = 0; panels >= wide && tries < 6; panels -= wide, tries++) {
            const int64_t tasks = (plan->panels + panels - 1) / panels * rows * groups;
            const int64_t most = (tasks + threads - 1) / threads * panels * (2 * once / rows); /* of a thread, in halves of a block of rows */
            if (best != INT64_MAX && most * 26 > best * 25) continue; /* not worth smaller blocks */
            best = most;
            plan->block_panels = (int32_t)panels, plan->m_blocks = rows;
        }
}

static void el_gemm_run(const el_ctx* ctx, const el_gemm_job* j) {
    if (j->m <= 0 || j->n <= 0) return;
    el_gemm_plan plan = {.job = j};
    int64_t depth = (int64_t)j->segs * j->seglen;
    if (depth < 1) depth = 1;
    plan.runs = el_gemm_has_runs(j);
    plan.packs = plan.runs && j->packs;
    const int low = !plan.runs && el_gemm_is_low(j);
    const int32_t rows = low ? EL_LOW : EL_MR;
    plan.tiles = (j->m + rows - 1) / rows;
    const int64_t read = j->m < EL_FEW_ROWS ? EL_FEW_ROWS : j->m;
    const int32_t threads = j->serial ? 1 : el_ctx_threads_for(ctx, j->groups * depth * j->n * read, EL_PARALLEL_FMAS);
    plan.tile_rows = j->m / plan.tiles;
    plan.tile_rest = j->m % plan.tiles;
    plan.wide = low ? 3 : EL_WIDE((j->m + plan.tiles - 1) / plan.tiles);
    plan.panels = (j->n + EL_PANEL - 1) / EL_PANEL;
    plan.block_tiles = (depth <= EL_DEEP && threads == 1 ? EL_MB : EL_DEEP_MB) / rows; /* smaller blocks for threads to share evenly */
    plan.m_blocks = (plan.tiles + plan.block_tiles - 1) / plan.block_tiles;

    /* Panels of a block: all that fit in the share of the second-level cache; fewer when threads would stand idle. */
    int64_t fit = EL_L2_BYTES / (depth * EL_PANEL * (int64_t)sizeof(el_element)) / plan.wide * plan.wide;
    if (fit < plan.wide) fit = plan.wide;
    if (plan.m_blocks == 1 || fit > plan.panels) fit = plan.panels;
    plan.block_panels = (int32_t)fit;
    if (threads > 1) el_gemm_share(&plan, threads);
    plan.n_blocks = (plan.panels + plan.block_panels - 1) / plan.block_panels;
    int64_t tasks = j->groups * (int64_t)plan.n_blocks * plan.m_blocks;
    if (threads == 1) {
        el_gemm_body(&plan, 0, tasks, j->worker);
        return;
    }
    int64_t cost = depth * (read / plan.m_blocks) * (int64_t)(plan.block_panels * EL_PANEL);
    el_parallel(ctx, tasks, EL_PARALLEL_FMAS / (cost + 1) + 1, el_gemm_body, &plan);
}

/* Takes the shared part of the scratch: brow, taps and the zero row; the rest is per thread. */
static void el_gemm_take_scratch(const el_ctx* ctx, el_gemm_job* j, int64_t segs, int64_t zero_elements, size_t thread_bytes,
                                 int32_t** brow, int32_t** taps) {
    char* s = ctx->scratch;
    j->zero = (const el_element*)s;
    memset(s, 0, (size_t)zero_elements * sizeof(el_element));
    s += el_align64((size_t)zero_elements * sizeof(el_element));
    *brow = (int32_t*)s;
    s += el_align64((size_t)segs * sizeof(int32_t));
    *taps = (int32_t*)s;
    s += el_align64((size_t)segs * sizeof(int32_t));
    j->brow = *brow;
    j->taps = *taps;
    j->thread_scratch = s;
    j->thread_bytes = thread_bytes;
}

static el_gemm_job el_dense_job(const el_gemm_params* p, void* const* buffers) {
    return (el_gemm_job){.m = p->m, .n = p->n, .k = p->k, .groups = 1, .segs = 1, .seglen = p->k, .scale = 1.0f, .act = p->act,
                         .x = buffers[0], .b = buffers[1], .bias = buffers[2], .residual = buffers[3], .slope = buffers[4],
                         .y = buffers[5], .b_panel = (int64_t)p->k * EL_PANEL, .b_row = EL_PANEL, .lda = p->k, .ldc = p->n,
                         .fill = el_fill_dense};
}

static void el_gemm_run_gemm(const el_ctx* ctx, const el_gemm_params* p, void* const* buffers) {
    el_gemm_job j = el_dense_job(p, buffers);
    int32_t *brow, *taps;
    j.packs = 1;
    el_gemm_take_scratch(ctx, &j, 1, 0, el_gemm_thread_bytes(1, el_gemm_packed_elements(p->m, p->k)), &brow, &taps);
    brow[0] = 0;
    el_gemm_run(ctx, &j);
}

static el_gemm_job el_conv_job(const el_conv_params* p, void* const* buffers) {
    int32_t n = p->oc / p->groups, k = p->kh * p->kw * (p->c / p->groups);
    return (el_gemm_job){.n = n, .k = k, .groups = p->groups, .scale = 1.0f, .act = p->act, .conv = p,
                         .x = buffers[0], .b = buffers[1], .bias = buffers[2], .residual = buffers[3], .slope = buffers[4],
                         .y = buffers[5], .b_panel = (int64_t)k * EL_PANEL, .b_row = EL_PANEL,
                         .b_group = (int64_t)(n + EL_PANEL - 1) / EL_PANEL * k * EL_PANEL, .lda = p->c, .ldc = p->oc};
}

static void el_gemm_run_conv(const el_ctx* ctx, const el_conv_params* p, void* const* buffers) {
    el_gemm_job j = el_conv_job(p, buffers);
    int merges = el_conv_merges_taps(p);
    j.m = (int64_t)p->n * p->oh * p->ow;
    j.segs = el_conv_segs(p);
    j.seglen = el_conv_seglen(p);
    j.fill = el_conv_is_dense(p) ? el_fill_dense : merges ? el_fill_window_rows : el_fill_taps;
    j.packs = el_conv_is_dense(p);
    int32_t *brow, *taps;
    el_gemm_take_scratch(ctx, &j, j.segs, j.seglen, el_gemm_thread_bytes(j.segs, el_conv_patch_elements(p)), &brow, &taps);
    for (int32_t s = 0; s < j.segs; s++) brow[s] = s * j.seglen;
    el_gemm_run(ctx, &j);
}

#endif
