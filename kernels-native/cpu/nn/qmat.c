/* Turns int8 convolutions and matrix products into tiles (qmat.h).
 *
 * Output pixels are rows of A, numbered over (image, i, j) of a view; a view is the set of outputs that meet the same
 * weights: all of them for a convolution, one stride phase for a transposed one. A piece of work is some lines i of a view. For
 * it a band of the input is copied, with borders of x_zero, channels padded to 4 and x turned into what the tile function
 * wants (x+128); every window then lies at fixed offsets from its first byte, and a kernel row is one segment. Where nothing
 * of this is needed the input is used in place. Of few channels, where it pays, pixels of the band stand side by side without padding, and weights of a kernel row
 * are packed again like that: 7 pixels of 3 bytes are 6 quads, not 7. Small windows are copied out of the band, so that their rows stand side by side, too: 3 rows of
 * 3 pixels of 3 bytes are 7 quads, not 9. Windows of one pixel that touch every pixel are one long column of lines.
 * Work is split in columns of B too when there are fewer pieces than threads can share.
 *
 * int16 x goes through the same tiles in two planes of int8: x = 256*high + low + 128, low being the lower byte xor 128. So
 * sum(x*w) = 256*sum(high*w) + sum(low*w) + 128*wsum, of which each sum fits into int32. Border pixels are high 0, low -128. */
#include "qwinograd.h"

#define EL_CHUNK_ROWS 384       /* output pixels of a piece, about */
#define EL_BAND_BYTES (160 << 10) /* as if every value were an int16 */
#define EL_FEW_TILES 4          /* of rows, with which reading the weights takes the time */
#define EL_FEW_ROWS 4           /* which tile functions end in the form that knows doubt */
#define EL_FLIP_PANELS 8        /* as many panels at most find x where it is, as turning it into x+128 for each four of them adds up */
#define EL_REPACKING 64         /* outputs whose quads take as long as one of weights packed again */
#define EL_SERIAL_MACS 200000   /* multiplications that are worth a piece of their own */

static int64_t round_up(int64_t v, int64_t to) { return (v + to - 1) / to * to; }

/* Sizes that follow from the parameters alone. */
typedef struct el_qplan {
    int64_t n, h, w, oh, ow;
    int32_t kh, kw, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    int32_t groups, cin, cin4, cout, panels; /* panels: per group */
    int32_t pixel;                /* channels of one in a band */
    int32_t joined, joined_quads; /* pixels that share quads: of a kernel row, or all of a window that is copied; or 0 */
    int windows;                  /* are copied */
    int32_t x_zero, y_zero, y_min, y_max;
    int transpose, planes; /* planes: 2 for int16 */
    int64_t lines; /* of a view in a piece at most */
    size_t plane_bytes; /* of one, where there are two */
    size_t seg_bytes, panel_bytes, joined_bytes, band_bytes, window_bytes, thread_bytes; /* joined_bytes: of weights packed again; window_bytes: of a piece's windows */
} el_qplan;

#define EL_SUMS ((EL_QROWS + 8) * 64) /* of a tile */

/* Decides which pixels share quads, of those that lie side by side in the input. */
static void plan_joined(el_qplan* q) {
    const int32_t pixels = q->kh * q->kw, row_quads = (q->kw * q->cin + 3) / 4, quads = (pixels * q->cin + 3) / 4;
    const int32_t saved_in_row = q->kw * q->cin4 / 4 - row_quads, saved = q->kh * row_quads - quads;
    const int64_t outputs = q->n * q->oh * q->ow;
    if (saved > 0 && q->kh == EL_QWINDOW_ROWS && q->kw * q->cin <= 16 && quads * 4 <= EL_QWINDOW && outputs * saved >= (int64_t)EL_REPACKING * quads)
        q->windows = 1, q->joined = pixels, q->joined_quads = quads;
    else if (outputs * saved_in_row >= (int64_t)EL_REPACKING * row_quads && saved_in_row > 0)
        q->joined = q->kw, q->joined_quads = row_quads;
    else
        return;
    q->pixel = q->cin;
    q->joined_bytes = (size_t)q->panels * (size_t)(pixels / q->joined) * (size_t)q->joined_quads * 64;
}

