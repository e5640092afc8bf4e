/* Rows of bytes, moved as words where addresses allow. */
#ifndef EL_CUDA_COPY_H
#define EL_CUDA_COPY_H
#include "el_cuda_device.h"

/* Sixteen bytes in one load. */
typedef el_pack<uint32_t, 4> el_quad_word;

/* True when rows of such starts and sizes consist of whole Ts. The same in every thread, as addresses and sizes are. */
template <typename T = uint32_t>
EL_DEVICE bool el_is_words(const void* x, const void* y, int64_t a, int64_t b = 0, int64_t c = 0, int64_t d = 0, int64_t e = 0) {
    return (((uint64_t)x | (uint64_t)y | (uint64_t)(a | b | c | d | e)) & (sizeof(T) - 1)) == 0;
}

#endif
