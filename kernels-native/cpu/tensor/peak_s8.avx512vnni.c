#include <immintrin.h>
#define PEAK_V __m512i
#define PEAK_SET1 _mm512_set1_epi8
#define PEAK_DOT(sum, a, b) (sum) = _mm512_dpbusd_epi32(sum, a, b)
#define PEAK_STORE(p, v) _mm512_storeu_si512(p, v)
#define PEAK_MACS 64
#include "peak_s8.h"

EL_KERNEL(peak_s8, avx512vnni, el_peak_params)
void el_peak_s8__avx512vnni(const el_ctx* ctx, const void* params, void* const* buffers) { el_peak_s8(params, buffers); }