static void plan_sizes(el_qplan* q) {
    if (q->planes == 2) q->plane_bytes = (size_t)round_up(q->n * q->h * q->w * q->groups * q->cin, 64);
    q->cin4 = (int32_t)round_up(q->cin, 4);
    q->panels = (q->cout + 15) / 16;
    q->pixel = q->cin4;
    if (!q->transpose && q->planes == 1 && q->groups == 1 && q->dilation_w == 1 && q->cin != q->cin4) plan_joined(q);
    if (!q->transpose && q->kh == 1 && q->kw == 1 && q->stride_h == 1 && q->stride_w == 1 && q->oh == q->h && q->ow == q->w && !q->pad_top && !q->pad_left) {
        q->h = q->oh = q->n * q->h * q->w;
        q->n = q->w = q->ow = 1;
    }
    /* lines of the largest view, input lines and columns that it touches: (count - 1)*step + reach */
    int64_t i_count = q->oh, j_count = q->ow, step_y = q->stride_h, step_x = q->stride_w;
    int64_t reach_y = (int64_t)(q->kh - 1) * q->dilation_h, reach_x = (int64_t)(q->kw - 1) * q->dilation_w;
    if (q->transpose) {
        i_count = (q->oh + step_y - 1) / step_y, j_count = (q->ow + step_x - 1) / step_x;
        reach_y /= step_y, reach_x /= step_x;
        step_y = step_x = 1;
    } else if (q->kh == 1 && q->kw == 1) {
        step_y = step_x = 1; /* the band holds the pixels that are met only */
    }
    int64_t line = ((j_count - 1) * step_x + reach_x + 1) * q->pixel * 2, fit = (EL_BAND_BYTES / line - reach_y - 1) / step_y + 1;
    q->lines = EL_CHUNK_ROWS / j_count;
    if (q->lines < 2 && reach_y > 0) q->lines = 2; /* which share lines of their band */
    if (q->lines > fit) q->lines = fit;
    if (j_count == 1) q->lines = round_up(q->lines, EL_QROWS);
    if (q->lines < 1) q->lines = 1;
    if (q->lines > i_count) q->lines = i_count;

    q->seg_bytes = (size_t)round_up((int64_t)q->kh * q->kw * (int64_t)(sizeof(el_qseg) + 8), 64);
    q->panel_bytes = (size_t)q->groups * (size_t)q->panels * sizeof(el_qpanel);
    q->band_bytes = (size_t)round_up(((q->lines - 1) * step_y + reach_y + 1) * line + 16, 64); /* a last quad or row of a window may reach past the last pixel */
    if (q->windows) q->window_bytes = (size_t)round_up((q->lines * j_count + 1) * EL_QWINDOW * 2, 64); /* which are copied two at a time */
    q->thread_bytes = q->band_bytes * (size_t)q->planes + q->window_bytes + (size_t)round_up(round_up(q->lines * j_count, EL_QROWS) * (q->planes + 1) * (int64_t)sizeof(void*), 64);
    if (q->planes == 2) q->thread_bytes += 2 * EL_SUMS * sizeof(int32_t);
}

static size_t plan_scratch(const el_qplan* q, int32_t threads) {
    return q->seg_bytes + q->panel_bytes + q->joined_bytes + q->thread_bytes * (size_t)threads + 2 * q->plane_bytes;
}

static el_qplan plan_conv(const el_qconv_params* p, int transpose, int planes) {
    el_qplan q = {.n = p->n, .h = p->h, .w = p->w, .oh = p->oh, .ow = p->ow, .kh = p->kh, .kw = p->kw,
                  .stride_h = p->stride_h, .stride_w = p->stride_w, .dilation_h = p->dilation_h, .dilation_w = p->dilation_w,
                  .pad_top = p->pad_top, .pad_left = p->pad_left, .groups = p->groups, .cin = p->c / p->groups,
                  .cout = p->oc / p->groups, .x_zero = p->x_zero, .y_zero = p->y_zero, .y_min = p->y_min,
                  .y_max = p->y_max, .transpose = transpose, .planes = planes};
    plan_sizes(&q);
    return q;
}

static el_qplan plan_gemm(const el_qgemm_params* p, int planes) {
    el_qplan q = {.n = 1, .h = p->m, .w = 1, .oh = p->m, .ow = 1, .kh = 1, .kw = 1, .stride_h = 1, .stride_w = 1,
                  .dilation_h = 1, .dilation_w = 1, .groups = 1, .cin = p->k, .cout = p->n, .x_zero = p->x_zero,
                  .y_zero = p->y_zero, .y_min = p->y_min, .y_max = p->y_max, .planes = planes};
    plan_sizes(&q);
    return q;
}

size_t el_qmat_conv_scratch(const el_qconv_params* p, int32_t threads, int transpose, int planes) {
    el_qplan q = plan_conv(p, transpose, planes);
    const size_t direct = plan_scratch(&q, threads), winograd = planes == 1 && !transpose && el_qconv_is_winograd(p) ? el_qwinograd_scratch(p, threads) : 0;
    return direct > winograd ? direct : winograd;
}

size_t el_qmat_gemm_scratch(const el_qgemm_params* p, int32_t threads, int planes) {
    el_qplan q = plan_gemm(p, planes);
    return plan_scratch(&q, threads);
}

size_t el_qmat_conv_kept(const el_qconv_params* p) {
    const el_qplan q = plan_conv(p, 0, 1);
    return sizeof(el_qkept) + q.panel_bytes + q.joined_bytes;
}

size_t el_qmat_gemm_kept(const el_qgemm_params* p) { return sizeof(el_qkept) + plan_gemm(p, 1).panel_bytes; }

/* ---- one view ------------------------------------------------------------------------------------------------- */

typedef struct el_qtap { /* input position of a segment: (i*in_step_y + dy, j*in_step_x + dx) */
    int32_t dy, dx;
} el_qtap;

