/* Verification of Ed25519 signatures (RFC 8032). Everything here is public, so nothing is made to take constant time, and little is made
 * fast: a signature takes a fraction of a millisecond, once for each model. Constants are computed from their definitions.
 *
 * A number of the field is 5 limbs of 51 bits, modulo p = 2^255 - 19; limbs may exceed 51 bits a little between operations.
 * A point of the curve -x^2 + y^2 = 1 + d x^2 y^2 is (X : Y : Z : T), x = X / Z, y = Y / Z, x y = T / Z. */
#include "el_kernels.h"
#include <string.h>

__extension__ typedef unsigned __int128 el_u128;

#define LIMB_BITS 51
#define LIMB_MASK ((1ull << LIMB_BITS) - 1)

typedef struct el_fe { uint64_t v[5]; } el_fe;
typedef struct el_point { el_fe x, y, z, t; } el_point;

/* ---- the field --------------------------------------------------------------------------------------------------- */

static el_fe el_fe_small(uint64_t x) { return (el_fe){{x, 0, 0, 0, 0}}; }

/* Brings the limbs to 51 bits, the first one up to a few more. */
static el_fe el_fe_carry(el_fe a) {
    uint64_t c = 0;
    for (int i = 0; i < 5; i++) {
        a.v[i] += c;
        c = a.v[i] >> LIMB_BITS;
        a.v[i] &= LIMB_MASK;
    }
    a.v[0] += 19 * c;
    return a;
}

static el_fe el_fe_add(el_fe a, el_fe b) {
    for (int i = 0; i < 5; i++) a.v[i] += b.v[i];
    return el_fe_carry(a);
}

/* a + 4 p - b: no limb becomes negative. */
static el_fe el_fe_sub(el_fe a, el_fe b) {
    for (int i = 0; i < 5; i++) a.v[i] += 4 * (LIMB_MASK - (i == 0 ? 18 : 0)) - b.v[i];
    return el_fe_carry(a);
}

static el_fe el_fe_mul(el_fe a, el_fe b) {
    el_u128 sum[5] = {0};
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++) sum[(i + j) % 5] += (el_u128)a.v[i] * b.v[j] * (i + j < 5 ? 1 : 19); /* 2^255 = 19 */
    el_fe r;
    el_u128 c = 0;
    for (int i = 0; i < 5; i++) {
        sum[i] += c;
        r.v[i] = (uint64_t)sum[i] & LIMB_MASK;
        c = sum[i] >> LIMB_BITS;
    }
    r.v[0] += 19 * (uint64_t)c;
    return el_fe_carry(r);
}

/* a^(2^bits - less), bits > 8, 0 < less < 256: every power that is needed is of this form. */
static el_fe el_fe_power(el_fe a, int bits, int less) {
    el_fe r = el_fe_small(1);
    for (int i = bits - 1; i >= 0; i--) {
        r = el_fe_mul(r, r);
        if (i >= 8 || (256 - less) >> i & 1) r = el_fe_mul(r, a);
    }
    return r;
}

static el_fe el_fe_inverse(el_fe a) { return el_fe_power(a, 255, 21); } /* p - 2 */

/* 32 bytes, little-endian, of the number from 0 to p - 1. */
static void el_fe_store(uint8_t out[32], el_fe a) {
    a = el_fe_carry(el_fe_carry(a));
    for (int round = 0; round < 2; round++) { /* a < 2^255 + 19 * 2: subtract p where a + 19 reaches 2^255 */
        el_fe b = a;
        b.v[0] += 19;
        for (int i = 0; i < 4; i++) {
            b.v[i + 1] += b.v[i] >> LIMB_BITS;
            b.v[i] &= LIMB_MASK;
        }
        if (b.v[4] >> LIMB_BITS == 0) break;
        b.v[4] &= LIMB_MASK;
        a = b;
    }
    memset(out, 0, 32);
    for (int i = 0; i < 255; i++) out[i / 8] |= (uint8_t)((a.v[i / LIMB_BITS] >> i % LIMB_BITS & 1) << i % 8);
}

