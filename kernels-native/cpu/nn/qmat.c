/* Turns int8 convolutions and matrix products into tiles (qmat.h).
 *
 * Output pixels are rows of A, numbered over (image, i, j) of a view; a view is the set of outputs that meet the same
 * weights: all of them for a convolution, one stride phase for a transposed one. A segment is a run of consecutive input
 * bytes: one kernel position, or a whole kernel row where its pixels lie side by side in memory.
 * When cin is not a multiple of 4, or is small, the image is first copied with channels padded to 4 and, where possible,
 * with its left and right borders, so that a kernel row is one segment.
 * Work is split in chunks of rows, and in column blocks too when there are fewer chunks than threads can share. */
#include "qmat.h"
#include <string.h>

#define EL_CHUNK_ROWS 96
#define EL_COPY_BELOW 16        /* input channels under which joining a kernel row pays for copying the image */
#define EL_SERIAL_MACS 200000   /* multiplications that one piece of parallel work should have */

static int64_t round_up(int64_t v, int64_t to) { return (v + to - 1) / to * to; }

/* Sizes that follow from the parameters alone. */
typedef struct el_qplan {
    int64_t n, h, w, oh, ow;
    int32_t kh, kw, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    int32_t groups, cin, cin4, cout, panels; /* panels: per group */
    int32_t x_zero, y_zero, y_min, y_max;
    int transpose, copy, joined; /* joined: a segment is a kernel row */
    int64_t image_w, image_left; /* of the copied image: width with borders, left border */
    int32_t max_segs, chunk_rows;
    size_t zero_bytes, seg_bytes, panel_bytes, image_bytes, table_bytes;
} el_qplan;

static void plan_sizes(el_qplan* q) {
    q->cin4 = (int32_t)round_up(q->cin, 4);
    q->panels = (q->cout + 15) / 16;
    int64_t reach = (q->ow - 1) * q->stride_w + q->kw; /* columns that outputs touch, counted from the left border */
    int side_by_side = !q->transpose && q->dilation_w == 1 && q->groups == 1 && q->pad_left >= 0;
    q->copy = q->cin % 4 != 0 || (q->cin < EL_COPY_BELOW && side_by_side && q->kw > 1);
    q->joined = side_by_side && (q->copy || (q->pad_left == 0 && reach <= q->w));
    q->image_left = q->joined && q->copy ? q->pad_left : 0;
    q->image_w = q->image_left + q->w;
    if (q->joined && q->copy && reach > q->image_w) q->image_w = reach;

    q->max_segs = q->joined ? q->kh : q->kh * q->kw;
    int64_t rows = 4096 / (q->max_segs + 1) / EL_QROWS * EL_QROWS;
    q->chunk_rows = (int32_t)(rows < EL_QROWS ? EL_QROWS : rows > EL_CHUNK_ROWS ? EL_CHUNK_ROWS : rows);

    q->zero_bytes = (size_t)round_up((int64_t)(q->joined ? q->kw : 1) * q->cin4, 64);
    q->seg_bytes = (size_t)round_up((int64_t)q->max_segs * 16, 64);
    q->panel_bytes = (size_t)q->groups * (size_t)q->panels * sizeof(el_qpanel);
    q->image_bytes = q->copy ? (size_t)round_up(q->h * q->image_w * q->groups * q->cin4, 64) : 0;
    q->table_bytes = (size_t)round_up((int64_t)(q->max_segs + 1) * q->chunk_rows * (int64_t)sizeof(void*), 64);
}

static size_t plan_scratch(const el_qplan* q, int32_t threads) {
    return q->zero_bytes + q->seg_bytes + q->panel_bytes + q->image_bytes + q->table_bytes * (size_t)threads;
}

static el_qplan plan_conv(const el_qconv_params* p, int transpose) {
    el_qplan q = {.n = p->n, .h = p->h, .w = p->w, .oh = p->oh, .ow = p->ow, .kh = p->kh, .kw = p->kw,
                  .stride_h = p->stride_h, .stride_w = p->stride_w, .dilation_h = p->dilation_h, .dilation_w = p->dilation_w,
                  .pad_top = p->pad_top, .pad_left = p->pad_left, .groups = p->groups, .cin = p->c / p->groups,
                  .cout = p->oc / p->groups, .x_zero = p->x_zero, .y_zero = p->y_zero, .y_min = p->y_min,
                  .y_max = p->y_max, .transpose = transpose};
    plan_sizes(&q);
    return q;
}

