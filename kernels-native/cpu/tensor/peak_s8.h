/* Included by peak_s8.<isa>.c, which defines PEAK_V, PEAK_SET1 (a byte everywhere), PEAK_DOT(sum, a, b), PEAK_STORE(p, v) and
 * PEAK_MACS (products of one PEAK_DOT). */
#include "el_kernels.h"

static inline void el_peak_s8(const el_peak_params* p, void* const* buffers) {
    PEAK_V c[12], a = PEAK_SET1(3), b = PEAK_SET1(5);
    for (int i = 0; i < 12; i++) c[i] = PEAK_SET1(0);
    for (int64_t n = 0; n < p->rounds; n++)
#pragma GCC unroll 8
        for (int k = 0; k < 8; k++)
#pragma GCC unroll 12
            for (int i = 0; i < 12; i++) {
                PEAK_DOT(c[i], a, b);
            }
    for (int i = 0; i < 12; i++) PEAK_STORE(buffers[2], c[i]);
    *(double*)buffers[0] = 2.0 * 8 * 12 * PEAK_MACS * (double)p->rounds;
}
