/* The products of qlstm_s8 over one instruction set's product of quads. The including file brings:
 *   weights, weights_load(p): one panel's 64 bytes [16 columns][4]
 *   sums, sums_from(q16 start), sums_add(sums, weights, quad): adds their products with four numbers of x
 *   sums_columns(sums, q16 start): start + what each column came to
 *   next_cells, put_out and peep of qlstm_gates.h, or of another set with such lanes
 *   EL_SETS: gates with one row, or rows with one gate, whose products are taken at once, as far as registers go
 *   EL_UNITS: 1 where a few last cells go in units, with qlstm_units.h
 *   EL_FLIP: 1 where weights are w + 128 as unsigned bytes, so that 128 times the sum of x is in each column's sum; then also
 *   sums_total(q16, quad), which adds 128 times the four numbers to each lane. */
#ifndef EL_QLSTM_PRODUCTS_H
#define EL_QLSTM_PRODUCTS_H
#include "qlstm_vec.h"

#if EL_UNITS
#define EL_TOGETHER 2 /* blocks of a step whose functions go side by side */
#else
#define EL_TOGETHER 1
/* No block is taken in units, so that none of the others is called. */
EL_VEC int64_t units_of(const el_qlstm* l, int64_t block) { return 0; }
EL_VEC void enter_units(const el_qlstm_job* j, int64_t block, int64_t part, int64_t units) {}
EL_VEC w16 unit_sums(const el_qlstm_job* j, int64_t block, int64_t unit) { return w16_load(j->l->state); }
EL_VEC w16 unit_cells(const el_qlstm* l, int64_t block, int64_t unit, w16 v, w16* next) { return *next = v; }
EL_VEC void unit_put_out(const el_qlstm_job* j, int64_t block, int64_t unit, w16 v, w16 next) {}
#endif

/* Where the panels of some gates are: weights, starts, and the bytes and numbers from one to the next. Where a gate has one panel less than a
 * block it stands for the block's second, too, whose columns are past the last cell. */
typedef struct sets {
    const int8_t* w[EL_SETS];
    const int32_t* start[EL_SETS];
    int64_t w_next, start_next;
} sets;

EL_VEC sets sets_of(const int8_t* w, int64_t quads, const int32_t* start, int64_t panels, int64_t block, const int64_t* at, const int SETS) {
    sets a;
    const int64_t next = panels - block * EL_Q > 1 ? 1 : 0;
    a.w_next = next * quads * 64, a.start_next = next * 16;
    EL_EACH (int i = 0; i < SETS; i++) a.w[i] = w + (at[i] * panels + block * EL_Q) * quads * 64, a.start[i] = start + (at[i] * panels + block * EL_Q) * 16;
    return a;
}

/* out[set or row][panel] = start + columns with ROWS rows of x, `stride` bytes apart; ROWS or SETS is 1. */
EL_VEC void multiply(const sets* a, int64_t quads, const int8_t* x, int64_t stride, q16 out[][EL_Q], const int ROWS, const int SETS) {
    sums sum[4][EL_Q];
    const int OUTS = ROWS * SETS;
    EL_EACH (int o = 0; o < OUTS; o++) EL_EACH (int p = 0; p < EL_Q; p++) sum[o][p] = sums_from(q16_load(a->start[SETS == 1 ? 0 : o] + p * a->start_next));
#if EL_FLIP
    q16 total[4];
    EL_EACH (int r = 0; r < ROWS; r++) total[r] = q16_set(0);
#endif
    for (int64_t k = 0; k < quads; k++, x += 4) {
        int32_t quad[4];
        EL_EACH (int r = 0; r < ROWS; r++) {
            memcpy(&quad[r], x + r * stride, 4);
#if EL_FLIP
            total[r] = sums_total(total[r], quad[r]);
#endif
        }
        EL_EACH (int i = 0; i < SETS; i++)
            EL_EACH (int p = 0; p < EL_Q; p++) {
                const weights four = weights_load(a->w[i] + k * 64 + p * a->w_next);
                EL_EACH (int r = 0; r < ROWS; r++) sum[i + r][p] = sums_add(sum[i + r][p], four, quad[r]);
            }
    }
    EL_EACH (int o = 0; o < OUTS; o++)
        EL_EACH (int p = 0; p < EL_Q; p++) {
            out[o][p] = sums_columns(sum[o][p], q16_load(a->start[SETS == 1 ? 0 : o] + p * a->start_next));
#if EL_FLIP
            out[o][p] = q16_sub(out[o][p], total[SETS == 1 ? o : 0]);
#endif
        }
}

static inline int64_t panels_of(const el_qlstm* l) { return (l->p->cells + 15) / 16; }

/* One row of x with one block of all gates, requantized; `add` is added, or NULL. to[gate], of which the first is left out where gates are coupled. */
static __attribute__((noinline)) void row_block(const el_qlstm* l, int32_t second, const int8_t* x, const int16_t* add, w16* to, int64_t block) {
    const int64_t panels = panels_of(l), quads = second ? l->quads_h : l->quads_x;
    EL_EACH (int64_t first = 0; first < 4; first += EL_SETS) {
        int64_t at[EL_SETS];
        EL_EACH (int i = 0; i < EL_SETS; i++) at[i] = first + i < l->first ? 0 : first + i - l->first;
        const sets a = sets_of(second ? l->r : l->w, quads, l->bias + second * l->gates * panels * 16, panels, block, at, EL_SETS);
        q16 sum[4][EL_Q];
        multiply(&a, quads, x, 0, sum, 1, EL_SETS);
        EL_EACH (int i = 0; i < EL_SETS; i++) {
            const int64_t gate = first + i;
            const scaling s = scaling_of(l->scale + 4 * second + gate);
            EL_EACH (int p = 0; p < EL_Q; p++) {
                sum[i][p] = scaled(sum[i][p], s);
                if (add) sum[i][p] = q16_add(sum[i][p], q16_load16(add + gate * l->width + block * EL_BLOCK + 16 * p));
            }
            to[gate] = w16_columns(sum[i]);
        }
    }
}

