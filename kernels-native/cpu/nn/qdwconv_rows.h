/* The body of the int8 depthwise convolution for one instruction set (qdwconv.h tells the method). The including file defines
 *     QDW_TAPS, QDW_BIAS       T; 128 if units hold x + 128, else 0
 *     qdw_unit                 int32_t or int16_t
 *     qdw_vec                  16 units in registers
 *     qdw_load, qdw_dot        acc + x*w, summed over the T values of a unit
 *     interleave_16            16 elements of T rows, xor flip, to units
 *     qdw_interleave           count elements of T rows, plus QDW_BIAS, to units; reads 16 (QDW_WIDE) elements at a time and nothing past count,
 *                              writes whole 16 units */
#ifndef EL_QDWCONV_ROWS_H
#define EL_QDWCONV_ROWS_H
#include "qdwconv.h"
#include "qfinish.h"

typedef struct el_qdw {
    const el_qconv_params* p;
    el_qdw_plan q;
    const int8_t *x, *zero;
    int8_t* y;
    const el_qpanel* panels;
    const qdw_unit* weights;
    uint8_t* thread;
    int64_t row_items;
    int32_t shifts; /* EL_QSHIFT bits of all channels */
    int exact;      /* of 3x3: nobody is in doubt */
} el_qdw;

/* Outputs of `panels` neighbouring panels: from units q and to y (row 0) and y1 (row 1), `count` of them, `in` units and `out` bytes apart. */
typedef struct el_qdw_run {
    const el_qpanel* panel;
    const qdw_unit *weights, *q;
    int64_t in, out, count, plane, column; /* plane, column: units from one plane, one kernel column to the next */
    int8_t *y, *y1;
    int32_t planes, kw, y_zero, y_min, y_max, shifts;
    int32_t panels, taps; /* taps: units from the weights of one panel to those of the next */
} el_qdw_run;

/* acc[row][output] += one kernel column of Q_GROUP outputs; `other`: units from the weights of the first output row to those of the second */
EL_VEC void column(q16 acc[2][Q_GROUP], const qdw_unit* q, int64_t in, const qdw_unit* w, int64_t other, const int ROWS) {
    const qdw_vec first = qdw_load(w), second = qdw_load(ROWS == 2 ? w + other : w);
    EL_UNROLL for (int i = 0; i < Q_GROUP; i++) {
        const qdw_vec x = qdw_load(q + i * in);
        acc[0][i] = qdw_dot(acc[0][i], x, first);
        if (ROWS == 2) acc[1][i] = qdw_dot(acc[1][i], x, second);
    }
}

/* A group of outputs. PLANES: of a 3x3 kernel, or 0: any kernel. */
EL_VEC void group(const el_qdw_run* r, const qdw_unit* q, int8_t* y, int8_t* y1, q16 start, const q_end* end, const int ROWS, const int PLANES, const int rule) {
    const int64_t other = (int64_t)r->planes * r->kw * 16;
    const qdw_unit* w = r->weights;
    q16 acc[2][Q_GROUP];
    EL_UNROLL for (int i = 0; i < Q_GROUP; i++) acc[0][i] = acc[1][i] = start;
    if (PLANES) {
        EL_UNROLL for (int k = 0; k < PLANES * 3; k++) column(acc, q + k / 3 * r->plane + k % 3 * r->column, r->in, w + 16 * k, PLANES * 3 * 16, ROWS);
    } else {
        for (int g = 0; g < r->planes; g++)
            for (int k = 0; k < r->kw; k++, w += 16) column(acc, q + g * r->plane + k * r->column, r->in, w, other, ROWS);
    }
    if (ROWS == 2) q_end_store(acc[1], end, rule, r->panel, y1, r->out);
    q_end_store(acc[0], end, rule, r->panel, y, r->out);
}

/* The last group reaches back to fill up. */
EL_VEC void run(const el_qdw_run* run, const int ROWS, const int PLANES, const int rule) {
    el_qdw_run r = *run;
    for (int32_t panel = 0; panel < run->panels; panel++, r.panel++, r.weights += r.taps, r.q += 16, r.y += 16, r.y1 += 16) {
        const q_end end = q_end_load(r.panel, r.y_zero, r.y_min, r.y_max, r.shifts, rule);
        const q16 start = q16_load(r.panel->start);
#if Q_GROUP == 1
        const qdw_unit* q = r.q;
        int8_t *y = r.y, *y1 = r.y1;
        for (int64_t i = 0; i < r.count; i++, q += r.in, y += r.out, y1 += r.out) group(&r, q, y, y1, start, &end, ROWS, PLANES, rule);
#else
        for (int64_t i = 0; i < r.count; i += Q_GROUP) {
            if (i + Q_GROUP > r.count) i = r.count - Q_GROUP;
            group(&r, r.q + i * r.in, r.y + i * r.out, r.y1 + i * r.out, start, &end, ROWS, PLANES, rule);
        }
#endif
    }
}

