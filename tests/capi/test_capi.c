/* Uses libedgelite as a C program does. Arguments: the models that tests/EdgeLite.Tests/Targets/CApiModels.cs writes, in the
 * order sums.edgl free.edgl heavy.edgl damaged.edgl custom.edgl state.edgl tested.edgl failing.edgl signed.edgl key.pub.pem batch.edgl.
 *   sums:    a, b float32 [2,3] -> sum = a + b, product = a * b; metadata author=tests
 *   free:    x float32 [4,length] -> y = relu(x)
 *   heavy:   x float32 [256,256] -> y, some tens of milliseconds
 *   tested:  state with a self-test of 3 runs; failing: with another number in its first output
 *   signed:  sums, signed by the holder of the key
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* batch: x float32 [n,4] -> y = relu(x). A free batch that nobody chose is 1, before a run and after it. */
static void free_batch(const char* path) {
    el_model* model;
    el_session* session;
    int64_t dims[EL_MAX_RANK];
    int32_t rank;
    size_t size;
    float x[8] = {-1, 2, -3, 4, 5, -6, 7, -8}, y[8];
    CHECK(el_model_load(path, &model) == EL_OK);
    CHECK(el_session_create(model, NULL, &session) == EL_OK);
    CHECK(el_session_input_shape(session, 0, dims, EL_MAX_RANK, &rank) == EL_OK && rank == 2 && dims[0] < 0 && dims[1] == 4);
    CHECK(el_session_input_size(session, 0, &size) == EL_OK && size == 4 * sizeof(float));
    CHECK(el_session_output_size(session, 0, &size) == EL_OK && size == 4 * sizeof(float));
    CHECK(el_session_output_shape(session, 0, dims, EL_MAX_RANK, &rank) == EL_OK && rank == 2 && dims[0] == 1 && dims[1] == 4);
    CHECK(el_session_set_input(session, 0, x, 4 * sizeof(float)) == EL_OK);
    CHECK(el_session_run(session) == EL_OK);
    CHECK(el_session_output_size(session, 0, &size) == EL_OK && size == 4 * sizeof(float));
    CHECK(el_session_get_output(session, 0, y, sizeof y) == EL_OK && y[0] == 0 && y[3] == 4);
    dims[0] = 2;
    CHECK(el_session_resize_input(session, 0, dims, 2) == EL_OK);
    CHECK(el_session_output_size(session, 0, &size) == EL_OK && size == sizeof x);
    dims[0] = 0;
    CHECK(el_session_resize_input(session, 0, dims, 2) == EL_OK);
    CHECK(el_session_run(session) == EL_OK);
    CHECK(el_session_output_size(session, 0, &size) == EL_OK && size == 0);
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

/* y = factor * x, and the elements of x that are greater than `limit` as a tensor of their own: a shape that depends on values. */
static el_status infer_above(void* user, el_call* call) {
    el_tensor x;
    int64_t open = -1;
    int32_t inputs = 0, outputs = 0;
    el_status status = el_call_input(call, 0, &x);
    if (status != EL_OK) return status;
    ++*(int*)user;
    CHECK(el_call_counts(call, &inputs, &outputs) == EL_OK && inputs == 1 && outputs == 2);
    CHECK(el_call_input(call, 1, &x) == EL_NOT_FOUND && el_call_input(call, 0, &x) == EL_OK);
    CHECK(el_call_output(call, 0, &x) == EL_INVALID_STATE);
    if (x.dtype != EL_FLOAT32) return el_call_fail(call, EL_INVALID_TYPE, "x must be float32");
    CHECK(el_call_set_output(call, 0, EL_STRING, x.dims, x.rank) == EL_INVALID_TYPE);
    status = el_call_set_output(call, 0, x.dtype, x.dims, x.rank);
    return status != EL_OK ? status : el_call_set_output(call, 1, x.dtype, &open, 1);
}

static el_status compute_above(void* user, el_call* call) {
    el_tensor x, y, above;
    int64_t i, n, count = 0;
    float factor, limits[2], small;
    const char* mode;
    int32_t limit_count;
    ++*(int*)user;
    CHECK(el_call_float(call, "factor", &factor) == EL_OK && factor == 2.5f);
    CHECK(el_call_int(call, "factor", &n) == EL_INVALID_GRAPH);
    CHECK(el_call_float(call, "nothing", &small) == EL_NOT_FOUND);
    CHECK(el_call_text(call, "mode", &mode) == EL_OK && strcmp(mode, "greater") == 0);
    CHECK(el_call_floats(call, "limits", limits, 1, &limit_count) == EL_BUFFER_TOO_SMALL && limit_count == 2);
    CHECK(el_call_floats(call, "limits", limits, 2, &limit_count) == EL_OK && limits[0] == 3);
    CHECK(el_call_input(call, 0, &x) == EL_OK && x.rank == 2 && x.data);
    CHECK(el_call_output(call, 0, &y) == EL_OK && y.bytes == x.bytes);
    n = (int64_t)(x.bytes / sizeof(float));
    for (i = 0; i < n; i++) {
        ((float*)y.data)[i] = factor * ((float*)x.data)[i];
        if (((float*)x.data)[i] != ((float*)x.data)[i]) return el_call_fail(call, EL_RUNTIME_FAILURE, "x holds a number that is none");
        count += ((float*)x.data)[i] > limits[0];
    }
    CHECK(el_call_set_output(call, 1, EL_FLOAT32, &count, 1) == EL_OK);
    if (count == 0) return EL_OK;
    CHECK(el_call_output(call, 1, &above) == EL_OK && above.bytes == (size_t)count * sizeof(float));
    for (i = 0, count = 0; i < n; i++)
        if (((float*)x.data)[i] > limits[0]) ((float*)above.data)[count++] = ((float*)x.data)[i];
    return EL_OK;
}

/* custom: x float32 [2,3] -> com.example.Above (factor 2.5, limits 3 9, mode greater) -> y, relu(above) */
static void custom_operators(const char* path) {
    el_model* model;
    el_session* session;
    int calls = 0;
    el_operator op = {sizeof op, "com.example", "Above", infer_above, compute_above, &calls, NULL};
    float x[6] = {1, 2, 3, 4, 5, 6}, y[6];
    int64_t dims[EL_MAX_RANK];
    int32_t rank;
    size_t size;
    int i;

    CHECK(el_model_load(path, &model) == EL_OK);
    CHECK(el_session_create(model, NULL, &session) == EL_UNKNOWN_OPERATOR);
    CHECK(strstr(el_last_error(), "com.example.Above") && strstr(el_last_error(), "above_node"));
    CHECK(el_register_operator(NULL) == EL_INVALID_ARGUMENT);
    op.infer = NULL;
    CHECK(el_register_operator(&op) == EL_INVALID_ARGUMENT);
    op.infer = infer_above;
    op.struct_size = 8;
    CHECK(el_register_operator(&op) == EL_INVALID_ARGUMENT);
    op.struct_size = sizeof op;
    op.domain = "";
    op.name = "Relu";
    CHECK(el_register_operator(&op) == EL_INVALID_ARGUMENT && strstr(el_last_error(), "built in"));
    op.domain = "com.example";
    op.name = "Above";
    CHECK(el_register_operator(&op) == EL_OK);
    CHECK(el_session_create(model, NULL, &session) == EL_OK && calls > 0);
    CHECK(el_session_set_input(session, 0, x, sizeof x) == EL_OK);
    CHECK(el_session_run(session) == EL_OK);
    CHECK(el_session_get_output(session, 0, y, sizeof y) == EL_OK);
    for (i = 0; i < 6; i++) CHECK(y[i] == 2.5f * x[i]);
    CHECK(el_session_output_shape(session, 1, dims, EL_MAX_RANK, &rank) == EL_OK && rank == 1 && dims[0] == 3);
    CHECK(el_session_get_output(session, 1, y, sizeof y) == EL_OK && y[0] == 4 && y[1] == 5 && y[2] == 6);
    x[0] = 100;
    CHECK(el_session_set_input(session, 0, x, sizeof x) == EL_OK);
    CHECK(el_session_run(session) == EL_OK);
    CHECK(el_session_output_size(session, 1, &size) == EL_OK && size == 4 * sizeof(float));
    x[0] = (float)(1e30 * 1e30);
    x[0] -= x[0];
    CHECK(el_session_set_input(session, 0, x, sizeof x) == EL_OK);
    CHECK(el_session_run(session) == EL_RUNTIME_FAILURE && strstr(el_last_error(), "a number that is none") && strstr(el_last_error(), "above_node"));
    CHECK(el_session_free(session) == EL_OK);
    CHECK(el_model_free(model) == EL_OK);
    CHECK(el_call_counts((el_call*)1, NULL, NULL) == EL_INVALID_ARGUMENT);
}

/* state: x float32 [3], h float32 [3] -> y = h + x, next = h + x; next is h of the next run */
static void stateful(const char* path) {
    el_model* model;
    el_session *session, *other;
    float x[3] = {1, 2, 3}, y[3];
    int32_t count, input, output, i, run;
    void* data;
    CHECK(el_model_load(path, &model) == EL_OK);
    CHECK(el_session_create(model, NULL, &session) == EL_OK && el_session_create(model, NULL, &other) == EL_OK);
    CHECK(el_session_state_count(session, &count) == EL_OK && count == 1);
    CHECK(el_session_state(session, 0, &input, &output) == EL_OK && input == 1 && output == 1);
    CHECK(el_session_state(session, 1, &input, &output) == EL_INVALID_ARGUMENT);
    CHECK(el_session_set_input(session, 0, x, sizeof x) == EL_OK && el_session_set_input(other, 0, x, sizeof x) == EL_OK);
    for (run = 1; run <= 5; run++) {
        CHECK(el_session_run(session) == EL_OK);
        CHECK(el_session_get_output(session, 0, y, sizeof y) == EL_OK);
        for (i = 0; i < 3; i++) CHECK(y[i] == (float)run * x[i]);
        CHECK(el_session_get_output(session, 1, y, sizeof y) == EL_OK);
        for (i = 0; i < 3; i++) CHECK(y[i] == (float)run * x[i]);
    }
    CHECK(el_session_copy_state(other, session) == EL_OK && el_session_copy_state(other, other) == EL_OK);
    CHECK(el_session_run(other) == EL_OK && el_session_get_output(other, 0, y, sizeof y) == EL_OK && y[2] == 18);
    CHECK(el_session_reset_state(session) == EL_OK);
    CHECK(el_session_run(session) == EL_OK && el_session_get_output(session, 0, y, sizeof y) == EL_OK && y[2] == 3);
    x[0] = x[1] = x[2] = 100;
    CHECK(el_session_set_input(session, 1, x, sizeof x) == EL_OK);
    CHECK(el_session_run(session) == EL_OK && el_session_get_output(session, 0, y, sizeof y) == EL_OK && y[2] == 103);
    CHECK(el_session_input_data(session, 1, &data) == EL_OK && ((float*)data)[2] == 103);
    CHECK(el_session_free(session) == EL_OK && el_session_free(other) == EL_OK && el_model_free(model) == EL_OK);
    CHECK(el_session_reset_state(session) == EL_INVALID_ARGUMENT);
}

static void self_tests(const char* tested, const char* failing, el_model* without) {
    el_model* model;
    el_self_test_report report = {sizeof report, -1, -1, -1, 0};
    el_session_options o = {sizeof o, 1, "reference"};
    CHECK(el_model_load(tested, &model) == EL_OK);
    CHECK(el_model_self_test(model, NULL, &report) == EL_OK);
    CHECK(report.outputs == 6 && report.exact == 6 && report.failed == 0 && report.worst_sqnr > 1000);
    CHECK(el_model_self_test(model, &o, NULL) == EL_OK);
    report.struct_size = 8;
    CHECK(el_model_self_test(model, NULL, &report) == EL_INVALID_ARGUMENT);
    CHECK(el_model_free(model) == EL_OK);
    CHECK(el_model_self_test(model, NULL, NULL) == EL_INVALID_ARGUMENT);

    CHECK(el_model_load(failing, &model) == EL_OK);
    report.struct_size = sizeof report;
    CHECK(el_model_self_test(model, NULL, &report) == EL_SELF_TEST_FAILED);
    CHECK(strstr(el_last_error(), "'y' of sample 0") && strcmp(el_status_name(EL_SELF_TEST_FAILED), "EL_SELF_TEST_FAILED") == 0);
    CHECK(report.outputs == 6 && report.failed == 1 && report.exact == 5 && report.worst_sqnr < 80);
    CHECK(el_model_self_test(model, NULL, NULL) == EL_SELF_TEST_FAILED);
    CHECK(el_model_free(model) == EL_OK);

    CHECK(el_model_self_test(without, NULL, &report) == EL_NOT_FOUND && strstr(el_last_error(), "--self-test"));
}

static void signatures(const char* path, const char* key_path, const char* hashed) {
    el_model* model;
    el_session* session;
    size_t size, key_size;
    unsigned char* data = read_file(path, &size);
    char* key = read_file(key_path, &key_size);
    el_model_options o = {sizeof o, NULL, 0};
    key = realloc(key, key_size + 1);
    if (!key) exit(2);
    key[key_size] = 0;
    CHECK(el_model_load_checked(path, NULL, &model) == EL_OK && el_model_free(model) == EL_OK);
    CHECK(el_model_load_checked(path, &o, &model) == EL_OK && el_model_free(model) == EL_OK);
    o.public_key = key;
    CHECK(el_model_load_checked(path, &o, &model) == EL_OK);
    CHECK(el_session_create(model, NULL, &session) == EL_OK);
    check_sums(session, 3);
    CHECK(el_session_free(session) == EL_OK && el_model_free(model) == EL_OK);
    CHECK(el_model_load_memory_checked(data, size, &o, &model) == EL_OK && el_model_free(model) == EL_OK);

    /* Unsigned, altered, with a text that is no key. */
    CHECK(el_model_load_checked(hashed, &o, &model) == EL_BAD_SIGNATURE && strstr(el_last_error(), "not signed"));
    CHECK(strcmp(el_status_name(EL_BAD_SIGNATURE), "EL_BAD_SIGNATURE") == 0);
    data[100] ^= 1;
    CHECK(el_model_load_memory_checked(data, size, &o, &model) == EL_BAD_SIGNATURE && strstr(el_last_error(), "altered"));
    data[100] ^= 1;
    data[size - 1] ^= 1;
    CHECK(el_model_load_memory_checked(data, size, &o, &model) == EL_BAD_SIGNATURE);
    o.public_key = "no key";
    CHECK(el_model_load_checked(path, &o, &model) == EL_INVALID_ARGUMENT && strstr(el_last_error(), "BEGIN PUBLIC KEY"));
    o.public_key = NULL;
    o.check_hash = 1;
    CHECK(el_model_load_checked(hashed, &o, &model) == EL_OK && el_model_free(model) == EL_OK);
    CHECK(el_model_load_memory_checked(data, size, &o, &model) == EL_OK && el_model_free(model) == EL_OK);
    data[100] ^= 1;
    CHECK(el_model_load_memory_checked(data, size, &o, &model) == EL_CORRUPT);
    o.struct_size = 8;
    CHECK(el_model_load_checked(path, &o, &model) == EL_INVALID_ARGUMENT);
    free(key);
    free(data);
}

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

/* A child of fork has the sessions but none of their threads, nor the collector's: it computes the same alone, with those and with new ones. */
static void after_fork(const char* path) {
    static float x[256 * 256], want[256 * 256], y[256 * 256];
    el_model* model;
    el_session* session;
    el_session_options o = {sizeof o, 2, NULL};
    pid_t child;
    int i, status;
    for (i = 0; i < 256 * 256; i++) x[i] = (float)(i % 7 - 3) / 32.0f;
    CHECK(el_model_load(path, &model) == EL_OK);
    CHECK(el_session_create(model, &o, &session) == EL_OK);
    CHECK(el_session_set_input(session, 0, x, sizeof x) == EL_OK);
    for (i = 0; i < 3; i++) CHECK(el_session_run(session) == EL_OK);
    CHECK(el_session_get_output(session, 0, want, sizeof want) == EL_OK);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(120);
        for (i = 0; i < 300; i++) { /* so many that the collector runs */
            if (i > 0 && i < 299) {
                CHECK(el_session_free(session) == EL_OK);
                CHECK(el_session_create(model, &o, &session) == EL_OK);
                continue;
            }
            memset(y, 0, sizeof y);
            CHECK(el_session_set_input(session, 0, x, sizeof x) == EL_OK);
            CHECK(el_session_run(session) == EL_OK);
            CHECK(el_session_get_output(session, 0, y, sizeof y) == EL_OK);
            CHECK(memcmp(y, want, sizeof y) == 0);
        }
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
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
    if (argc != 12) return 2;

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
    self_tests(argv[7], argv[8], model);
    signatures(argv[9], argv[10], argv[7]);
    CHECK(el_model_free(model) == EL_OK);

    free_dimensions(argv[2]);
    free_batch(argv[11]);
    one_call_at_a_time(argv[3]);
    after_fork(argv[3]);
    wrong_files(argv[4]);
    wrong_handles(argv[1]);
    custom_operators(argv[5]);
    stateful(argv[6]);
    printf("%d checks passed\n", checks);
    return 0;
}
