/* Walking dense n-dimensional results whose operands have a stride per dimension. */
#ifndef EL_ND_H
#define EL_ND_H
#include "el_tensor.h"

#define EL_ND_OPERANDS 3
#define EL_ELEMENTS_PER_PIECE 32768 /* element-wise work that is worth another thread */

typedef struct el_nd {
    int32_t rank, operands;
    int64_t dims[EL_MAX_RANK];
    int64_t stride[EL_ND_OPERANDS][EL_MAX_RANK];
    int64_t begin, end; /* of the last dimension: all of it, or a thread's share */
} el_nd;

/* Drops dimensions of one element and merges neighbours that every operand crosses alike, outermost first. The result has
 * rank >= 1. */
static inline el_nd el_nd_merge(int32_t rank, const int64_t* dims, int32_t operands, const int64_t* const* strides) {
    el_nd nd = {.rank = 0, .operands = operands};
    for (int32_t d = 0; d < rank; d++) {
        if (dims[d] == 1) continue;
        int32_t last = nd.rank - 1, merge = last >= 0;
        for (int32_t k = 0; merge && k < operands; k++) merge = nd.stride[k][last] == strides[k][d] * dims[d];
        if (!merge) last = nd.rank++;
        nd.dims[last] = merge ? nd.dims[last] * dims[d] : dims[d];
        for (int32_t k = 0; k < operands; k++) nd.stride[k][last] = strides[k][d];
    }
    if (nd.rank == 0) {
        nd.rank = 1;
        nd.dims[0] = 1;
    }
    nd.end = nd.dims[nd.rank - 1];
    return nd;
}

static inline int64_t el_nd_count(const el_nd* nd, int32_t rank) {
    int64_t n = 1;
    for (int32_t d = 0; d < rank; d++) n *= nd->dims[d];
    return n;
}

/* Offset of each operand at flat position `index` of the first `rank` dimensions; returns the position in the last of them. */
static inline int64_t el_nd_locate(const el_nd* nd, int32_t rank, int64_t index, int64_t* offsets) {
    int64_t innermost = 0;
    for (int32_t k = 0; k < nd->operands; k++) offsets[k] = 0;
    for (int32_t d = rank - 1; d >= 0; d--) {
        int64_t i = index % nd->dims[d];
        index /= nd->dims[d];
        if (d == rank - 1) innermost = i;
        for (int32_t k = 0; k < nd->operands; k++) offsets[k] += i * nd->stride[k][d];
    }
    return innermost;
}

/* Computes nd->begin to nd->end of `rows` rows (all dimensions but the last make a row) from number first_row on. `offsets` are those of the operands
 * there; from row to row each moves by its stride in dimension rank-2. */
typedef void (*el_nd_rows_fn)(const void* arg, const el_nd* nd, int64_t rows, const int64_t* offsets, int64_t first_row);

/* Hands out the rows [begin, end) in such groups. */

static inline void el_nd_rows(const el_nd* nd, int64_t begin, int64_t end, el_nd_rows_fn fn, const void* arg) {
    int64_t offsets[EL_ND_OPERANDS];
    if (nd->rank == 1) {
        if (begin < end) fn(arg, nd, 1, (const int64_t[EL_ND_OPERANDS]){0}, 0);
        return;
    }
    for (int64_t row = begin; row < end;) {
        int64_t at = el_nd_locate(nd, nd->rank - 1, row, offsets), rows = nd->dims[nd->rank - 2] - at;
        if (rows > end - row) rows = end - row;
        fn(arg, nd, rows, offsets, row);
        row += rows;
    }
}

typedef struct el_nd_job {
    const el_nd* nd;
    el_nd_rows_fn fn;
    const void* arg;
} el_nd_job;

static inline void el_nd_some_rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_nd_job* j = arg;
    el_nd_rows(j->nd, begin, end, j->fn, j->arg);
}

static inline void el_nd_some_columns(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_nd_job* j = arg;
    el_nd nd = *j->nd;
    nd.begin = begin, nd.end = end;
    el_nd_rows(&nd, 0, el_nd_count(&nd, nd.rank - 1), j->fn, j->arg);
}

/* Computes the whole result. Threads share its rows or, where these are few and long, its columns; grain: elements that are worth another thread. */
static inline void el_nd_parallel(const el_ctx* ctx, const el_nd* nd, int64_t grain, el_nd_rows_fn fn, const void* arg) {
    const int64_t rows = el_nd_count(nd, nd->rank - 1), columns = nd->end;
    if (rows == 0 || columns == 0) return;
    el_nd_job j = {nd, fn, arg};
    if (rows < 64 && columns >= 2 * grain) el_parallel(ctx, columns, grain / rows + 1, el_nd_some_columns, &j);
    else el_parallel(ctx, rows, grain / columns + 1, el_nd_some_rows, &j);
}

#endif
