/* int8 addition and subtraction, 16 elements in lanes.
 * On Arm, sixteens follow the rule in the few instructions that the numbers of models need (add_form).
 * On x86, blocks of EL_QADD_FAST elements are first computed in float: y = a*p + b*q + c. The integer rule and the float
 * value differ by at most `eps` (float_form derives it), so where none of 16 elements lies within eps of a rounding boundary
 * k + 1/2, rounding the float value gives the bits of the rule; other sixteens go through the rule itself. */
#include "qadd_rule.h"
#include <math.h>

EL_KERNEL_SIMD(qadd_s8, el_qadd_params)
EL_KERNEL_SIMD(qsub_s8, el_qadd_params)

typedef struct add_args {
    const el_qadd_params* p;
    const int8_t *a, *b;
    int8_t* y;
} add_args;

static __attribute__((noinline)) void range(const add_args* args, int64_t begin, int64_t end, int subtract) {
    const el_qadd_params* p = args->p;
    const add_rule rule = rule_of(p);
    int8_t near_a[EL_Q_NEAR], near_b[EL_Q_NEAR];
    q_operand a = q_operand_near(args->a, p->a_period, p->count, begin, near_a), b = q_operand_near(args->b, p->b_period, p->count, begin, near_b);
    for (int64_t i = begin; i < end; i += 16) {
        int64_t lanes = end - i < 16 ? end - i : 16;
        q16 va = q_operand_next(&a, lanes), vb = q_operand_next(&b, lanes);
        q16_store8_part(args->y + i, apply(&rule, va, vb, subtract), lanes);
    }
}

#if defined(__AVX2__)
typedef struct add_float {
    float p, q, c, limit; /* limit: largest distance to the rounded value that is certain, 1/2 - eps; negative: no float form */
    int32_t subtract;
    const add_rule* rule;
} add_float;

/* y[16], widened */
static __attribute__((noinline)) void exactly(const add_float* f, const int8_t* a, const int8_t* b, void* y) {
    q16_store(y, apply(f->rule, q16_load8(a), q16_load8(b), f->subtract));
}
#endif

