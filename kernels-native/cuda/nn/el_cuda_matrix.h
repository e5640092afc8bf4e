/* Matrix instructions of a warp: C[16][8] += A[16][8 words] B[8 words][8], a word being four int8 (sums in int32) or two float16 (sums in
 * float32): mma.sync.m16n8k32 of s8, m16n8k16 of f16 (PTX ISA, "Matrix Fragments for mma.m16n8k32" and "mma.m16n8k16"). Counted in
 * words, both spread operands over the 32 lanes alike. With g = lane / 4 and t = lane % 4 a lane holds
 *     A: rows g and g+8 at words t, then at words t+4      B: words t and t+4 of column g
 *     C: columns 2t and 2t+1 of row g, then of row g+8 */
#ifndef EL_CUDA_MATRIX_H
#define EL_CUDA_MATRIX_H
#include "el_cuda_math.h"

/* Two float16, the lower k in the lower half. */
struct el_half2 {
    unsigned bits;
};

template <typename T>
struct alignas(16) el_quad {
    T v[4];
};

template <typename T>
struct el_matrix_a {
    T v[4];
};
template <typename T>
struct el_matrix_b {
    T v[2];
};

/* From [k][m] and [k][n] in shared memory. */
template <typename T>
EL_DEVICE el_matrix_a<T> el_matrix_load_a(const T* a, int pitch, int lane) {
    const T* first = a + lane % 4 * pitch + lane / 4;
    return {{first[0], first[8], first[4 * pitch], first[4 * pitch + 8]}};
}
template <typename T>
EL_DEVICE el_matrix_b<T> el_matrix_load_b(const T* b, int pitch, int lane) {
    const T* first = b + lane % 4 * pitch + lane / 4;
    return {{first[0], first[4 * pitch]}};
}

/* Place of sum j of a lane. */
EL_DEVICE int el_matrix_row(int lane, int j) { return lane / 4 + j / 2 * 8; }
EL_DEVICE int el_matrix_column(int lane, int j) { return lane % 4 * 2 + j % 2; }

/* To float16, to nearest, ties to even, by bits. */
EL_DEVICE unsigned el_to_half(float x) {
#ifdef __CUDA__
    unsigned short h;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(x));
    return h;
#else
    unsigned bits = el_bits(x), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return sign | 0x7fffu;
    if (magnitude >= 0x477ff000u) return sign | 0x7c00u; /* 65520 and more */
    if (magnitude < 0x38800000u) return sign | (el_bits(el_float(magnitude) + 0.5f) - 0x3f000000u); /* below 2^-14: the sum has units of 2^-24 */
    return sign | (magnitude + 0xfffu + (magnitude >> 13 & 1u) - 0x38000000u) >> 13;
#endif
}
EL_DEVICE el_half2 el_pack(float low, float high) { return {el_to_half(low) | el_to_half(high) << 16}; }

/* An entry that needs them is empty in PTX for older architectures, where no launch rule chooses it. */
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
#define EL_HAS_MATRIX 1
#else
#define EL_HAS_MATRIX 0
#endif

/* Operands in float16 made of float32 ones, two k a word. */
template <typename A>
struct el_half_rows {
    typedef typename A::row row;
    const A& a;
    EL_MEMBER row at(int m) const { return a.at(m); }
    EL_MEMBER el_quad<el_half2> quad(const row& r, int word) const {
        el_quad<float> x = a.quad(r, 2 * word), y = a.quad(r, 2 * word + 4);
        return {{el_pack(x.v[0], x.v[1]), el_pack(x.v[2], x.v[3]), el_pack(y.v[0], y.v[1]), el_pack(y.v[2], y.v[3])}};
    }
};
template <typename B>
struct el_half_columns {
    const B& b;
    EL_MEMBER el_quad<el_half2> quad(int word, int n) const {
        el_quad<float> x = b.quad(2 * word, n), y = b.quad(2 * word + 1, n);
        return {{el_pack(x.v[0], y.v[0]), el_pack(x.v[1], y.v[1]), el_pack(x.v[2], y.v[2]), el_pack(x.v[3], y.v[3])}};
    }
};

#ifdef __CUDA__
EL_DEVICE void el_matrix_multiply(const el_matrix_a<int>& a, const el_matrix_b<int>& b, int* c) {
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
        : "r"(a.v[0]), "r"(a.v[1]), "r"(a.v[2]), "r"(a.v[3]), "r"(b.v[0]), "r"(b.v[1]));
#endif
}
EL_DEVICE void el_matrix_multiply(const el_matrix_a<el_half2>& a, const el_matrix_b<el_half2>& b, float* c) {
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a.v[0].bits), "r"(a.v[1].bits), "r"(a.v[2].bits), "r"(a.v[3].bits), "r"(b.v[0].bits), "r"(b.v[1].bits));
#endif
}
#else
EL_DEVICE float el_from_half(unsigned h) {
    unsigned sign = (h & 0x8000u) << 16, exponent = h >> 10 & 31u, mantissa = h & 0x3ffu;
    if (exponent == 31) return el_float(sign | 0x7f800000u | mantissa << 13);
    if (exponent > 0) return el_float(sign | (exponent + 112) << 23 | mantissa << 13);
    return el_float(sign | el_bits((float)mantissa * 5.9604644775390625e-8f)); /* 2^-24 */
}
EL_DEVICE void el_matrix_word(int a, int b, int& sum) { sum = el_dot4(a, b, sum); }
EL_DEVICE void el_matrix_word(el_half2 a, el_half2 b, float& sum) {
    sum += el_from_half(a.bits & 0xffffu) * el_from_half(b.bits & 0xffffu);
    sum += el_from_half(a.bits >> 16) * el_from_half(b.bits >> 16);
}

/* Every lane shows its words to the others and computes its own sums of them. */
template <typename T, typename S>
EL_DEVICE void el_matrix_multiply(const el_matrix_a<T>& a, const el_matrix_b<T>& b, S* c) {
    T own[6] = {a.v[0], a.v[1], a.v[2], a.v[3], b.v[0], b.v[1]};
    el_emulated_show(own);
    const int lane = el_thread() % 32;
    for (int j = 0; j < 4; j++) {
        const int row = el_matrix_row(lane, j), column = el_matrix_column(lane, j);
        for (int k = 0; k < 8; k++)
            el_matrix_word(((const T*)el_emulated_shown(row % 8 * 4 + k % 4))[row / 8 + k / 4 * 2], ((const T*)el_emulated_shown(column * 4 + k % 4))[4 + k / 4], c[j]);
    }
    el_emulated_seen();
}
#endif

#endif
