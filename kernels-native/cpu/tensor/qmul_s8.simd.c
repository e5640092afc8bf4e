/* int8 multiplication, 16 elements in lanes.
 * On x86, blocks of BLOCK elements are first computed in float, as additions are (qadd_s8.simd.c): the product of the two integers is exact
 * there, what follows differs from the integer rule by at most `eps`, so where none of a register's elements lies within eps of a rounding boundary
 * k + 1/2, rounding gives the bits of the rule; others go through the rule itself. An operand that repeats, as the factors of
 * channels do, is made floats once. */
#include "qoperand.h"
#include <math.h>

EL_KERNEL_SIMD(qmul_s8, el_qmul_params)

typedef struct mul_args {
    const el_qmul_params* p;
    const int8_t *a, *b;
    int8_t* y;
} mul_args;

static void by_rule(const mul_args* args, int64_t begin, int64_t end) {
    const el_qmul_params* p = args->p;
    int8_t near_a[EL_Q_NEAR], near_b[EL_Q_NEAR];
    q_operand a = q_operand_near(args->a, p->a_period, p->count, begin, near_a, 16), b = q_operand_near(args->b, p->b_period, p->count, begin, near_b, 16);
    q_requant ry = q_requant_set(p->y_multiplier, p->y_shift);
    q16 oa = q16_set(p->a_offset), ob = q16_set(p->b_offset);
    for (int64_t i = begin; i < end; i += 16) {
        int64_t lanes = end - i < 16 ? end - i : 16;
        q16 product = q16_mul(q16_add(q_operand_next(&a, lanes), oa), q16_add(q_operand_next(&b, lanes), ob));
        q16_store8_part(args->y + i, q16_clamp(q_requant_apply(product, ry), p->y_offset, p->y_min, p->y_max), lanes);
    }
}

