/* int8 addition and subtraction, 16 elements in lanes.
 * On Arm, sixteens follow the rule in the few instructions that the numbers of models need (add_form).
 * On x86, blocks of EL_QADD_FAST elements are first computed in float: u = a*p + b*q + c, in units of 2^-16 and with the half that
 * makes its whole part the rounded sum. The integer rule and u differ by at most `eps` (float_form derives it), which is added to c: where no fraction is
 * below 2*eps, the whole part is what the rule gives; other blocks go through the rule itself. */
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
#define EL_QADD_FAST (16 * Q_GROUP)

typedef struct add_float {
    float p, q, c;
    int32_t doubt; /* fractions below it are; 0: no float form */
} add_float;

/* With shifts <= 0 and (a + a_offset) << left_shift below 2^30 nothing wraps. In units of ra, each of the four roundings
 * before the last multiplication is off by at most 1/2; that multiplication rounds its product by at most 2^(y_shift - 1)
 * in units of y. The float form adds the roundings of p, q and c, together at most 2^-24 of `size`, those of two
 * fused sums, each at most 2^-24 of a value not above `size` (1 + 2^-22), and 1/2 for the one to int32. */
static add_float float_form(const el_qadd_params* p, int subtract) {
    const add_float none = {0, 0, 0, 0};
    if (p->left_shift > 22 || p->a_shift > 0 || p->b_shift > 0 || p->y_shift > 0) return none;
    double unit = ldexp(p->y_multiplier, p->y_shift - 15);
    double a = ldexp(p->a_multiplier, p->a_shift - 31 + p->left_shift) * unit, b = ldexp(p->b_multiplier, p->b_shift - 31 + p->left_shift) * unit;
    if (subtract) b = -b;
    double c = a * p->a_offset + b * p->b_offset + 65536.0 * p->y_offset + 32768;
    double size = 128 * fabs(a) + 128 * fabs(b) + fabs(c), eps = ceil(2 * fabs(unit) + ldexp(0.5, p->y_shift + 16) + ldexp(3.01 * size, -24) + 0.51);
    return size < 1 << 30 && eps < 1000 ? (add_float){(float)a, (float)b, (float)(c + eps), (int32_t)(2 * eps)} : none;
}

EL_VEC q16 sum_of(const int8_t* a, const int8_t* b, const add_float* f) {
#if defined(__AVX512BW__)
    __m512 x = _mm512_cvtepi32_ps(q16_load8(a).v), z = _mm512_cvtepi32_ps(q16_load8(b).v);
    return (q16){_mm512_cvtps_epi32(_mm512_fmadd_ps(x, _mm512_set1_ps(f->p), _mm512_fmadd_ps(z, _mm512_set1_ps(f->q), _mm512_set1_ps(f->c))))};
#else
    q16 u;
    for (int h = 0; h < 2; h++) {
        __m256 x = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)(a + 8 * h))));
        __m256 z = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)(b + 8 * h))));
        u.v[h] = _mm256_cvtps_epi32(_mm256_fmadd_ps(x, _mm256_set1_ps(f->p), _mm256_fmadd_ps(z, _mm256_set1_ps(f->q), _mm256_set1_ps(f->c))));
    }
    return u;
#endif
}

EL_VEC void blocks(const add_args* args, int64_t begin, int64_t end, int subtract) {
    const el_qadd_params* p = args->p;
    const add_float f = float_form(p, subtract);
    const q_bounds bounds = q_bounds_set(p->y_min, p->y_max);
    const int repeat_a = p->a_period < p->count, repeat_b = p->b_period < p->count;
    int64_t i = begin;
    if (f.doubt > 0 && (!repeat_a || p->a_period == 1) && (!repeat_b || p->b_period == 1)) {
        int8_t same_a[EL_QADD_FAST], same_b[EL_QADD_FAST];
        memset(same_a, args->a[0], sizeof same_a);
        memset(same_b, args->b[0], sizeof same_b);
        for (; i + EL_QADD_FAST <= end; i += EL_QADD_FAST) {
            const int8_t *a = repeat_a ? same_a : args->a + i, *b = repeat_b ? same_b : args->b + i;
            q16 u[Q_GROUP], least = q16_set(-1);
            for (int k = 0; k < Q_GROUP; k++) {
                u[k] = sum_of(a + 16 * k, b + 16 * k, &f);
                least = q16_min_u16(least, u[k]);
            }
            if (__builtin_expect(q16_low_below(least, f.doubt) != 0, 0)) range(args, i, i + EL_QADD_FAST, subtract);
            else q16_store_bytes(u, bounds, args->y + i);
        }
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
