#include "qlstm.h"

/* What comes to the sums of a gate before its function. */
static void finish(const el_qlstm* l, const el_qlstm_isa* isa, int32_t g) {
    if (l->peephole && g != 2) isa->peep(l, g);
    if (l->norm) el_qlstm_normalize(l, g);
}

/* Lanes past the last cell, input or output hold anything: weights are zero there. */
void el_qlstm_run(const el_ctx* ctx, const el_qlstm_params* p, void* const* buffers, const el_qlstm_isa* isa) {
    const el_qlstm l = el_qlstm_of(ctx, p, buffers);
    const int64_t blocks = (p->cells + isa->block - 1) / isa->block, panels = (p->outputs + 15) / 16, threads = el_ctx_threads(ctx);
    /* One piece for each thread, which finds its part of the weights in its own cache, where one step has products that are worth waking it. */
    const int few = l.width * l.gates * p->outputs < 1 << 18;
    const int64_t grain = few ? blocks : (blocks + threads - 1) / threads, panel_grain = few ? panels : (panels + threads - 1) / threads;
    el_qlstm_job j = {&l, 0, 0};
    for (int64_t n = 0; n < p->batch; n++) {
        el_qlstm_begin(&l, n);
        for (int64_t t = 0; t < p->steps; t++) {
            j.row = t % EL_QLSTM_STEPS;
            if (j.row == 0) {
                j.rows = p->steps - t < EL_QLSTM_STEPS ? p->steps - t : EL_QLSTM_STEPS;
                for (int64_t r = 0; r < j.rows; r++) {
                    int8_t* to = l.rows + r * 4 * l.quads_x;
                    memset(to + 4 * l.quads_x - 4, 0, 4);
                    memcpy(to, l.x + el_qlstm_row(p, n, t + r) * p->inputs, (size_t)p->inputs);
                }
                el_parallel(ctx, blocks, grain, isa->entering, &j);
            }
            el_parallel(ctx, blocks, grain, isa->recurrent, &j);
            if (l.peephole || l.norm) {
                for (int32_t g = l.first; g < 3; g++) finish(&l, isa, g);
                isa->next(&l, EL_QLSTM_STATE);
                finish(&l, isa, 3);
                isa->next(&l, EL_QLSTM_HIDDEN);
            } else {
                isa->next(&l, EL_QLSTM_STATE | EL_QLSTM_HIDDEN);
            }
            if (l.projection) el_parallel(ctx, panels, panel_grain, isa->projection, &j);
            memcpy(l.y + el_qlstm_row(p, n, t) * p->outputs, l.result, (size_t)p->outputs);
        }
        if (l.last_c) memcpy(l.last_c + n * p->cells, l.state, (size_t)p->cells * 2);
    }
}
