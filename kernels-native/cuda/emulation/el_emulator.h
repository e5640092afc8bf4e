/* Runs blocks of a CUDA kernel on the host, one after another. */
#ifndef EL_EMULATOR_H
#define EL_EMULATOR_H
#include "el_cuda.h"

extern "C" {

typedef void (*el_emulated_fn)(const void* params, const el_cuda_buffers* buffers);

/* One entry of the kernels, generated from the EL_CUDA_ENTRY markers. */
struct el_emulated_entry {
    const char* name; /* el_<entry>, as in the PTX */
    el_emulated_fn run;
    unsigned params_size;
};
extern const el_emulated_entry el_emulated_entries[];
extern const unsigned el_emulated_entry_count;

/* Threads of a block are fibers that change at barriers and shuffles only, forwards after an even number of barriers, backwards after
 * an odd one, so that a missing barrier shows. A barrier that some threads of the block never reach, or a shuffle that some lanes of a
 * warp never reach, ends the process with a sentence, as does a block that writes past its dynamic shared memory (whose first bytes are NaN). */
#define EL_EMULATED_SHARED_BYTES (163 * 1024)
void el_emulate(const el_emulated_entry* entry, const void* params, const el_cuda_buffers* buffers, const unsigned grid[3], unsigned threads, unsigned shared_bytes);
}
#endif
