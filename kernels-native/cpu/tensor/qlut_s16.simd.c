/* A function of int16 by a table and straight lines: blocks of elements find their lines one by one, a load of 32 bits being an entry and the
 * one behind it, and follow them in vectors. Gathers are slower on many processors. */
#include "el_quant.h"
#include <string.h>

EL_KERNEL_SIMD(lut_s16, el_lut_params)

#define EL_LUT_BLOCK 64

/* `middle` is table + 256 */
static inline void block(const int16_t* restrict x, const int16_t* restrict middle, int16_t* restrict y) {
    int32_t lines[EL_LUT_BLOCK]; /* the entry in the lower half, the one behind it in the upper */
    for (int j = 0; j < EL_LUT_BLOCK; j++) memcpy(lines + j, middle + (x[j] >> 7), 4);
    for (int j = 0; j < EL_LUT_BLOCK; j++) {
        int32_t here = (int16_t)lines[j], next = lines[j] >> 16;
        y[j] = (int16_t)(here + (((next - here) * (x[j] & 127) + 64) >> 7));
    }
}

static void some(void* arg, int64_t begin, int64_t end, int32_t worker) {
    void* const* buffers = arg;
    const int16_t *x = buffers[0], *middle = (const int16_t*)buffers[1] + 256;
    int16_t* y = buffers[2];
    for (; begin < end; begin += EL_LUT_BLOCK) {
        const int64_t count = end - begin < EL_LUT_BLOCK ? end - begin : EL_LUT_BLOCK;
        int16_t results[EL_LUT_BLOCK], part[EL_LUT_BLOCK]; /* y may be x */
        const int16_t* from = x + begin;
        if (count < EL_LUT_BLOCK) memset(part, 0, sizeof part), from = memcpy(part, from, (size_t)count * 2);
        block(from, middle, results);
        memcpy(y + begin, results, (size_t)count * 2);
    }
}

void EL_SIMD_NAME(lut_s16)(const el_ctx* ctx, const void* params, void* const* buffers) {
    el_parallel(ctx, ((const el_lut_params*)params)->count, 32768, some, (void*)buffers);
}
