#include "el_vmath.h"

el_vf EL_SIMD_NAME(vact)(el_act act, el_vf x) { return el_vact_known(act, x); }
