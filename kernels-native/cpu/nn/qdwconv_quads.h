/* Interleaving of four rows for instructions that sum four products of bytes. The including file defines interleave_16 and,
 * with QDW_WIDE elements at a time, interleave_wide: (rows, units, xor of every byte). */
#define QDW_TAPS 4
typedef int32_t qdw_unit;

static __attribute__((noinline)) void qdw_interleave(const int8_t* const* rows, int64_t count, qdw_unit* d) {
    const int8_t *r0 = rows[0], *r1 = rows[1], *r2 = rows[2], *r3 = rows[3];
    const int8_t flip = (int8_t)QDW_BIAS;
    int64_t i = 0;
#if defined(QDW_WIDE)
    for (; i + QDW_WIDE <= count; i += QDW_WIDE) interleave_wide((const int8_t*[]){r0 + i, r1 + i, r2 + i, r3 + i}, d + i, flip);
#endif
    for (; i + 16 <= count; i += 16) interleave_16((const int8_t*[]){r0 + i, r1 + i, r2 + i, r3 + i}, d + i, flip);
    if (i < count) {
        int8_t last[4][16] = {{0}};
        for (int t = 0; t < 4; t++) memcpy(last[t], rows[t] + i, (size_t)(count - i));
        interleave_16((const int8_t*[]){last[0], last[1], last[2], last[3]}, d + i, flip);
    }
}

#include "qdwconv_rows.h"