#if defined(__AVX2__)
#define MOST_FACTORS 1024 /* of an operand that repeats */
#if defined(__AVX512BW__)
typedef __m512 vec;
typedef __m512i ivec;
#define V(op) _mm512_##op
#define LANES 16
EL_VEC vec widened(const int8_t* x) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)x))); }
EL_VEC int some_near(vec r, float limit) {
    return _mm512_cmp_ps_mask(_mm512_abs_ps(_mm512_reduce_ps(r, 0)), _mm512_set1_ps(limit), _CMP_GT_OQ) != 0;
}
EL_VEC void store(int32_t* y, ivec v) { _mm512_storeu_si512(y, v); }
EL_VEC ivec load(const int32_t* y) { return _mm512_loadu_si512(y); }
/* packing leaves dword 4L+i of the result holding dwords of lane L of v[i] */
EL_VEC void store_bytes(int8_t* y, const ivec v[4], int32_t lo, int32_t hi) {
    ivec w = _mm512_packs_epi16(_mm512_packs_epi32(v[0], v[1]), _mm512_packs_epi32(v[2], v[3]));
    w = _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), w);
    _mm512_storeu_si512(y, _mm512_min_epi8(_mm512_max_epi8(w, _mm512_set1_epi8((char)lo)), _mm512_set1_epi8((char)hi)));
}
#else
typedef __m256 vec;
typedef __m256i ivec;
#define V(op) _mm256_##op
#define LANES 8
EL_VEC vec widened(const int8_t* x) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)x))); }
EL_VEC int some_near(vec r, float limit) {
    const vec rest = _mm256_sub_ps(r, _mm256_round_ps(r, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    return _mm256_movemask_ps(_mm256_cmp_ps(_mm256_andnot_ps(_mm256_set1_ps(-0.0f), rest), _mm256_set1_ps(limit), _CMP_GT_OQ)) != 0;
}
EL_VEC void store(int32_t* y, ivec v) { _mm256_storeu_si256((ivec*)y, v); }
EL_VEC ivec load(const int32_t* y) { return _mm256_loadu_si256((const ivec*)y); }
EL_VEC void store_bytes(int8_t* y, const ivec v[4], int32_t lo, int32_t hi) {
    ivec w = _mm256_packs_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
    w = _mm256_permutevar8x32_epi32(w, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256((ivec*)y, _mm256_min_epi8(_mm256_max_epi8(w, _mm256_set1_epi8((char)lo)), _mm256_set1_epi8((char)hi)));
}
#endif
#define BLOCK (4 * LANES)

typedef struct mul_float {
    float scale, limit; /* limit: largest distance to the rounded value that is certain, 1/2 - eps; negative: no float form */
} mul_float;

/* The rule rounds twice: to a whole number of 2^y_shift, which is off by half of that at most, then to the result. The float form adds the
 * rounding of `scale` and that of the fused sum, each 2^-24 of `size` at most; one more 2^-24 is for the rounding of `limit`. */
static mul_float float_form(const el_qmul_params* p) {
    if (p->a_offset < -128 || p->a_offset > 128 || p->b_offset < -128 || p->b_offset > 128 || p->y_shift > 0) return (mul_float){0, -1};
    const double scale = ldexp(p->y_multiplier, p->y_shift - 31), size = 65536 * fabs(scale) + abs(p->y_offset);
    const double eps = ldexp(0.5, p->y_shift) + ldexp(2.01 * size + 1, -24);
    return size < 1 << 20 && eps < 0.02 ? (mul_float){(float)scale, (float)(0.5 - eps)} : (mul_float){0, -1};
}

/* Results by the rule. */
static __attribute__((noinline)) ivec exactly(const el_qmul_params* p, ivec products) {
    int32_t part[16] = {0};
    store(part, products);
    q16_store(part, q16_add(q_requant_apply(q16_load(part), q_requant_set(p->y_multiplier, p->y_shift)), q16_set(p->y_offset)));
    return load(part);
}

/* The whole blocks from `begin` on, x by its elements, w repeated after `period`; returns where they end. */
static int64_t by_float(const mul_args* args, const int8_t* x, int32_t x_offset, const int8_t* w, int32_t w_offset, int64_t period, int64_t begin, int64_t end) {
    const el_qmul_params* p = args->p;
    const mul_float f = float_form(p);
    if (f.limit < 0) return begin;
    float factors[MOST_FACTORS + 2 * BLOCK]; /* `whole` of them and a block more, so that a block may begin anywhere */
    const int repeats = period < p->count;
    int64_t whole = BLOCK, at = 0;
    if (repeats) {
        whole = (BLOCK + period - 1) / period * period, at = begin % whole;
        for (int64_t i = 0, j = 0; i < whole + BLOCK; i++) {
            factors[i] = (float)(w[j] + w_offset);
            if (++j == period) j = 0;
        }
    }
    const vec offset = V(set1_ps)((float)x_offset), scale = V(set1_ps)(f.scale), zero = V(set1_ps)((float)p->y_offset);
    int64_t i = begin;
    for (; i + BLOCK <= end; i += BLOCK) {
        ivec v[4];
        for (int k = 0; k < 4; k++) {
            const vec factor = repeats ? V(loadu_ps)(factors + at + k * LANES) : V(add_ps)(widened(w + i + k * LANES), V(set1_ps)((float)w_offset));
            const vec product = V(mul_ps)(V(add_ps)(widened(x + i + k * LANES), offset), factor), r = V(fmadd_ps)(product, scale, zero);
            v[k] = V(cvtps_epi32)(r);
            if (some_near(r, f.limit)) v[k] = exactly(p, V(cvtps_epi32)(product));
        }
        store_bytes(args->y + i, v, p->y_min, p->y_max);
        at += BLOCK;
        if (at >= whole) at -= whole;
    }
    return i;
}
#endif

static void range(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const mul_args* args = arg;
#if defined(__AVX2__)
    const el_qmul_params* p = args->p;
    if (p->a_period == p->count && (p->b_period == p->count || p->b_period <= MOST_FACTORS))
        begin = by_float(args, args->a, p->a_offset, args->b, p->b_offset, p->b_period, begin, end);
    else if (p->b_period == p->count && p->a_period <= MOST_FACTORS)
        begin = by_float(args, args->b, p->b_offset, args->a, p->a_offset, p->a_period, begin, end);
#endif
    if (begin < end) by_rule(args, begin, end);
}

void EL_SIMD_NAME(qmul_s8)(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_qmul_params* p = params;
    mul_args a = {p, buffers[0], buffers[1], buffers[2]};
    el_parallel(ctx, p->count, EL_Q_GRAIN, range, &a);
}
