#include <immintrin.h>
#define PEAK_V __m256i
#define PEAK_SET1 _mm256_set1_epi8
#define PEAK_DOT(sum, a, b) (sum) = _mm256_dpbusd_avx_epi32(sum, a, b)
#define PEAK_STORE(p, v) _mm256_storeu_si256((__m256i*)(p), v)
#define PEAK_MACS 32
#include "peak_s8.h"

EL_KERNEL(peak_s8, avxvnni, el_peak_params)
void el_peak_s8__avxvnni(const el_ctx* ctx, const void* params, void* const* buffers) { el_peak_s8(params, buffers); }