#define QDW_PLANES_3 ((3 + QDW_TAPS - 1) / QDW_TAPS)
typedef void (*el_qdw_run_fn)(const el_qdw_run*);
static __attribute__((noinline)) void run_one(const el_qdw_run* r) { run(r, 1, 0, Q_TWICE); }
static __attribute__((noinline)) void run_two(const el_qdw_run* r) { run(r, 2, 0, Q_TWICE); }
static __attribute__((noinline)) void run_one_3x3(const el_qdw_run* r) { run(r, 1, QDW_PLANES_3, Q_TWICE); }
static __attribute__((noinline)) void run_two_3x3(const el_qdw_run* r) { run(r, 2, QDW_PLANES_3, Q_TWICE); }
#if defined(__AVX2__)
static __attribute__((noinline)) void run_one_3x3_exact(const el_qdw_run* r) { run(r, 1, QDW_PLANES_3, Q_TWICE_EXACT); }
static __attribute__((noinline)) void run_two_3x3_exact(const el_qdw_run* r) { run(r, 2, QDW_PLANES_3, Q_TWICE_EXACT); }
#endif
#if defined(__AVX512VNNI__)
/* The same of neighbouring outputs of stride 1, whose windows share columns: these and the weights of a panel are loaded once. */
static __attribute__((noinline)) void run_near_3x3_exact(const el_qdw_run* run) {
    enum { COLUMNS = Q_GROUP + 2 };
    el_qdw_run r = *run;
    for (int32_t panel = 0; panel < run->panels; panel++, r.panel++, r.weights += r.taps, r.q += 16, r.y += 16, r.y1 += 16) {
        const q_end end = q_end_load(r.panel, r.y_zero, r.y_min, r.y_max, r.shifts, Q_TWICE_EXACT);
        const q16 start = q16_load(r.panel->start);
        qdw_vec w[2][3];
        EL_UNROLL for (int k = 0; k < 3; k++) w[0][k] = qdw_load(r.weights + 16 * k), w[1][k] = qdw_load(r.weights + 16 * (3 + k));
        for (int64_t i = 0; i < r.count; i += Q_GROUP) {
            if (i + Q_GROUP > r.count) i = r.count - Q_GROUP;
            q16 acc[2][Q_GROUP];
            EL_UNROLL for (int j = 0; j < Q_GROUP; j++) acc[0][j] = acc[1][j] = start;
            EL_UNROLL for (int c = 0; c < COLUMNS; c++) {
                const qdw_vec x = qdw_load(r.q + (i + c) * r.in);
                EL_UNROLL for (int k = 0; k < 3; k++) {
                    const int j = c - k;
                    if (j < 0 || j >= Q_GROUP) continue;
                    acc[0][j] = qdw_dot(acc[0][j], x, w[0][k]);
                    acc[1][j] = qdw_dot(acc[1][j], x, w[1][k]);
                }
            }
            q_end_store(acc[1], &end, Q_TWICE_EXACT, r.panel, r.y1 + i * r.out, r.out);
            q_end_store(acc[0], &end, Q_TWICE_EXACT, r.panel, r.y + i * r.out, r.out);
        }
    }
}
#endif
#if Q_ANY
static __attribute__((noinline)) void run_one_any(const el_qdw_run* r) { run(r, 1, 0, Q_TWICE_ANY); }
static __attribute__((noinline)) void run_two_any(const el_qdw_run* r) { run(r, 2, 0, Q_TWICE_ANY); }
#endif

/* A run of fewer outputs than a group is one output, several times, for each of them. */
static void run_all(el_qdw_run_fn fn, const el_qdw_run* r) {
    if (r->count >= Q_GROUP) {
#if defined(__AVX512VNNI__)
        if (fn == run_two_3x3_exact && r->in == r->column) fn = run_near_3x3_exact;
#endif
        fn(r);
        return;
    }
    el_qdw_run one = *r;
    one.in = one.out = 0, one.count = Q_GROUP;
    for (int64_t i = 0; i < r->count; i++, one.q += r->in, one.y += r->out, one.y1 += r->out) fn(&one);
}

