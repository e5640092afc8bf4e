/* Drives Winograd's minimal filtering of int8 convolutions (qwinograd.simd.c has the arithmetic): 3x3, stride 1, where it takes a quarter of the multiplications,
 * of int16 in place of int8.
 *
 * A piece of work is some rows of tiles and some blocks of EL_QPANELS panels. Its lines of the input are copied into a band with borders of x_zero and
 * become V[point][tile][channel], `most` tiles at a time; for each block, products with U[point][panel][channel] give M[point][tile][64], which becomes
 * outputs tile by tile. Where all U are few they are made once for the layer, otherwise again for each piece and block, six points at a time, so
 * that they are near when they are multiplied: the weights of a file stay nine bytes where U takes 72. */
#include "qwinograd.h"

#define EL_QW_BOUND (1 << 18) /* of sum|w| of a channel: 128 * sum|w| < 2^25 */
#define EL_QW_WHOLE (1 << 20) /* bytes of all U up to which they are made once */
#define EL_QW_NEAR 32         /* tiles of a piece where U is whole */
#define EL_QW_FAR (2 << 20)   /* bytes of V otherwise */
#define EL_QW_ROWS 8          /* tiles that a product may take past the last */
#define EL_QW_PAD 32          /* int16 that keep rows and points off multiples of 4 kB */

typedef struct el_qw_plan {
    int64_t tiles_y, tiles_x, rows, chunks, most; /* rows of tiles of a piece, pieces of an image */
    int32_t blocks;
    int whole;
    int64_t line, v_row, v_point, u_panel, u_point, m_point;
    size_t panel_bytes, u_bytes, band_bytes, v_bytes, m_bytes, thread_bytes; /* u_bytes: of a block, or of six points of it */
} el_qw_plan;

typedef struct el_qw {
    const el_qconv_params* p;
    const el_qisa* isa;
    el_qw_plan plan;
    const int8_t *x, *weights;
    int8_t* y;
    const el_qpanel* panels;
    int shifts, down;
    int32_t splits;
    uint8_t *whole, *threads;
} el_qw;

static int64_t round_up(int64_t v, int64_t to) { return (v + to - 1) / to * to; }

int el_qconv_is_winograd(const el_qconv_params* p) {
    if (p->kh != 3 || p->kw != 3 || p->stride_h != 1 || p->stride_w != 1 || p->dilation_h != 1 || p->dilation_w != 1 || p->groups != 1) return 0;
    return p->c >= 32 && p->c < 1024 && p->c % 16 == 0 && p->oc % (16 * EL_QPANELS) == 0 && ((p->oh + 3) / 4) * ((p->ow + 3) / 4) >= 36;
}

static el_qw_plan plan_of(const el_qconv_params* p) {
    el_qw_plan w = {.tiles_y = (p->oh + 3) / 4, .tiles_x = (p->ow + 3) / 4, .blocks = p->oc / (16 * EL_QPANELS)};
    w.v_row = round_up(p->c, 64) + EL_QW_PAD;
    w.whole = (int64_t)p->c * p->oc * 72 <= EL_QW_WHOLE;
    w.most = w.whole ? EL_QW_NEAR : EL_QW_FAR / (w.v_row * 72);
    w.rows = w.most / w.tiles_x;
    if (w.rows < 1) w.rows = 1;
    if (w.rows > w.tiles_y) w.rows = w.tiles_y;
    w.chunks = (w.tiles_y + w.rows - 1) / w.rows;
    w.rows = (w.tiles_y + w.chunks - 1) / w.chunks;
    const int64_t tiles = w.rows * w.tiles_x, parts = (tiles + w.most - 1) / w.most;
    w.most = (tiles + parts - 1) / parts;
    w.line = (w.tiles_x * 4 + 2) * p->c;
    w.v_point = (w.most + EL_QW_ROWS) * w.v_row + EL_QW_PAD;
    w.u_panel = (int64_t)p->c * 16;
    w.u_point = EL_QPANELS * w.u_panel + EL_QW_PAD;
    w.m_point = (w.most + EL_QW_ROWS) * 64 + EL_QW_PAD / 2;
    w.panel_bytes = (size_t)p->oc / 16 * sizeof(el_qpanel);
    w.u_bytes = (size_t)w.u_point * (w.whole ? 72 : 12);
    w.band_bytes = (size_t)round_up((w.rows * 4 + 2) * w.line + 64, 64);
    w.v_bytes = (size_t)w.v_point * 72;
    w.m_bytes = (size_t)w.m_point * 144;
    w.thread_bytes = w.band_bytes + w.v_bytes + w.m_bytes + (w.whole ? 0 : w.u_bytes);
    return w;
}

