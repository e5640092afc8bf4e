#include "qlstm.h"
#include "el_fixed16.h"

#define EIGHT(x) (int16_t)(x), (int16_t)(x), (int16_t)(x), (int16_t)(x), (int16_t)(x), (int16_t)(x), (int16_t)(x), (int16_t)(x)
#define ROW(x) {EIGHT(x), EIGHT(x)}
#define FOUR_POWERS(n) ROW(1 << (n)), ROW(2 << (n)), ROW(4 << (n)), ROW(8 << (n))
const int16_t el_qlstm_constants[EL_QLSTM_CONSTANTS][16] __attribute__((aligned(32))) = {
    FOUR_POWERS(0), FOUR_POWERS(4), FOUR_POWERS(8), FOUR_POWERS(12), EL_FIXED16_EXP(ROW), ROW(EL_FIXED16_EXP_EIGHTH), ROW(EL_FIXED16_THIRD),
    ROW(EL_FIXED16_48_17), ROW(EL_FIXED16_32_17), ROW(INT16_MAX), ROW((1 << 13) - 1),
};

/* What comes to the sums of a gate before its function. */
static void finish(const el_qlstm* l, const el_qlstm_isa* isa, int32_t g) {
    if (l->peephole && g != 2) isa->peep(l, g);
    if (l->norm) el_qlstm_normalize(l, g);
}

/* Takes the rows of x of the steps from t on, where they are if nothing is to follow their last input. */
static void take_rows(el_qlstm_job* j, int64_t n, int64_t t) {
    const el_qlstm* l = j->l;
    const el_qlstm_params* p = l->p;
    const int64_t left = p->steps - t;
    j->rows = left < 0 ? 0 : left < EL_QLSTM_STEPS ? left : EL_QLSTM_STEPS;
    j->entering = l->entering + t / EL_QLSTM_STEPS % 2 * EL_QLSTM_STEPS * 4 * l->width;
    j->x = l->x + el_qlstm_row(p, n, t) * p->inputs;
    j->x_next = (el_qlstm_row(p, n, 1) - el_qlstm_row(p, n, 0)) * p->inputs;
    if (p->inputs % 4 == 0) return;
    for (int64_t r = 0; r < j->rows; r++) {
        int8_t* to = l->rows + r * 4 * l->quads_x;
        memset(to + 4 * l->quads_x - 4, 0, 4);
        memcpy(to, j->x + r * j->x_next, (size_t)p->inputs);
    }
    j->x = l->rows, j->x_next = 4 * l->quads_x;
}

static el_qlstm_scale scale_of(int32_t multiplier, int32_t shift) {
    const int32_t left = shift > 0 ? shift : 0, right = shift > 0 ? 0 : -shift;
    return (el_qlstm_scale){multiplier, (1ll << 30) + (right ? 1ll << (30 + right) : 0), right ? 1ll << 31 : 0, left, right, 31 + right, !right, right ? right - 1 : 0};
}

/* Lanes past the last cell, input or output hold anything: weights are zero there. */
void el_qlstm_run(const el_ctx* ctx, const el_qlstm_params* p, void* const* buffers, const el_qlstm_isa* isa) {
    el_qlstm l = el_qlstm_of(ctx, p, buffers);
    el_qlstm_scale scale[EL_QLSTM_SCALES];
    for (int i = 0; i < (l.peephole ? 12 : 8); i++) scale[i] = scale_of(l.multiplier[i], l.shift[i]);
    scale[EL_QLSTM_OF_HIDDEN] = scale_of(p->hidden_multiplier, p->hidden_shift);
    scale[EL_QLSTM_OF_PROJECTION] = scale_of(p->projection_multiplier, p->projection_shift);
    l.scale = scale;
    const int64_t blocks = (p->cells + isa->block - 1) / isa->block, panels = (p->outputs + 15) / 16, threads = el_ctx_threads(ctx);
    /* One piece for each thread, which finds its part of the weights in its own cache, where one step has products that are worth waking it. */
    const int few = l.width * l.gates * p->outputs < 1 << 18;
    const int64_t grain = few ? blocks : (blocks + threads - 1) / threads, panel_grain = few ? panels : (panels + threads - 1) / threads;
    el_qlstm_job j = {.l = &l};
    for (int64_t n = 0; n < p->batch; n++) {
        el_qlstm_begin(&l, n);
        j.h = l.result, j.hidden = l.hidden;
        take_rows(&j, n, 0);
        el_parallel(ctx, blocks, grain, isa->entering, &j);
        for (int64_t t = 0; t < p->steps; t++) {
            j.part = t % EL_QLSTM_STEPS;
            if (j.part == 0) take_rows(&j, n, t + EL_QLSTM_STEPS);
            j.entered = l.entering + t % (2 * EL_QLSTM_STEPS) * 4 * l.width;
            if (l.peephole || l.norm) {
                j.parts = EL_QLSTM_SUMS, el_parallel(ctx, blocks, grain, isa->step, &j);
                for (int32_t g = l.first; g < 3; g++) finish(&l, isa, g);
                j.parts = EL_QLSTM_STATE, el_parallel(ctx, blocks, grain, isa->step, &j);
                finish(&l, isa, 3);
                j.parts = EL_QLSTM_HIDDEN, el_parallel(ctx, blocks, grain, isa->step, &j);
            } else {
                j.parts = EL_QLSTM_SUMS | EL_QLSTM_STATE | EL_QLSTM_HIDDEN, el_parallel(ctx, blocks, grain, isa->step, &j);
            }
            if (l.projection) {
                el_parallel(ctx, panels, panel_grain, isa->projection, &j);
            } else {
                int8_t* h = j.h;
                j.h = j.hidden, j.hidden = h;
            }
            memcpy(l.y + el_qlstm_row(p, n, t) * p->outputs, j.h, (size_t)p->outputs);
        }
        if (l.last_c) memcpy(l.last_c + n * p->cells, l.state, (size_t)p->cells * 2);
    }
}