typedef struct el_qview {
    const el_qplan* q;
    const el_qisa* isa;
    const int8_t* x; /* the first plane */
    int copied, flip; /* flip: x is used in place, where the tile function multiplies x+128 */
    int64_t band_w, pixel_bytes, line_bytes; /* of the band, or of x where it is used in place */
    int32_t band_bytes; /* of a value of the band: x_bytes, or 1 where windows are copied out of it */
    el_qtap* taps;
    el_qseg* segs;
    int32_t seg_count;
    int32_t dy, dx; /* of the first line and column of a band */
    int64_t band_lines; /* of a piece of one line */
    int64_t skip_y, skip_x; /* input lines and columns from one of the band to the next */
    const int8_t* weights;
    size_t packed_panel_bytes;
    el_qpanel* panels;
    int shifts; /* EL_QSHIFT bits */
    int down; /* tiles want floats to be rounded down */
    int64_t i_count, j_count;
    int64_t in_step_y, in_step_x, out_y, out_x, out_step_y, out_step_x; /* in_step: lines and columns of the band */
    int8_t* y;
    int64_t lines, chunks, splits;
    uint8_t* threads;
    void* const* buffers;
} el_qview;

/* border: what stands for 0 outside of the image */
static void fill_border(const el_qview* v, int32_t border, int8_t* to, int64_t bytes) {
    if (v->band_bytes == 1) {
        memset(to, border + v->isa->x_bias, (size_t)bytes);
    } else {
        int16_t zero = (int16_t)(border + v->isa->x_bias);
        for (int64_t i = 0; i < bytes; i += 2) memcpy(to + i, &zero, 2);
    }
}

static void copy_values(const el_qview* v, int8_t* to, const int8_t* from, int64_t count, int8_t flip) {
    if (v->band_bytes == v->isa->x_bytes) v->isa->copy(to, from, count, flip);
    else memcpy(to, from, (size_t)count);
}

/* One line of a band from line iy of the input; cin < pixel leaves anything in the padding bytes, which meet zero weights. */
static void copy_line(const el_qview* v, int32_t border, const int8_t* image, int64_t iy, int8_t* to) {
    const el_qplan* q = v->q;
    const int8_t flip = (int8_t)(v->isa->x_bias ? -128 : 0);
    const int64_t pixel = v->pixel_bytes, in_pixel = (int64_t)q->groups * q->cin;
    int64_t c0 = 0, c1 = v->band_w; /* columns inside the input */
    if (v->dx < 0) c0 = (-v->dx + v->skip_x - 1) / v->skip_x;
    if (v->dx + (c1 - 1) * v->skip_x >= q->w) c1 = q->w > v->dx ? (q->w - v->dx + v->skip_x - 1) / v->skip_x : 0;
    if (c0 > v->band_w || iy < 0 || iy >= q->h) c0 = v->band_w;
    if (c1 < c0) c1 = c0;
    fill_border(v, border, to, c0 * pixel);
    fill_border(v, border, to + c1 * pixel, (v->band_w - c1) * pixel);
    if (c1 == c0) return;
    const int64_t at = iy * q->w + v->dx + c0 * v->skip_x;
    const int8_t* from = image + at * in_pixel;
    to += c0 * pixel;
    int64_t count = c1 - c0, step = v->skip_x * in_pixel;
    if (q->groups == 1 && q->cin == q->pixel && v->skip_x == 1) {
        copy_values(v, to, from, count * q->cin, flip);
    } else if (q->cin >= 8) {
        for (int64_t i = 0; i < count; i++) copy_values(v, to + i * pixel, from + i * step, q->cin, flip);
    } else {
        int8_t part[64 * 8]; /* 64 pixels with their padding */
        int64_t first = 0;
        if (q->cin == 3 && step == 3 && v->isa->x_bytes == 1) first = v->isa->spread(to, from, count, q->h * q->w - at, flip);
        for (; first < count; first += 64) {
            int64_t n = count - first < 64 ? count - first : 64, i = 0;
            const int8_t* x = from + first * step;
            if (q->cin == 3 && step == 3) i = v->isa->spread(part, x, n, count - first, 0);
            if (q->cin == 4)
                for (; i < n; i++) memcpy(part + 4 * i, x + i * step, 4);
            for (; i < n; i++) {
                int32_t ci = 0;
                for (; ci < q->cin; ci++) part[i * q->cin4 + ci] = x[i * step + ci];
                for (; ci < q->cin4; ci++) part[i * q->cin4 + ci] = 0;
            }
            v->isa->copy(to + first * pixel, part, n * q->cin4, flip);
        }
    }
}

/* The input lines of a piece as the tile function wants them, in `own` unless they are used in place. */
static const int8_t* band_of(const el_qview* v, const int8_t* image, int32_t border, int64_t i0, int64_t i1, int8_t* own) {
    const el_qplan* q = v->q;
    if (!v->copied) return image + (i0 * v->in_step_y + v->dy) * v->line_bytes + v->dx * v->pixel_bytes;
    int64_t lines = (i1 - i0 - 1) * v->in_step_y + v->band_lines, iy = i0 * v->in_step_y * v->skip_y + v->dy;
    if (v->band_w == q->w && q->groups == 1 && q->cin == q->pixel && v->dx == 0 && v->skip_x == 1 && v->skip_y == 1 && iy >= 0 && iy + lines <= q->h)
        copy_values(v, own, image + iy * q->w * q->cin, lines * q->w * q->cin, (int8_t)(v->isa->x_bias ? -128 : 0));
    else
        for (int64_t l = 0; l < lines; l++) copy_line(v, border, image, iy + l * v->skip_y, own + l * v->line_bytes);
    return own;
}