/* The low 255 bits; 0 when they are p or more, which only one who plays tricks writes. */
static int el_fe_load(el_fe* a, const uint8_t in[32]) {
    uint8_t again[32];
    memset(a, 0, sizeof *a);
    for (int i = 0; i < 255; i++) a->v[i / LIMB_BITS] |= (uint64_t)(in[i / 8] >> i % 8 & 1) << i % LIMB_BITS;
    el_fe_store(again, *a);
    again[31] |= in[31] & 0x80;
    return memcmp(again, in, 32) == 0;
}

static int el_fe_equal(el_fe a, el_fe b) {
    uint8_t x[32], y[32];
    el_fe_store(x, a);
    el_fe_store(y, b);
    return memcmp(x, y, 32) == 0;
}

static int el_fe_odd(el_fe a) {
    uint8_t bytes[32];
    el_fe_store(bytes, a);
    return bytes[0] & 1;
}

/* d = -121665 / 121666 */
static el_fe el_curve_d(void) {
    return el_fe_sub(el_fe_small(0), el_fe_mul(el_fe_small(121665), el_fe_inverse(el_fe_small(121666))));
}

/* ---- the curve --------------------------------------------------------------------------------------------------- */

static el_point el_point_zero(void) { return (el_point){el_fe_small(0), el_fe_small(1), el_fe_small(1), el_fe_small(0)}; }

static el_point el_point_negative(el_point a) {
    a.x = el_fe_sub(el_fe_small(0), a.x);
    a.t = el_fe_sub(el_fe_small(0), a.t);
    return a;
}

/* RFC 8032, section 5.1.4; right for all points, equal ones too. d2 = 2 d. */
static el_point el_point_add(const el_point* p, const el_point* q, el_fe d2) {
    el_fe a = el_fe_mul(el_fe_sub(p->y, p->x), el_fe_sub(q->y, q->x));
    el_fe b = el_fe_mul(el_fe_add(p->y, p->x), el_fe_add(q->y, q->x));
    el_fe c = el_fe_mul(el_fe_mul(p->t, d2), q->t);
    el_fe d = el_fe_mul(el_fe_add(p->z, p->z), q->z);
    el_fe e = el_fe_sub(b, a), f = el_fe_sub(d, c), g = el_fe_add(d, c), h = el_fe_add(b, a);
    return (el_point){el_fe_mul(e, f), el_fe_mul(g, h), el_fe_mul(f, g), el_fe_mul(e, h)};
}

/* RFC 8032, section 5.1.3: x^2 = (y^2 - 1) / (d y^2 + 1). 0 when the bytes are no point, or not in their only form. */
static int el_point_load(el_point* p, const uint8_t in[32], el_fe d) {
    el_fe one = el_fe_small(1);
    if (!el_fe_load(&p->y, in)) return 0;
    el_fe y2 = el_fe_mul(p->y, p->y), u = el_fe_sub(y2, one), v = el_fe_add(el_fe_mul(d, y2), one);
    el_fe v3 = el_fe_mul(el_fe_mul(v, v), v), v7 = el_fe_mul(el_fe_mul(v3, v3), v);
    el_fe x = el_fe_mul(el_fe_mul(u, v3), el_fe_power(el_fe_mul(u, v7), 252, 3)); /* (p - 5) / 8 */
    if (!el_fe_equal(el_fe_mul(v, el_fe_mul(x, x)), u)) {
        x = el_fe_mul(x, el_fe_power(el_fe_small(2), 253, 5)); /* the square root of -1, 2^((p - 1) / 4) */
        if (!el_fe_equal(el_fe_mul(v, el_fe_mul(x, x)), u)) return 0;
    }
    int sign = in[31] >> 7;
    if (sign && el_fe_equal(x, el_fe_small(0))) return 0;
    p->x = el_fe_odd(x) == sign ? x : el_fe_sub(el_fe_small(0), x);
    p->z = one;
    p->t = el_fe_mul(p->x, p->y);
    return 1;
}

static void el_point_store(uint8_t out[32], const el_point* p) {
    el_fe inverse = el_fe_inverse(p->z);
    el_fe_store(out, el_fe_mul(p->y, inverse));
    out[31] |= (uint8_t)(el_fe_odd(el_fe_mul(p->x, inverse)) << 7);
}

