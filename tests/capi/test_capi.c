/* Uses libedgelite as a C program does. Arguments: the models that tests/EdgeLite.Tests/Targets/CApiModels.cs writes, in the
 * order sums.edgl free.edgl heavy.edgl damaged.edgl.
 *   sums:    a, b float32 [2,3] -> sum = a + b, product = a * b; metadata author=tests
 *   free:    x float32 [4,length] -> y = relu(x)
 *   heavy:   x float32 [256,256] -> y, some tens of milliseconds
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edgelite.h"

static int checks;

#define CHECK(condition)                                                                                          \
    do {                                                                                                          \
        checks++;                                                                                                 \
        if (!(condition)) {                                                                                       \
            fprintf(stderr, "%s:%d: %s\nlast error: %s\n", __FILE__, __LINE__, #condition, el_last_error());      \
            exit(1);                                                                                              \
        }                                                                                                         \
    } while (0)

static void* read_file(const char* path, size_t* size) {
    FILE* file = fopen(path, "rb");
    void* data;
    if (!file) exit(2);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    data = malloc(*size);
    if (fread(data, 1, *size, file) != *size) exit(2);
    fclose(file);
    return data;
}

static void check_sums(el_session* session, float first) {
    float a[6], b[6], y[6];
    int i;
    for (i = 0; i < 6; i++) {
        a[i] = first + (float)i;
        b[i] = 10.0f * (float)i;
    }
    CHECK(el_session_set_input(session, 0, a, sizeof a) == EL_OK);
    CHECK(el_session_set_input(session, 1, b, sizeof b) == EL_OK);
    CHECK(el_session_run(session) == EL_OK);
    CHECK(el_session_get_output(session, 0, y, sizeof y) == EL_OK);
    for (i = 0; i < 6; i++) CHECK(y[i] == a[i] + b[i]);
    CHECK(el_session_get_output(session, 1, y, sizeof y) == EL_OK);
    for (i = 0; i < 6; i++) CHECK(y[i] == a[i] * b[i]);
}

static void names_shapes_and_buffers(el_session* session) {
    int32_t count, index, rank;
    int64_t dims[EL_MAX_RANK], arena;
    const char* name;
    el_dtype dtype;
    size_t size;
    void* input;
    const void* output;
    float small[5], y[6];

    CHECK(el_session_input_count(session, &count) == EL_OK && count == 2);
    CHECK(el_session_output_count(session, &count) == EL_OK && count == 2);
    CHECK(el_session_input_name(session, 1, &name) == EL_OK && strcmp(name, "b") == 0);
    CHECK(el_session_output_name(session, 1, &name) == EL_OK && strcmp(name, "product") == 0);
    CHECK(el_session_find_input(session, "b", &index) == EL_OK && index == 1);
    CHECK(el_session_find_output(session, "sum", &index) == EL_OK && index == 0);
    CHECK(el_session_find_input(session, "c", &index) == EL_NOT_FOUND);
    CHECK(strstr(el_last_error(), "'c'") && strstr(el_last_error(), "a, b"));
    CHECK(el_session_input_dtype(session, 0, &dtype) == EL_OK && dtype == EL_FLOAT32);
    CHECK(el_session_output_dtype(session, 0, &dtype) == EL_OK && dtype == EL_FLOAT32);
    CHECK(el_session_input_shape(session, 0, dims, EL_MAX_RANK, &rank) == EL_OK && rank == 2 && dims[0] == 2 && dims[1] == 3);
    CHECK(el_session_input_shape(session, 0, dims, 1, &rank) == EL_BUFFER_TOO_SMALL && rank == 2);
    CHECK(el_session_input_size(session, 0, &size) == EL_OK && size == 24);
    CHECK(el_session_output_size(session, 0, &size) == EL_OK && size == 24);
    CHECK(el_session_arena_bytes(session, &arena) == EL_OK && arena >= 4 * 24);

    /* before the first run there is nothing to read */
    CHECK(el_session_output_data(session, 0, &output) == EL_INVALID_STATE);
    CHECK(el_session_get_output(session, 0, y, sizeof y) == EL_INVALID_STATE);

    check_sums(session, 1.5f);
    CHECK(el_session_set_input(session, 0, y, 23) == EL_INVALID_ARGUMENT);
    CHECK(strstr(el_last_error(), "24") && strstr(el_last_error(), "23") && strstr(el_last_error(), "'a'"));
    CHECK(el_session_get_output(session, 0, small, sizeof small) == EL_BUFFER_TOO_SMALL);
    CHECK(el_session_input_name(session, 2, &name) == EL_INVALID_ARGUMENT);
    CHECK(el_session_input_name(session, -1, &name) == EL_INVALID_ARGUMENT);
    CHECK(el_session_set_input(session, 0, NULL, 24) == EL_INVALID_ARGUMENT);
    CHECK(el_session_get_output(session, 0, NULL, 24) == EL_INVALID_ARGUMENT);
    CHECK(el_session_input_count(session, NULL) == EL_INVALID_ARGUMENT);

    /* in place */
    CHECK(el_session_input_data(session, 0, &input) == EL_OK);
    ((float*)input)[5] = -7.0f;
    CHECK(el_session_run(session) == EL_OK);
    CHECK(el_session_output_data(session, 0, &output) == EL_OK && ((const float*)output)[5] == 43.0f);

    /* a fixed shape cannot be changed, and the session goes on */
    dims[0] = 4;
    dims[1] = 3;
    CHECK(el_session_resize_input(session, 0, dims, 2) == EL_INVALID_SHAPE);
    CHECK(el_session_resize_input(session, 0, dims, 99) == EL_INVALID_SHAPE);
    dims[0] = -5;
    CHECK(el_session_resize_input(session, 0, dims, 2) != EL_OK);
    check_sums(session, 3.0f);
}

