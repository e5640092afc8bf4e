#include "el_simd_f16.h"
#include "el_vmath.h"

el_hf el_hact_float(el_act act, el_hf x) { return el_hjoin(el_vact(act, el_hlow(x)), el_vact(act, el_hhigh(x))); }