size_t el_qwinograd_scratch(const el_qconv_params* p, int32_t threads) {
    const el_qw_plan w = plan_of(p);
    return w.panel_bytes + (w.whole ? w.u_bytes * (size_t)w.blocks : 0) + w.thread_bytes * (size_t)threads;
}

/* Six points of a block. */
static void weights_of(const el_qw* r, int32_t block, int32_t row, int16_t* u) {
    const int64_t tap = (int64_t)r->p->c * 16;
    for (int32_t q = 0; q < EL_QPANELS; q++)
        r->isa->winograd->weights(r->weights + (int64_t)(block * EL_QPANELS + q) * 9 * tap, tap, r->p->c / 4, row, u + q * r->plan.u_panel, r->plan.u_point);
}

static void whole_weights(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_qw* r = arg;
    for (int64_t b = begin; b < end; b++)
        for (int32_t row = 0; row < 6; row++) weights_of(r, (int32_t)b, row, (int16_t*)(void*)(r->whole + (size_t)b * r->plan.u_bytes) + 6 * row * r->plan.u_point);
}

/* Lines [iy, iy + lines) and columns from -pad_left on of an image, x_zero outside. */
static void copy_band(const el_qw* r, const int8_t* image, int64_t iy, int64_t lines, int8_t* to) {
    const el_qconv_params* p = r->p;
    const int64_t columns = r->plan.line / p->c, left = p->pad_left < columns ? p->pad_left : columns, right = columns - left < p->w ? columns - left : p->w;
    for (; lines > 0; lines--, iy++, to += r->plan.line) {
        if (iy < 0 || iy >= p->h) {
            memset(to, p->x_zero, (size_t)r->plan.line);
            continue;
        }
        memset(to, p->x_zero, (size_t)(left * p->c));
        memcpy(to + left * p->c, image + iy * p->w * p->c, (size_t)(right * p->c));
        memset(to + (left + right) * p->c, p->x_zero, (size_t)((columns - left - right) * p->c));
    }
}

/* Tiles [t0, t1) of a band whose first line of outputs is oy, and blocks of columns, from V on. */
static void some_tiles(const el_qw* r, int64_t n, int64_t oy, int64_t t0, int64_t t1, int32_t block0, int32_t block1, const int16_t* v, int32_t* m, int16_t* piece_u) {
    const el_qconv_params* p = r->p;
    const el_qw_plan* w = &r->plan;
    el_qtile t = {.row_count = 16, .panel_count = EL_QPANELS, .columns = 16 * EL_QPANELS, .shifts = r->shifts, .once = 1,
                  .y_zero = p->y_zero, .y_min = p->y_min, .y_max = p->y_max};
    for (int32_t block = block0; block < block1; block++) {
        for (int row = 0; row < 6; row++) {
            const int16_t* u = (const int16_t*)(const void*)(r->whole + (size_t)block * w->u_bytes) + 6 * row * w->u_point;
            if (!w->whole) weights_of(r, block, row, piece_u), u = piece_u;
            for (int point = 6 * row; point < 6 * row + 6; point++, u += w->u_point)
                r->isa->products(v + point * w->v_point, w->v_row, t1 - t0, u, w->u_panel, p->c / 4, m + point * w->m_point);
        }
        t.panels = r->panels + block * EL_QPANELS;
        for (int64_t i = t0; i < t1; i++) {
            const int64_t y0 = oy + i / w->tiles_x * 4, x0 = i % w->tiles_x * 4;
            int8_t *y[16], nowhere[16 * EL_QPANELS];
            for (int j = 0; j < 16; j++)
                y[j] = y0 + j / 4 < p->oh && x0 + j % 4 < p->ow ? r->y + ((n * p->oh + y0 + j / 4) * p->ow + x0 + j % 4) * p->oc + block * 16 * EL_QPANELS : nowhere;
            t.y = y;
            _Alignas(64) int32_t sums[16 * 64];
            r->isa->winograd->output(t.panels, m + (i - t0) * 64, w->m_point, sums);
            r->isa->finish(&t, sums);
        }
    }
}

