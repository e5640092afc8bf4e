/* Runs models that come over the standard input, through the C API: for tests on a machine, or under an emulator, where the rest of the
 * tests does not run. All numbers are little-endian.
 *
 *   request:  uint64 bytes of the model, the model; uint32 inputs, for each: int32 rank, int64 dims[rank], uint64 bytes, the data
 *   answer:   int32 status; unless it is EL_OK: uint32 length, the sentence;
 *             else uint32 outputs, for each: int32 element type, int32 rank, int64 dims[rank], uint64 bytes, the data
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edgelite.h"

enum { MAX_RANK = 16, MAX_INPUTS = 64 };

typedef struct input {
    int32_t rank;
    int64_t dims[MAX_RANK];
    uint64_t bytes;
    void* data;
} input;

static void take(void* to, size_t bytes) {
    if (bytes > 0 && fread(to, 1, bytes, stdin) != bytes) exit(2);
}

static void give(const void* from, size_t bytes) {
    if (bytes > 0 && fwrite(from, 1, bytes, stdout) != bytes) exit(3);
}

static void* take_new(uint64_t bytes) {
    void* data = malloc(bytes > 0 ? (size_t)bytes : 1);
    if (!data) exit(4);
    take(data, (size_t)bytes);
    return data;
}

/* Resizes all inputs, then fills them, then runs. */
static el_status run(el_session* session, const input* inputs, uint32_t count) {
    el_status status = EL_OK;
    for (uint32_t i = 0; i < count && status == EL_OK; i++) status = el_session_resize_input(session, (int32_t)i, inputs[i].dims, inputs[i].rank);
    for (uint32_t i = 0; i < count && status == EL_OK; i++) status = el_session_set_input(session, (int32_t)i, inputs[i].data, (size_t)inputs[i].bytes);
    return status == EL_OK ? el_session_run(session) : status;
}

/* Whether every output is a tensor of numbers. */
static el_status check_outputs(el_session* session, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        const void* data;
        el_status status = el_session_output_data(session, i, &data);
        if (status != EL_OK) return status;
    }
    return EL_OK;
}

static void give_output(el_session* session, int32_t i) {
    el_dtype type;
    int32_t rank = 0, code;
    int64_t dims[MAX_RANK];
    size_t size = 0;
    const void* data = NULL;
    if (el_session_output_dtype(session, i, &type) != EL_OK || el_session_output_shape(session, i, dims, MAX_RANK, &rank) != EL_OK ||
        el_session_output_size(session, i, &size) != EL_OK || el_session_output_data(session, i, &data) != EL_OK) exit(5);
    code = (int32_t)type;
    uint64_t bytes = size;
    give(&code, sizeof code);
    give(&rank, sizeof rank);
    give(dims, (size_t)rank * sizeof *dims);
    give(&bytes, sizeof bytes);
    give(data, size);
}

int main(void) {
    static input inputs[MAX_INPUTS];
    el_session_options options;
    uint64_t bytes;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.threads = 1;
    while (fread(&bytes, 1, sizeof bytes, stdin) == sizeof bytes) {
        void* file = take_new(bytes);
        uint32_t count, outputs = 0;
        take(&count, sizeof count);
        if (count > MAX_INPUTS) exit(6);
        for (uint32_t i = 0; i < count; i++) {
            take(&inputs[i].rank, sizeof inputs[i].rank);
            if (inputs[i].rank < 0 || inputs[i].rank > MAX_RANK) exit(7);
            take(inputs[i].dims, (size_t)inputs[i].rank * sizeof *inputs[i].dims);
            take(&inputs[i].bytes, sizeof inputs[i].bytes);
            inputs[i].data = take_new(inputs[i].bytes);
        }
        el_model* model = NULL;
        el_session* session = NULL;
        int32_t answers = 0;
        el_status status = el_model_load_memory(file, (size_t)bytes, &model);
        if (status == EL_OK) status = el_session_create(model, &options, &session);
        if (status == EL_OK) status = run(session, inputs, count);
        if (status == EL_OK) status = el_session_output_count(session, &answers);
        if (status == EL_OK) status = check_outputs(session, answers);
        int32_t code = (int32_t)status;
        give(&code, sizeof code);
        if (status != EL_OK) {
            const char* sentence = el_last_error();
            uint32_t length = (uint32_t)strlen(sentence);
            give(&length, sizeof length);
            give(sentence, length);
        } else {
            outputs = (uint32_t)answers;
            give(&outputs, sizeof outputs);
            for (int32_t i = 0; i < answers; i++) give_output(session, i);
        }
        fflush(stdout);
        if (session) el_session_free(session);
        if (model) el_model_free(model);
        for (uint32_t i = 0; i < count; i++) free(inputs[i].data);
        free(file);
    }
    return 0;
}
