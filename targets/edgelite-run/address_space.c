/* What has to happen before .NET starts where address space is limited (ulimit -v, setrlimit): below LEAST_KB it may crash as it starts. malloc gives a
 * new thread 64 MB of address space of its own where there are any, and half of the limit is .NET's already: a program that would do with 100 MB fails
 * at 150, as the threads that .NET starts with take what it needs next. */
#include <malloc.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define LEAST_KB 100000

__attribute__((constructor)) static void prepare(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur / 1024 < LEAST_KB) {
        dprintf(STDERR_FILENO, "edgelite-run: address space is limited to %llu kB (ulimit -v); to start takes %d, and the model comes on top.\n",
                (unsigned long long)limit.rlim_cur / 1024, LEAST_KB);
        _exit(1);
    }
    mallopt(M_ARENA_MAX, 1);
}