static void free_dimensions(const char* path) {
    el_model* model;
    el_session* session;
    int64_t dims[EL_MAX_RANK];
    int32_t rank, length;
    float x[28], y[28];
    size_t size;
    int i;
    CHECK(el_model_load(path, &model) == EL_OK);
    CHECK(el_session_create(model, NULL, &session) == EL_OK);
    CHECK(el_session_input_shape(session, 0, dims, EL_MAX_RANK, &rank) == EL_OK && rank == 2 && dims[0] == 4 && dims[1] < 0);
    CHECK(el_session_output_shape(session, 0, dims, EL_MAX_RANK, &rank) == EL_OK && rank == 2 && dims[0] == 4 && dims[1] < 0);
    CHECK(el_session_run(session) == EL_INVALID_SHAPE);
    CHECK(strstr(el_last_error(), "length"));
    CHECK(el_session_output_size(session, 0, &size) == EL_INVALID_STATE);
    for (length = 1; length <= 7; length++) {
        dims[0] = 4;
        dims[1] = length;
        CHECK(el_session_resize_input(session, 0, dims, 2) == EL_OK);
        CHECK(el_session_input_shape(session, 0, dims, EL_MAX_RANK, &rank) == EL_OK && dims[1] == length);
        for (i = 0; i < 4 * length; i++) x[i] = (float)(i % 2 ? -i : i);
        CHECK(el_session_set_input(session, 0, x, sizeof(float) * 4 * (size_t)length) == EL_OK);
        CHECK(el_session_run(session) == EL_OK);
        CHECK(el_session_output_shape(session, 0, dims, EL_MAX_RANK, &rank) == EL_OK && dims[1] == length);
        CHECK(el_session_output_size(session, 0, &size) == EL_OK && size == sizeof(float) * 4 * (size_t)length);
        CHECK(el_session_get_output(session, 0, y, sizeof y) == EL_OK);
        for (i = 0; i < 4 * length; i++) CHECK(y[i] == (i % 2 ? 0.0f : x[i]));
    }
    CHECK(el_session_free(session) == EL_OK);
    CHECK(el_model_free(model) == EL_OK);
}

