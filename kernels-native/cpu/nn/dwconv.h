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

/* Zeros, and what is joined: a bias for each lane, then weights of at most 5x5 taps. */
#define EL_DWCONV_TAPS 25
static inline size_t el_dwconv_shared_bytes(const el_conv_params* p) {
    return el_dwconv_zero_bytes(p) + (EL_DWCONV_TAPS + 1) * EL_PANEL * sizeof(float);
}

/* Two addresses for each kernel row, and one table of columns for each, and one for rows outside. */
static inline size_t el_dwconv_worker_bytes(const el_conv_params* p) {
    return el_align64(sizeof(void*) * (size_t)(2 * p->kh + (p->kh + 1) * el_dwconv_columns(p)));
}

#endif
