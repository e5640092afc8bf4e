/* Where element i of a dense tensor of up to EL_MAX_RANK dimensions lies in others that are read by strides. */
#ifndef EL_CUDA_ND_H
#define EL_CUDA_ND_H
#include "el_cuda_math.h"

static inline int64_t el_nd_count(int rank, const int64_t* dims) {
    int64_t count = 1;
    for (int i = 0; i < rank; i++) count *= dims[i];
    return count;
}

/* True when the strides are those of a dense tensor, so that element i lies at i. */
static inline bool el_nd_dense(int rank, const int64_t* dims, const int64_t* stride) {
    int64_t dense = 1;
    for (int i = rank - 1; i >= 0; i--) {
        if (dims[i] != 1 && stride[i] != dense) return false;
        dense *= dims[i];
    }
    return true;
}

/* Offset of element i by one set of strides. */
EL_DEVICE int el_nd_offset(unsigned i, int rank, const int64_t* dims, const int64_t* stride) {
    int offset = 0;
    for (int d = rank - 1; d >= 0; d--) {
        unsigned dim = (unsigned)dims[d], rest = i / dim;
        offset += (int)(i - rest * dim) * (int)stride[d];
        i = rest;
    }
    return offset;
}

#endif