/* Units of `columns` columns from input column ix on: width channels from `base` on. */
static __attribute__((noinline)) void interleave_rows(const el_qdw* a, int64_t n, int64_t iy, int64_t ix, int64_t columns, int32_t base, int32_t width, qdw_unit* units, int64_t plane_units) {
    const el_qconv_params* p = a->p;
    int64_t left = ix < 0 ? (-ix < columns ? -ix : columns) : 0, last = p->w - ix < columns ? p->w - ix : columns;
    if (last < left) last = left;
    const int32_t step = p->dilation_h, rows = p->kh + (a->q.rows - 1) * p->stride_h;
    for (int32_t plane = 0; plane < a->q.planes; plane++, units += plane_units) {
        const int8_t *lines[QDW_TAPS], *none[QDW_TAPS];
        for (int32_t t = 0; t < QDW_TAPS; t++) {
            int32_t k = plane * QDW_TAPS + t;
            int64_t line = iy + (int64_t)k * step;
            none[t] = a->zero;
            lines[t] = k < rows && line >= 0 && line < p->h ? a->x + (n * p->h + line) * p->w * p->c : NULL;
        }
        if (width == p->c) {
            qdw_interleave(none, left * width, units);
            for (int32_t t = 0; t < QDW_TAPS; t++) lines[t] = lines[t] ? lines[t] + (ix + left) * p->c : a->zero;
            qdw_interleave(lines, (last - left) * width, units + left * width);
            qdw_interleave(none, (columns - last) * width, units + last * width);
        } else {
            for (int64_t i = 0; i < columns; i++) {
                const int8_t* pixel[QDW_TAPS];
                for (int32_t t = 0; t < QDW_TAPS; t++) pixel[t] = lines[t] && i >= left && i < last ? lines[t] + (ix + i) * p->c + base : a->zero;
                qdw_interleave(pixel, width, units + i * width);
            }
        }
    }
}

/* Output rows oy.. (one or two) of one group of channels. */
static void output_rows(const el_qdw* a, int64_t n, int64_t oy, int32_t group, uint8_t* thread) {
    const el_qconv_params* p = a->p;
    const el_qdw_plan* q = &a->q;
    /* the group's channels [base, base + width): of several groups the last one reaches back to fill a multiple of 16 */
    const int32_t rest = p->c - group * q->width, width = q->groups == 1 ? p->c : rest < q->width ? (rest + 15) / 16 * 16 : q->width;
    const int32_t base = rest < width ? p->c - width : group * q->width;
    const int32_t reach = (p->kw - 1) * p->dilation_w + 1, panel_taps = q->rows * q->planes * p->kw * 16;
    qdw_unit* units = (qdw_unit*)(void*)thread;
    int8_t* narrow = (int8_t*)(thread + q->units);
    const int second = q->rows == 2 && oy + 1 < p->oh;
    const int wide = p->kh == 3 && p->kw == 3;
    el_qdw_run_fn fn = wide ? (second ? run_two_3x3 : run_one_3x3) : (second ? run_two : run_one);
#if defined(__AVX2__)
    if (a->exact) fn = second ? run_two_3x3_exact : run_one_3x3_exact;
#endif
#if Q_ANY
    if (a->shifts & EL_QSHIFT_ANY) fn = second ? run_two_any : run_one_any;
#endif
    for (int64_t ox = 0; ox < p->ow; ox += q->columns) {
        const int64_t outputs = p->ow - ox < q->columns ? p->ow - ox : q->columns, columns = (outputs - 1) * p->stride_w + reach;
        const int64_t plane = columns * width + 16, out_row = (int64_t)p->ow * p->c;
        interleave_rows(a, n, oy * p->stride_h - p->pad_top, ox * p->stride_w - p->pad_left, columns, base, width, units, plane);
        int8_t* y = a->y + ((n * p->oh + oy) * p->ow + ox) * p->c + base;
        el_qdw_run r = {.plane = plane, .column = (int64_t)p->dilation_w * width, .planes = q->planes, .kw = p->kw, .y_zero = p->y_zero, .y_min = p->y_min, .y_max = p->y_max, .shifts = a->shifts, .panels = 1, .taps = panel_taps};
        if (q->flat) {
            int64_t bytes = outputs * p->c, full = bytes / 16, tail = bytes % 16;
            r.in = r.out = 16 * q->panels;
            for (int32_t phase = 0; phase < q->panels; phase++) {
                r.panel = a->panels + phase, r.weights = a->weights + (int64_t)phase * panel_taps;
                r.q = units + 16 * phase;
                r.count = (full - phase + q->panels - 1) / q->panels;
                r.y = y + 16 * phase, r.y1 = r.y + (second ? out_row : 0);
                run_all(fn, &r);
                if (tail && full % q->panels == phase) {
                    r.q = units + 16 * full, r.count = 1, r.y = narrow, r.y1 = narrow + 16;
                    run_all(fn, &r);
                    memcpy(y + 16 * full, narrow, (size_t)tail);
                    if (second) memcpy(y + out_row + 16 * full, narrow + 16, (size_t)tail);
                }
            }
        } else {
            r.in = (int64_t)p->stride_w * width, r.out = p->c, r.count = outputs;
            for (int32_t c = group * q->width; c < base + width; c += 16 * r.panels) {
                const int32_t block = c / 16, at = (c + 16 <= p->c || width < 16 ? c : p->c - 16) - base;
                const int32_t whole = (base + width - c) / 16;
                r.panels = whole > 1 ? whole : 1;
                r.panel = a->panels + block, r.weights = a->weights + (int64_t)block * panel_taps;
                r.q = units + at;
                r.y = width < 16 ? narrow : y + at;
                r.y1 = width < 16 ? narrow + outputs * width + 16 : r.y + (second ? out_row : 0);
                run_all(fn, &r);
            }
            if (width < 16) { /* a vector reaches into the next pixel, which is written after it */
                memcpy(y, narrow, (size_t)(outputs * width));
                if (second) memcpy(y + out_row, narrow + outputs * width + 16, (size_t)(outputs * width));
            }
        }
    }
}