#if defined(__AVX512BW__)
#define EL_QADD_FAST 64
EL_VEC void fast_block(const int8_t* a, const int8_t* b, int8_t* y, const add_float* f, int32_t lo, int32_t hi) {
    __m512i v[4];
    __mmask16 near[4];
    for (int i = 0; i < 4; i++) {
        __m512 x = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)(a + 16 * i))));
        __m512 z = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i*)(b + 16 * i))));
        __m512 r = _mm512_fmadd_ps(x, _mm512_set1_ps(f->p), _mm512_fmadd_ps(z, _mm512_set1_ps(f->q), _mm512_set1_ps(f->c)));
        near[i] = _mm512_cmp_ps_mask(_mm512_abs_ps(_mm512_reduce_ps(r, 0)), _mm512_set1_ps(f->limit), _CMP_GT_OQ);
        v[i] = _mm512_cvtps_epi32(r);
    }
    if (near[0] | near[1] | near[2] | near[3])
        for (int i = 0; i < 4; i++)
            if (near[i]) exactly(f, a + 16 * i, b + 16 * i, &v[i]);
    /* packing leaves dword 4L+i of the result holding dwords of lane L of v[i] */
    __m512i w = _mm512_packs_epi16(_mm512_packs_epi32(v[0], v[1]), _mm512_packs_epi32(v[2], v[3]));
    w = _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), w);
    _mm512_storeu_si512(y, _mm512_min_epi8(_mm512_max_epi8(w, _mm512_set1_epi8((char)lo)), _mm512_set1_epi8((char)hi)));
}
#elif defined(__AVX2__)
#define EL_QADD_FAST 32
EL_VEC __m256 eight(const int8_t* p) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)p))); }
EL_VEC void fast_block(const int8_t* a, const int8_t* b, int8_t* y, const add_float* f, int32_t lo, int32_t hi) {
    __m256i v[4];
    __m256 near[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (int i = 0; i < 4; i++) {
        __m256 r = _mm256_fmadd_ps(eight(a + 8 * i), _mm256_set1_ps(f->p), _mm256_fmadd_ps(eight(b + 8 * i), _mm256_set1_ps(f->q), _mm256_set1_ps(f->c)));
        __m256 rest = _mm256_sub_ps(r, _mm256_round_ps(r, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
        near[i / 2] = _mm256_max_ps(near[i / 2], _mm256_andnot_ps(_mm256_set1_ps(-0.0f), rest));
        v[i] = _mm256_cvtps_epi32(r);
    }
    const __m256 limit = _mm256_set1_ps(f->limit);
    if (_mm256_movemask_ps(_mm256_cmp_ps(_mm256_max_ps(near[0], near[1]), limit, _CMP_GT_OQ)))
        for (int i = 0; i < 2; i++)
            if (_mm256_movemask_ps(_mm256_cmp_ps(near[i], limit, _CMP_GT_OQ))) exactly(f, a + 16 * i, b + 16 * i, &v[2 * i]);
    __m256i w = _mm256_packs_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
    w = _mm256_permutevar8x32_epi32(w, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256((__m256i*)y, _mm256_min_epi8(_mm256_max_epi8(w, _mm256_set1_epi8((char)lo)), _mm256_set1_epi8((char)hi)));
}
#endif

#if defined(EL_QADD_FAST)
/* With shifts <= 0 and (a + a_offset) << left_shift below 2^30 nothing wraps. In units of ra, each of the four roundings
 * before the last multiplication is off by at most 1/2; that multiplication rounds its product by at most 2^(y_shift - 1)
 * in units of y. The float form adds the roundings of p, q and c, together at most 2^-24 of `size`, and those of two
 * fused sums, each at most 2^-24 of a value not above `size` (1 + 2^-22); one more 2^-24 is for the rounding of `limit`. */
static add_float float_form(const el_qadd_params* p, int subtract) {
    add_float none = {0, 0, 0, -1, subtract, NULL};
    if (p->left_shift > 22 || p->a_shift > 0 || p->b_shift > 0 || p->y_shift > 0) return none;
    double unit = ldexp(p->y_multiplier, p->y_shift - 31);
    double a = ldexp(p->a_multiplier, p->a_shift - 31 + p->left_shift) * unit, b = ldexp(p->b_multiplier, p->b_shift - 31 + p->left_shift) * unit;
    if (subtract) b = -b;
    double c = a * p->a_offset + b * p->b_offset + p->y_offset;
    double size = 128 * fabs(a) + 128 * fabs(b) + fabs(c), eps = 2 * fabs(unit) + ldexp(0.5, p->y_shift) + ldexp(3.01 * size + 1, -24);
    return size < 1 << 20 && eps < 0.01 ? (add_float){(float)a, (float)b, (float)c, (float)(0.5 - eps), subtract, NULL} : none;
}

EL_VEC void blocks(const add_args* args, int64_t begin, int64_t end, int subtract) {
    const el_qadd_params* p = args->p;
    int64_t i = begin;
    add_float f = float_form(p, subtract);
    int repeat_a = p->a_period < p->count, repeat_b = p->b_period < p->count;
    if (f.limit > 0 && (!repeat_a || p->a_period == 1) && (!repeat_b || p->b_period == 1)) {
        int8_t a[EL_QADD_FAST], b[EL_QADD_FAST];
        memset(a, args->a[0], sizeof a);
        memset(b, args->b[0], sizeof b);
        const add_rule rule = rule_of(p);
        f.rule = &rule;
        for (; i + EL_QADD_FAST <= end; i += EL_QADD_FAST)
            fast_block(repeat_a ? a : args->a + i, repeat_b ? b : args->b + i, args->y + i, &f, p->y_min, p->y_max);
    }
    if (i < end) range(args, i, end, subtract);
}
#else
/* What sixteen elements need where left_shift is 20, the multiplier of the `exact` input 1/2, as that of the input of
 * the larger scale is, the shift of the `other` one not positive and the output's negative. (a + a_offset) << 20 is
 * below 2^29, so nothing wraps, and (a + a_offset) << 19 is the exact input's product, whatever its sign. */
typedef struct add_form {
    int8x16_t exact_zero, other_zero, lo, hi;
    int16x8_t exact_scale, other_scale, y_offset;
    int32x4_t multiplier, minus_right, y_multiplier, y_minus_right;
} add_form;

/* (x - zero) * scale << 16 */
EL_VEC q16 operand(const int8_t* x, int8x16_t zero, int16x8_t scale) {
    int8x16_t v = vld1q_s8(x);
    int16x8_t lo = vmulq_s16(vsubl_s8(vget_low_s8(v), vget_low_s8(zero)), scale), hi = vmulq_s16(vsubl_high_s8(v, zero), scale);
    return (q16){{vshll_n_s16(vget_low_s16(lo), 16), vshll_high_n_s16(lo, 16), vshll_n_s16(vget_low_s16(hi), 16), vshll_high_n_s16(hi, 16)}};
}

EL_VEC void sixteens(const int8_t* exact, const int8_t* other, int8_t* y, int64_t count, int64_t exact_step, int64_t other_step, const add_form* form, int subtract) {
    const add_form f = *form;
    for (; count >= 16; count -= 16, exact += exact_step, other += other_step, y += 16) {
        q16 a = operand(exact, f.exact_zero, f.exact_scale), b = operand(other, f.other_zero, f.other_scale);
        for (int k = 0; k < 4; k++) { /* the shifts as in q4_divide_pot */
            int32x4_t v = vqrdmulhq_s32(b.v[k], f.multiplier);
            v = vrshlq_s32(vsraq_n_s32(v, vandq_s32(v, f.minus_right), 31), f.minus_right);
            v = vqrdmulhq_s32(subtract ? vsubq_s32(a.v[k], v) : vaddq_s32(a.v[k], v), f.y_multiplier);
            a.v[k] = vrshlq_s32(vsraq_n_s32(v, v, 31), f.y_minus_right);
        }
        int16x8_t lo = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(a.v[0]), a.v[1]), f.y_offset), hi = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(a.v[2]), a.v[3]), f.y_offset);
        vst1q_s8(y, vminq_s8(vmaxq_s8(vqmovn_high_s16(vqmovn_s16(lo), hi), f.lo), f.hi));
    }
}

