/* When a product of dense rows and constant weights goes by Strassen's multiplication, and how much scratch that takes: the same for every
 * instruction set. Included by gemm_job.h; float32 alone.
 *
 * With A [m][k], B [k][n] and the result C cut in quarters, seven products of quarters replace eight (Strassen, Gaussian Elimination Is Not
 * Optimal, 1969, in the form with 15 additions that is Winograd's):
 *     S1 = A21 + A22   T1 = B12 - B11   P1 = A11 B11   P5 = S1 T1   C11 = P1 + P2
 *     S2 = S1 - A11    T2 = B22 - T1    P2 = A12 B21   P6 = S2 T2   C12 = P1 + P6 + P5 + P3
 *     S3 = A11 - A21   T3 = B22 - B12   P3 = S4 B22    P7 = S3 T3   C21 = P1 + P6 + P7 + P4
 *     S4 = A12 - S2    T4 = B21 - T2    P4 = A22 T4                 C22 = P1 + P6 + P7 + P5
 * One level: each further one would sum more for less. Rounding is in proportion to the largest numbers of the rows and of the columns that are
 * added, not to each alone, and infinity or NaN in a row comes out in the one that it is added to, too.
 *
 * Halves of rows are whole tiles, but for the last one on NEON, halves of columns whole panels; what is left over is an ordinary product. Weights stay
 * packed as they are: sums of two panels at a time are made when their turn comes, and serve all rows. NEON packs what it takes of A.
 */
#ifndef EL_STRASSEN_JOB_H
#define EL_STRASSEN_JOB_H

#define EL_STRASSEN_TILE 12   /* rows that are not shared: whole tiles of every instruction set */
#define EL_STRASSEN_BLOCK 192 /* most rows of a half whose products are held at a time, in whole tiles */
#define EL_STRASSEN_GROUP 2   /* panels of a half that are multiplied together */
/* Where a half is no whole number of so many rows, those left over are its last tile if there are EL_STRASSEN_LEAST of them. Factors of A that are kept
 * for all groups are S1 to S4, on NEON also packed A11, A12 and A22. */
#if defined(__aarch64__)
#define EL_STRASSEN_ROWS 6
#define EL_STRASSEN_LEAST 3
#define EL_STRASSEN_FACTORS 7
#else
#define EL_STRASSEN_ROWS 12
#define EL_STRASSEN_LEAST 12 /* a product of 128x384x384 takes AVX-512 194 us with halves of 64 rows, 171 with 60 and 8 rows left over */
#define EL_STRASSEN_FACTORS 4
#endif

typedef struct el_strassen_plan {
    int64_t half, block; /* rows of a half; of a block of them, but the last one also has what is no whole tile, */
    int64_t most;        /* and so many */
    int64_t lda;         /* floats between rows of S */
    int32_t k;           /* rows of a half of B */
    int32_t groups;      /* of EL_STRASSEN_GROUP panels of a half of the columns */
    size_t s_bytes;      /* S[4][half][lda], or [EL_STRASSEN_FACTORS] of them, packed; shared */
    size_t t_bytes;      /* of one thread: T[EL_STRASSEN_GROUP][k][16] */
    size_t p_bytes;      /* of one thread: P[7][most][EL_STRASSEN_GROUP * 16], in the order 1 2 3 5 6 4 7 */
} el_strassen_plan;

/* The sums of A are as long as A twice over, so there must be columns enough to use them. */
static inline int el_gemm_is_strassen(const el_gemm_params* p) {
    return p->m >= 72 && p->n >= 256 && p->k >= 384 && p->k % 2 == 0 && p->m / 4 <= p->n;
}

static inline el_strassen_plan el_strassen_plan_of(const el_gemm_params* p) {
    const int64_t rows = p->m / 2, left = rows % EL_STRASSEN_ROWS;
    el_strassen_plan s = {.half = left < EL_STRASSEN_LEAST ? rows - left : rows, .k = p->k / 2, .groups = p->n / (2 * EL_STRASSEN_GROUP * EL_PANEL)};
    const int64_t tiles = s.half / EL_STRASSEN_TILE, blocks = (tiles * EL_STRASSEN_TILE + EL_STRASSEN_BLOCK - 1) / EL_STRASSEN_BLOCK;
    s.block = (tiles + blocks - 1) / blocks * EL_STRASSEN_TILE;
    s.most = s.block + s.half % EL_STRASSEN_TILE;
    s.lda = (s.k + 15) / 16 * 16 + 16;
    s.s_bytes = el_align64((size_t)(EL_STRASSEN_FACTORS * s.half * s.lda) * sizeof(float));
    s.t_bytes = (size_t)s.k * EL_STRASSEN_GROUP * EL_PANEL * sizeof(float);
    s.p_bytes = (size_t)(7 * s.most * EL_STRASSEN_GROUP * EL_PANEL) * sizeof(float);
    return s;
}

static inline size_t el_strassen_scratch_bytes(const el_gemm_params* p, int32_t threads) {
    const el_strassen_plan s = el_strassen_plan_of(p);
    return el_gemm_shared_bytes(1, 0) + s.s_bytes + (size_t)threads * (s.t_bytes + s.p_bytes + el_gemm_thread_bytes(1, 0));
}

#endif
