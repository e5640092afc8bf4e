/* int8 depthwise convolution with AVX512-VNNI, 64 channels at a time. Four taps' vectors of 64 bytes are interleaved (two
 * rounds of unpack) so that a dword holds one channel's four taps; VPDPBUSD multiplies them, as x+128, by four weights.
 * Unpacking works in 128-bit lanes: dword 4L+i of vector p is channel 16L+4p+i, and packing undoes exactly that.
 * Channels past c are masked in loads and stores. Taps past kh*kw have weight 0.
 * Scratch regions as in qdwconv.h; weights: [ceil(c/64)][groups of 4 taps][4 vectors][16][4] int8. */
#include "qdwconv.h"
#include "qfinish512.h"
#include <string.h>

EL_KERNEL(qdwconv_s8, avx512vnni, el_qconv_params)

typedef struct el_qdw_vnni {
    const el_qconv_params* p;
    const int8_t *x, *zero, *weights;
    int8_t* y;
    const el_qpanel* panels;
    uint8_t* tables;
    size_t table_bytes;
    int32_t stride, groups, any_left; /* stride: pointers per output of a table */
} el_qdw_vnni;

/* acc[4] = start + taps of one output */
EL_INLINE void accumulate(const int8_t* const* taps, int64_t base, __mmask64 valid, const int8_t* w, int32_t groups, int32_t stride, const el_qpanel* e, __m512i acc[4]) {
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    EL_UNROLL for (int v = 0; v < 4; v++) acc[v] = _mm512_load_si512(e[v].start);
    for (int32_t g = 0; g < groups; g++, w += 256) {
        __m512i x[4];
        EL_UNROLL for (int t = 0; t < 4; t++) {
            int32_t tap = 4 * g + t;
            x[t] = tap < stride ? _mm512_xor_si512(_mm512_maskz_loadu_epi8(valid, taps[tap] + base), flip) : flip;
        }
        __m512i lo01 = _mm512_unpacklo_epi8(x[0], x[1]), hi01 = _mm512_unpackhi_epi8(x[0], x[1]);
        __m512i lo23 = _mm512_unpacklo_epi8(x[2], x[3]), hi23 = _mm512_unpackhi_epi8(x[2], x[3]);
        acc[0] = _mm512_dpbusd_epi32(acc[0], _mm512_unpacklo_epi16(lo01, lo23), _mm512_load_si512(w));
        acc[1] = _mm512_dpbusd_epi32(acc[1], _mm512_unpackhi_epi16(lo01, lo23), _mm512_load_si512(w + 64));
        acc[2] = _mm512_dpbusd_epi32(acc[2], _mm512_unpacklo_epi16(hi01, hi23), _mm512_load_si512(w + 128));
        acc[3] = _mm512_dpbusd_epi32(acc[3], _mm512_unpackhi_epi16(hi01, hi23), _mm512_load_si512(w + 192));
    }
}

EL_INLINE void row_of_block(const el_qdw_vnni* a, int32_t block, const int8_t* const* table, int8_t* y, int32_t groups, int32_t stride) {
    const el_qconv_params* p = a->p;
    const el_qlimits limits = qlimits(p->y_zero, p->y_min, p->y_max);
    const int64_t base = (int64_t)block * 64, rest = p->c - base;
    const __mmask64 valid = rest >= 64 ? ~0ull : (1ull << rest) - 1;
    const el_qpanel* e = a->panels + (int64_t)block * 4;
    const int8_t* w = a->weights + (int64_t)block * groups * 256;
    y += base;
    for (int32_t ox = 0; ox < p->ow; ox += 2, table += 2 * stride, y += 2 * (int64_t)p->c) {
        int32_t next = ox + 1 < p->ow ? 1 : 0;
        __m512i acc[2][4];
        accumulate(table, base, valid, w, groups, stride, e, acc[0]);
        accumulate(table + next * stride, base, valid, w, groups, stride, e, acc[1]);
        EL_UNROLL for (int v = 0; v < 4; v++) requantize2(&acc[0][v], &acc[1][v], &e[v], a->any_left, 0);
        store_valid(y, valid, narrow4(acc[0], limits));
        store_valid(y + next * (int64_t)p->c, valid, narrow4(acc[1], limits));
    }
}