static void piece(const el_qw* r, int64_t item, int32_t worker) {
    const el_qconv_params* p = r->p;
    const el_qw_plan* w = &r->plan;
    const int64_t split = item % r->splits, chunk = item / r->splits % w->chunks, n = item / r->splits / w->chunks;
    const int64_t ty0 = chunk * w->rows, ty1 = ty0 + w->rows < w->tiles_y ? ty0 + w->rows : w->tiles_y, tiles = (ty1 - ty0) * w->tiles_x;
    const int32_t block0 = (int32_t)(w->blocks * split / r->splits), block1 = (int32_t)(w->blocks * (split + 1) / r->splits);
    if (tiles <= 0 || block0 == block1) return;
    uint8_t* own = r->threads + w->thread_bytes * (size_t)worker;
    int8_t* band = (int8_t*)own;
    int16_t* v = (int16_t*)(void*)(own + w->band_bytes);
    int32_t* m = (int32_t*)(void*)(own + w->band_bytes + w->v_bytes);
    int16_t* piece_u = (int16_t*)(void*)(own + w->band_bytes + w->v_bytes + w->m_bytes);
    copy_band(r, r->x + n * p->h * p->w * p->c, ty0 * 4 - p->pad_top, (ty1 - ty0) * 4 + 2, band);
    for (int64_t t0 = 0, t1; t0 < tiles; t0 = t1) {
        t1 = t0 + w->most < tiles ? t0 + w->most : tiles;
        for (int64_t t = t0; t < t1; t++)
            r->isa->winograd->input(band + t / w->tiles_x * 4 * w->line + t % w->tiles_x * 4 * p->c, w->line, p->c, p->c, v + (t - t0) * w->v_row, w->v_point);
        some_tiles(r, n, ty0 * 4, t0, t1, block0, block1, v, m, piece_u);
    }
}

static void pieces(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_qw* r = arg;
    const uint32_t rounding = el_round_down(r->down);
    for (int64_t item = begin; item < end; item++) piece(r, item, worker);
    el_round_again(r->down, rounding);
}

/* 0: nothing was done, as sums may be too large or channels are too few. */
int el_qwinograd_run(const el_ctx* ctx, const el_qconv_params* p, void* const* buffers, const el_qisa* isa) {
    if (p->c < isa->winograd->channels) return 0;
    el_qkept* kept = ctx->kept;
    const int filled = kept && kept->by == isa->winograd;
    if (!filled && 9 * 128 * (int64_t)p->c >= EL_QW_BOUND && isa->winograd->largest(buffers[1], p->oc / 16, p->c) >= EL_QW_BOUND) return 0;
    el_qw r = {.p = p, .isa = isa, .plan = plan_of(p), .x = buffers[0], .weights = buffers[1], .y = buffers[6], .splits = 1};
    const el_qw_plan* w = &r.plan;
    el_qpanel* panels = kept ? (el_qpanel*)(void*)(kept + 1) : (el_qpanel*)ctx->scratch;
    r.shifts = filled ? kept->shifts : el_qbounds(p->y_min, p->y_max);
    if (!filled) r.shifts |= isa->fill(panels, p->oc, buffers[2], buffers[3], buffers[4], buffers[5], r.shifts ? NULL : buffers[7], p->x_zero, p->y_zero, 1, r.shifts, (int64_t)9 * p->c);
    if (kept) *kept = (el_qkept){isa->winograd, r.shifts};
    r.down = isa->rounds && !(r.shifts & EL_QDOUBT);
    r.panels = panels;
    r.whole = (uint8_t*)ctx->scratch + w->panel_bytes;
    r.threads = r.whole + (w->whole ? w->u_bytes * (size_t)w->blocks : 0);
    const int64_t work = (int64_t)p->n * p->oh * p->ow * 9 / 2 * p->c * p->oc, threads = el_ctx_threads_for(ctx, work, 200000);
    int64_t items = p->n * w->chunks;
    if (threads > 1 && items < 4 * threads) {
        r.splits = (int32_t)((4 * threads + items - 1) / items);
        if (r.splits > w->blocks) r.splits = w->blocks;
        items *= r.splits;
    }
    if (w->whole) el_parallel(ctx, w->blocks, threads == 1 ? w->blocks : 1, whole_weights, &r);
    el_parallel(ctx, items, threads == 1 ? items : 1, pieces, &r);
    return 1;
}
