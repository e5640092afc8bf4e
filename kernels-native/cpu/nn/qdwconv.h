/* How the int8 depthwise convolution is cut up; the kernels of all instruction sets follow this (qdwconv_rows.h computes).
 *
 * Rows of the input are interleaved: T of them (as many as the multiply-add instruction sums: 4 bytes, 2 int16, or 1 int16)
 * become one row of units, a unit holding T rows' values of one channel of one pixel, borders filled in. A kernel column is
 * then one multiply-add per vector. Where T leaves room (3x3 of T = 4 with stride 1), two output rows share the interleaved
 * rows: the window of the second begins stride_h rows lower, and rows that a window does not have meet zero weights.
 *
 * Lanes are 16 neighbouring bytes of y: the channels [16i, 16i+16) of a pixel, the last such block ending at the last
 * channel; or, with stride 1 and few channels (`flat`), any 16 bytes of the row, which meet their weights in `panels` phases.
 * Channels beyond EL_QDW_GROUP are processed in groups, so that a piece of interleaved rows stays in the first-level cache. */
#ifndef EL_QDWCONV_H
#define EL_QDWCONV_H
#include "qmat.h"

#define EL_QDW_GROUP 256         /* channels interleaved at a time */
#define EL_QDW_BYTES (20 << 10)  /* of interleaved rows at a time */

typedef struct el_qdw_plan {
    int32_t flat, panels;            /* panels: phases, or blocks of 16 channels over all groups */
    int32_t groups, width;           /* groups of channels, width of all but the last */
    int32_t rows, planes;            /* output rows at a time; interleaved rows that they need */
    int32_t columns;                 /* outputs of a row at a time */
    size_t zero, panel_bytes, weight_bytes, thread_bytes, units; /* units: bytes of the interleaved rows, a part of thread_bytes */
} el_qdw_plan;

/* taps: T. unit: bytes of a unit. */
static inline el_qdw_plan el_qdw_plan_for(const el_qconv_params* p, int32_t taps, int32_t unit) {
    el_qdw_plan q = {.rows = 1, .planes = (p->kh + taps - 1) / taps, .groups = 1, .width = p->c};
    int32_t common = 16, c = p->c;
    while (c % common) common /= 2;
    q.flat = p->stride_w == 1 && (c < 16 || (c / common <= 9 && c * 5 < (c + 15) / 16 * 16 * 4));
    q.panels = q.flat ? c / common : (c + 15) / 16;
    if (c > EL_QDW_GROUP) {
        q.width = EL_QDW_GROUP;
        q.groups = (c + EL_QDW_GROUP - 1) / EL_QDW_GROUP;
    }
    if (p->dilation_h == 1 && p->oh > 1 && (p->kh + p->stride_h + taps - 1) / taps == q.planes) q.rows = 2;

    int64_t pixel = (int64_t)q.planes * q.width * unit, reach = (int64_t)(p->kw - 1) * p->dilation_w + 1;
    int64_t columns = (EL_QDW_BYTES / pixel - reach) / p->stride_w + 1;
    if (columns < 16) columns = 16; /* whole vectors of a flat row */
    q.columns = columns < p->ow ? (int32_t)(columns / 16 * 16) : p->ow;
    int64_t inputs = (q.columns - 1) * (int64_t)p->stride_w + reach;
    q.zero = el_align64((size_t)((p->w > inputs ? p->w : inputs) * c + 64));
    q.panel_bytes = (size_t)q.panels * sizeof(el_qpanel);
    q.weight_bytes = el_align64((size_t)((int64_t)q.panels * q.rows * q.planes * p->kw * 16 * unit));
    q.units = el_align64((size_t)(inputs * pixel + 64 * unit * q.planes));
    q.thread_bytes = q.units + el_align64((size_t)(2 * ((int64_t)q.columns * (c < 16 ? c : 0) + 16)));
    return q;
}

static inline size_t el_qdw_bytes(const el_qdw_plan* q, int32_t threads) {
    return q->zero + q->panel_bytes + q->weight_bytes + q->thread_bytes * (size_t)threads;
}
#endif
