/* What the native tests share: buffers against guard pages, reproducible random data, comparison, and a walk over the
 * instruction-set variants of a kernel that this processor has. Include it first: it asks for the POSIX names it needs.
 *
 * A buffer ends (up to its alignment) at a page that cannot be touched, and another such page lies before it, so that a read
 * or write past either end stops the test at once.
 */
#ifndef EL_TEST_HARNESS_H
#define EL_TEST_HARNESS_H
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif
#include "el_kernels.h"
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__GNUC__)
#define TH_UNUSED __attribute__((unused))
#else
#define TH_UNUSED
#endif

/* ---- guarded buffers ------------------------------------------------------------------------------------------- */

#define TH_MAX_BUFFERS 256
static struct { void* base; size_t length; void* user; } th_buffers[TH_MAX_BUFFERS] TH_UNUSED;

/* `bytes` bytes aligned to `align` (a power of two); the guard page follows within align-1 bytes. Filled with 0xA5. */
static TH_UNUSED void* th_alloc(size_t bytes, size_t align) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t padded = (bytes + align - 1) / align * align;
    size_t body = (padded + page - 1) / page * page;
    if (body == 0) body = page;
    int slot = 0;
    while (slot < TH_MAX_BUFFERS && th_buffers[slot].base) slot++;
    if (slot == TH_MAX_BUFFERS) { fprintf(stderr, "th_alloc: more than %d buffers alive\n", TH_MAX_BUFFERS); exit(2); }
    unsigned char* base = mmap(NULL, body + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) { perror("mmap"); exit(2); }
    memset(base + page, 0xA5, body);
    if (mprotect(base, page, PROT_NONE) || mprotect(base + page + body, page, PROT_NONE)) { perror("mprotect"); exit(2); }
    th_buffers[slot].base = base;
    th_buffers[slot].length = body + 2 * page;
    th_buffers[slot].user = base + page + body - padded;
    return th_buffers[slot].user;
}

static TH_UNUSED float* th_floats(size_t count) { return th_alloc(count * sizeof(float), sizeof(float)); }

/* Gives back every buffer: call between cases. */
static TH_UNUSED void th_free_all(void) {
    for (int i = 0; i < TH_MAX_BUFFERS; i++)
        if (th_buffers[i].base) {
            munmap(th_buffers[i].base, th_buffers[i].length);
            th_buffers[i].base = NULL;
        }
}

static TH_UNUSED void th_free(void* user) {
    for (int i = 0; i < TH_MAX_BUFFERS; i++)
        if (th_buffers[i].base && th_buffers[i].user == user) {
            munmap(th_buffers[i].base, th_buffers[i].length);
            th_buffers[i].base = NULL;
            return;
        }
}

/* ---- random data (xorshift64*, Vigna 2016) ----------------------------------------------------------------------- */