static void wrong_files(const char* damaged) {
    el_model* model = (el_model*)(intptr_t)0x1234;
    CHECK(el_model_load("/no/such/file.edgl", &model) == EL_FILE_NOT_FOUND);
    CHECK(strstr(el_last_error(), "/no/such/file.edgl"));
    CHECK(el_model_load(damaged, &model) == EL_CORRUPT);
    CHECK(el_model_load_memory("this is no model", 16, &model) == EL_NOT_A_MODEL);
    CHECK(el_model_load_memory("", 0, &model) == EL_TRUNCATED);
    CHECK(el_model_load_memory(NULL, 16, &model) == EL_INVALID_ARGUMENT);
    CHECK(el_model_load(NULL, &model) == EL_INVALID_ARGUMENT);
    CHECK(el_model_load(damaged, NULL) == EL_INVALID_ARGUMENT);
    CHECK(model == (el_model*)(intptr_t)0x1234);
}

static void wrong_handles(const char* path) {
    el_model *model, *again;
    el_session *session, *second;
    const char* text;
    int32_t count;
    CHECK(el_model_load(path, &model) == EL_OK);
    CHECK(el_session_create(model, NULL, &session) == EL_OK);
    CHECK(el_session_run((el_session*)model) == EL_INVALID_ARGUMENT);
    CHECK(el_model_metadata((el_model*)session, "author", &text) == EL_INVALID_ARGUMENT);
    CHECK(el_session_run(NULL) == EL_INVALID_ARGUMENT);
    CHECK(el_session_run((el_session*)&count) == EL_INVALID_ARGUMENT);
    CHECK(el_session_free(session) == EL_OK);
    CHECK(el_session_free(session) == EL_INVALID_ARGUMENT);
    CHECK(el_session_create(model, NULL, &second) == EL_OK);
    CHECK(second != session); /* the place is used again, the handle is another */
    CHECK(el_session_run(session) == EL_INVALID_ARGUMENT);
    CHECK(strstr(el_last_error(), "freed"));
    CHECK(el_model_free(model) == EL_OK);
    CHECK(el_model_free(model) == EL_INVALID_ARGUMENT);
    CHECK(el_session_create(model, NULL, &session) == EL_INVALID_ARGUMENT);
    check_sums(second, 2.0f); /* the memory of a model stays as long as its sessions */
    CHECK(el_model_load(path, &again) == EL_OK && again != model);
    CHECK(el_session_free(second) == EL_OK);
    CHECK(el_session_free(NULL) == EL_OK && el_model_free(NULL) == EL_OK);
    CHECK(el_model_free(again) == EL_OK);
}

static void options(el_model* model) {
    el_session_options o = {sizeof o, 1, "reference"};
    el_session* session;
    CHECK(el_session_create(model, &o, &session) == EL_OK);
    check_sums(session, 4.0f);
    CHECK(el_session_free(session) == EL_OK);
    o.device = "abacus";
    CHECK(el_session_create(model, &o, &session) == EL_INVALID_ARGUMENT);
    CHECK(strstr(el_last_error(), "abacus"));
    o.struct_size = offsetof(el_session_options, device); /* a caller that does not know the field yet */
    CHECK(el_session_create(model, &o, &session) == EL_OK);
    CHECK(el_session_free(session) == EL_OK);
    o.struct_size = 0;
    CHECK(el_session_create(model, &o, &session) == EL_INVALID_ARGUMENT);
    o.struct_size = sizeof o;
    o.device = NULL;
    o.threads = -1;
    CHECK(el_session_create(model, &o, &session) == EL_INVALID_ARGUMENT);
}

