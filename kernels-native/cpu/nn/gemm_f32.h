/* The kernels of float32 over one micro-kernel: convolutions, also transposed, dense layers, products of two computed matrices and
 * attention. Included once by each gemm_f32.<isa>.c, which defines what gemm_driver.h asks for, but EL_KC_ALWAYS and el_gemm_activate. */
#ifndef EL_GEMM_F32_H
#define EL_GEMM_F32_H
#include "el_vmath.h"

#define EL_KC_ALWAYS 0

#define EL_TAIL_ROWS 6

static inline __attribute__((always_inline)) el_vf el_gemm_activated(const el_act act, el_vf v, const float* slope, int64_t i, int64_t n) {
    return act.kind == EL_ACT_PRELU ? el_vprelu(v, n == EL_VF ? el_vload(slope + i) : el_vload_n(slope + i, n)) : el_vact(act, v);
}

/* Narrow rows lie so close that a load of one reaches into what was stored of its neighbours, and waits for that: those of EL_TAIL_ROWS come before
 * their stores. */
static inline __attribute__((always_inline)) void el_gemm_activate_rows(const el_act act, float* y, const int64_t* off, int64_t rows,
                                                                        const float* slope, int64_t count) {
    const int64_t whole = count / EL_VF * EL_VF, left = count - whole;
    for (int64_t r = 0; whole && r < rows; r++) {
        float* to = y + off[r];
        for (int64_t i = 0; i < whole; i += EL_VF) el_vstore(to + i, el_gemm_activated(act, el_vload(to + i), slope, i, EL_VF));
    }
    for (int64_t r = 0; left && r < rows; r += EL_TAIL_ROWS) {
        const int64_t some = rows - r < EL_TAIL_ROWS ? rows - r : EL_TAIL_ROWS;
        el_vf v[EL_TAIL_ROWS];
#pragma GCC unroll 6
        for (int k = 0; k < EL_TAIL_ROWS; k++) v[k] = el_vload_n(y + off[k < some ? r + k : r] + whole, left);
        for (int64_t k = 0; k < some; k++) el_vstore_n(y + off[r + k] + whole, el_gemm_activated(act, v[k], slope, whole, left), left);
    }
}

/* The activations that are no interval, over a tile that has just been stored. The common ones have loops of their own, whose
 * constants stay in registers. */
static void el_gemm_activate(el_act act, float* y, const int64_t* off, int64_t rows, const float* slope, int64_t count) {
    switch (act.kind) {
    case EL_ACT_HARD_SWISH: el_gemm_activate_rows((el_act){EL_ACT_HARD_SWISH, 0, 0}, y, off, rows, slope, count); break;
    case EL_ACT_SILU: el_gemm_activate_rows((el_act){EL_ACT_SILU, 0, 0}, y, off, rows, slope, count); break;
    case EL_ACT_PRELU: el_gemm_activate_rows((el_act){EL_ACT_PRELU, 0, 0}, y, off, rows, slope, count); break;
    case EL_ACT_GELU: el_gemm_activate_rows((el_act){EL_ACT_GELU, 0, 0}, y, off, rows, slope, count); break;
    default: el_gemm_activate_rows(act, y, off, rows, slope, count);
    }
}

#include "gemm_driver.h"
#include "winograd_4x4.h"
#include "winograd.h"
#include "conv_windows.h"
#include "strassen.h"

static void el_gemm_run_gemm_f32(const el_ctx* ctx, const el_gemm_params* p, void* const* buffers) {
    if (el_gemm_is_strassen(p)) el_strassen_run(ctx, p, buffers);
    else el_gemm_run_gemm(ctx, p, buffers);
}

static void el_gemm_run_conv_f32(const el_ctx* ctx, const el_conv_params* p, void* const* buffers) {
    if (el_conv_is_winograd(p)) el_winograd_run(ctx, p, buffers);
    else if (!el_windows_run(ctx, p, buffers)) el_gemm_run_conv(ctx, p, buffers);
}

#include "conv_transpose_tiling.h"

