#define _POSIX_C_SOURCE 200809L
#include <arm_neon.h>
#define PEAK_V float32x4_t
#define PEAK_LANES 4
#define PEAK_CHAINS 16
#define PEAK_SET1 vdupq_n_f32
#define PEAK_FMA(c, a, b) vfmaq_f32(b, c, a)
#define PEAK_NAME bench_peak_neon
#include "peak.inc"