/* The end of a tile of int16 whose sums doubles may not hold. first: of its columns, among all of the layer. */
static void finish16_large(const el_qview* v, const el_qtile* t, const int32_t* high, const int32_t* low, int64_t first) {
    const int64_t* bias = v->buffers[2];
    const int32_t *wsum = v->buffers[3], *multiplier = v->buffers[4], *shift = v->buffers[5];
    for (int32_t r = 0; r < t->row_count; r++, high += 64, low += 64) {
        int16_t* y = (int16_t*)(void*)t->y[r] + t->y_column;
        for (int32_t j = 0; j < t->columns; j++) {
            const int64_t o = first + j;
            uint64_t sum = (uint64_t)(256 * (int64_t)high[j] + low[j]) + (uint64_t)(bias ? bias[o] : 0) + (uint64_t)(128 * (int64_t)wsum[o]);
            y[j] = el_finish_s16(sum, multiplier[o], shift[o], t->y_zero, t->y_min, t->y_max);
        }
    }
}

/* Both planes of the tiles of one block, whose columns from `first` on are numbered among all of the layer. */
static void tiles16(const el_qview* v, el_qtile* t, int64_t pixels, int64_t low, int32_t* sums, int64_t first) {
    const int64_t* bias = v->buffers[2];
    const int32_t *wsum = v->buffers[3], *multiplier = v->buffers[4], *shift = v->buffers[5];
    el_qend16 ends[EL_QPANELS];
    int exact = 1;
    for (int32_t p = 0; p < t->panel_count; p++) {
        const int64_t o = first + p * 16;
        const int32_t count = t->columns - p * 16 < 16 ? t->columns - p * 16 : 16;
        exact &= el_qend16_fill(&ends[p], count, (int64_t)v->q->kh * v->q->kw * v->q->cin, bias ? bias + o : NULL, wsum + o, multiplier + o, shift + o);
    }
    for (int64_t at = 0; at < pixels; at += EL_QROWS, t->rows += EL_QROWS, t->y += EL_QROWS) {
        t->row_count = (int32_t)(pixels - at < EL_QROWS ? pixels - at : EL_QROWS);
        t->sums = sums;
        v->isa->tile(t);
        t->rows += low, t->sums = sums + EL_SUMS;
        v->isa->tile(t);
        t->rows -= low;
        if (exact) v->isa->finish16(t, sums, sums + EL_SUMS, ends);
        else finish16_large(v, t, sums, sums + EL_SUMS, first);
    }
}

/* The windows of `lines` lines of outputs. */
static const int8_t* windows_of(const el_qview* v, const int8_t* band, int64_t lines, int8_t* own) {
    const el_qplan* q = v->q;
    int8_t* to = own;
    for (; lines > 0; lines--, band += v->in_step_y * v->line_bytes, to += v->j_count * EL_QWINDOW * v->isa->x_bytes)
        v->isa->windows(to, band, v->j_count, q->kw * q->cin, q->dilation_h * v->line_bytes, v->in_step_x * v->pixel_bytes);
    return own;
}

