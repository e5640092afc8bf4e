/* What the forms of qlstm_s8 share: its buffers, its scratch, and the loop over steps. */
#ifndef EL_QLSTM_H
#define EL_QLSTM_H
#include "el_quant.h"
#include <string.h>

#define EL_QLSTM_STEPS 4 /* steps whose products W x are computed together */

/* el_requantize of a in one step of 64 bits: with b = a << left and v = b * multiplier + round - (b < 0 ? carry : 0) it is v >> whole. Where only upper
 * halves of 64 bits can be taken cheaply, the same is (upper half of (v << twice)) >> high. */
typedef struct el_qlstm_scale {
    int64_t multiplier, round, carry, left, right, whole, twice, high;
} el_qlstm_scale;

/* Indices of scales. Of gate g: g for W x, 4 + g for R h, 8 + g for its peephole; then these two. */
enum { EL_QLSTM_OF_HIDDEN = 12, EL_QLSTM_OF_PROJECTION, EL_QLSTM_SCALES };

typedef struct el_qlstm {
    const el_qlstm_params* p;
    const int8_t *x, *w, *r;
    const int32_t *bias, *multiplier, *shift;
    const int16_t *h, *c, *peephole, *norm;
    const int32_t* norm_bias;
    const int8_t* projection;
    const int32_t* projection_bias;
    int8_t* y;
    int16_t* last_c;
    int32_t gates, first;              /* number of gates; the first of i, f, g, o that there is */
    int64_t width;                     /* cells rounded up to 32 */
    int64_t quads_x, quads_h, quads_c; /* groups of four numbers in a row of x, of h and of the cells */
    /* Scratch. Past the last cell, input and output there are zeros in rows and hidden, anything in the others. */
    int16_t *state;     /* c [width] */
    int16_t *gate;      /* [4][width] */
    int16_t *entering;  /* W x of this step and later ones [2 EL_QLSTM_STEPS][4][width] */
    int16_t *weights_c; /* peepholes of this sample [3][width] */
    int8_t *rows;       /* of x [EL_QLSTM_STEPS][4 quads_x] */
    int8_t *hidden;     /* h' before projection [width] */
    int8_t *result;     /* the last output [4 quads_h rounded up to 32] */
    const el_qlstm_scale* scale; /* [EL_QLSTM_SCALES]; NULL for the scalar kernel */
} el_qlstm;

static inline int64_t el_qlstm_width(int64_t n) { return (n + 31) & ~31ll; }

static inline size_t el_qlstm_scratch_bytes(const el_qlstm_params* p) {
    const int64_t width = el_qlstm_width(p->cells);
    return (size_t)(2 * width * (1 + 4 + 4 * 2 * EL_QLSTM_STEPS + 3) + el_qlstm_width(p->inputs) * EL_QLSTM_STEPS + width + el_qlstm_width(p->outputs));
}

static inline el_qlstm el_qlstm_of(const el_ctx* ctx, const el_qlstm_params* p, void* const* buffers) {
    el_qlstm l = {p, buffers[0], buffers[1], buffers[2], buffers[3], buffers[4], buffers[5], buffers[6], buffers[7], buffers[8], buffers[9], buffers[10],
                  buffers[11], buffers[12], buffers[13], buffers[14], p->coupled ? 3 : 4, p->coupled ? 1 : 0, el_qlstm_width(p->cells),
                  (p->inputs + 3) / 4, (p->outputs + 3) / 4, (p->cells + 3) / 4, ctx->scratch, NULL, NULL, NULL, NULL, NULL, NULL, NULL};
    l.gate = l.state + l.width;
    l.entering = l.gate + 4 * l.width;
    l.weights_c = l.entering + 4 * l.width * 2 * EL_QLSTM_STEPS;
    l.rows = (int8_t*)(l.weights_c + 3 * l.width);
    l.hidden = l.rows + el_qlstm_width(p->inputs) * EL_QLSTM_STEPS;
    l.result = l.hidden + l.width;
    return l;
}

