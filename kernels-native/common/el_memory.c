/* Memory that is about to be used whole: the arena of a session and the weights of a model.
 *
 * The first touch of a page is a fault into the kernel, 0.25 us on bare metal and up to 20 us on a virtual machine; an arena of 5 MB is
 * 1,300 of them, more than the first inference computes. Asking for all pages in one call (MADV_POPULATE_*, Linux 5.14) takes a
 * tenth of that; huge pages, where the system grants them, spare most of the rest and the TLB misses of every later run. So the last
 * megabyte, or more, takes a huge page as well: 0.2 ms instead of 0.7 for an arena of 5.5 MB.
 * All of it is advice: where a call is not known the pages come one by one as ever. */
#if defined(__linux__)
#define _GNU_SOURCE
#else
#define _POSIX_C_SOURCE 200809L
#endif
#include "el_kernels.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc has a function of the name fstat since 2.33 only. */
static int el_status(int file, struct stat* status) {
#if defined(__linux__) && defined(__LP64__)
    return (int)syscall(SYS_fstat, file, status);
#else
    return fstat(file, status);
#endif
}

static const void* el_map(int file, uint64_t* bytes, int32_t* error) {
    struct stat status;
    *error = 0;
    if (el_status(file, &status) != 0) *error = errno;
    else if (!S_ISREG(status.st_mode)) *error = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    else if ((uint64_t)status.st_size > SIZE_MAX) *error = EFBIG;
    if (*error != 0 || status.st_size == 0) return NULL;
    *bytes = (uint64_t)status.st_size;
    void* memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, file, 0);
    if (memory != MAP_FAILED) return memory;
    *error = errno;
    return NULL;
}

const void* el_file_map(const char* path, uint64_t* bytes, int32_t* error) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* does not wait for the other end of a pipe, which is refused then */
    if (file < 0) {
        *error = errno;
        return NULL;
    }
    const void* memory = el_map(file, bytes, error);
    close(file);
    return memory;
}

void el_file_unmap(const void* memory, uint64_t bytes) {
    if (memory != NULL) munmap((void*)memory, (size_t)bytes);
}

#if defined(__linux__)

/* Newer than the headers of some systems that it works on. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define EL_HUGE_PAGE ((size_t)2 << 20)
#define EL_OWN_MAPPING ((size_t)128 << 10) /* as malloc's threshold: smaller blocks share pages */

static size_t el_round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

static size_t el_page(void) {
    long page = sysconf(_SC_PAGESIZE);
    return page > 0 ? (size_t)page : 4096;
}

/* What is mapped for so many bytes: whole huge pages where that is at most half a huge page more. */
static size_t el_mapped(size_t bytes) {
    size_t length = el_round_up(bytes, el_page()), huge = el_round_up(bytes, EL_HUGE_PAGE);
    return huge - length <= EL_HUGE_PAGE / 2 ? huge : length;
}

void* el_memory_alloc(size_t bytes) {
    if (bytes > SIZE_MAX / 2) return NULL;
    if (bytes < EL_OWN_MAPPING) {
        void* block = aligned_alloc(64, el_round_up(bytes ? bytes : 1, 64));
        return block ? memset(block, 0, bytes) : NULL;
    }
    size_t length = el_mapped(bytes), slack = length >= EL_HUGE_PAGE ? EL_HUGE_PAGE : 0;
    char* base = mmap(NULL, length + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return NULL;
    if (slack) {
        char* start = (char*)el_round_up((size_t)base, EL_HUGE_PAGE);
        size_t before = (size_t)(start - base);
        if (before) munmap(base, before);
        if (slack - before) munmap(start + length, slack - before);
        base = start;
        madvise(base, length, MADV_HUGEPAGE);
    }
    madvise(base, el_round_up(bytes, el_page()), MADV_POPULATE_WRITE); /* no more than is used, should there be no huge pages */
    return base;
}

void el_memory_free(void* memory, size_t bytes) {
    if (memory == NULL) return;
    if (bytes < EL_OWN_MAPPING) free(memory);
    else munmap(memory, el_mapped(bytes));
}

void el_memory_prefetch(const void* memory, size_t bytes) {
    size_t page = el_page(), start = (size_t)memory / page * page;
    madvise((void*)start, el_round_up((size_t)memory + bytes, page) - start, MADV_POPULATE_READ);
}

#else

void* el_memory_alloc(size_t bytes) {
    void* memory = NULL;
    return posix_memalign(&memory, 64, bytes ? bytes : 1) == 0 ? memset(memory, 0, bytes) : NULL;
}

void el_memory_free(void* memory, size_t bytes) {
    free(memory);
}

void el_memory_prefetch(const void* memory, size_t bytes) {
}

#endif