static uint64_t th_state TH_UNUSED = 0x9E3779B97F4A7C15ull;
static TH_UNUSED void th_seed(uint64_t seed) { th_state = seed * 2 + 1; }
static TH_UNUSED uint32_t th_u32(void) {
    th_state ^= th_state >> 12;
    th_state ^= th_state << 25;
    th_state ^= th_state >> 27;
    return (uint32_t)(th_state * 2685821657736338717ull >> 32);
}
static TH_UNUSED int32_t th_range(int32_t lo, int32_t hi) { return lo + (int32_t)(th_u32() % (uint32_t)(hi - lo + 1)); } /* inclusive */
static TH_UNUSED float th_float(float lo, float hi) { return lo + (hi - lo) * ((float)(th_u32() >> 8) * 0x1p-24f); }
static TH_UNUSED void th_fill_f32(float* x, size_t count, float lo, float hi) {
    for (size_t i = 0; i < count; i++) x[i] = th_float(lo, hi);
}
static TH_UNUSED void th_fill_bytes(void* x, size_t count) {
    for (size_t i = 0; i < count; i++) ((uint8_t*)x)[i] = (uint8_t)th_u32();
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

static int th_failures TH_UNUSED, th_checks TH_UNUSED;

static TH_UNUSED void th_fail(const char* format, ...) {
    va_list args;
    va_start(args, format);
    if (th_failures < 50) {
        vfprintf(stderr, format, args);
        fputc('\n', stderr);
    }
    va_end(args);
    th_failures++;
}

/* |got - want| <= abs + rel * |want|, NaN equals NaN, infinities must match. Reports the worst element under `what`. */
static TH_UNUSED int th_close_f32(const char* what, const float* got, const float* want, size_t count, float rel, float abs_) {
    size_t worst = 0, bad = 0;
    double worst_excess = 0;
    th_checks++;
    for (size_t i = 0; i < count; i++) {
        double g = got[i], w = want[i];
        int ok;
        double excess;
        if (isnan(w) || isnan(g)) {
            ok = isnan(w) && isnan(g);
            excess = ok ? 0 : INFINITY;
        } else if (isinf(w) || isinf(g)) {
            ok = g == w;
            excess = ok ? 0 : INFINITY;
        } else {
            excess = fabs(g - w) - (abs_ + rel * fabs(w));
            ok = excess <= 0;
        }
        if (!ok) {
            if (bad++ == 0 || excess > worst_excess) worst = i, worst_excess = excess;
        }
    }
    if (bad)
        th_fail("%s: %zu of %zu differ; worst at %zu: got %.9g, expected %.9g", what, bad, count, worst, (double)got[worst],
                (double)want[worst]);
    return bad == 0;
}

static TH_UNUSED int th_same_bytes(const char* what, const void* got, const void* want, size_t bytes) {
    th_checks++;
    const uint8_t *g = got, *w = want;
    for (size_t i = 0; i < bytes; i++)
        if (g[i] != w[i]) {
            th_fail("%s: byte %zu of %zu: got 0x%02x, expected 0x%02x", what, i, bytes, g[i], w[i]);
            return 0;
        }
    return 1;
}

/* Exit status of the test program; says how much was checked, and fails when nothing was. */
static TH_UNUSED int th_report(const char* name) {
    th_free_all();
    printf("%s: %d checks, %d failures\n", name, th_checks, th_failures);
    return th_failures || !th_checks ? 1 : 0;
}

/* ---- kernels ----------------------------------------------------------------------------------------------------- */

/* The variants of `name` that this processor can run, the scalar one first: for (i = 0; (k = th_variant(name, i)); i++) */
static TH_UNUSED const el_kernel* th_variant(const char* name, uint32_t index) {
    uint32_t count, isas = el_cpu_isas() | 1u << EL_ISA_scalar;
    const el_kernel* table = el_kernels(&count);
    for (uint32_t isa = 0; isa < 16; isa++)
        for (uint32_t i = 0; i < count; i++)
            if (table[i].isa == isa && (isas >> isa & 1) && strcmp(el_kernel_name(&table[i]), name) == 0 && index-- == 0) return &table[i];
    return NULL;
}

/* A pool per thread count, made at first use and kept. */
static TH_UNUSED el_pool* th_pool(int32_t threads) {
    static el_pool* pools[17];
    if (threads <= 1 || threads > 16) return NULL;
    if (!pools[threads]) pools[threads] = el_pool_create(threads);
    return pools[threads];
}

/* Runs one variant with exactly the scratch that it asks for, guarded, holding garbage. */
static TH_UNUSED void th_run(const el_kernel* k, const void* params, void* const* buffers, int32_t threads) {
    size_t bytes = el_kernel_scratch(k, params, threads);
    el_ctx ctx = {th_pool(threads), bytes ? th_alloc(bytes, 64) : NULL, bytes};
    el_pool_begin(ctx.pool);
    el_kernel_run(k, &ctx, params, buffers);
    el_pool_end(ctx.pool);
    if (bytes) th_free(ctx.scratch);
}

#endif