/* One job per stride phase: the outputs of a phase are reached by the same taps, so each is an ordinary convolution. */
static void el_gemm_run_conv_transpose(const el_ctx* ctx, const el_conv_params* p, void* const* buffers) {
    if (el_conv_transpose_is_tiling(p)) {
        el_tiling_run(ctx, p, buffers);
        return;
    }
    el_gemm_job j = el_conv_job(p, buffers);
    j.seglen = p->c / p->groups;
    j.fill = el_fill_phase;
    int32_t all = p->kh * p->kw, *brow, *taps;
    el_gemm_take_scratch(ctx, &j, all, j.seglen, el_gemm_thread_bytes(all, 0), &brow, &taps);
    for (int32_t py = 0; py < p->stride_h && py < p->oh; py++)
        for (int32_t px = 0; px < p->stride_w && px < p->ow; px++) {
            j.phase_y = py;
            j.phase_x = px;
            j.rows_y = (p->oh - py + p->stride_h - 1) / p->stride_h;
            j.rows_x = (p->ow - px + p->stride_w - 1) / p->stride_w;
            j.m = (int64_t)p->n * j.rows_y * j.rows_x;
            j.segs = 0;
            for (int32_t tap = 0; tap < all; tap++) {
                int32_t ty = py + p->pad_top - tap / p->kw * p->dilation_h, tx = px + p->pad_left - tap % p->kw * p->dilation_w;
                if (ty % p->stride_h != 0 || tx % p->stride_w != 0) continue;
                brow[j.segs] = tap * j.seglen;
                taps[j.segs++] = tap;
            }
            el_gemm_run(ctx, &j);
        }
}

/* ---- matmul ------------------------------------------------------------------------------------------------------ */

typedef struct el_matmul_plan {
    const el_ctx* ctx;
    const el_matmul_params* p;
    el_gemm_job job;
    const float *a, *b;
    float* y;
    char* scratch;
    size_t scratch_bytes, pack_bytes; /* of one thread */
    int64_t m;
    int32_t block_panels, n_blocks;
    int64_t m_rows, m_blocks;
} el_matmul_plan;

/* Columns [c0, c0 + columns) of op(b) as panels of 16, zero past the last column. */
static void el_matmul_pack(const el_matmul_params* p, const float* b, int32_t c0, int32_t columns, float* out) {
    for (int32_t c = 0; c < columns; c += EL_PANEL, out += (int64_t)p->k * EL_PANEL) {
        int32_t width = columns - c < EL_PANEL ? columns - c : EL_PANEL;
        if (!p->trans_b) {
            const float* from = b + c0 + c;
            if (width == EL_PANEL)
                for (int32_t k = 0; k < p->k; k++) memcpy(out + k * EL_PANEL, from + (int64_t)k * p->n, EL_PANEL * sizeof(float));
            else
                for (int32_t k = 0; k < p->k; k++)
                    for (int32_t i = 0; i < EL_PANEL; i++) out[k * EL_PANEL + i] = i < width ? from[(int64_t)k * p->n + i] : 0.0f;
        } else {
            const float* from = b + (int64_t)(c0 + c) * p->k;
            if (width < EL_PANEL) memset(out, 0, (size_t)p->k * EL_PANEL * sizeof(float));
            for (int32_t i = 0; i < width; i += 4) {
                int32_t lanes = width - i < 4 ? width - i : 4;
                for (int32_t k = 0; k < p->k; k++)
                    for (int32_t l = 0; l < lanes; l++) out[k * EL_PANEL + i + l] = from[(int64_t)(i + l) * p->k + k];
            }
        }
    }
}

/* sums[l] = x . row l of b, l < lanes <= 4: four rows at a time, so that their sums are folded together. */
static inline __attribute__((always_inline)) void el_dot_four(const float* x, const float* b, int64_t row_stride, int64_t lanes, int64_t k,
                                                              float sums[4]) {
    const int64_t whole = k / EL_VF * EL_VF, left = k - whole;
    const float *b1 = lanes > 1 ? b + row_stride : b, *b2 = lanes > 2 ? b1 + row_stride : b, *b3 = lanes > 3 ? b2 + row_stride : b;
    el_vf s0 = el_vzero(), s1 = s0, s2 = s0, s3 = s0;
    for (int64_t i = 0; i < whole; i += EL_VF) {
        el_vf v = el_vload(x + i);
        s0 = el_vfma(v, el_vload(b + i), s0);
        s1 = el_vfma(v, el_vload(b1 + i), s1);
        s2 = el_vfma(v, el_vload(b2 + i), s2);
        s3 = el_vfma(v, el_vload(b3 + i), s3);
    }
    if (left) {
        el_vf v = el_vload_n(x + whole, left);
        s0 = el_vfma(v, el_vload_n(b + whole, left), s0);
        s1 = el_vfma(v, el_vload_n(b1 + whole, left), s1);
        s2 = el_vfma(v, el_vload_n(b2 + whole, left), s2);
        s3 = el_vfma(v, el_vload_n(b3 + whole, left), s3);
    }
    el_vhsum4(s0, s1, s2, s3, sums);
}

