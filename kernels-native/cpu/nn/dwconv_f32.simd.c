#include "el_vmath.h"

EL_KERNEL_SIMD(dwconv_f32, el_conv_params)

#define LANES EL_VF
#define V(name) el_v##name
#define MANY (EL_VF != 8)
#define BY_ROW (EL_VF == 4) /* measured */
typedef float element;
typedef el_vf vec;
static inline vec load_floats(const float* p, int64_t n) { return el_vload_n(p, n); }
static inline __attribute__((always_inline)) vec activated(const el_act act, vec v, vec slopes) {
    return act.kind == EL_ACT_PRELU ? el_vprelu(v, slopes) : el_vact(act, v);
}
#include "dwconv_rows.h"

void EL_SIMD_NAME(dwconv_f32)(const el_ctx* ctx, const void* params, void* const* buffers) { dwconv(ctx, params, buffers); }