static el_qplan plan_gemm(const el_qgemm_params* p) {
    el_qplan q = {.n = 1, .h = p->m, .w = 1, .oh = p->m, .ow = 1, .kh = 1, .kw = 1, .stride_h = 1, .stride_w = 1,
                  .dilation_h = 1, .dilation_w = 1, .groups = 1, .cin = p->k, .cout = p->n, .x_zero = p->x_zero,
                  .y_zero = p->y_zero, .y_min = p->y_min, .y_max = p->y_max};
    plan_sizes(&q);
    return q;
}

size_t el_qmat_conv_scratch(const el_qconv_params* p, int32_t threads, int transpose) {
    el_qplan q = plan_conv(p, transpose);
    return plan_scratch(&q, threads);
}

size_t el_qmat_gemm_scratch(const el_qgemm_params* p, int32_t threads) {
    el_qplan q = plan_gemm(p);
    return plan_scratch(&q, threads);
}

/* ---- panels ---------------------------------------------------------------------------------------------------- */

int el_qpanels_fill(el_qpanel* panels, int32_t channels, const int32_t* bias, const int32_t* wsum, const int32_t* multiplier,
                    const int32_t* shift, int32_t x_zero_plus_bias, int once) {
    const int64_t first = once ? 0 : 1ll << 30, carry = once ? 0 : 1ll << 31;
    int any_left = 0;
    for (int32_t base = 0; base < channels; base += 16) {
        el_qpanel* e = &panels[base / 16];
        memset(e, 0, sizeof *e);
        for (int32_t j = 0; j < 16; j++) {
            int32_t o = base + j, right = 0;
            if (o < channels) {
                uint32_t start = bias ? (uint32_t)bias[o] : 0;
                if (wsum) start -= (uint32_t)x_zero_plus_bias * (uint32_t)wsum[o];
                e->start[j] = (int32_t)start;
                e->multiplier[j] = multiplier[o];
                e->left[j] = shift[o] > 0 ? shift[o] : 0;
                e->right[j] = right = shift[o] > 0 ? 0 : -shift[o];
                any_left |= e->left[j];
            }
            e->round[j & 1][j / 2] = right > 0 ? first + (1ll << (30 + right)) : 1ll << 30;
            e->shift[j & 1][j / 2] = 31 + right;
            e->carry[j & 1][j / 2] = right > 0 ? carry : 0;
        }
    }
    return any_left != 0;
}

/* ---- one view ------------------------------------------------------------------------------------------------- */

typedef struct el_qtap { /* input position of a segment: (i*in_step_y + dy, j*in_step_x + dx) */
    int32_t dy, dx;
} el_qtap;

typedef struct el_qview {
    const el_qplan* q;
    el_qtile_fn tile;
    const int8_t* src; /* x or the copied image */
    int64_t src_w, pixel_bytes, row_bytes, image_bytes;
    const int8_t* zero;
    const el_qtap* taps;
    const el_qseg* segs;
    int32_t seg_count;
    const int8_t* weights;
    size_t packed_panel_bytes;
    const el_qpanel* panels;
    int any_left;
    int64_t i_count, j_count, m; /* rows: m = images * i_count * j_count */
    int64_t in_step_y, in_step_x, out_y, out_x, out_step_y, out_step_x;
    int8_t* y;
    int64_t chunk_rows, chunks, splits;
    uint8_t* tables;
} el_qview;

