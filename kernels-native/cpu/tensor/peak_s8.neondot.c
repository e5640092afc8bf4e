#include <arm_neon.h>
#define PEAK_V int32x4_t
#define PEAK_SET1 (int32x4_t)vdupq_n_s8
#define PEAK_DOT(sum, a, b) (sum) = vdotq_s32(sum, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b))
#define PEAK_STORE(p, v) vst1q_s32(p, v)
#define PEAK_MACS 16
#include "peak_s8.h"

EL_KERNEL(peak_s8, neondot, el_peak_params)
void el_peak_s8__neondot(const el_ctx* ctx, const void* params, void* const* buffers) { el_peak_s8(params, buffers); }