static void view_item(const el_qview* v, int64_t item, int32_t worker) {
    const el_qplan* q = v->q;
    int64_t split = item % v->splits, chunk = item / v->splits % v->chunks, n = item / v->splits / v->chunks % q->n, g = item / v->splits / v->chunks / q->n;
    int64_t i0 = chunk * v->lines, i1 = i0 + v->lines < v->i_count ? i0 + v->lines : v->i_count;
    int32_t blocks = (q->panels + EL_QPANELS - 1) / EL_QPANELS;
    int32_t block0 = (int32_t)(blocks * split / v->splits), block1 = (int32_t)(blocks * (split + 1) / v->splits);
    if (block0 == block1 || i0 >= i1) return;

    uint8_t* own = v->threads + q->thread_bytes * (size_t)worker;
    const int8_t *image = v->x + n * q->h * q->w * q->groups * q->cin + g * q->cin, *bands[2] = {NULL, NULL};
    bands[0] = band_of(v, image, q->x_zero, i0, i1, (int8_t*)own);
    own += q->band_bytes;
    if (q->planes == 2) bands[1] = band_of(v, image + q->plane_bytes, -128, i0, i1, (int8_t*)own), own += q->band_bytes;
    const int8_t* a = bands[0];
    if (q->windows) a = windows_of(v, a, i1 - i0, (int8_t*)own), own += q->window_bytes;

    /* windows and outputs; those missing from the last tile repeat its last one */
    const int8_t** in = (const int8_t**)(void*)own;
    int64_t m = (i1 - i0) * v->j_count, whole = round_up(m, EL_QROWS), r = 0;
    int8_t** out = (int8_t**)(void*)(in + whole * q->planes);
    int32_t* sums = q->planes == 2 ? (int32_t*)(void*)(v->threads + q->thread_bytes * (size_t)(worker + 1)) - 2 * EL_SUMS : NULL;
    int64_t oc = (int64_t)q->cout * q->groups, in_step = v->in_step_x * v->pixel_bytes, out_step = v->out_step_x * oc;
    int64_t in_line = v->in_step_y * v->line_bytes, out_line = v->out_step_y * q->ow * oc, lines = i1 - i0, each = v->j_count;
    if (each == 1) each = lines, lines = 1, in_step = in_line, out_step = out_line;
    if (q->windows) each = m, lines = 1, in_step = EL_QWINDOW * v->isa->x_bytes;
    const int64_t low = q->planes == 2 ? bands[1] - a : 0, bytes = q->planes; /* planes: bytes of an output, too */
    int8_t* y = v->y + (((n * q->oh + v->out_y + i0 * v->out_step_y) * q->ow + v->out_x) * oc + g * q->cout) * bytes;
    out_step *= bytes, out_line *= bytes;
    for (; lines > 0; lines--, a += in_line, y += out_line, r += each) v->isa->places(in + r, a, in_step, out + r, y, out_step, each);
    for (; r < whole; r++) in[r] = in[m - 1], out[r] = out[m - 1];
    if (q->planes == 2)
        for (r = 0; r < whole; r++) in[whole + r] = in[r] + low;

    el_qtile t = {.segs = v->segs, .seg_count = v->seg_count, .panel_bytes = v->packed_panel_bytes, .shifts = v->shifts, .flip = v->flip,
                  .once = !q->transpose, .y_zero = q->y_zero, .y_min = q->y_min, .y_max = q->y_max};
    for (int32_t block = block0; block < block1; block++) {
        int32_t first = block * EL_QPANELS;
        t.panel_count = q->panels - first < EL_QPANELS ? q->panels - first : EL_QPANELS;
        t.columns = q->cout - first * 16 < EL_QPANELS * 16 ? q->cout - first * 16 : EL_QPANELS * 16;
        t.b = v->weights + ((size_t)g * (size_t)q->panels + (size_t)first) * v->packed_panel_bytes;
        t.panels = v->panels + g * q->panels + first;
        t.y_column = first * 16;
        t.rows = in, t.y = out;
        if (sums) {
            tiles16(v, &t, m, whole, sums, g * q->cout + first * 16);
            continue;
        }
        const int32_t most = v->isa->most ? v->isa->most(&t) : EL_QROWS;
        for (int64_t at = 0; at < m; at += t.row_count, t.rows += t.row_count, t.y += t.row_count) {
            t.row_count = (int32_t)(m - at <= most ? m - at : EL_QROWS);
            t.ahead = at > 0 || block + 1 == block1 ? 0 : q->panels - first - EL_QPANELS;
            v->isa->tile(&t);
        }
    }
}

static void view_body(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_qview* v = arg;
    const uint32_t rounding = el_round_down(v->down);
    for (int64_t item = begin; item < end; item++) view_item(v, item, worker);
    el_round_again(v->down, rounding);
}

static void view_run(const el_ctx* ctx, el_qview* v) {
    const el_qplan* q = v->q;
    int64_t blocks = (q->panels + EL_QPANELS - 1) / EL_QPANELS, k = 0;
    for (int32_t s = 0; s < v->seg_count; s++) k += (int64_t)v->segs[s].quads * 4;
    if (v->i_count <= 0 || v->j_count <= 0) return;
    const int64_t work = q->n * v->i_count * v->j_count * (k + 16) * q->cout * q->groups, threads = el_ctx_threads_for(ctx, work, EL_SERIAL_MACS);
    int64_t wanted = threads == 1 ? 1 : 4 * threads, each = q->n * q->groups;
    int64_t lines = (v->i_count * each + wanted - 1) / wanted; /* pieces enough for all threads, but whole tiles */
    int64_t least = (EL_QROWS + v->j_count - 1) / v->j_count;
    if (v->i_count * v->j_count <= EL_FEW_TILES * EL_QROWS && blocks >= 2 * threads) least = q->lines; /* few rows: threads share the weights */
    if (v->j_count == 1) lines = round_up(lines, EL_QROWS);
    if (lines < least) lines = least;
    if (lines > q->lines) lines = q->lines;
    v->chunks = (v->i_count + lines - 1) / lines;
    v->lines = (v->i_count + v->chunks - 1) / v->chunks;
    if (v->j_count == 1 && v->lines < lines) v->lines = lines < round_up(v->lines, EL_QROWS) ? lines : round_up(v->lines, EL_QROWS);
    int64_t items = v->chunks * each;
    v->splits = items >= wanted ? 1 : (wanted + items - 1) / items;
    if (v->splits > blocks) v->splits = blocks;
    items *= v->splits;
    if (threads == 1) {
        view_body(v, 0, items, 0);
        return;
    }
    const int64_t macs = work / items;
    el_parallel(ctx, items, macs >= EL_SERIAL_MACS ? 1 : EL_SERIAL_MACS / (macs + 1) + 1, view_body, v);
}