static void rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_qdw_vnni* a = arg;
    const el_qconv_params* p = a->p;
    const int8_t** table = (const int8_t**)(void*)(a->tables + a->table_bytes * (size_t)worker);
    int32_t taps = p->kh * p->kw;
    for (int64_t row = begin; row < end; row++) {
        int64_t n = row / p->oh, oy = row % p->oh;
        for (int32_t t = 0; t < a->stride; t++) {
            int32_t ky = t < taps ? t / p->kw : p->kh - 1, kx = t < taps ? t % p->kw : p->kw - 1;
            int64_t iy = oy * p->stride_h - p->pad_top + (int64_t)ky * p->dilation_h;
            int64_t ix = (int64_t)kx * p->dilation_w - p->pad_left;
            int inside = iy >= 0 && iy < p->h;
            const int8_t* line = a->x + (n * p->h + iy) * p->w * p->c;
            for (int32_t ox = 0; ox < p->ow; ox++, ix += p->stride_w)
                table[ox * a->stride + t] = inside && ix >= 0 && ix < p->w ? line + ix * p->c : a->zero;
        }
        int8_t* y = a->y + row * p->ow * p->c;
        for (int32_t block = 0; block * 64 < p->c; block++) {
            if (taps == 9) row_of_block(a, block, table, y, 3, 10);
            else row_of_block(a, block, table, y, a->groups, a->stride);
        }
    }
}

void el_qdwconv_s8__avx512vnni(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_qconv_params* p = params;
    el_qdw_layout l = el_qdw_sizes(p);
    uint8_t* at = ctx->scratch;
    int32_t taps = p->kh * p->kw;
    el_qdw_vnni a = {.p = p, .x = buffers[0], .y = buffers[6], .zero = (int8_t*)at, .stride = (taps + 1) / 2 * 2, .groups = (taps + 3) / 4,
                     .table_bytes = l.table};
    memset(at, p->x_zero, l.zero);
    el_qpanel* panels = (el_qpanel*)(void*)(at + l.zero);
    int8_t* weights = (int8_t*)(at + l.zero + l.panels);
    a.panels = panels, a.weights = weights, a.tables = at + l.zero + l.panels + l.weights;
    const int8_t* packed = buffers[1];
    const int32_t* source[4] = {buffers[2], buffers[3], buffers[4], buffers[5]}; /* bias, wsum, multiplier, shift */
    for (int32_t base = 0; base < p->c; base += 64) {
        int32_t permuted[4][64] = {{0}};
        int8_t* w = weights + (int64_t)(base / 64) * a.groups * 256;
        memset(w, 0, (size_t)a.groups * 256);
        for (int32_t i = 0; i < 64 && base + i < p->c; i++) {
            int32_t c = base + i, slot = i / 4 % 4 * 16 + i / 16 * 4 + i % 4;
            for (int s = 0; s < 4; s++)
                if (source[s]) permuted[s][slot] = source[s][c];
            for (int32_t t = 0; t < taps; t++) w[t / 4 * 256 + slot * 4 + t % 4] = packed[((int64_t)(c / 16) * taps + t) * 16 + c % 16];
        }
        a.any_left |= el_qpanels_fill(panels + base / 16, 64, permuted[0], permuted[1], permuted[2], permuted[3], p->x_zero + 128, 0);
    }
    int64_t row_macs = (int64_t)p->ow * p->c * (taps + 8);
    el_parallel(ctx, (int64_t)p->n * p->oh, 100000 / (row_macs / 4 + 1) + 1, rows, &a);
}
