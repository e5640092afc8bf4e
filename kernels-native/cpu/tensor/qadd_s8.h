/* int8 addition and subtraction by TFLite's rule; the including file names the kernels.
 * On Arm, sixteens follow the rule in the few instructions that the numbers of models need (add_form).
 * On x86, blocks are first computed as s = a*x + b*z + c, in units of 2^-f and with the half that makes its whole part the rounded sum. a and b have 24 bits, of which
 * the upper 16 multiply words x << 8, z << 8 and the lower eight words (with VNNI, bytes) x, z. Unpacking puts x0 x1 z0 z1 into a dword, so that there is one sum of elements
 * of even and one of those of odd places, and the upper halves of both are words in order. The rule and s differ by at most `eps` (el_qadd_words_of derives it), which is
 * added to c: where no fraction is below 2*eps, the whole part is what the rule gives; other blocks go through the rule itself. */
#ifndef EL_QADD_S8_H
#define EL_QADD_S8_H
#include "qadd_rule.h"
#include "qadd_words.h"

typedef struct add_args {
    const el_qadd_params* p;
    const int8_t *a, *b;
    int8_t* y;
#if defined(__AVX2__)
    el_qadd_words words;
#endif
} add_args;

/* Elements [begin, end), by the rule. Instruction sets with VNNI share it with those without. */
#if defined(__AVX512VNNI__)
#define RANGE el_qadd_s8_range__avx512
#elif defined(__AVXVNNI__)
#define RANGE el_qadd_s8_range__avx2
#else
#define RANGE EL_SIMD_NAME(qadd_s8_range)
#endif
void RANGE(const add_args* args, int64_t begin, int64_t end, int subtract);

#if defined(__AVX2__)
#if defined(__AVX512BW__)
typedef __m512i bytes;
#define V(name) _mm512_##name
#define V_SI(name) _mm512_##name##_si512
#else
typedef __m256i bytes;
#define V(name) _mm256_##name
#define V_SI(name) _mm256_##name##_si256
#endif

/* Pairs of words or bytes that meet x and z. */
typedef struct add_factors {
    bytes high, low, c;
} add_factors;

/* s of the elements of `odd` or even places of `all` bytes */
EL_VEC bytes sum_of(bytes all, const add_factors* f, const int odd) {
    const bytes x = odd ? V_SI(and)(all, V(set1_epi16)((int16_t)0xff00)) : V(slli_epi16)(all, 8);
#if defined(__AVX512VNNI__)
    return V(dpbusd_epi32)(V(dpwssd_epi32)(f->c, x, f->high), odd ? V(slli_epi16)(f->low, 8) : f->low, all);
#elif defined(__AVXVNNI__)
    return _mm256_dpbusd_avx_epi32(_mm256_dpwssd_avx_epi32(f->c, x, f->high), odd ? V(slli_epi16)(f->low, 8) : f->low, all);
#else
    return V(add_epi32)(V(add_epi32)(f->c, V(madd_epi16)(x, f->high)), V(madd_epi16)(V(srai_epi16)(odd ? all : x, 8), f->low));
#endif
}

static void blocks(const add_args* args, int64_t begin, int64_t end, int subtract) {
    const el_qadd_params* p = args->p;
    const el_qadd_words words = args->words;
    const int64_t block = sizeof(bytes);
    int64_t i = begin;
    if (words.sure != 0 && (p->a_period == p->count || p->a_period <= EL_Q_SHORT) && (p->b_period == p->count || p->b_period <= EL_Q_SHORT)) {
        int8_t near_a[EL_Q_NEAR], near_b[EL_Q_NEAR];
        q_operand a = q_operand_near(args->a, p->a_period, p->count, i, near_a, block), b = q_operand_near(args->b, p->b_period, p->count, i, near_b, block);
        const add_factors f = {V(set1_epi32)((words.a >> 8 & 0xffff) | (int32_t)((uint32_t)words.b >> 8 << 16)), V(set1_epi32)((words.a & 255) | (words.b & 255) << 16), V(set1_epi32)(words.c)};
        const bytes sure = V(set1_epi32)(words.sure);
        const q_bounds bounds = q_bounds_set(p->y_min, p->y_max);
        const __m128i fraction = _mm_cvtsi32_si128(words.f - 16);
        for (; i + block <= end; i += block) {
            const bytes x = V_SI(loadu)((const void*)((const int8_t*)a.p + a.at)), z = V_SI(loadu)((const void*)((const int8_t*)b.p + b.at));
            a.at += block, b.at += block;
            if (a.at >= a.period) a.at -= a.period;
            if (b.at >= b.period) b.at -= b.period;
            const bytes pairs[2] = {V(unpacklo_epi16)(x, z), V(unpackhi_epi16)(x, z)};
            bytes w[2];
#if defined(__AVX512BW__)
            __mmask16 no_doubt = 0xffff;
#else
            bytes least = sure;
#endif
            for (int h = 0; h < 2; h++) {
                const bytes even = sum_of(pairs[h], &f, 0), odd = sum_of(pairs[h], &f, 1);
#if defined(__AVX512BW__)
                no_doubt = _mm512_mask_test_epi32_mask(_mm512_mask_test_epi32_mask(no_doubt, even, sure), odd, sure);
                w[h] = _mm512_ternarylogic_epi32(_mm512_srli_epi32(even, 16), odd, _mm512_set1_epi32((int32_t)0xffff0000), 0xf8);
#else
                least = V(min_epu32)(least, V(min_epu32)(V_SI(and)(even, sure), V_SI(and)(odd, sure)));
                w[h] = _mm256_blend_epi16(_mm256_srli_epi32(even, 16), odd, 0xaa);
#endif
                w[h] = V(sra_epi16)(w[h], fraction);
            }
#if defined(__AVX512BW__)
            const int doubt = no_doubt != 0xffff;
#else
            const int doubt = _mm256_movemask_epi8(_mm256_cmpeq_epi32(least, _mm256_setzero_si256())) != 0;
#endif
            if (__builtin_expect(doubt, 0)) RANGE(args, i, i + block, subtract);
            else V_SI(storeu)((void*)(args->y + i), V(min_epi8)(V(max_epi8)(V(packs_epi16)(w[0], w[1]), bounds.lo), bounds.hi));
        }
    }
    if (i < end) RANGE(args, i, end, subtract);
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

static void blocks(const add_args* args, int64_t begin, int64_t end, int subtract) {
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
    if (begin < end) RANGE(args, begin, end, subtract);
}
#endif

static void add_body(void* a, int64_t begin, int64_t end, int32_t worker) { blocks(a, begin, end, 0); }
static void sub_body(void* a, int64_t begin, int64_t end, int32_t worker) { blocks(a, begin, end, 1); }

static void run(const el_ctx* ctx, const el_qadd_params* p, void* const* buffers, int subtract) {
    add_args a = {.p = p, .a = buffers[0], .b = buffers[1], .y = buffers[2]};
#if defined(__AVX2__)
    a.words = el_qadd_words_of(p, subtract);
#endif
    el_parallel(ctx, p->count, EL_Q_GRAIN, subtract ? sub_body : add_body, &a);
}
#endif
