/* y[i] = table[x[i] + 128]: VPERMI2B looks up the lower seven bits of 64 numbers in 128 bytes, half of the table, and the sign says which half. */
#include "el_quant.h"
#include <immintrin.h>

EL_KERNEL(lut_s8, avx512vbmi, el_lut_params)

typedef struct lut_args {
    const int8_t *x, *table;
    int8_t* y;
} lut_args;

static void range(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const lut_args* a = arg;
    __m512i t[4];
    for (int i = 0; i < 4; i++) t[i] = _mm512_loadu_si512(a->table + 64 * i);
    for (int64_t i = begin; i < end; i += 64) {
        const __mmask64 there = end - i < 64 ? ((__mmask64)1 << (end - i)) - 1 : ~(__mmask64)0;
        const __m512i x = _mm512_maskz_loadu_epi8(there, a->x + i);
        const __m512i positive = _mm512_permutex2var_epi8(t[2], x, t[3]), negative = _mm512_permutex2var_epi8(t[0], x, t[1]);
        _mm512_mask_storeu_epi8(a->y + i, there, _mm512_mask_blend_epi8(_mm512_movepi8_mask(x), positive, negative));
    }
}

void el_lut_s8__avx512vbmi(const el_ctx* ctx, const void* params, void* const* buffers) {
    lut_args a = {buffers[0], buffers[1], buffers[2]};
    el_parallel(ctx, ((const el_lut_params*)params)->count, 65536, range, &a);
}
