/* usage: classify MODEL.edgl < INPUT    raw bytes of the first input; prints the largest element of the first output (float32) */
#include <stdio.h>

#include "edgelite.h"

#define TRY(call) if ((call) != EL_OK) { fprintf(stderr, "%s\n", el_last_error()); return 1; }

int main(int argc, char** argv) {
    el_model* model;
    el_session* session;
    el_dtype type;
    void* input;
    const void* output;
    size_t size, i, best = 0;
    TRY(el_model_load(argc > 1 ? argv[1] : "model.edgl", &model))
    TRY(el_session_create(model, NULL, &session))
    TRY(el_session_input_data(session, 0, &input))
    TRY(el_session_input_size(session, 0, &size))
    if (fread(input, 1, size, stdin) != size) { fprintf(stderr, "the input takes %zu bytes\n", size); return 1; }
    TRY(el_session_run(session))
    TRY(el_session_output_dtype(session, 0, &type))
    if (type != EL_FLOAT32) { fprintf(stderr, "the output is not float32\n"); return 1; }
    TRY(el_session_output_data(session, 0, &output))
    TRY(el_session_output_size(session, 0, &size))
    const float* scores = output;
    for (i = 1; i < size / sizeof(float); i++) if (scores[i] > scores[best]) best = i;
    printf("class %zu, score %g\n", best, (double)scores[best]);
    TRY(el_session_free(session))
    TRY(el_model_free(model))
    return 0;
}