/* [a] P + [b] Q, bit by bit for both at once. */
static el_point el_point_combine(const uint8_t a[32], const el_point* p, const uint8_t b[32], const el_point* q, el_fe d2) {
    el_point r = el_point_zero(), both = el_point_add(p, q, d2);
    for (int i = 255; i >= 0; i--) {
        int in_a = a[i / 8] >> i % 8 & 1, in_b = b[i / 8] >> i % 8 & 1;
        r = el_point_add(&r, &r, d2);
        if (in_a || in_b) r = el_point_add(&r, in_a && in_b ? &both : in_a ? p : q, d2);
    }
    return r;
}

/* ---- scalars ----------------------------------------------------------------------------------------------------- */

/* The order of the base point, 2^252 + 27742317777372353535851937790883648493, in 8 words of 32 bits. */
static const uint32_t el_order[8] = {0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0, 0, 0, 0x10000000};

/* x - order where that is not negative; whether it was. */
static int el_reduce_once(uint32_t x[8]) {
    uint32_t difference[8];
    int64_t borrow = 0;
    for (int i = 0; i < 8; i++) {
        borrow += (int64_t)x[i] - el_order[i];
        difference[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    if (borrow < 0) return 0;
    memcpy(x, difference, sizeof difference);
    return 1;
}

static void el_words_store(uint8_t out[32], const uint32_t x[8]) {
    for (int i = 0; i < 32; i++) out[i] = (uint8_t)(x[i / 4] >> i % 4 * 8);
}

/* A number of 64 bytes modulo the order: bit by bit from the highest. */
static void el_reduce(uint8_t out[32], const uint8_t in[64]) {
    uint32_t x[8] = {0};
    for (int i = 511; i >= 0; i--) {
        for (int k = 7; k > 0; k--) x[k] = x[k] << 1 | x[k - 1] >> 31;
        x[0] = x[0] << 1 | (in[i / 8] >> i % 8 & 1);
        el_reduce_once(x);
    }
    el_words_store(out, x);
}

static int el_is_below_order(const uint8_t in[32]) {
    uint32_t x[8];
    for (int i = 0; i < 8; i++) x[i] = in[4 * i] | (uint32_t)in[4 * i + 1] << 8 | (uint32_t)in[4 * i + 2] << 16 | (uint32_t)in[4 * i + 3] << 24;
    return !el_reduce_once(x);
}

/* ---- signatures -------------------------------------------------------------------------------------------------- */

int32_t el_ed25519_verify(const uint8_t signature[64], const uint8_t key[32], const void* message, size_t size) {
    static const uint8_t zero[32] = {0};
    uint8_t base_bytes[32], order[32], k[32], text[64 + EL_ED25519_MAX_MESSAGE], digest[64], result[32];
    el_point base, a, r;
    el_fe d = el_curve_d(), d2 = el_fe_add(d, d);
    if (size > EL_ED25519_MAX_MESSAGE || !el_is_below_order(signature + 32)) return 0;
    memset(base_bytes, 0x66, sizeof base_bytes); /* y = 4 / 5, x even */
    base_bytes[0] = 0x58;
    if (!el_point_load(&base, base_bytes, d) || !el_point_load(&a, key, d)) return 0;

    /* A key of small order would have a signature for everything; one with a part of small order is nobody's either. */
    el_words_store(order, el_order);
    el_point_store(result, &a);
    if (result[0] == 1 && memcmp(result + 1, zero, 31) == 0) return 0;
    r = el_point_combine(order, &a, zero, &base, d2);
    el_point_store(result, &r);
    if (result[0] != 1 || memcmp(result + 1, zero, 31) != 0) return 0;

    /* RFC 8032, section 5.1.7: [S] B = R + [k] A with k = SHA-512(R, A, message), without the factor 8. */
    memcpy(text, signature, 32);
    memcpy(text + 32, key, 32);
    if (size) memcpy(text + 64, message, size);
    el_sha512(text, 64 + size, digest);
    el_reduce(k, digest);
    a = el_point_negative(a);
    r = el_point_combine(signature + 32, &base, k, &a, d2);
    el_point_store(result, &r);
    return memcmp(result, signature, 32) == 0;
}
