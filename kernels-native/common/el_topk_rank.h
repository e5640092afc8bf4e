/* The order in which TopK takes the elements of a line, as one number: of processor and GPU alike. */
#ifndef EL_TOPK_RANK_H
#define EL_TOPK_RANK_H
#include <stdint.h>

/* Rank of element `index` (below 2^31) whose float32 has these bits: higher comes first, no two of a line are equal, none is 0. The sign bit
 * of floats turned, and all bits of negative ones, they are ordered as integers; -0 equals 0, NaN is above every number; of
 * equals the lower index is higher. */
static inline uint64_t el_topk_rank(uint32_t bits, uint32_t index, int smallest) {
    uint32_t magnitude = bits & 0x7FFFFFFFu;
    uint32_t key = magnitude > 0x7F800000u ? 0xFFFFFFFFu : magnitude == 0 ? 0x80000000u : bits >> 31 ? ~bits : bits | 0x80000000u;
    return (uint64_t)(smallest ? ~key : key) << 32 | (uint32_t)~index;
}
static inline uint32_t el_topk_index(uint64_t rank) { return ~(uint32_t)rank; }

#endif
