/* Where a program starts, so that it does with glibc of before 2.34 as well: there the program hands over the function that runs its
 * constructors, which the crt1.o of a newer system no longer has. Linked into programs, not into libraries. */
#if defined(__x86_64__)
__asm__(".symver old_start, __libc_start_main@GLIBC_2.2.5");
#elif defined(__aarch64__)
__asm__(".symver old_start, __libc_start_main@GLIBC_2.17");
#endif

typedef int main_function(int, char**, char**);
typedef void constructor(int, char**, char**);

extern int old_start(main_function*, int, char**, constructor*, void (*)(void), void (*)(void), void*);
extern constructor *__init_array_start[], *__init_array_end[];

static void construct(int count, char** arguments, char** environment) {
    for (constructor** each = __init_array_start; each != __init_array_end; each++) (*each)(count, arguments, environment);
}

/* Called by _start in place of glibc's. */
__attribute__((visibility("hidden"))) int __libc_start_main(main_function* program, int count, char** arguments, constructor* init,
                                                            void (*finish)(void), void (*finish_linker)(void), void* stack) {
    return old_start(program, count, arguments, init != 0 ? init : construct, finish, finish_linker, stack);
}
