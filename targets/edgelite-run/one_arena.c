/* malloc gives a new thread 64 MB of address space of its own where there are any, and half of a limit on it (ulimit -v) is .NET's already. So a
 * program that would do with 100 MB fails at 150, as the threads that .NET starts with take what it needs next. Runs before them. */
#include <malloc.h>

__attribute__((constructor)) static void one_arena(void) {
    mallopt(M_ARENA_MAX, 1);
}
