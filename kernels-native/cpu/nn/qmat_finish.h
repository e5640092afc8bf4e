/* The end of a tile over sixteen-lane vectors: y = clamp(el_requantize(acc) + y_zero). acc is [count][64]. */
#ifndef EL_QMAT_FINISH_H
#define EL_QMAT_FINISH_H
#include "qmat.h"
#include "qvec.h"

static void finish_rows(const el_qtile* t, int32_t r0, int32_t count, const int32_t* acc) {
    for (int32_t p = 0; p < t->panel_count; p++) {
        const el_qpanel* e = &t->panels[p];
        q16 m = q16_load(e->multiplier), left = q16_load(e->left), right = q16_load(e->right);
        for (int32_t r = 0; r < count; r++) {
            q16 v = q16_requantize(q16_load(acc + r * 64 + p * 16), m, left, right);
            q16_store8_part(t->y[r0 + r] + p * 16, q16_clamp(v, t->y_zero, t->y_min, t->y_max), t->columns - p * 16);
        }
    }
}
#endif
