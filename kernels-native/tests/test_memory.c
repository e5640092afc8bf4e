/* Blocks of every kind of size are aligned, usable from end to end and apart from each other. */
#include <errno.h>
#include "el_kernels.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    static const size_t sizes[] = {0, 1, 64, 65, 4096, 131071, 131072, 131073, 2097151, 2097152, 2097153, 5505024, 16777216};
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    unsigned char* blocks[COUNT];
    for (size_t size = 1; size < 131072; size *= 2) { /* so that malloc has used blocks to give */
        char* used = malloc(size);
        if (used == NULL) return 1;
        memset(used, 0x55, size);
        free(used);
    }
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = el_memory_alloc(sizes[i]);
        if (blocks[i] == NULL || (size_t)blocks[i] % 64 != 0) {
            fprintf(stderr, "el_memory_alloc(%zu) gave %p\n", sizes[i], (void*)blocks[i]);
            return 1;
        }
        for (size_t k = 0; k < sizes[i]; k++)
            if (blocks[i][k] != 0) {
                fprintf(stderr, "byte %zu of a new block of %zu is %d\n", k, sizes[i], blocks[i][k]);
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
    int32_t error;
    uint64_t bytes = 0;
    const char* self = el_file_map("/proc/self/exe", &bytes, &error);
    if (self == NULL || bytes < 1000 || memcmp(self, "\177ELF", 4) != 0) {
        fprintf(stderr, "this program cannot be mapped: errno %d\n", error);
        return 1;
    }
    el_file_unmap(self, bytes);
    el_file_unmap(NULL, 0);
    const struct {
        const char* path;
        int32_t error;
    } refused[] = {{"/proc/self/no such file", ENOENT}, {"/", EISDIR}, {"/dev/null", EINVAL}, {"/proc/version", 0}};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (el_file_map(refused[i].path, &bytes, &error) != NULL || error != refused[i].error) {
            fprintf(stderr, "el_file_map('%s'): errno %d, expected %d\n", refused[i].path, error, refused[i].error);
            return 1;
        }
    if (el_memory_alloc((size_t)-1) != NULL) {
        fprintf(stderr, "el_memory_alloc of everything must fail\n");
        return 1;
    }
    return 0;
}
