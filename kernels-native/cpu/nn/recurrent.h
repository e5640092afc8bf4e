/* Scratch of the recurrent kernels: two hidden states, taken in turn, and the cell state, [directions][batch][H16] each. */
#ifndef EL_RECURRENT_H
#define EL_RECURRENT_H
#include "el_nn.h"
#include <math.h>
#include <string.h>

static inline int64_t el_recurrent_blocks(const el_recurrent_params* p) { return (p->hidden + EL_PANEL - 1) / EL_PANEL; }
static inline int64_t el_recurrent_state(const el_recurrent_params* p) {
    return (int64_t)p->directions * p->batch * el_recurrent_blocks(p) * EL_PANEL;
}
static inline size_t el_recurrent_scratch_bytes(const el_recurrent_params* p) { return (size_t)(3 * el_recurrent_state(p)) * sizeof(float); }

/* state[directions][batch][H16] from first[directions][batch][hidden], or zero. */
static inline void el_recurrent_load(const el_recurrent_params* p, const float* first, float* state) {
    int64_t rows = (int64_t)p->directions * p->batch, width = el_recurrent_blocks(p) * EL_PANEL;
    memset(state, 0, (size_t)(rows * width) * sizeof(float));
    for (int64_t r = 0; first && r < rows; r++) memcpy(state + r * width, first + r * p->hidden, (size_t)p->hidden * sizeof(float));
}

static inline void el_recurrent_store(const el_recurrent_params* p, const float* state, float* last) {
    int64_t rows = (int64_t)p->directions * p->batch, width = el_recurrent_blocks(p) * EL_PANEL;
    for (int64_t r = 0; last && r < rows; r++) memcpy(last + r * p->hidden, state + r * width, (size_t)p->hidden * sizeof(float));
}

/* The bound of the cell state: that of every number where there is none. */
static inline float el_recurrent_clip(const el_recurrent_params* p) { return p->cell_clip > 0 ? p->cell_clip : INFINITY; }

/* The step that direction d takes as its s-th. */
static inline int64_t el_recurrent_time(const el_recurrent_params* p, int64_t d, int64_t s) {
    return d == 1 || p->backward ? p->steps - 1 - s : s;
}

#endif