static void rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_qdw* a = arg;
    uint8_t* thread = a->thread + a->q.thread_bytes * (size_t)worker;
    const int down = EL_QROUNDS_DOWN && a->exact;
    const uint32_t rounding = el_round_down(down);
    for (int64_t item = begin; item < end; item++) {
        int64_t pair = item % a->row_items, n = item / a->row_items % a->p->n;
        output_rows(a, n, pair * a->q.rows, (int32_t)(item / a->row_items / a->p->n), thread);
    }
    el_round_again(down, rounding);
}

/* Panels of neighbouring channels, a multiple of 16, of which `from` has bias, wsum, multiplier, shift and near. Returns what el_qpanels_fill does. */
static __attribute__((noinline)) int fill_ends(const el_qdw* a, el_qpanel* panels, int32_t channels, const int32_t* const from[5]) {
    if (channels % 16 != 0) __builtin_unreachable();
    return el_qpanels_fill(panels, channels, from[0], from[1], from[2], from[3], from[4], a->p->x_zero + QDW_BIAS, a->p->y_zero, 0, 0, a->p->kh * a->p->kw);
}

/* The panel of 16 lanes, lane j being channel[j] (-1: none). */
static int fill_end(const el_qdw* a, const int32_t channel[16], const int32_t* const from[5], el_qpanel* panel) {
    int32_t constants[5][16];
    const int32_t* lanes[5] = {NULL};
    const int neighbours = channel[15] == channel[0] + 15;
    for (int s = 0; s < 5; s++) {
        if (!from[s]) continue;
        lanes[s] = neighbours ? from[s] + channel[0] : constants[s];
        if (neighbours) continue;
        EL_ROLLED for (int j = 0; j < 16; j++) constants[s][j] = channel[j] < 0 ? 0 : from[s][channel[j]];
    }
    return fill_ends(a, panel, 16, lanes);
}

/* A tap of those lanes, in w. */
static __attribute__((noinline)) const int8_t* gather(int8_t w[16], const int32_t channel[16], const int8_t* packed, int64_t taps, int64_t tap) {
    EL_ROLLED for (int32_t j = 0; j < 16; j++) w[j] = channel[j] < 0 ? 0 : packed[(channel[j] / 16 * taps + tap) * 16 + channel[j] % 16];
    return w;
}

/* Their weights, or, where channel is NULL, of the block of sixteen channels that `packed` begins with. */
static __attribute__((noinline)) void fill_weights(const el_qdw* a, const int32_t* channel, const int8_t* packed, qdw_unit* weights) {
    static const int8_t none[16];
    const int32_t kh = a->p->kh, kw = a->p->kw, stride = a->p->stride_h, rows = a->q.rows, planes = a->q.planes;
    for (int32_t row = 0; row < rows; row++)
        for (int32_t plane = 0; plane < planes; plane++)
            for (int32_t kx = 0; kx < kw; kx++, weights += 16) {
                int8_t w[QDW_TAPS][16];
                const int8_t* tap[QDW_TAPS];
                EL_UNROLL for (int32_t t = 0; t < QDW_TAPS; t++) {
                    const int32_t ky = plane * QDW_TAPS + t - row * stride;
                    if (ky < 0 || ky >= kh) tap[t] = none;
                    else if (!channel) tap[t] = packed + (ky * kw + kx) * 16;
                    else tap[t] = gather(w[t], channel, packed, kh * kw, ky * kw + kx);
                }
                interleave_16(tap, weights, 0);
            }
}

