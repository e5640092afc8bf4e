/* Rows of the merged shape; an operand that repeats along the row is one vector. Other strides go element by element.
 * The tail of a row is one masked vector. */
#include "el_nd.h"
#include "el_simd.h"

typedef struct job {
    const uint8_t* c;
    const float *a, *b;
    float* y;
} job;

/* Lanes whose byte is not 0. */
static inline el_vm truths(const uint8_t* c) {
#if EL_VF == 16
    __m128i v = _mm_loadu_si128((const __m128i*)c);
    return _mm_test_epi8_mask(v, v);
#elif EL_VF == 8
    __m256i v = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)c));
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(v, _mm256_setzero_si256()));
#else
    uint32_t four;
    memcpy(&four, c, 4);
    uint16x8_t v = vmovl_u8(vcreate_u8(four));
    uint32x4_t w = vmovl_u16(vget_low_u16(v));
    return vtstq_u32(w, w);
#endif
}

static void rows(const void* arg, const el_nd* nd, int64_t count, const int64_t* offsets, int64_t first) {
    const job* j = arg;
    int32_t d = nd->rank - 1;
    int64_t cs = nd->stride[0][d], as = nd->stride[1][d], bs = nd->stride[2][d], cols = nd->dims[d];
    int64_t cr = d ? nd->stride[0][d - 1] : 0, ar = d ? nd->stride[1][d - 1] : 0, br = d ? nd->stride[2][d - 1] : 0;
    int strided = (cs != 0 && cs != 1) || (as != 0 && as != 1) || (bs != 0 && bs != 1);
    for (int64_t r = 0; r < count; r++) {
        const uint8_t* c = j->c + offsets[0] + r * cr;
        const float *a = j->a + offsets[1] + r * ar, *b = j->b + offsets[2] + r * br;
        float* y = j->y + (first + r) * cols;
        int64_t i = nd->begin, end = nd->end;
        if (strided) {
            for (; i < end; i++) y[i] = c[i * cs] ? a[i * as] : b[i * bs];
            continue;
        }
        uint8_t bytes[EL_VF];
        memset(bytes, *c, sizeof bytes);
        const el_vf a0 = el_vset1(*a), b0 = el_vset1(*b);
        const el_vm c0 = truths(bytes);
        for (; i + EL_VF <= end; i += EL_VF)
            el_vstore(y + i, el_vselect(cs ? truths(c + i) : c0, as ? el_vload(a + i) : a0, bs ? el_vload(b + i) : b0));
        if (i < end) {
            if (cs) memcpy(bytes, c + i, (size_t)(end - i));
            el_vf va = as ? el_vload_n(a + i, end - i) : a0, vb = bs ? el_vload_n(b + i, end - i) : b0;
            el_vstore_n(y + i, el_vselect(truths(bytes), va, vb), end - i);
        }
    }
}

EL_KERNEL_SIMD(where_f32, el_where_params)
void EL_SIMD_NAME(where_f32)(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_where_params* p = params_;
    const job j = {.c = buffers[0], .a = buffers[1], .b = buffers[2], .y = buffers[3]};
    const int64_t* strides[3] = {p->c_stride, p->a_stride, p->b_stride};
    const el_nd nd = el_nd_merge(p->rank, p->dims, 3, strides);
    el_nd_parallel(ctx, &nd, EL_ELEMENTS_PER_PIECE, rows, &j);
}