/* A part of what enters the steps after these: of four steps one gate, of fewer one step. */
static void enter(const el_qlstm_job* j, int64_t block, int64_t part) {
    const el_qlstm* l = j->l;
    int16_t* to = j->entering + block * EL_BLOCK;
    const int64_t units = units_of(l, block);
    if (units) {
        enter_units(j, block, part, units);
        return;
    }
    if (j->rows == EL_QLSTM_STEPS) {
        const int64_t at = part - l->first;
        if (at < 0) return;
        const sets a = sets_of(l->w, l->quads_x, l->bias, panels_of(l), block, &at, 1);
        const scaling s = scaling_of(l->scale + part);
        for (int64_t first = 0; first < 4; first += EL_SETS) {
            q16 sum[4][EL_Q];
            multiply(&a, l->quads_x, j->x + first * j->x_next, j->x_next, sum, EL_SETS, 1);
            EL_EACH (int r = 0; r < EL_SETS; r++) {
                EL_EACH (int p = 0; p < EL_Q; p++) sum[r][p] = scaled(sum[r][p], s);
                w16_store(to + ((first + r) * 4 + part) * l->width, w16_columns(sum[r]));
            }
        }
    } else if (part < j->rows) {
        w16 v[4];
        row_block(l, 0, j->x + part * j->x_next, NULL, v, block);
        EL_EACH (int g = 0; g < 4; g++) w16_store(to + (part * 4 + g) * l->width, v[g]);
    }
}

static void entering(void* arg, int64_t begin, int64_t end, int32_t worker) {
    for (int64_t block = begin; block < end; block++)
        for (int64_t part = 0; part < EL_QLSTM_STEPS; part++) enter(arg, block, part);
}

/* Some blocks of a step: sums of the gates, or what was made of them in memory, then as much as is asked for. Functions wait for each other, so
 * those of two blocks and of the units go side by side. What enters later steps waits for nothing: a processor computes it while what is put out
 * waits for the cells. */
static void step(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_qlstm_job* j = arg;
    const el_qlstm* l = j->l;
    const int64_t in_units = units_of(l, end - 1), whole = end - (in_units ? 1 : 0);
    for (int64_t first = begin; first < end;) {
        const int64_t last = whole - first < EL_TOGETHER ? whole : first + EL_TOGETHER, units = last == whole ? in_units : 0;
        w16 v[EL_TOGETHER][4], unit[2], cells[2];
        for (int64_t u = 0; u < units; u++) unit[u] = unit_sums(j, whole, u);
        for (int64_t block = first; block < last; block++) {
            const int16_t* gate = l->gate + block * EL_BLOCK;
            if (j->parts & EL_QLSTM_SUMS) row_block(l, 1, j->h, j->entered, v[block - first], block);
            else EL_EACH (int g = 0; g < 4; g++) v[block - first][g] = w16_load(gate + g * l->width);
        }
        for (int64_t u = 0; u < units; u++) unit[u] = unit_cells(l, whole, u, unit[u], &cells[u]);
        if (j->parts & EL_QLSTM_STATE)
            for (int64_t block = first; block < last; block++) {
                int16_t* state = l->state + block * EL_BLOCK;
                w16_store(state, next_cells(l, v[block - first], w16_load(state)));
            }
        if (j->parts & EL_QLSTM_HIDDEN) {
            for (int64_t block = first; block < last + (units ? 1 : 0); block++) enter(j, block, j->part);
            for (int64_t u = 0; u < units; u++) unit_put_out(j, whole, u, unit[u], cells[u]);
            for (int64_t block = first; block < last; block++)
                put_out(l, v[block - first][3], w16_load(l->state + block * EL_BLOCK), j->hidden + block * EL_BLOCK);
        }
        if (j->parts == EL_QLSTM_SUMS)
            for (int64_t block = first; block < last; block++)
                EL_EACH (int g = 0; g < 4; g++) w16_store(l->gate + g * l->width + block * EL_BLOCK, v[block - first][g]);
        first = last + (units ? 1 : 0);
    }
}

static void projection(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_qlstm_job* j = arg;
    const el_qlstm* l = j->l;
    const el_qlstm_params* p = l->p;
    const scaling s = scaling_of(l->scale + EL_QLSTM_OF_PROJECTION);
    const int32_t most = p->projection_clip > 0 ? p->projection_clip : 127, least = p->projection_clip > 0 ? -most : -128;
    for (int64_t panel = begin; panel < end; panel++) {
        const int64_t count = p->outputs - panel * 16;
        int32_t bias[16] = {0};
        memcpy(bias, l->projection_bias + panel * 16, (size_t)(count < 16 ? count : 16) * 4);
        const sets a = {.w = {l->projection + panel * l->quads_c * 64}, .start = {bias}};
        q16 sum[4][EL_Q];
        multiply(&a, l->quads_c, j->hidden, 0, sum, 1, 1);
        q16_store8_part(l->result + panel * 16, q16_clamp(scaled(sum[0][0], s), p->projection_zero, least, most), count);
    }
}

#define EL_QLSTM_KERNEL(isa) \
    void el_qlstm_s8__##isa(const el_ctx* ctx, const void* params, void* const* buffers) { \
        static const el_qlstm_isa brought = {entering, step, projection, peep, EL_BLOCK}; \
        el_qlstm_run(ctx, params, buffers, &brought); \
    }

#endif