EL_VEC int fits_s8(int32_t v) { return v == (int8_t)v; }

EL_VEC void blocks(const add_args* args, int64_t begin, int64_t end, int subtract) {
    const el_qadd_params* p = args->p;
    const int swap = !(p->a_shift == 0 && p->a_multiplier == 1 << 30); /* b is the exact one */
    const int32_t shift = swap ? p->a_shift : p->b_shift;
    const int64_t whole = (end - begin) / 16 * 16;
    const int repeat_a = p->a_period < p->count, repeat_b = p->b_period < p->count;
    if (p->left_shift == 20 && shift <= 0 && p->y_shift < 0 && (!swap || (p->b_shift == 0 && p->b_multiplier == 1 << 30)) &&
        fits_s8(-p->a_offset) && fits_s8(-p->b_offset) && (!repeat_a || p->a_period == 1) && (!repeat_b || p->b_period == 1)) {
        int8_t same_a[16], same_b[16];
        memset(same_a, args->a[0], 16), memset(same_b, args->b[0], 16);
        const int8_t *a = repeat_a ? same_a : args->a + begin, *b = repeat_b ? same_b : args->b + begin;
        const int8x16_t za = vdupq_n_s8((int8_t)-p->a_offset), zb = vdupq_n_s8((int8_t)-p->b_offset);
        const add_form f = {swap ? zb : za, swap ? za : zb, vdupq_n_s8((int8_t)p->y_min), vdupq_n_s8((int8_t)p->y_max), vdupq_n_s16(swap && subtract ? -8 : 8),
                            vdupq_n_s16(16), vdupq_n_s16((int16_t)p->y_offset), vdupq_n_s32(swap ? p->a_multiplier : p->b_multiplier), vdupq_n_s32(shift),
                            vdupq_n_s32(p->y_multiplier), vdupq_n_s32(p->y_shift)};
        if (!subtract || swap) sixteens(swap ? b : a, swap ? a : b, args->y + begin, whole, (swap ? repeat_b : repeat_a) ? 0 : 16, (swap ? repeat_a : repeat_b) ? 0 : 16, &f, 0);
        else sixteens(a, b, args->y + begin, whole, repeat_a ? 0 : 16, repeat_b ? 0 : 16, &f, 1);
        begin += whole;
    }
    if (begin < end) range(args, begin, end, subtract);
}
#endif

static void add_body(void* a, int64_t begin, int64_t end, int32_t worker) { blocks(a, begin, end, 0); }
static void sub_body(void* a, int64_t begin, int64_t end, int32_t worker) { blocks(a, begin, end, 1); }

static void run(const el_ctx* ctx, const el_qadd_params* p, void* const* buffers, el_body_fn body) {
    add_args a = {p, buffers[0], buffers[1], buffers[2]};
    el_parallel(ctx, p->count, EL_Q_GRAIN, body, &a);
}

void EL_SIMD_NAME(qadd_s8)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, add_body); }
void EL_SIMD_NAME(qsub_s8)(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers, sub_body); }