static void view_item(const el_qview* v, int64_t item, int32_t worker) {
    const el_qplan* q = v->q;
    int64_t split = item % v->splits, chunk = item / v->splits % v->chunks, g = item / v->splits / v->chunks;
    int64_t m0 = chunk * v->chunk_rows, m1 = m0 + v->chunk_rows < v->m ? m0 + v->chunk_rows : v->m;
    int32_t blocks = (q->panels + EL_QPANELS - 1) / EL_QPANELS;
    int32_t block0 = (int32_t)(blocks * split / v->splits), block1 = (int32_t)(blocks * (split + 1) / v->splits);
    if (block0 == block1) return;

    /* table: [tile][segment][EL_QROWS] row pointers, then the output pixels */
    const int8_t** table = (const int8_t**)(void*)(v->tables + q->table_bytes * (size_t)worker);
    int8_t** out = (int8_t**)(void*)(table + (int64_t)q->chunk_rows * v->seg_count);
    const int8_t* src = v->src + g * q->cin4;
    int64_t j = m0 % v->j_count, i = m0 / v->j_count % v->i_count, n = m0 / v->j_count / v->i_count;
    int64_t out_step = v->out_step_x * q->cout * q->groups, in_step = v->in_step_x * v->pixel_bytes;
    for (int64_t r0 = 0, run; r0 < m1 - m0; r0 += run) { /* a run of outputs on one line */
        run = v->j_count - j < m1 - m0 - r0 ? v->j_count - j : m1 - m0 - r0;
        int8_t* y = v->y + ((n * q->oh + v->out_y + i * v->out_step_y) * q->ow + v->out_x + j * v->out_step_x) * q->cout * q->groups
                    + g * q->cout;
        for (int64_t r = 0; r < run; r++, y += out_step) out[r0 + r] = y;
        for (int32_t s = 0; s < v->seg_count; s++) {
            int64_t iy = i * v->in_step_y + v->taps[s].dy, ix = j * v->in_step_x + v->taps[s].dx;
            int64_t width = iy >= 0 && iy < q->h ? v->src_w : 0; /* columns inside the input on this line */
            int64_t offset = n * v->image_bytes + iy * v->row_bytes + ix * v->pixel_bytes, lane = r0 % EL_QROWS;
            const int8_t** slot = table + (r0 - lane) * v->seg_count + (int64_t)s * EL_QROWS;
            for (int64_t r = 0; r < run; r++, ix += v->in_step_x, offset += in_step) {
                slot[lane] = ix >= 0 && ix < width ? src + offset : v->zero;
                if (++lane == EL_QROWS) lane = 0, slot += (int64_t)EL_QROWS * v->seg_count;
            }
        }
        j = 0;
        if (++i == v->i_count) i = 0, n++;
    }
    /* rows missing from the last tile repeat its last one */
    for (int64_t last = m1 - m0 - 1, r = last + 1; r % EL_QROWS != 0; r++) {
        const int8_t** tile = table + r / EL_QROWS * EL_QROWS * v->seg_count;
        for (int32_t s = 0; s < v->seg_count; s++) tile[s * EL_QROWS + r % EL_QROWS] = tile[s * EL_QROWS + last % EL_QROWS];
    }

    el_qtile t = {.segs = v->segs, .seg_count = v->seg_count, .panel_bytes = v->packed_panel_bytes, .any_left = v->any_left,
                  .once = !q->transpose, .y_zero = q->y_zero, .y_min = q->y_min, .y_max = q->y_max};
    for (int32_t block = block0; block < block1; block++) {
        int32_t first = block * EL_QPANELS;
        t.panel_count = q->panels - first < EL_QPANELS ? q->panels - first : EL_QPANELS;
        t.columns = q->cout - first * 16 < EL_QPANELS * 16 ? q->cout - first * 16 : EL_QPANELS * 16;
        t.b = v->weights + ((size_t)g * (size_t)q->panels + (size_t)first) * v->packed_panel_bytes;
        t.panels = v->panels + g * q->panels + first;
        for (int64_t m = m0; m < m1; m += EL_QROWS) {
            t.rows = table + (m - m0) * v->seg_count;
            t.row_count = (int32_t)(m1 - m < EL_QROWS ? m1 - m : EL_QROWS);
            for (int32_t r = 0; r < t.row_count; r++) t.y[r] = out[m - m0 + r] + (int64_t)first * 16;
            v->tile(&t);
        }
    }
}

static void view_body(void* arg, int64_t begin, int64_t end, int32_t worker) {
    for (int64_t item = begin; item < end; item++) view_item(arg, item, worker);
}

static void view_run(const el_ctx* ctx, el_qview* v) {
    const el_qplan* q = v->q;
    int32_t threads = el_ctx_threads(ctx), blocks = (q->panels + EL_QPANELS - 1) / EL_QPANELS;
    int64_t k = 0;
    for (int32_t s = 0; s < v->seg_count; s++) k += (int64_t)v->segs[s].quads * 4;
    if (v->m == 0) return;
    /* equal chunks, whole tiles */
    v->chunks = (v->m + q->chunk_rows - 1) / q->chunk_rows;
    v->chunk_rows = round_up((v->m + v->chunks - 1) / v->chunks, v->chunks > 1 ? EL_QROWS : 1);
    v->chunks = (v->m + v->chunk_rows - 1) / v->chunk_rows;
    int64_t wanted = threads == 1 ? 1 : 4 * (int64_t)threads, items = v->chunks * q->groups;
    v->splits = items >= wanted ? 1 : (wanted + items - 1) / items;
    if (v->splits > blocks) v->splits = blocks;
    items *= v->splits;
    int64_t macs = v->m * (k + 16) * q->cout * q->groups / items;
    el_parallel(ctx, items, macs >= EL_SERIAL_MACS ? 1 : EL_SERIAL_MACS / (macs + 1) + 1, view_body, v);
}

/* ---- the copied image ------------------------------------------------------------------------------------------ */

