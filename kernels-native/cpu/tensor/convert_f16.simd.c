/* The processor's own conversion of EL_VF elements; the tail goes through a buffer of one vector. */
#include "el_nd.h"
#include "el_simd.h"

#if EL_VF == 16
static inline el_vf widen(const uint16_t* p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p)); }
static inline void narrow(uint16_t* p, el_vf v) {
    _mm256_storeu_si256((__m256i*)p, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
#elif EL_VF == 8
static inline el_vf widen(const uint16_t* p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p)); }
static inline void narrow(uint16_t* p, el_vf v) {
    _mm_storeu_si128((__m128i*)p, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
#else
static inline el_vf widen(const uint16_t* p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
static inline void narrow(uint16_t* p, el_vf v) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v))); }
#endif

typedef struct job {
    const void* x;
    void* y;
} job;

static void to_f32(void* arg, int64_t i, int64_t end, int32_t worker) {
    const uint16_t* x = ((job*)arg)->x;
    float* y = ((job*)arg)->y;
    for (; i + EL_VF <= end; i += EL_VF) el_vstore(y + i, widen(x + i));
    if (i < end) {
        uint16_t t[EL_VF] = {0};
        memcpy(t, x + i, (size_t)(end - i) * 2);
        el_vstore_n(y + i, widen(t), end - i);
    }
}

static void to_f16(void* arg, int64_t i, int64_t end, int32_t worker) {
    const float* x = ((job*)arg)->x;
    uint16_t* y = ((job*)arg)->y;
    for (; i + EL_VF <= end; i += EL_VF) narrow(y + i, el_vload(x + i));
    if (i < end) {
        uint16_t t[EL_VF];
        narrow(t, el_vload_n(x + i, end - i));
        memcpy(y + i, t, (size_t)(end - i) * 2);
    }
}

EL_KERNEL_SIMD(f16_to_f32, el_convert_params)
void EL_SIMD_NAME(f16_to_f32)(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_convert_params* p = params_;
    job j = {buffers[0], buffers[1]};
    el_parallel(ctx, p->count, EL_ELEMENTS_PER_PIECE, to_f32, &j);
}

EL_KERNEL_SIMD(f32_to_f16, el_convert_params)
void EL_SIMD_NAME(f32_to_f16)(const el_ctx* ctx, const void* params_, void* const* buffers) {
    const el_convert_params* p = params_;
    job j = {buffers[0], buffers[1]};
    el_parallel(ctx, p->count, EL_ELEMENTS_PER_PIECE, to_f16, &j);
}
