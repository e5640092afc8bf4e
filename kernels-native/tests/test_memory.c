/* Blocks of every kind of size are aligned, usable from end to end and apart from each other. */
#include "el_kernels.h"
#include <stdio.h>
#include <string.h>

int main(void) {
    static const size_t sizes[] = {0, 1, 64, 65, 4096, 131071, 131072, 131073, 2097151, 2097152, 2097153, 5505024, 16777216};
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    unsigned char* blocks[COUNT];
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = el_memory_alloc(sizes[i]);
        if (blocks[i] == NULL || (size_t)blocks[i] % 64 != 0) {
            fprintf(stderr, "el_memory_alloc(%zu) gave %p\n", sizes[i], (void*)blocks[i]);
            return 1;
        }
        memset(blocks[i], i + 1, sizes[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        for (size_t k = 0; k < sizes[i]; k++)
            if (blocks[i][k] != i + 1) {
                fprintf(stderr, "byte %zu of the block of %zu was overwritten\n", k, sizes[i]);
                return 1;
            }
        el_memory_prefetch(blocks[i], sizes[i]);
        el_memory_free(blocks[i], sizes[i]);
    }
    el_memory_free(NULL, 100);
    if (el_memory_alloc((size_t)-1) != NULL) {
        fprintf(stderr, "el_memory_alloc of everything must fail\n");
        return 1;
    }
    return 0;
}
