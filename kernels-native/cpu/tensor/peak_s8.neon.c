#include <arm_neon.h>
#define PEAK_V int32x4_t
#define PEAK_SET1 (int32x4_t)vdupq_n_s8
/* Nothing may be computed once for all rounds. */
#define PEAK_DOT(sum, a, b) \
    __asm__ volatile("" : "+w"(a)); \
    (sum) = vpadalq_s16(sum, vmull_s8(vget_low_s8(vreinterpretq_s8_s32(a)), vget_low_s8(vreinterpretq_s8_s32(b))))
#define PEAK_STORE(p, v) vst1q_s32(p, v)
#define PEAK_MACS 8
#include "peak_s8.h"

EL_KERNEL(peak_s8, neon, el_peak_params)
void el_peak_s8__neon(const el_ctx* ctx, const void* params, void* const* buffers) { el_peak_s8(params, buffers); }
