/* Matrix instructions of a warp (mma.sync), how their operands come from shared memory (ldmatrix), and copies from memory to shared
 * memory that go on beside the work (cp.async): PTX ISA, "Matrix Fragments for mma.m16n8k16" and "mma.m16n8k32", "ldmatrix" and "cp.async".
 *
 *     C[16][8] += A[16][32 bytes] B[32 bytes][8]: 16 float16 with sums in float32, or 32 int8 with sums in int32
 *
 * Counted in words of four bytes both are spread over the 32 lanes alike. With g = lane / 4 and t = lane % 4 a lane holds
 *     A: rows g and g+8 at word t, then at word t+4      B: words t and t+4 of column g
 *     C: columns 2t and 2t+1 of row g, then of row g+8 */
#ifndef EL_CUDA_MATRIX_H
#define EL_CUDA_MATRIX_H
#include "el_cuda_math.h"

EL_DEVICE unsigned el_half_pair(float low, float high) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    unsigned pair;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
#else
    return el_to_half(low) | el_to_half(high) << 16;
#endif
}

#ifdef __CUDA__
/* An address in shared memory: found once, as the instructions below take no pointers. */
typedef unsigned el_shared;
EL_DEVICE el_shared el_shared_of(const void* pointer) {
    unsigned long long place;
    asm("cvta.to.shared.u64 %0, %1;" : "=l"(place) : "l"(pointer));
    return (unsigned)place;
}

/* Sixteen bytes, from memory of the same alignment; zeros, and nothing read, where it is not there. */
EL_DEVICE void el_copy_async(el_shared to, const void* from, bool is_there) {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" : : "r"(to), "l"(from), "r"(is_there ? 16 : 0) : "memory");
#endif
}
EL_DEVICE void el_commit_copies() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" : : : "memory");
#endif
}
/* Waits until all but the last PENDING groups of this thread's copies have come. */
template <int PENDING>
EL_DEVICE void el_await_copies() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" : : "n"(PENDING) : "memory");
#endif
}

/* Four matrices of 8 rows of 16 bytes; lane l names row l % 8 of matrix l / 8, and gets of each matrix word t of row g. */
EL_DEVICE void el_load_matrices(el_shared row, unsigned* words) {
#if __CUDA_ARCH__ >= 800
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
        : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3]) : "r"(row) : "memory");
#endif
}
/* The same of matrices of float16, transposed: of each column g of rows 2t and 2t+1. */
EL_DEVICE void el_load_matrices_transposed(el_shared row, unsigned* words) {
#if __CUDA_ARCH__ >= 800
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
        : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3]) : "r"(row) : "memory");
#endif
}
EL_DEVICE unsigned el_load_word(el_shared from) {
    unsigned word;
    asm volatile("ld.shared.u32 %0, [%1];" : "=r"(word) : "r"(from) : "memory");
    return word;
}

EL_DEVICE void el_matrix_multiply(const unsigned* a, const unsigned* b, int* c) {
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}
EL_DEVICE void el_matrix_multiply(const unsigned* a, const unsigned* b, float* c) {
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}
#else
typedef uintptr_t el_shared;
EL_DEVICE el_shared el_shared_of(const void* pointer) { return (el_shared)pointer; }
EL_DEVICE void el_copy_async(el_shared to, const void* from, bool is_there) { el_emulated_copy((void*)to, is_there ? from : nullptr, 16); }
EL_DEVICE void el_commit_copies() { el_emulated_commit(); }
template <int PENDING>
EL_DEVICE void el_await_copies() { el_emulated_await(PENDING); }

/* Lanes show each other what they hold, and each computes its own part. */
EL_DEVICE void el_load_matrices(el_shared row, unsigned* words) {
    const void* own[3] = {(const void*)row};
    const int lane = el_thread() % 32;
    el_emulated_show(own);
    for (int i = 0; i < 4; i++) words[i] = (*(const unsigned* const*)el_emulated_shown(i * 8 + lane / 4))[lane % 4];
    el_emulated_seen();
}
EL_DEVICE unsigned el_load_word(el_shared from) { return *(const unsigned*)from; }
EL_DEVICE void el_load_matrices_transposed(el_shared row, unsigned* words) {
    const void* own[3] = {(const void*)row};
    const int lane = el_thread() % 32;
    el_emulated_show(own);
    for (int i = 0; i < 4; i++) {
        const el_half *low = *(const el_half* const*)el_emulated_shown(i * 8 + lane % 4 * 2), *high = *(const el_half* const*)el_emulated_shown(i * 8 + lane % 4 * 2 + 1);
        words[i] = low[lane / 4].bits | (unsigned)high[lane / 4].bits << 16;
    }
    el_emulated_seen();
}

EL_DEVICE void el_matrix_word(unsigned a, unsigned b, int& sum) { sum = el_dot4((int)a, (int)b, sum); }
EL_DEVICE void el_matrix_word(unsigned a, unsigned b, float& sum) {
    sum += el_from_half(a & 0xffffu) * el_from_half(b & 0xffffu);
    sum += el_from_half(a >> 16) * el_from_half(b >> 16);
}
template <typename S>
EL_DEVICE void el_matrix_multiply(const unsigned* a, const unsigned* b, S* c) {
    const unsigned own[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
    const int lane = el_thread() % 32;
    el_emulated_show(own);
    for (int j = 0; j < 4; j++) {
        const int row = lane / 4 + j / 2 * 8, column = lane % 4 * 2 + j % 2;
        for (int k = 0; k < 8; k++)
            el_matrix_word(((const unsigned*)el_emulated_shown(row % 8 * 4 + k % 4))[row / 8 + k / 4 * 2], ((const unsigned*)el_emulated_shown(column * 4 + k % 4))[4 + k / 4], c[j]);
    }
    el_emulated_seen();
}
#endif

#endif
