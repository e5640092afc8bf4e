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

/* Goes over neighbouring elements, and knows where they lie in M operands: offsets are divided out for the first only, and where a plane ends. */
template <int M>
struct el_nd_walk {
    int rank;
    const int64_t *dims, *stride[M];
    int offset[M] = {};
    int column = 0, line = 0; /* in the last dimension, in the last but one */

    EL_MEMBER void start(unsigned i) {
        EL_UNROLL for (int m = 0; m < M; m++) offset[m] = 0;
        column = line = 0;
        EL_ROLLED for (int d = rank - 1; d >= 0; d--) {
            const unsigned dim = (unsigned)dims[d], rest = i / dim;
            const int at = (int)(i - rest * dim);
            if (d == rank - 1) column = at;
            if (d == rank - 2) line = at;
            EL_UNROLL for (int m = 0; m < M; m++) offset[m] += at * (int)stride[m][d];
            i = rest;
        }
    }
    /* i: the one to go to. */
    EL_MEMBER void next(unsigned i) {
        const int last = rank - 1;
        EL_UNROLL for (int m = 0; m < M; m++) offset[m] += (int)stride[m][last];
        if (++column < (int)dims[last]) return;
        if (rank < 2 || ++line >= (int)dims[last - 1]) {
            start(i);
            return;
        }
        column = 0;
        EL_UNROLL for (int m = 0; m < M; m++) offset[m] += (int)stride[m][last - 1] - (int)dims[last] * (int)stride[m][last];
    }
};

/* How many neighbours a thread goes over: several only where the threads that run at a time have more to do than one each. */
static inline int64_t el_nd_run(const el_cuda_device& device, int64_t count) { return count > (int64_t)device.multiprocessors * 2048 ? 4 : 1; }

/* True when four neighbours of the result are four of the operand, at a multiple of four. */
static inline bool el_nd_fours(int rank, const int64_t* dims, const int64_t* stride) {
    if (rank == 0 || dims[rank - 1] % 4 != 0 || stride[rank - 1] != 1) return false;
    for (int i = 0; i < rank - 1; i++)
        if (stride[i] % 4 != 0) return false;
    return true;
}

#endif