static void* run_sessions(void* argument) {
    el_model* model = argument;
    el_session_options o = {sizeof o, 1, NULL};
    int round, i;
    for (round = 0; round < 10; round++) {
        el_session* session;
        CHECK(el_session_create(model, &o, &session) == EL_OK);
        for (i = 0; i < 50; i++) check_sums(session, (float)(round * 50 + i));
        CHECK(el_session_free(session) == EL_OK);
    }
    /* errors are those of the thread */
    CHECK(el_session_run(NULL) == EL_INVALID_ARGUMENT);
    CHECK(strstr(el_last_error(), "NULL"));
    return NULL;
}

static void several_threads(el_model* model) {
    pthread_t threads[8];
    char before[512];
    int i;
    el_session_run((el_session*)(intptr_t)3);
    snprintf(before, sizeof before, "%s", el_last_error());
    for (i = 0; i < 8; i++) CHECK(pthread_create(&threads[i], NULL, run_sessions, model) == 0);
    for (i = 0; i < 8; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(strcmp(before, el_last_error()) == 0);
}

static volatile int stop;

static void* run_until_stopped(void* session) {
    while (!stop) {
        el_status status = el_session_run(session);
        if (status != EL_OK && status != EL_INVALID_STATE) exit(3);
    }
    return NULL;
}

static void one_call_at_a_time(const char* path) {
    el_model* model;
    el_session* session;
    el_session_options o = {sizeof o, 1, NULL};
    pthread_t thread;
    int refused = 0, tries;
    int32_t count;
    CHECK(el_model_load(path, &model) == EL_OK);
    CHECK(el_session_create(model, &o, &session) == EL_OK);
    CHECK(pthread_create(&thread, NULL, run_until_stopped, session) == 0);
    for (tries = 0; tries < 100000000 && !refused; tries++) {
        el_status status = el_session_input_count(session, &count);
        CHECK(status == EL_OK || status == EL_INVALID_STATE);
        refused = status == EL_INVALID_STATE;
    }
    CHECK(refused);
    CHECK(strstr(el_last_error(), "another thread"));
    stop = 1;
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(el_session_run(session) == EL_OK);
    CHECK(el_session_free(session) == EL_OK);
    CHECK(el_model_free(model) == EL_OK);
}

int main(int argc, char** argv) {
    el_model* model;
    el_session* session;
    const char* text;
    size_t size;
    int64_t bytes;
    void* data;
    if (argc != 5) return 2;

    CHECK(strcmp(el_last_error(), "") == 0);
    CHECK(strlen(el_version()) >= 5);
    CHECK(strcmp(el_status_name(EL_CORRUPT), "EL_CORRUPT") == 0);
    CHECK(strcmp(el_status_name((el_status)12345), "EL_UNKNOWN_STATUS") == 0);

    data = read_file(argv[1], &size);
    CHECK(el_model_load_memory(data, size, &model) == EL_OK);
    memset(data, 0xAA, size);
    free(data);
    CHECK(el_session_create(model, NULL, &session) == EL_OK);
    check_sums(session, 0.5f);
    CHECK(el_session_free(session) == EL_OK);
    CHECK(el_model_free(model) == EL_OK);

    CHECK(el_model_load(argv[1], &model) == EL_OK);
    CHECK(el_model_metadata(model, "author", &text) == EL_OK && strcmp(text, "tests") == 0);
    CHECK(el_model_metadata(model, "colour", &text) == EL_NOT_FOUND);
    CHECK(el_model_weight_bytes(model, &bytes) == EL_OK && bytes >= 0);
    CHECK(el_session_create(model, NULL, &session) == EL_OK);
    names_shapes_and_buffers(session);
    CHECK(el_session_free(session) == EL_OK);
    options(model);
    several_threads(model);
    CHECK(el_model_free(model) == EL_OK);

    free_dimensions(argv[2]);
    one_call_at_a_time(argv[3]);
    wrong_files(argv[4]);
    wrong_handles(argv[1]);
    printf("%d checks passed\n", checks);
    return 0;
}