typedef struct el_qcopy {
    const el_qplan* q;
    const int8_t* x; /* one image */
    int8_t* image;
} el_qcopy;

static void copy_body(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_qcopy* a = arg;
    const el_qplan* q = a->q;
    int64_t pixel = (int64_t)q->groups * q->cin4, right = q->image_w - q->image_left - q->w;
    for (int64_t row = begin; row < end; row++) {
        const int8_t* s = a->x + row * q->w * q->groups * q->cin;
        int8_t* d = a->image + row * q->image_w * pixel;
        memset(d, q->x_zero, (size_t)(q->image_left * pixel));
        d += q->image_left * pixel;
        int64_t count = q->w * q->groups, i = 0;
        if (q->cin == 3) /* the fourth byte meets zero weights: whatever follows inside the row will do */
            for (; i < count - 1; i++) memcpy(d + i * 4, s + i * 3, 4);
        if (q->cin == q->cin4) {
            memcpy(d, s, (size_t)(count * q->cin));
            i = count;
        }
        for (; i < count; i++) {
            int32_t ci = 0;
            for (; ci < q->cin; ci++) d[i * q->cin4 + ci] = s[i * q->cin + ci];
            for (; ci < q->cin4; ci++) d[i * q->cin4 + ci] = 0;
        }
        memset(d + q->w * pixel, q->x_zero, (size_t)(right * pixel));
    }
}

/* ---- kernels --------------------------------------------------------------------------------------------------- */

/* Scratch regions in order: zero row, taps and segments, panels, image, tables. */
static el_qview view_init(const el_ctx* ctx, const el_qplan* q, void* const* buffers, el_qtile_fn tile) {
    uint8_t* at = ctx->scratch;
    el_qview v = {.q = q, .tile = tile, .weights = buffers[1], .y = buffers[6]};
    memset(at, q->x_zero, q->zero_bytes);
    v.zero = (const int8_t*)at;
    at += q->zero_bytes;
    v.taps = (const el_qtap*)(void*)at;
    v.segs = (const el_qseg*)(void*)(at + (size_t)q->max_segs * 8);
    at += q->seg_bytes;
    v.panels = (const el_qpanel*)(void*)at;
    at += q->panel_bytes;
    v.src = q->copy ? (const int8_t*)at : buffers[0];
    at += q->image_bytes;
    v.tables = at;
    v.src_w = q->image_w;
    v.pixel_bytes = (int64_t)q->groups * q->cin4;
    v.row_bytes = q->image_w * v.pixel_bytes;
    v.image_bytes = q->h * v.row_bytes;
    v.packed_panel_bytes = (size_t)q->kh * (size_t)q->kw * (size_t)q->cin4 * 16;
    return v;
}

/* Runs `view` for every image: all at once, or one by one through the copied image. `views` prepares view number k of
 * `view_count` (segments, steps, correction). */
typedef void (*el_qview_fn)(el_qview* v, int32_t k, void* const* buffers, int32_t x_bias);

static void run_views(const el_ctx* ctx, const el_qplan* q, void* const* buffers, el_qtile_fn tile, int32_t x_bias,
                      int32_t view_count, el_qview_fn prepare) {
    el_qview v = view_init(ctx, q, buffers, tile);
    const int32_t* wsum = q->transpose ? NULL : buffers[3];
    el_qpanel* panels = (el_qpanel*)v.panels;
    for (int32_t g = 0; g < q->groups; g++) {
        int64_t o = (int64_t)g * q->cout;
        const int32_t* bias = buffers[2];
        v.any_left |= el_qpanels_fill(panels + (int64_t)g * q->panels, q->cout, bias ? bias + o : NULL, wsum ? wsum + o : NULL,
                                      (const int32_t*)buffers[4] + o, (const int32_t*)buffers[5] + o, q->x_zero + x_bias, !q->transpose);
    }
    for (int64_t image = 0; image < (q->copy ? q->n : 1); image++) {
        if (q->copy) {
            int64_t in = q->h * q->w * q->groups * q->cin;
            el_qcopy copy = {q, (const int8_t*)buffers[0] + image * in, (int8_t*)v.src};
            el_parallel(ctx, q->h, 65536 / (q->w * q->groups * q->cin + 1) + 1, copy_body, &copy);
        }
        v.y = (int8_t*)buffers[6] + image * q->oh * q->ow * q->groups * q->cout;
        for (int32_t k = 0; k < view_count; k++) {
            prepare(&v, k, buffers, x_bias);
            v.m = (q->copy ? 1 : q->n) * v.i_count * v.j_count;
            view_run(ctx, &v);
        }
    }
}

