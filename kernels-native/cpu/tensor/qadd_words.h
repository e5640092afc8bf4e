/* int8 sums and differences of two operands x, z as s = a*x + b*z + c, in units of 2^-f of y and with the half that makes its whole part the rounded y (qadd_s8.h). */
#ifndef EL_QADD_WORDS_H
#define EL_QADD_WORDS_H
#include "el_quant.h"

typedef struct el_qadd_words {
    int32_t a, b, c, f;
    int32_t sure; /* bits of a fraction of which one is set unless the whole part may be another; 0: there is no such form */
} el_qadd_words;

el_qadd_words el_qadd_words_of(const el_qadd_params* p, int subtract);
#endif
