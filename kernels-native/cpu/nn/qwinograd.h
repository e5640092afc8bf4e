/* Winograd's minimal filtering of int8 convolutions: what drives it (qwinograd.c), its transforms (qwinograd.simd.c). */
#ifndef EL_QWINOGRAD_H
#define EL_QWINOGRAD_H
#include "qmat.h"

struct el_qwinograd {
    int32_t channels; /* of the input that are worth it: those that fill a register */
    uint32_t (*largest)(const int8_t* w, int32_t panels, int32_t c);
    void (*weights)(const int8_t* w, int64_t tap, int32_t quads, int32_t row, int16_t* u, int64_t u_point);
    void (*input)(const int8_t* x, int64_t line, int64_t pixel, int32_t c, int16_t* v, int64_t v_point);
    void (*output)(const el_qpanel* panels, const int32_t* m, int64_t m_point, int32_t* sums);
};

extern const el_qwinograd el_qwinograd__avx2, el_qwinograd__avx512, el_qwinograd__neon;

int el_qconv_is_winograd(const el_qconv_params* p);
size_t el_qwinograd_scratch(const el_qconv_params* p, int32_t threads);
int el_qwinograd_run(const el_ctx* ctx, const el_qconv_params* p, void* const* buffers, const el_qisa* isa);

#if defined(__AVX512BW__)
#define QW_BYTES 64
#elif defined(__AVX2__)
#define QW_BYTES 32
#else
#define QW_BYTES 16
#endif
#define QW_WORDS (QW_BYTES / 2)
#define QW_SUMS (QW_BYTES / 4)

#endif
