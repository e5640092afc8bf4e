/* Scratch of dwconv_f32 and dwconv_f16, the same for every instruction set: a pixel of zeros, weights of the last channels joined to one
 * vector, and for each worker the tables of dwconv_rows.h. */
#ifndef EL_DWCONV_H
#define EL_DWCONV_H
#include "el_nn.h"

/* Columns of the padded input that a row of outputs sees. */
static inline int64_t el_dwconv_columns(const el_conv_params* p) {
    return ((int64_t)p->ow - 1) * p->stride_w + ((int64_t)p->kw - 1) * p->dilation_w + 1;
}
static inline size_t el_dwconv_zero_bytes(const el_conv_params* p) { return el_align64((size_t)p->c * sizeof(float)); }

/* What all workers read: the pixel of zeros, then the vector of last channels: a bias for each lane, then its weights, of at most 5x5 taps. */
#define EL_DWCONV_TAPS 25
static inline size_t el_dwconv_shared_bytes(const el_conv_params* p) {
    return el_dwconv_zero_bytes(p) + (EL_DWCONV_TAPS + 1) * EL_PANEL * sizeof(float);
}

/* For each kernel row an address of its input row, one of its table, and the table itself, which says where columns lie; and one table more for rows
 * outside of the input. */
static inline size_t el_dwconv_tables_bytes(const el_conv_params* p) {
    return el_align64(sizeof(void*) * (size_t)(2 * p->kh + (p->kh + 1) * el_dwconv_columns(p)));
}

#define EL_DWCONV_NEAR (28 << 10)  /* share of the first-level cache for the input of a block, */
#define EL_DWCONV_CACHE (48 << 10) /* and all of it where it is large */
#define EL_DWCONV_LEAST 32         /* channels: two lines of a cache come together */

/* Most channels of a block, of `bytes` each. */
static inline int64_t el_dwconv_block(const el_conv_params* p, int64_t bytes) {
    const int64_t fit = EL_DWCONV_NEAR / (((int64_t)p->kh + p->stride_h) * p->w * bytes) / EL_PANEL * EL_PANEL;
    return fit < EL_DWCONV_LEAST ? EL_DWCONV_LEAST : fit;
}

/* Whether the rows of a block of channels are copied together before they are used. That is so where pixels lie a multiple of a large power of two of
 * cache lines apart: the block then falls on so few sets of the first-level cache that a window and its outputs do not fit, however small they are. */
static inline int el_dwconv_packs(const el_conv_params* p, int64_t bytes) {
    const int64_t line = 64, sets = 64, pixel = p->c * bytes, block = el_dwconv_block(p, bytes), rows = (int64_t)p->w * block * bytes * (p->kh + 1);
    if (pixel % line != 0 || p->dilation_h != 1 || p->dilation_w != 1 || block >= p->c || rows > EL_DWCONV_CACHE) return 0;
    int64_t apart = (pixel / line) & -(pixel / line);
    if (apart > sets) apart = sets;
    return rows * apart > EL_DWCONV_CACHE * (block * bytes / line);
}

/* The tables, and room for the copied rows of a window where they are copied. */
static inline size_t el_dwconv_worker_bytes(const el_conv_params* p) {
    const int packs = el_dwconv_packs(p, 4) || el_dwconv_packs(p, 2);
    return el_dwconv_tables_bytes(p) + (packs ? el_align64((size_t)(p->kh * p->w * el_dwconv_block(p, 2)) * sizeof(float)) : 0);
}

#endif