/* ---- kernels --------------------------------------------------------------------------------------------------- */

/* Weights without padding between pixels that share quads, of those that have it. */
static void join_pixels(const el_qplan* q, const int8_t* packed, int8_t* joined) {
    const int32_t quads = q->cin4 / 4;
    for (int32_t run = 0; run < q->panels * (q->kh * q->kw / q->joined); run++, packed += (int64_t)q->joined * quads * 64)
        for (int32_t first = 0; first < q->joined_quads * 4; first += 4, joined += 64) {
            uint32_t joined_quad[16] = {0};
            for (int32_t b = 0; b < 4 && first + b < q->joined * q->cin; b++) {
                const int32_t tap = (first + b) / q->cin, channel = (first + b) % q->cin;
                uint32_t quad[16];
                memcpy(quad, packed + ((int64_t)tap * quads + channel / 4) * 64, sizeof quad);
                for (int32_t j = 0; j < 16; j++) joined_quad[j] |= (quad[j] >> 8 * (channel % 4) & 255) << 8 * b;
            }
            memcpy(joined, joined_quad, sizeof joined_quad);
        }
}

/* Scratch regions in order: segments and taps, panels and weights packed again (used where they are not kept), one region per thread (band, window and output
 * pointers). */
static el_qview view_init(const el_ctx* ctx, const el_qplan* q, void* const* buffers, const el_qisa* isa) {
    uint8_t* at = ctx->scratch;
    el_qview v = {.q = q, .isa = isa, .x = buffers[0], .weights = buffers[1], .y = buffers[6], .buffers = buffers};
    if (q->planes == 2) v.x = (const int8_t*)at, at += 2 * q->plane_bytes;
    v.segs = (el_qseg*)(void*)at;
    v.taps = (el_qtap*)(void*)(at + (size_t)q->kh * (size_t)q->kw * sizeof(el_qseg));
    at += q->seg_bytes;
    el_qkept* kept = ctx->kept;
    const int filled = kept && kept->by == isa;
    v.panels = kept ? (el_qpanel*)(void*)(kept + 1) : (el_qpanel*)(void*)at;
    v.packed_panel_bytes = (size_t)q->kh * (size_t)q->kw * (size_t)q->cin4 * 16;
    if (q->joined) {
        int8_t* joined = (int8_t*)v.panels + q->panel_bytes;
        if (!filled) join_pixels(q, v.weights, joined);
        v.weights = joined, v.packed_panel_bytes = q->joined_bytes / (size_t)q->panels;
    }
    v.threads = at + q->panel_bytes + q->joined_bytes;
    v.shifts = filled ? kept->shifts : el_qbounds(q->y_min, q->y_max);
    const int doubt = v.shifts || q->n * q->oh * q->ow <= EL_FEW_ROWS;
    const int32_t *bias = q->planes == 2 ? NULL : buffers[2], *wsum = q->transpose ? NULL : buffers[3], *multiplier = buffers[4], *shift = buffers[5];
    const int32_t* near = q->planes == 2 || q->transpose || doubt ? NULL : buffers[7];
    for (int32_t g = 0; g < q->groups && !filled; g++) {
        int64_t o = (int64_t)g * q->cout;
        v.shifts |= isa->fill(v.panels + (int64_t)g * q->panels, q->cout, bias ? bias + o : NULL, wsum ? wsum + o : NULL,
                                multiplier + o, shift + o, near ? near + o : NULL, q->x_zero + isa->x_bias, q->y_zero, !q->transpose, doubt, (int64_t)q->kh * q->kw * q->cin);
    }
    if (kept) *kept = (el_qkept){isa, v.shifts};
    v.down = isa->rounds && q->planes == 1 && !q->transpose && !(v.shifts & EL_QDOUBT);
    return v;
}

/* Pixels of a segment: those of a kernel row where they lie side by side (groups then need the copy). */
static int32_t seg_pixels(const el_qplan* q) { return q->transpose || q->dilation_w != 1 ? 1 : q->kw; }

