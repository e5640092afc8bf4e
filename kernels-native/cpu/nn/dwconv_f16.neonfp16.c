/* Sums of up to 25 products stay in float16. */
#include "el_simd_f16.h"

EL_KERNEL(dwconv_f16, neonfp16, el_conv_params)

#define LANES EL_HF
#define V(name) el_h##name
#define MANY 1
#define BY_ROW 1
typedef el_half element;
typedef el_hf vec;
#define load_floats el_hnarrow_n
#define activated el_hact
#include "dwconv_rows.h"

void el_dwconv_f16__neonfp16(const el_ctx* ctx, const void* params, void* const* buffers) { dwconv(ctx, params, buffers); }
