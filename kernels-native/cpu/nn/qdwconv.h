/* Scratch of qdwconv_s8: zero row, panels, weights of tap pairs as int16, one pointer table per thread.
 *   pairs:  [ceil(c/16)][ceil(kh*kw/2)][16][2] int16
 *   tables: [ow][even number of taps] pointers to the input pixel of channel 0 */
#ifndef EL_QDWCONV_H
#define EL_QDWCONV_H
#include "qmat.h"

typedef struct el_qdw_layout {
    size_t zero, panels, pairs, table; /* bytes; table: per thread */
} el_qdw_layout;

static inline el_qdw_layout el_qdw_sizes(const el_qconv_params* p) {
    size_t blocks = ((size_t)p->c + 15) / 16, pairs = ((size_t)p->kh * (size_t)p->kw + 1) / 2;
    return (el_qdw_layout){((size_t)p->c + 79) / 64 * 64, blocks * sizeof(el_qpanel), blocks * pairs * 64,
                           ((size_t)p->ow * pairs * 2 * sizeof(void*) + 63) / 64 * 64};
}
#endif
