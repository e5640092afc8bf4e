/* int8 depthwise convolution, 16 channels in lanes. Taps go in pairs: (x0*w0 + x1*w1) per lane in int16 x int16 -> int32,
 * exact. Positions outside the input read a row of x_zero, so that acc = sum(x*w) + bias - x_zero*wsum everywhere.
 * The last block of 16 channels starts at c-16 and overlaps the one before; with c < 16 loads and stores are partial. */
#include "qdwconv.h"
#include "qvec.h"

EL_KERNEL_SIMD(qdwconv_s8, el_qconv_params)

typedef struct el_qdw {
    const el_qconv_params* p;
    const int8_t *x, *zero;
    int8_t* y;
    const el_qpanel* panels;
    const int16_t* pairs;
    uint8_t* tables;
    size_t table_bytes;
    int32_t pair_count, blocks;
} el_qdw;

EL_VEC q16 accumulate(const int8_t* const* taps, int64_t base, const int16_t* w, q16 acc, int32_t pairs) {
    for (int32_t t = 0; t < pairs; t++) acc = q16_dot2(acc, taps[2 * t] + base, taps[2 * t + 1] + base, w + 32 * t);
    return acc;
}

/* One output row of one block; `pairs` is a constant at the call sites that matter. */
EL_VEC void row_of_block(const el_qdw* a, int32_t block, const int8_t* const* table, int8_t* y, int32_t pairs) {
    const el_qconv_params* p = a->p;
    int64_t base = block * 16 + 16 <= p->c ? block * 16 : p->c - 16;
    const el_qpanel* e = &a->panels[block];
    const int16_t* w = a->pairs + (int64_t)block * pairs * 32;
    q16 start = q16_load(e->start), m = q16_load(e->multiplier), left = q16_load(e->left), right = q16_load(e->right);
    for (int32_t ox = 0; ox < p->ow; ox++, table += 2 * pairs) {
        q16 acc = accumulate(table, base, w, start, pairs);
        q16_store8(y + (int64_t)ox * p->c + base, q16_clamp(q16_requantize(acc, m, left, right), p->y_zero, p->y_min, p->y_max));
    }
}

static void narrow_row(const el_qdw* a, const int8_t* const* table, int8_t* y) {
    const el_qconv_params* p = a->p;
    const el_qpanel* e = a->panels;
    q16 m = q16_load(e->multiplier), left = q16_load(e->left), right = q16_load(e->right);
    for (int32_t ox = 0; ox < p->ow; ox++, table += 2 * a->pair_count) {
        q16 acc = q16_load(e->start);
        for (int32_t t = 0; t < a->pair_count; t++) {
            int8_t x[2][16] = {{0}};
            memcpy(x[0], table[2 * t], (size_t)p->c);
            memcpy(x[1], table[2 * t + 1], (size_t)p->c);
            acc = q16_dot2(acc, x[0], x[1], a->pairs + 32 * t);
        }
        q16_store8_part(y + (int64_t)ox * p->c, q16_clamp(q16_requantize(acc, m, left, right), p->y_zero, p->y_min, p->y_max), p->c);
    }
}

static void rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_qdw* a = arg;
    const el_qconv_params* p = a->p;
    const int8_t** table = (const int8_t**)(void*)(a->tables + a->table_bytes * (size_t)worker);
    int32_t taps = p->kh * p->kw, stride = 2 * a->pair_count;
    for (int64_t row = begin; row < end; row++) {
        int64_t n = row / p->oh, oy = row % p->oh;
        for (int32_t t = 0; t < stride; t++) {
            int32_t ky = t < taps ? t / p->kw : p->kh - 1, kx = t < taps ? t % p->kw : p->kw - 1;
            int64_t iy = oy * p->stride_h - p->pad_top + (int64_t)ky * p->dilation_h;
            int64_t ix = (int64_t)kx * p->dilation_w - p->pad_left;
            int inside = iy >= 0 && iy < p->h;
            const int8_t* line = a->x + (n * p->h + iy) * p->w * p->c;
            for (int32_t ox = 0; ox < p->ow; ox++, ix += p->stride_w)
                table[ox * stride + t] = inside && ix >= 0 && ix < p->w ? line + ix * p->c : a->zero;
        }
        int8_t* y = a->y + row * p->ow * p->c;
        if (p->c < 16) narrow_row(a, table, y);
        else
            for (int32_t block = 0; block < a->blocks; block++) {
                if (a->pair_count == 5) row_of_block(a, block, table, y, 5);
                else row_of_block(a, block, table, y, a->pair_count);
            }
    }
}

void EL_SIMD_NAME(qdwconv_s8)(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_qconv_params* p = params;
    el_qdw_layout l = el_qdw_sizes(p);
    uint8_t* at = ctx->scratch;
    int32_t taps = p->kh * p->kw;
    el_qdw a = {.p = p, .x = buffers[0], .y = buffers[6], .zero = (int8_t*)at, .pair_count = (taps + 1) / 2, .blocks = (p->c + 15) / 16,
                .table_bytes = l.table};
    memset(at, p->x_zero, l.zero);
    el_qpanel* panels = (el_qpanel*)(void*)(at + l.zero);
    int16_t* pairs = (int16_t*)(void*)(at + l.zero + l.panels);
    a.panels = panels, a.pairs = pairs, a.tables = at + l.zero + l.panels + l.weights;
    const int8_t* packed = buffers[1];
    const int32_t *bias = buffers[2], *wsum = buffers[3], *multiplier = buffers[4], *shift = buffers[5];
    for (int32_t block = 0; block < a.blocks; block++) {
        int32_t base = block * 16 + 16 <= p->c || p->c < 16 ? block * 16 : p->c - 16, count = p->c < 16 ? p->c : 16;
        el_qpanels_fill(&panels[block], count, bias ? bias + base : NULL, wsum + base, multiplier + base, shift + base, p->x_zero, 0);
        int16_t* w = pairs + (int64_t)block * a.pair_count * 32;
        for (int32_t t = 0; t < 2 * a.pair_count; t++)
            for (int32_t j = 0; j < 16; j++) {
                int32_t c = base + j;
                w[t / 2 * 32 + j * 2 + t % 2] = t < taps ? packed[((int64_t)(c / 16) * taps + t) * 16 + c % 16] : 0;
            }
    }
    int64_t row_macs = (int64_t)p->ow * p->c * (taps + 8);
    el_parallel(ctx, (int64_t)p->n * p->oh, 100000 / (row_macs + 1) + 1, rows, &a);
}
