#include "el_kernels.h"
#include <string.h>

const el_kernel* el_find_kernel(const char* name, uint32_t isas) {
    uint32_t count;
    const el_kernel* table = el_kernels(&count);
    const el_kernel* best = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const el_kernel* k = &table[i];
        if (k->isa != EL_ISA_scalar && !(isas >> k->isa & 1)) continue;
        if (strcmp(el_kernel_name(k), name) != 0) continue;
        if (best == NULL || k->isa > best->isa) best = k;
    }
    return best;
}

uint32_t el_kernels_abi(void) { return EL_KERNELS_ABI; }