/* Decides about the band once the taps of the view are known, and places the segments in it. in_step: of the input. */
static void view_place(el_qview* v) {
    const el_qplan* q = v->q;
    const int32_t pixels = seg_pixels(q);
    int32_t last_y = 0, last_x = 0;
    v->dy = v->dx = 0;
    for (int32_t s = 0; s < v->seg_count; s++) {
        const el_qtap t = v->taps[s];
        int32_t right = t.dx + pixels - 1;
        if (s == 0 || t.dy < v->dy) v->dy = t.dy;
        if (s == 0 || t.dx < v->dx) v->dx = t.dx;
        if (s == 0 || t.dy > last_y) last_y = t.dy;
        if (s == 0 || right > last_x) last_x = right;
    }
    v->flip = v->isa->flips && q->panels <= EL_FLIP_PANELS ? 128 : 0;
    v->copied = v->seg_count > 0 && ((v->isa->x_bias != 0 && !v->flip) || v->isa->x_bytes != 1 || q->cin != q->cin4 || v->dy < 0 || v->dx < 0 || (v->i_count - 1) * v->in_step_y + last_y >= q->h ||
                                     (v->j_count - 1) * v->in_step_x + last_x >= q->w || (q->groups > 1 && v->seg_count < q->kh * q->kw && !q->transpose));
    if (v->copied) v->flip = 0;
    v->skip_y = v->skip_x = 1;
    if (v->copied && !q->transpose && q->kh == 1 && q->kw == 1) {
        v->skip_y = v->in_step_y, v->skip_x = v->in_step_x;
        v->in_step_y = v->in_step_x = 1;
    }
    v->band_lines = last_y - v->dy + 1;
    v->band_w = v->copied ? (v->j_count - 1) * v->in_step_x + last_x - v->dx + 1 : q->w;
    v->band_bytes = q->windows ? 1 : v->isa->x_bytes;
    v->pixel_bytes = v->copied ? q->pixel * v->band_bytes : (int64_t)q->groups * q->cin;
    v->line_bytes = v->band_w * v->pixel_bytes;
    for (int32_t s = 0; s < v->seg_count; s++)
        v->segs[s].offset = (v->taps[s].dy - v->dy) * v->line_bytes + (v->taps[s].dx - v->dx) * v->pixel_bytes;
}

static void run_conv(const el_ctx* ctx, const el_qplan* q, void* const* buffers, const el_qisa* isa) {
    el_qview v = view_init(ctx, q, buffers, isa);
    const int32_t pixels = seg_pixels(q), per_row = q->kw / pixels, quads = q->joined ? q->joined_quads : pixels * q->cin4 / 4;
    v.seg_count = q->kh * per_row;
    for (int32_t s = 0; s < v.seg_count; s++) {
        int32_t ky = s / per_row, kx = s % per_row;
        v.taps[s] = (el_qtap){ky * q->dilation_h - q->pad_top, kx * q->dilation_w - q->pad_left};
        v.segs[s] = (el_qseg){s * quads, quads, 0};
    }
    v.i_count = q->oh, v.j_count = q->ow;
    v.in_step_y = q->stride_h, v.in_step_x = q->stride_w;
    v.out_step_y = v.out_step_x = 1;
    view_place(&v);
    if (q->windows) v.seg_count = 1;
    view_run(ctx, &v);
}

/* Phase k = (oy mod stride_h, ox mod stride_w). Output oy = phase_y + i*stride_h meets kernel row ky iff
 * phase_y + pad - ky*dilation is a multiple of stride_h, at input row i + that quotient. The correction by the weights' sum
 * counts the weights of the phase only. */
static void transpose_view(el_qview* v, int32_t k, void* const* buffers) {
    const el_qplan* q = v->q;
    const int32_t zero = q->x_zero + v->isa->x_bias;
    el_qseg* segs = v->segs;
    int32_t py = k / q->stride_w, px = k % q->stride_w, quads = q->cin4 / 4;
    v->seg_count = 0;
    for (int32_t ky = 0; ky < q->kh; ky++)
        for (int32_t kx = 0; kx < q->kw; kx++) {
            int32_t ty = py + q->pad_top - ky * q->dilation_h, tx = px + q->pad_left - kx * q->dilation_w;
            if (ty % q->stride_h || tx % q->stride_w) continue;
            v->taps[v->seg_count] = (el_qtap){ty / q->stride_h, tx / q->stride_w};
            segs[v->seg_count++] = (el_qseg){(ky * q->kw + kx) * quads, quads, 0};
        }
    const int32_t* bias = buffers[2];
    for (int64_t e = 0; e < (int64_t)q->groups * q->panels; e++) {
        el_qpanel* panel = v->panels + e;
        const int8_t* w = v->weights + (size_t)e * v->packed_panel_bytes;
        for (int32_t j = 0; j < 16; j++) {
            int64_t in_group = e % q->panels * 16 + j;
            if (in_group >= q->cout) break;
            uint32_t sum = 0;
            if (zero != 0)
                for (int32_t s = 0; s < v->seg_count; s++)
                    for (int32_t i = 0; i < quads; i++) {
                        const int8_t* b = w + (int64_t)(segs[s].first + i) * 64 + j * 4;
                        sum += (uint32_t)(b[0] + b[1] + b[2] + b[3]);
                    }
            uint32_t start = bias ? (uint32_t)bias[e / q->panels * q->cout + in_group] : 0;
            panel->start[j] = (int32_t)(start - (uint32_t)zero * sum);
        }
    }
    v->i_count = py < q->oh ? (q->oh - py + q->stride_h - 1) / q->stride_h : 0;
    v->j_count = px < q->ow ? (q->ow - px + q->stride_w - 1) / q->stride_w : 0;
    v->in_step_y = v->in_step_x = 1;
    v->out_y = py, v->out_x = px;
    v->out_step_y = q->stride_h, v->out_step_x = q->stride_w;
    view_place(v);
}

