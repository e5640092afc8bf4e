/* y[i] = table[x[i] + 128] with byte shuffles.
 * x86: for each of the 16 rows of the table, index ^ (16*row) is below 16 exactly for the bytes of that row; adding 0x70
 * with saturation sets the top bit of all others, which makes the shuffle give 0 for them; the rows are joined with or.
 * Arm: TBL gives 0 and TBX keeps the old byte for indices outside its 64 bytes. */
#include "el_quant.h"
#if defined(__aarch64__)
#include <arm_neon.h>
#else
#include <immintrin.h>
#endif

EL_KERNEL_SIMD(lut_s8, el_lut_params)

typedef struct lut_args {
    const int8_t *x, *table;
    int8_t* y;
} lut_args;

#if defined(__aarch64__)
#define EL_LUT_STEP 16
static inline void block(const int8_t* x, const uint8x16x4_t t[4], int8_t* y) {
    uint8x16_t i = veorq_u8(vld1q_u8((const uint8_t*)x), vdupq_n_u8(0x80)), k = vdupq_n_u8(64);
    uint8x16_t r = vqtbl4q_u8(t[0], i);
    for (int j = 1; j < 4; j++) r = vqtbx4q_u8(r, t[j], i = vsubq_u8(i, k));
    vst1q_u8((uint8_t*)y, r);
}
#elif defined(__AVX512BW__)
#define EL_LUT_STEP 64
static inline void block(const int8_t* x, const __m512i t[16], int8_t* y) {
    __m512i i = _mm512_xor_si512(_mm512_loadu_si512(x), _mm512_set1_epi8((char)0x80)), r = _mm512_setzero_si512();
    for (int row = 0; row < 16; row++) {
        __m512i index = _mm512_adds_epu8(_mm512_xor_si512(i, _mm512_set1_epi8((char)(row * 16))), _mm512_set1_epi8(0x70));
        r = _mm512_or_si512(r, _mm512_shuffle_epi8(t[row], index));
    }
    _mm512_storeu_si512(y, r);
}
#else
#define EL_LUT_STEP 32
static inline void block(const int8_t* x, const __m256i t[16], int8_t* y) {
    __m256i i = _mm256_xor_si256(_mm256_loadu_si256((const __m256i*)x), _mm256_set1_epi8((char)0x80)), r = _mm256_setzero_si256();
    for (int row = 0; row < 16; row++) {
        __m256i index = _mm256_adds_epu8(_mm256_xor_si256(i, _mm256_set1_epi8((char)(row * 16))), _mm256_set1_epi8(0x70));
        r = _mm256_or_si256(r, _mm256_shuffle_epi8(t[row], index));
    }
    _mm256_storeu_si256((__m256i*)y, r);
}
#endif

static void range(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const lut_args* a = arg;
#if defined(__aarch64__)
    uint8x16x4_t t[4];
    for (int i = 0; i < 4; i++) t[i] = vld1q_u8_x4((const uint8_t*)a->table + 64 * i);
#elif defined(__AVX512BW__)
    __m512i t[16];
    for (int i = 0; i < 16; i++) t[i] = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i*)(a->table + 16 * i)));
#else
    __m256i t[16];
    for (int i = 0; i < 16; i++) t[i] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i*)(a->table + 16 * i)));
#endif
    int64_t i = begin;
    for (; i + EL_LUT_STEP <= end; i += EL_LUT_STEP) block(a->x + i, t, a->y + i);
    for (; i < end; i++) a->y[i] = a->table[a->x[i] + 128];
}

void EL_SIMD_NAME(lut_s8)(const el_ctx* ctx, const void* params, void* const* buffers) {
    lut_args a = {buffers[0], buffers[1], buffers[2]};
    el_parallel(ctx, ((const el_lut_params*)params)->count, 65536, range, &a);
}