/* The state and the peepholes before the first step of sample n. Rows of peepholes are taken as TFLite does, which counts rows of cells for
 * as long as there are outputs; where it reads none there is 0, which adds nothing. */
static inline void el_qlstm_begin(const el_qlstm* l, int64_t n) {
    const el_qlstm_params* p = l->p;
    memset(l->state, 0, (size_t)l->width * 2);
    memset(l->hidden, 0, (size_t)l->width);
    memset(l->result, 0, (size_t)el_qlstm_width(p->outputs));
    if (l->c) memcpy(l->state, l->c + n * p->cells, (size_t)p->cells * 2);
    for (int32_t o = 0; o < p->outputs; o++) {
        int32_t h = p->h_initial + (l->h ? l->h[n * p->outputs + o] : 0);
        l->result[o] = (int8_t)(h < -128 ? -128 : h > 127 ? 127 : h);
    }
    if (!l->peephole) return;
    memset(l->weights_c, 0, (size_t)l->width * 3 * 2);
    for (int64_t k = 0; k < p->cells; k++) {
        int64_t flat = p->time_major ? n * p->cells + k : k;
        if (flat >= (p->time_major ? (int64_t)p->batch * p->outputs : p->outputs)) break;
        for (int32_t g = 0; g < 3; g++) l->weights_c[g * l->width + k] = l->peephole[(int64_t)g * p->cells + flat % p->outputs];
    }
}

/* The row of x or y of step t of sample n. */
static inline int64_t el_qlstm_row(const el_qlstm_params* p, int64_t n, int64_t t) { return p->time_major ? t * p->batch + n : n * p->steps + t; }

/* The parts of a step: sums of the gates (W x + R h); c' from i, f, g; h' from o and c'. */
enum { EL_QLSTM_SUMS = 1, EL_QLSTM_STATE = 2, EL_QLSTM_HIDDEN = 4 };

typedef struct el_qlstm_job {
    const el_qlstm* l;
    const int8_t* x;    /* rows of later steps, whose W x is computed meanwhile, x_next bytes apart; numbers past the last input are 0 */
    int64_t x_next;
    int64_t rows;       /* how many rows there are, up to EL_QLSTM_STEPS */
    int64_t part;       /* which part of their W x this step computes */
    int16_t *entered;   /* W x of this step [4][width] */
    int16_t *entering;  /* W x of the later steps [EL_QLSTM_STEPS][4][width] */
    int8_t *h, *hidden; /* h, which the step reads; h' before projection, which it makes */
    int32_t parts;      /* of the step that are wanted */
} el_qlstm_job;

/* What an instruction set brings: bodies that take an el_qlstm_job and ranges of `block` cells, or of 16 outputs. */
typedef struct el_qlstm_isa {
    el_body_fn entering, step, projection; /* W x of the next steps; a step, or parts of it; P h' */
    void (*peep)(const el_qlstm* l, int32_t gate);  /* adds what the peephole of a gate sees of the cells */
    int32_t block;
} el_qlstm_isa;

/* The sums of gate g to mean 0 and variance 1, times weights plus bias. */
void el_qlstm_normalize(const el_qlstm* l, int32_t g);

/* Constants of the functions, as whole vectors in another file: a compiler that saw their values would make each anew, in general registers, at every
 * use. */
enum { EL_QLSTM_POWER, EL_QLSTM_EXP = 16, EL_QLSTM_EIGHTH = 23, EL_QLSTM_THIRD, EL_QLSTM_48_17, EL_QLSTM_32_17, EL_QLSTM_MAX, EL_QLSTM_REST, EL_QLSTM_CONSTANTS };
extern const int16_t el_qlstm_constants[EL_QLSTM_CONSTANTS][16]; /* 2^0 .. 2^15; el_fixed16.h's; INT16_MAX; 2^13 - 1 */

void el_qlstm_run(const el_ctx* ctx, const el_qlstm_params* p, void* const* buffers, const el_qlstm_isa* isa);

static inline int32_t el_qlstm_clip(int32_t x, int32_t clip) { return clip > 0 && x > clip ? clip : clip > 0 && x < -clip ? -clip : x; }

#endif
