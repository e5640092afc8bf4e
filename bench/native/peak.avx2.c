#define _POSIX_C_SOURCE 200809L
#include <immintrin.h>
#define PEAK_V __m256
#define PEAK_LANES 8
#define PEAK_CHAINS 12
#define PEAK_SET1 _mm256_set1_ps
#define PEAK_FMA _mm256_fmadd_ps
#define PEAK_NAME bench_peak_avx2
#include "peak.inc"
