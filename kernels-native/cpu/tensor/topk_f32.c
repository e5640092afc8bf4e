#include "el_nd.h"
#include "el_topk_rank.h"
#include <string.h>

typedef struct job {
    const el_topk_params* p;
    const char* x;
    char* values;
    int64_t* indices;
    uint64_t* heaps;
} job;

/* heap[0] is the lowest; a parent is below its children. Puts `rank` at the root and lets it sink among the first n. */
static void sink(uint64_t* heap, int64_t n, uint64_t rank) {
    int64_t at = 0, child;
    while ((child = 2 * at + 1) < n) {
        if (child + 1 < n && heap[child + 1] < heap[child]) child++;
        if (rank <= heap[child]) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = rank;
}

/* Items are lines of x. A heap holds the k highest ranks so far; taken apart, lowest first, it is in order. */
static void some_lines(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const job* j = arg;
    const el_topk_params* p = j->p;
    uint64_t* heap = j->heaps + worker * p->k;
    for (int64_t line = begin; line < end; line++) {
        int64_t outer = line / p->inner, i = line % p->inner;
        const char* x = j->x + (outer * p->axis * p->inner + i) * 4;
        memset(heap, 0, (size_t)p->k * sizeof *heap);
        for (int64_t a = 0; a < p->axis; a++) {
            uint32_t bits;
            memcpy(&bits, x + a * p->inner * 4, 4);
            uint64_t rank = el_topk_rank(bits, (uint32_t)a, p->smallest);
            if (rank > heap[0]) sink(heap, p->k, rank);
        }
        for (int64_t n = p->k - 1; n >= 0; n--) {
            int64_t to = (outer * p->k + n) * p->inner + i, from = el_topk_index(heap[0]);
            if (j->values) memcpy(j->values + to * 4, x + from * p->inner * 4, 4);
            if (j->indices) j->indices[to] = from;
            sink(heap, n, heap[n]);
        }
    }
}

EL_SCRATCH(topk_f32, el_topk_params)
size_t el_topk_f32__scratch(const void* params_, int32_t threads) {
    const el_topk_params* p = params_;
    return (size_t)threads * (size_t)p->k * sizeof(uint64_t);
}

EL_KERNEL(topk_f32, scalar, el_topk_params)
void el_topk_f32__scalar(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_topk_params* p = params_;
    if (p->k == 0) return;
    job j = {p, buffers[0], buffers[1], buffers[2], ctx->scratch};
    el_parallel(ctx, p->outer * p->inner, EL_ELEMENTS_PER_PIECE / (p->axis + 1) + 1, some_lines, &j);
}