static void conv_view(el_qview* v, int32_t k, void* const* buffers, int32_t x_bias) {
    const el_qplan* q = v->q;
    el_qtap* taps = (el_qtap*)v->taps;
    el_qseg* segs = (el_qseg*)v->segs;
    int32_t per_row = q->joined ? 1 : q->kw, quads = (q->joined ? q->kw : 1) * q->cin4 / 4;
    v->seg_count = q->kh * per_row;
    for (int32_t s = 0; s < v->seg_count; s++) {
        int32_t ky = s / per_row, kx = s % per_row;
        taps[s] = (el_qtap){ky * q->dilation_h - q->pad_top, q->joined ? 0 : kx * q->dilation_w - q->pad_left};
        segs[s] = (el_qseg){s * quads, quads};
    }
    v->i_count = q->oh, v->j_count = q->ow;
    v->in_step_y = q->stride_h, v->in_step_x = q->stride_w;
    v->out_y = v->out_x = 0;
    v->out_step_y = v->out_step_x = 1;
}

/* Phase k = (oy mod stride_h, ox mod stride_w). Output oy = phase_y + i*stride_h meets kernel row ky iff
 * phase_y + pad - ky*dilation is a multiple of stride_h, at input row i + that quotient. The correction by the weights' sum
 * counts the weights of the phase only. */
static void transpose_view(el_qview* v, int32_t k, void* const* buffers, int32_t x_bias) {
    const el_qplan* q = v->q;
    el_qtap* taps = (el_qtap*)v->taps;
    el_qseg* segs = (el_qseg*)v->segs;
    int32_t py = k / q->stride_w, px = k % q->stride_w, quads = q->cin4 / 4;
    v->seg_count = 0;
    for (int32_t ky = 0; ky < q->kh; ky++)
        for (int32_t kx = 0; kx < q->kw; kx++) {
            int32_t ty = py + q->pad_top - ky * q->dilation_h, tx = px + q->pad_left - kx * q->dilation_w;
            if (ty % q->stride_h || tx % q->stride_w) continue;
            taps[v->seg_count] = (el_qtap){ty / q->stride_h, tx / q->stride_w};
            segs[v->seg_count++] = (el_qseg){(ky * q->kw + kx) * quads, quads};
        }
    const int32_t* bias = buffers[2];
    for (int64_t e = 0; e < (int64_t)q->groups * q->panels; e++) {
        el_qpanel* panel = (el_qpanel*)v->panels + e;
        const int8_t* w = v->weights + (size_t)e * v->packed_panel_bytes;
        for (int32_t j = 0; j < 16; j++) {
            int64_t in_group = e % q->panels * 16 + j;
            if (in_group >= q->cout) break;
            uint32_t sum = 0;
            if (q->x_zero + x_bias != 0)
                for (int32_t s = 0; s < v->seg_count; s++)
                    for (int32_t i = 0; i < quads; i++) {
                        const int8_t* b = w + (int64_t)(segs[s].first + i) * 64 + j * 4;
                        sum += (uint32_t)(b[0] + b[1] + b[2] + b[3]);
                    }
            uint32_t start = bias ? (uint32_t)bias[e / q->panels * q->cout + in_group] : 0;
            panel->start[j] = (int32_t)(start - (uint32_t)(q->x_zero + x_bias) * sum);
        }
    }
    v->i_count = py < q->oh ? (q->oh - py + q->stride_h - 1) / q->stride_h : 0;
    v->j_count = px < q->ow ? (q->ow - px + q->stride_w - 1) / q->stride_w : 0;
    v->in_step_y = v->in_step_x = 1;
    v->out_y = py, v->out_x = px;
    v->out_step_y = q->stride_h, v->out_step_x = q->stride_w;
}

void el_qmat_conv(const el_ctx* ctx, const el_qconv_params* p, void* const* buffers, el_qtile_fn tile, int32_t x_bias) {
    el_qplan q = plan_conv(p, 0);
    run_views(ctx, &q, buffers, tile, x_bias, 1, conv_view);
}

void el_qmat_conv_transpose(const el_ctx* ctx, const el_qconv_params* p, void* const* buffers, el_qtile_fn tile, int32_t x_bias) {
    el_qplan q = plan_conv(p, 1);
    run_views(ctx, &q, buffers, tile, x_bias, p->stride_h * p->stride_w, transpose_view);
}

void el_qmat_gemm(const el_ctx* ctx, const el_qgemm_params* p, void* const* buffers, el_qtile_fn tile, int32_t x_bias) {
    el_qplan q = plan_gemm(p);
    run_views(ctx, &q, buffers, tile, x_bias, 1, conv_view);
}