/* Few rows do not pay for packing B. b stored [n][k]: every result is a dot product along k, four columns at a time.
 * a[rows][k], y[rows][n]; columns [c0, c0 + columns). */
static void el_matmul_dots(const el_matmul_params* p, int64_t rows, const float* a, const float* b, float* y, int32_t c0,
                           int32_t columns) {
    const int64_t k = p->k;
    float sums[4];
    for (int32_t c = c0; c < c0 + columns; c += 4) {
        const int32_t lanes = c0 + columns - c < 4 ? c0 + columns - c : 4;
        for (int64_t r = 0; r < rows; r++) {
            el_dot_four(a + r * k, b + c * k, k, lanes, k, sums);
            for (int32_t l = 0; l < lanes; l++) y[r * p->n + c + l] = p->alpha * sums[l];
        }
    }
}

static void el_matmul_body(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const el_matmul_plan* plan = arg;
    const el_matmul_params* p = plan->p;
    char* scratch = plan->scratch + (size_t)worker * plan->scratch_bytes;
    float* packed = (float*)scratch;
    int64_t packed_for = -1;
    for (int64_t i = begin; i < end; i++) {
        int64_t mb = i % plan->m_blocks, nb = i / plan->m_blocks % plan->n_blocks, batch = i / plan->m_blocks / plan->n_blocks;
        int64_t a = 0, b = 0;
        for (int64_t d = 3, rest = batch; d >= 0; d--) {
            int64_t at = rest % p->batch[d];
            rest /= p->batch[d];
            a += at * p->a_stride[d];
            b += at * p->b_stride[d];
        }
        int32_t c0 = (int32_t)nb * plan->block_panels * EL_PANEL, columns = plan->block_panels * EL_PANEL;
        if (columns > p->n - c0) columns = p->n - c0;
        int64_t m0 = mb * plan->m_rows, rows = plan->m - m0 < plan->m_rows ? plan->m - m0 : plan->m_rows;
        const float* x = plan->a + a + (p->trans_a ? m0 : m0 * p->k);
        float* y = plan->y + (batch * plan->m + m0) * p->n;
        int few = rows <= EL_MATMUL_FEW;
        if (few && p->trans_b && (!p->trans_a || p->m == 1)) {
            el_matmul_dots(p, rows, x, plan->b + b, y, c0, columns);
            continue;
        }
        el_gemm_job j = plan->job;
        j.m = rows;
        j.x = x;
        j.worker = 0;
        j.thread_scratch = scratch + plan->pack_bytes;
        if (few && !p->trans_b && columns >= EL_PANEL) { /* whole panels are read where they lie */
            j.n = columns / EL_PANEL * EL_PANEL;
            j.b = plan->b + b + c0;
            j.b_panel = EL_PANEL;
            j.b_row = p->n;
            j.y = y + c0;
            el_gemm_run(plan->ctx, &j);
            c0 += j.n;
            columns -= j.n;
            j.b_panel = plan->job.b_panel;
            j.b_row = EL_PANEL;
            packed_for = -1;
        }
        if (columns > 0 && packed_for != i / plan->m_blocks) {
            el_matmul_pack(p, plan->b + b, c0, columns, packed);
            packed_for = few ? -1 : i / plan->m_blocks;
        }
        j.n = columns;
        j.b = packed;
        j.y = y + c0;
        el_gemm_run(plan->ctx, &j);
    }
}

