#ifndef EL_INTERLEAVE_H
#define EL_INTERLEAVE_H
#include "el_nd.h"

typedef struct el_interleave_job {
    const el_interleave_params* p;
    const void *a, *b;
    void *y0, *y1;
} el_interleave_job;

#endif
