#include "el_emulator.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <vector>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#define MAX_THREADS 1024
#define WARP 32
#define STACK_BYTES (64 * 1024)
#define GUARD_BYTES 4096 /* behind the dynamic shared memory of a block */

extern "C" {
struct el_emulated_thread {
    int thread, threads, block[3], grid[3];
} el_emulated;
alignas(16) char el_emulated_dynamic[EL_EMULATED_SHARED_BYTES + GUARD_BYTES];
}

namespace {

enum state { READY, AT_BARRIER, AT_SHUFFLE, DONE };

#if defined(__x86_64__)
/* Saves the callee-saved registers on the stack, keeps its address in *from and goes on with the stack `to`. */
extern "C" void el_switch_stack(void** from, void* to);
__asm__(".text\n.globl el_switch_stack\n.hidden el_switch_stack\n.type el_switch_stack,@function\nel_switch_stack:\n"
        "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
        "mov %rsp,(%rdi)\nmov %rsi,%rsp\n"
        "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n");
typedef void* context;
#else
typedef ucontext_t context;
#endif

struct copy {
    char* to;
    const void* from;
    int bytes, group;
};

struct fiber {
    context at;
    state is;
    unsigned passed; /* to a shuffle */
    unsigned shown[6];
    std::vector<copy> copies; /* that have not come yet, of groups up to `group`, the open one */
    int group;
};

fiber fibers[MAX_THREADS];
context scheduler;
char* stacks;
const el_emulated_entry* entry;
const void* params;
const el_cuda_buffers* buffers;

[[noreturn]] void fail(const char* what) {
    fprintf(stderr, "CUDA emulation: %s, block %d,%d,%d of %s\n", what, el_emulated.block[0], el_emulated.block[1], el_emulated.block[2], entry->name);
    abort();
}

void leave(state is) {
    fiber& f = fibers[el_emulated.thread];
    f.is = is;
#if defined(__x86_64__)
    el_switch_stack(&f.at, scheduler);
#else
    swapcontext(&f.at, &scheduler);
#endif
}

void body() {
    entry->run(params, buffers);
    if (!fibers[el_emulated.thread].copies.empty()) fail("a thread that ends before its copies have come");
    leave(DONE);
    fail("a finished thread went on");
}

void start(int thread) {
    fiber& f = fibers[thread];
    char* stack = stacks + (size_t)thread * STACK_BYTES;
#if defined(__x86_64__)
    void** top = (void**)(stack + STACK_BYTES) - 1; /* body finds the stack as after a call: 8 past a multiple of 16 */
    *--top = (void*)body;
    top -= 6;
    f.at = top;
#else
    getcontext(&f.at);
    f.at.uc_stack.ss_sp = stack;
    f.at.uc_stack.ss_size = STACK_BYTES;
    makecontext(&f.at, body, 0);
#endif
    f.is = READY;
    f.copies.clear();
    f.group = 0;
}

void run(int thread) {
    el_emulated.thread = thread;
#if defined(__x86_64__)
    el_switch_stack(&scheduler, fibers[thread].at);
#else
    swapcontext(&scheduler, &fibers[thread].at);
#endif
}

/* Lanes of a warp that all wait at a shuffle go on together. */
bool release_warp(int first) {
    for (int i = first; i < first + WARP; i++)
        if (fibers[i].is != AT_SHUFFLE) return false;
    for (int i = first; i < first + WARP; i++) fibers[i].is = READY;
    return true;
}

void run_block(int threads) {
    for (int i = 0; i < threads; i++) start(i);
    bool backwards = false;
    for (;;) {
        for (int k = 0; k < threads; k++) {
            int i = backwards ? threads - 1 - k : k;
            if (fibers[i].is == READY) run(i);
        }
        bool released = false;
        for (int i = 0; i < threads; i += WARP) released |= release_warp(i);
        if (released) continue;
        int waiting = 0, done = 0;
        for (int i = 0; i < threads; i++) {
            waiting += fibers[i].is == AT_BARRIER;
            done += fibers[i].is == DONE;
        }
        if (done == threads) return;
        if (waiting < threads) fail(waiting > 0 ? "a barrier that not all threads of the block reach" : "a shuffle that not all lanes of the warp reach");
        for (int i = 0; i < threads; i++) fibers[i].is = READY;
        backwards = !backwards;
    }
}

} // namespace

extern "C" void el_emulated_barrier(void) { leave(AT_BARRIER); }

extern "C" unsigned el_emulated_shuffle(unsigned bits, int lanes) {
    int self = el_emulated.thread;
    fibers[self].passed = bits;
    leave(AT_SHUFFLE);
    unsigned received = fibers[self ^ lanes].passed;
    leave(AT_SHUFFLE); /* nobody passes the next value before all have read this one */
    return received;
}

extern "C" void el_emulated_show(const void* words) {
    memcpy(fibers[el_emulated.thread].shown, words, sizeof fibers[0].shown);
    leave(AT_SHUFFLE);
}

extern "C" const void* el_emulated_shown(int lane) { return fibers[el_emulated.thread / WARP * WARP + lane].shown; }

extern "C" void el_emulated_seen(void) { leave(AT_SHUFFLE); }

extern "C" void el_emulated_copy(void* to, const void* from, int bytes) {
    if (((size_t)to | (size_t)from) % (size_t)bytes != 0) fail("a copy to shared memory that is not aligned");
    fiber& f = fibers[el_emulated.thread];
    f.copies.push_back({(char*)to, from, bytes, f.group});
}

extern "C" void el_emulated_commit(void) { fibers[el_emulated.thread].group++; }

extern "C" void el_emulated_await(int pending) {
    fiber& f = fibers[el_emulated.thread];
    size_t kept = 0;
    for (const copy& c : f.copies) {
        if (c.group >= f.group - pending) f.copies[kept++] = c;
        else if (c.from) memcpy(c.to, c.from, (size_t)c.bytes);
        else memset(c.to, 0, (size_t)c.bytes);
    }
    f.copies.resize(kept);
}

extern "C" void el_emulate(const el_emulated_entry* which, const void* p, const el_cuda_buffers* b, const unsigned grid[3], unsigned threads, unsigned shared_bytes) {
    if (!stacks) {
        stacks = (char*)mmap(0, (size_t)MAX_THREADS * STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (stacks == MAP_FAILED) abort();
    }
    entry = which;
    params = p;
    buffers = b;
    el_emulated.threads = (int)threads;
    for (int i = 0; i < 3; i++) el_emulated.grid[i] = (int)grid[i];
    for (unsigned z = 0; z < grid[2]; z++)
        for (unsigned y = 0; y < grid[1]; y++)
            for (unsigned x = 0; x < grid[0]; x++) {
                el_emulated.block[0] = (int)x;
                el_emulated.block[1] = (int)y;
                el_emulated.block[2] = (int)z;
                memset(el_emulated_dynamic, 0xff, shared_bytes + GUARD_BYTES);
                run_block((int)threads);
                for (unsigned i = 0; i < GUARD_BYTES; i++)
                    if (el_emulated_dynamic[shared_bytes + i] != (char)0xff) fail("writes past the dynamic shared memory");
            }
}
