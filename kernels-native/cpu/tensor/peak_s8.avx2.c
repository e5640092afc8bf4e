#include <immintrin.h>
#define PEAK_V __m256i
#define PEAK_SET1 _mm256_set1_epi8
/* Nothing may be computed once for all rounds. */
#define PEAK_DOT(sum, a, b) \
    __asm__ volatile("" : "+x"(a)); \
    (sum) = _mm256_add_epi32(sum, _mm256_madd_epi16(a, b))
#define PEAK_STORE(p, v) _mm256_storeu_si256((__m256i*)(p), v)
#define PEAK_MACS 16
#include "peak_s8.h"

EL_KERNEL(peak_s8, avx2, el_peak_params)
void el_peak_s8__avx2(const el_ctx* ctx, const void* params, void* const* buffers) { el_peak_s8(params, buffers); }