void el_qmat_conv(const el_ctx* ctx, const el_qconv_params* p, void* const* buffers, const el_qisa* isa) {
    const el_qkept* kept = ctx->kept;
    if (isa->winograd && el_qconv_is_winograd(p) && !(kept && kept->by == isa) && el_qwinograd_run(ctx, p, buffers, isa)) return;
    el_qplan q = plan_conv(p, 0, 1);
    run_conv(ctx, &q, buffers, isa);
}

void el_qmat_conv_transpose(const el_ctx* ctx, const el_qconv_params* p, void* const* buffers, const el_qisa* isa) {
    el_qplan q = plan_conv(p, 1, 1);
    el_qview v = view_init(ctx, &q, buffers, isa);
    for (int32_t k = 0; k < p->stride_h * p->stride_w; k++) {
        transpose_view(&v, k, buffers);
        view_run(ctx, &v);
    }
}

/* A single row by one thread: of 128 columns and less, what the general form prepares takes longer than the products. */
static void one_row(const el_ctx* ctx, const el_qgemm_params* p, void* const* buffers, const el_qisa* isa) {
    const int8_t *x = buffers[0], *weights = buffers[1];
    const int32_t *bias = buffers[2], *wsum = buffers[3], *multiplier = buffers[4], *shift = buffers[5];
    const el_qseg seg = {0, (p->k + 3) / 4, 0};
    el_qkept* kept = ctx->kept;
    el_qpanel* panels = kept ? (el_qpanel*)(void*)(kept + 1) : (el_qpanel*)ctx->scratch;
    const int32_t shifts = kept && kept->by == isa ? kept->shifts
                                                   : isa->fill(panels, p->n, bias, wsum, multiplier, shift, NULL, p->x_zero + isa->x_bias, p->y_zero, 1, 1, p->k) | el_qbounds(p->y_min, p->y_max);
    if (kept) *kept = (el_qkept){isa, shifts};
    const int in_place = p->k % 4 == 0 && isa->x_bytes == 1, flip = in_place && isa->flips && p->n <= EL_FLIP_PANELS * 16;
    if (!in_place || (isa->x_bias != 0 && !flip)) {
        int8_t* own = (int8_t*)ctx->scratch + (size_t)(p->n + 15) / 16 * sizeof(el_qpanel);
        isa->copy(own, x, p->k, (int8_t)(isa->x_bias ? -128 : 0));
        x = own;
    }
    const int8_t* rows[] = {x, x};
    int8_t* y[] = {buffers[6], buffers[6]};
    el_qtile t = {.rows = rows, .segs = &seg, .seg_count = 1, .row_count = 1, .b = weights, .panel_bytes = (size_t)seg.quads * 64, .panels = panels, .shifts = shifts,
                  .flip = flip ? 128 : 0, .once = 1, .y_zero = p->y_zero, .y_min = p->y_min, .y_max = p->y_max, .y = y};
    for (int32_t at = 0; at < p->n; at += EL_QPANELS * 16, t.b += EL_QPANELS * t.panel_bytes, t.panels += EL_QPANELS) {
        t.columns = p->n - at < EL_QPANELS * 16 ? p->n - at : EL_QPANELS * 16;
        t.panel_count = (t.columns + 15) / 16;
        t.y_column = at;
        isa->tile(&t);
    }
}

void el_qmat_gemm(const el_ctx* ctx, const el_qgemm_params* p, void* const* buffers, const el_qisa* isa) {
    if (p->m == 1 && el_ctx_threads_for(ctx, (int64_t)(p->k + 16) * p->n, EL_SERIAL_MACS) == 1) {
        one_row(ctx, p, buffers, isa);
        return;
    }
    el_qplan q = plan_gemm(p, 1);
    run_conv(ctx, &q, buffers, isa);
}

typedef struct el_qplanes {
    const int16_t* x;
    int8_t *high, *low;
} el_qplanes;

static void split_body(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_qplanes* s = arg;
    const int16_t* restrict x = s->x;
    int8_t *restrict high = s->high, *restrict low = s->low;
    for (int64_t i = begin; i < end; i++) {
        high[i] = (int8_t)(x[i] >> 8);
        low[i] = (int8_t)(x[i] ^ 128);
    }
}

static void run_conv16(const el_ctx* ctx, const el_qplan* q, void* const* buffers, const el_qisa* isa) {
    int8_t* planes = ctx->scratch;
    el_qplanes s = {buffers[0], planes, planes + q->plane_bytes};
    el_parallel(ctx, q->n * q->h * q->w * q->groups * q->cin, 65536, split_body, &s);
    run_conv(ctx, q, buffers, isa);
}

void el_qmat_conv16(const el_ctx* ctx, const el_qconv_params* p, void* const* buffers, const el_qisa* isa) {
    el_qplan q = plan_conv(p, 0, 2);
    run_conv16(ctx, &q, buffers, isa);
}

void el_qmat_gemm16(const el_ctx* ctx, const el_qgemm_params* p, void* const* buffers, const el_qisa* isa) {
    el_qplan q = plan_gemm(p, 2);
    run_conv16(ctx, &q, buffers, isa);
}
