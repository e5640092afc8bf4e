/* y[i] = tables[group[i % channels] % groups][x[i] + 128], a row of channels at a time. */
#include "el_quant.h"

EL_KERNEL(grouped_lut_s8, scalar, el_grouped_lut_params)

typedef struct lut_args {
    const el_grouped_lut_params* p;
    const int8_t *x, *tables;
    const uint8_t* group;
    int8_t* y;
} lut_args;

static void rows(void* arg, int64_t begin, int64_t end, int32_t worker) {
    const lut_args* a = arg;
    const uint8_t groups = (uint8_t)a->p->groups;
    const int64_t channels = a->p->channels;
    for (int64_t row = begin; row < end; row++) {
        const uint8_t* x = (const uint8_t*)a->x + row * channels;
        int8_t* y = a->y + row * channels;
        for (int64_t c = 0; c < channels; c++) {
            uint32_t g = a->group[c];
            if (g >= groups) g %= groups;
            y[c] = a->tables[g * 256 + (x[c] ^ 0x80u)];
        }
    }
}

void el_grouped_lut_s8__scalar(const el_ctx* ctx, const void* params, void* const* buffers) {
    const el_grouped_lut_params* p = params;
    lut_args a = {p, buffers[0], buffers[1], buffers[2], buffers[3]};
    el_parallel(ctx, p->count / p->channels, 65536 / p->channels + 1, rows, &a);
}