#define QDW_WORK 200000         /* multiplications, and sixteen for the end of each output, that are worth another thread */
#define QDW_PANELS_PER_PIECE 16 /* whose filling is */

typedef struct fill_job {
    const el_qdw* a;
    void* const* buffers;
    el_qpanel* panels;
    qdw_unit* weights;
    int kind; /* bits of all panels */
} fill_job;

static void fill_panels(void* arg, int64_t begin, int64_t end, int32_t worker) {
    fill_job* j = arg;
    const el_qconv_params* p = j->a->p;
    const el_qdw_plan* q = &j->a->q;
    const int32_t* from[5] = {j->buffers[2], j->buffers[3], j->buffers[4], j->buffers[5], j->buffers[7]};
    const int8_t* packed = j->buffers[1];
    qdw_unit* weights = j->weights;
    const int64_t taps = p->kh * p->kw, units = (int64_t)q->rows * q->planes * p->kw * 16; /* of a panel */
    int kind = 0;
    if (!q->flat && p->c % 16 == 0) {
        for (int64_t i = begin; i < end; i++) fill_weights(j->a, NULL, packed + i * taps * 16, weights + i * units);
        for (int s = 0; s < 5; s++)
            if (from[s]) from[s] += 16 * begin;
        kind = fill_ends(j->a, &j->panels[begin], (int32_t)(end - begin) * 16, from);
    } else {
        for (int32_t i = (int32_t)begin; i < end; i++) {
            int32_t channel[16], base = i * 16 + 16 <= p->c || p->c < 16 ? i * 16 : p->c - 16;
            for (int32_t l = 0; l < 16; l++) channel[l] = q->flat ? (i * 16 + l) % p->c : base + l < p->c ? base + l : -1;
            if (channel[0] % 16 == 0 && channel[15] == channel[0] + 15) fill_weights(j->a, NULL, packed + channel[0] * taps, weights + i * units);
            else fill_weights(j->a, channel, packed, weights + i * units);
            kind |= fill_end(j->a, channel, from, &j->panels[i]);
        }
    }
    __atomic_fetch_or(&j->kind, kind, __ATOMIC_RELAXED);
}

static void qdwconv(const el_ctx* ctx, const el_qconv_params* p, void* const* buffers) {
    el_qdw a = {.p = p, .q = el_qdw_plan_for(p, QDW_TAPS, sizeof(qdw_unit)), .x = buffers[0], .y = buffers[6]};
    const el_qdw_plan* q = &a.q;
    uint8_t* at = ctx->scratch;
    memset(at, p->x_zero, q->zero);
    a.zero = (const int8_t*)at;
    static const char here;
    el_qkept* kept = ctx->kept;
    uint8_t* own = kept ? (uint8_t*)(kept + 1) : at + q->zero;
    el_qpanel* panels = (el_qpanel*)(void*)own;
    qdw_unit* weights = (qdw_unit*)(void*)(own + q->panel_bytes);
    a.panels = panels, a.weights = weights, a.thread = at + q->zero + q->panel_bytes + q->weight_bytes;
    a.row_items = (p->oh + q->rows - 1) / q->rows;
    const int64_t work = (int64_t)p->n * p->oh * p->ow * p->c * (p->kh * p->kw + 16);
    if (kept && kept->by == &here) {
        a.shifts = kept->shifts;
    } else {
        fill_job fill = {&a, buffers, panels, weights, 0};
        el_parallel(ctx, q->panels, el_ctx_threads_for(ctx, work, QDW_WORK) > 1 ? QDW_PANELS_PER_PIECE : q->panels, fill_panels, &fill);
        a.shifts = fill.kind | el_qbounds(p->y_min, p->y_max);
    }
    if (kept) *kept = (el_qkept){&here, a.shifts};
    a.exact = p->kh == 3 && p->kw == 3 && !(a.shifts & EL_QDOUBT) && p->y_zero == INT8_MIN;
    int64_t cost = (int64_t)p->ow * p->c * q->rows * (p->kh * p->kw + 16) / q->groups;
    el_parallel(ctx, (int64_t)p->n * a.row_items * q->groups, QDW_WORK / (cost + 1) + 1, rows, &a);
}
#endif
