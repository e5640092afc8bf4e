#define _POSIX_C_SOURCE 200809L
#include <immintrin.h>
#define PEAK_V __m512
#define PEAK_LANES 16
#define PEAK_CHAINS 12
#define PEAK_SET1 _mm512_set1_ps
#define PEAK_FMA _mm512_fmadd_ps
#define PEAK_NAME bench_peak_avx512
#include "peak.inc"
