/* Scratch of qdwconv_s8, large enough for every instruction set: zero row, panels, rearranged weights, and one pointer
 * table per thread: [ow][even number of taps] pointers to the input pixel of channel 0.
 * Weights are [ceil(c/16)][ceil(taps/2)][16][2] int16, or [ceil(c/64)][ceil(taps/4)][64][4] int8 with AVX512-VNNI. */
#ifndef EL_QDWCONV_H
#define EL_QDWCONV_H
#include "qmat.h"

typedef struct el_qdw_layout {
    size_t zero, panels, weights, table; /* bytes; table: per thread */
} el_qdw_layout;

static inline el_qdw_layout el_qdw_sizes(const el_qconv_params* p) {
    size_t blocks = ((size_t)p->c + 63) / 64, taps = (size_t)p->kh * (size_t)p->kw;
    return (el_qdw_layout){((size_t)p->c + 79) / 64 * 64, blocks * 4 * sizeof(el_qpanel), blocks * 4 * ((taps + 1) / 2) * 64,
                           ((size_t)p->ow * ((taps + 1) / 2 * 2) * sizeof(void*) + 63) / 64 * 64};
}
#endif
