/* Which instruction sets this processor has. x86: CPUID leaves 1 and 7 and XCR0 (Intel SDM vol. 1, ch. 14);
 * AArch64 Linux: the auxiliary vector (Documentation/arch/arm64/elf_hwcaps). */
#include "el_kernels.h"
#include <stdlib.h>
#include <string.h>

static const char* const names[16] = {
    [EL_ISA_scalar] = "scalar", [EL_ISA_avx2] = "avx2", [EL_ISA_avxvnni] = "avxvnni", [EL_ISA_avx512] = "avx512",
    [EL_ISA_avx512vnni] = "avx512vnni", [EL_ISA_avx512vbmi] = "avx512vbmi", [EL_ISA_neon] = "neon", [EL_ISA_neonfp16] = "neonfp16",
    [EL_ISA_neondot] = "neondot", [EL_ISA_neoni8mm] = "neoni8mm",
};

const char* el_isa_name(uint32_t isa) { return isa < 16 && names[isa] ? names[isa] : "unknown"; }

#if defined(__x86_64__)
#include <cpuid.h>

static uint64_t xgetbv0(void) {
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return ((uint64_t)hi << 32) | lo;
}

/* As few CPUID as will do: under a hypervisor each takes microseconds of a program's start. Leaf 1 is there on every x86-64, leaf 7 where
 * XSAVE is, whose own leaf is 13. */
static uint32_t detect(void) {
    uint32_t isas = 1u << EL_ISA_scalar, a, b, c, d;
    __cpuid(1, a, b, c, d);
    int osxsave = c >> 27 & 1, avx = c >> 28 & 1, fma = c >> 12 & 1, f16c = c >> 29 & 1;
    if (!osxsave || !avx || !fma || !f16c) return isas;
    uint64_t xcr0 = xgetbv0();
    if ((xcr0 & 0x6) != 0x6) return isas; /* SSE and AVX state saved by the system */
    __cpuid_count(7, 0, a, b, c, d);
    uint32_t max_subleaf = a;
    if (!(b >> 5 & 1)) return isas;
    isas |= 1u << EL_ISA_avx2;
    int avx512 = (b >> 16 & 1) && (b >> 17 & 1) && (b >> 30 & 1) && (b >> 31 & 1) && (xcr0 & 0xe6) == 0xe6;
    if (avx512) isas |= 1u << EL_ISA_avx512;
    if (avx512 && (c >> 11 & 1)) isas |= 1u << EL_ISA_avx512vnni | (c >> 1 & 1) << EL_ISA_avx512vbmi;
    if (max_subleaf >= 1) {
        __cpuid_count(7, 1, a, b, c, d);
        if (a >> 4 & 1) isas |= 1u << EL_ISA_avxvnni;
    }
    return isas;
}
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

static uint32_t detect(void) {
    unsigned long hwcap = getauxval(AT_HWCAP), hwcap2 = getauxval(AT_HWCAP2);
    uint32_t isas = (1u << EL_ISA_scalar) | (1u << EL_ISA_neon);
    if (hwcap >> 10 & 1) isas |= 1u << EL_ISA_neonfp16; /* HWCAP_ASIMDHP */
    if (hwcap >> 20 & 1) isas |= 1u << EL_ISA_neondot;  /* HWCAP_ASIMDDP */
    if (hwcap2 >> 13 & 1) isas |= 1u << EL_ISA_neoni8mm; /* HWCAP2_I8MM */
    return isas;
}
#elif defined(__aarch64__)
static uint32_t detect(void) { return (1u << EL_ISA_scalar) | (1u << EL_ISA_neon); }
#else
static uint32_t detect(void) { return 1u << EL_ISA_scalar; }
#endif

uint32_t el_cpu_isas(void) {
    uint32_t isas = detect();
    const char* cap = getenv("EDGELITE_MAX_ISA");
    if (cap == NULL || *cap == 0) return isas;
    uint32_t top = EL_ISA_scalar;
    for (uint32_t i = 0; i < 16; i++)
        if (names[i] && strcmp(names[i], cap) == 0) top = i;
    return isas & ((2u << top) - 1);
}
