#include "el_cuda_math.h"

EL_CUDA_ENTRY(f16_to_f32, el_convert_params) {
    EL_EACH(i, p.count) ((float*)b.p[1])[i] = el_value(((const el_half*)b.p[0])[i]);
}
EL_CUDA_ENTRY(f32_to_f16, el_convert_params) {
    EL_EACH(i, p.count) el_keep(((el_half*)b.p[1])[i], ((const float*)b.p[0])[i]);
}

EL_CUDA_LAUNCH(f16_to_f32, el_convert_params) { return el_each(device, launches, "f16_to_f32", p.count); }
EL_CUDA_LAUNCH(f32_to_f16, el_convert_params) { return el_each(device, launches, "f32_to_f16", p.count); }