static void el_gemm_run_matmul(const el_ctx* ctx, const el_matmul_params* p, void* const* buffers) {
    el_matmul_plan plan = {.ctx = ctx, .p = p, .a = buffers[0], .b = buffers[1], .y = buffers[2], .m = p->m};
    plan.job = (el_gemm_job){.k = p->k, .groups = 1, .segs = 1, .seglen = p->k, .scale = p->alpha, .serial = 1,
                             .b_panel = (int64_t)p->k * EL_PANEL, .b_row = EL_PANEL, .lda = p->trans_a ? p->m : p->k,
                             .ldc = p->n, .fill = p->trans_a ? el_fill_transposed : el_fill_dense};
    int64_t batches = (int64_t)p->batch[0] * p->batch[1] * p->batch[2] * p->batch[3];
    if (batches <= 0 || p->m <= 0 || p->n <= 0) return;
    size_t thread_bytes = el_gemm_thread_bytes(1, p->trans_a ? (int64_t)EL_MB * p->k : 0);
    int32_t *brow, *taps;
    el_gemm_take_scratch(ctx, &plan.job, 1, 0, thread_bytes, &brow, &taps);
    brow[0] = 0;
    plan.scratch = plan.job.thread_scratch;
    plan.pack_bytes = el_matmul_pack_bytes(p);
    plan.scratch_bytes = plan.pack_bytes + thread_bytes;

    /* One b for all batches of a dense a: the batches are rows of one product. */
    el_matmul_params merged = *p;
    int64_t dense = (int64_t)p->m * p->k;
    int merges = !p->trans_a && batches > 1;
    for (int32_t d = 3; d >= 0 && merges; d--) {
        if (p->batch[d] > 1 && (p->b_stride[d] != 0 || p->a_stride[d] != dense)) merges = 0;
        dense *= p->batch[d];
    }
    if (merges) {
        for (int32_t d = 0; d < 4; d++) merged.batch[d] = 1;
        plan.p = &merged;
        plan.m *= batches;
        batches = 1;
    }
    const int32_t threads = el_ctx_threads_for(ctx, batches * plan.m * p->k * p->n, EL_PARALLEL_FMAS), panels = (p->n + EL_PANEL - 1) / EL_PANEL;
    plan.block_panels = el_matmul_pack_panels(p);
    plan.n_blocks = (panels + plan.block_panels - 1) / plan.block_panels;
    plan.m_rows = plan.m;
    /* Too few blocks for the threads: cut the rows when there are many (each cut packs B again), else the columns. */
    int64_t want = threads > 1 ? (2 * threads + batches * plan.n_blocks - 1) / (batches * plan.n_blocks) : 1;
    if (want > 1 && plan.m >= 256 * want) {
        plan.m_rows = ((plan.m + want - 1) / want + EL_MR - 1) / EL_MR * EL_MR;
    } else if (want > 1) {
        int32_t share = (int32_t)((plan.block_panels + want - 1) / want);
        plan.block_panels = (share + 1) / 2 * 2 < plan.block_panels ? (share + 1) / 2 * 2 : plan.block_panels;
        plan.n_blocks = (panels + plan.block_panels - 1) / plan.block_panels;
    }
    plan.m_blocks = (plan.m + plan.m_rows - 1) / plan.m_rows;
    int64_t cost = (int64_t)(p->k + 1) * plan.block_panels * EL_PANEL * plan.m_rows;
    el_parallel(ctx, batches * plan.n_blocks * plan.m_blocks, EL_PARALLEL_FMAS / (cost + 1) + 1, el_matmul_body, &plan);
}

#include "attention.h"

/* The kernels of one instruction set. */
#define EL_GEMM_F32_KERNEL(kernel, run) \
    void el_##kernel(const el_ctx* ctx, const void* params, void* const* buffers) { run(ctx, params, buffers); }
#define EL_GEMM_F32_KERNELS(isa)                                                    \
    EL_GEMM_F32_KERNEL(conv_f32__##isa, el_gemm_run_conv_f32)                       \
    EL_GEMM_F32_KERNEL(conv_f32__direct__##isa, el_gemm_run_conv)                   \
    EL_GEMM_F32_KERNEL(conv_transpose_f32__##isa, el_gemm_run_conv_transpose)       \
    EL_GEMM_F32_KERNEL(gemm_f32__##isa, el_gemm_run_gemm_f32)                       \
    EL_GEMM_F32_KERNEL(gemm_f32__direct__##isa, el_gemm_run_gemm)                   \
    EL_GEMM_F32_KERNEL(matmul_f32__##isa, el_gemm_run_matmul)                       \
    EL_GEMM_F32_KERNEL(attention_f32__##isa, el_attention_run)

#endif
