/* EdgeLite: run a converted neural network (.edgl) from C. Link with -ledgelite.
 *
 *     el_model* model;
 *     el_session* session;
 *     if (el_model_load("face.edgl", &model) != EL_OK) { fprintf(stderr, "%s\n", el_last_error()); return 1; }
 *     el_session_create(model, NULL, &session);
 *     el_session_set_input(session, 0, pixels, sizeof pixels);
 *     el_session_run(session);
 *     el_session_get_output(session, 0, scores, sizeof scores);
 *     el_session_free(session);
 *     el_model_free(model);
 *
 * Every function returns el_status, except for those that return a constant text. After a failure, el_last_error() says in one
 * sentence what was wrong, in the thread that made the call. An out parameter is written on success only (one exception: the rank, see
 * el_session_input_shape).
 *
 * Handles are numbers, not addresses: a freed or invented handle gives EL_INVALID_ARGUMENT. A handle that was freed may be
 * passed by mistake, never to harm.
 *
 * Threads: a model may be used by any number of threads. A session serves one call at a time; a second one that comes while the
 * first has not returned gets EL_INVALID_STATE and changes nothing. Sessions of one model run in parallel.
 *
 * Texts are UTF-8 and end with a zero byte.
 */
#ifndef EDGELITE_H
#define EDGELITE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define EL_CALL __declspec(dllimport)
#else
#define EL_CALL
#endif

/* 1-99 the caller, 100-199 the model file, 200-299 the graph in it, 300-399 the system. */
typedef enum el_status {
    EL_OK = 0,

    EL_INVALID_ARGUMENT = 1,
    EL_INVALID_SHAPE = 2,
    EL_INVALID_TYPE = 3,
    EL_NOT_FOUND = 4,
    EL_BUFFER_TOO_SMALL = 5,
    EL_INVALID_STATE = 6,

    EL_FILE_NOT_FOUND = 100,
    EL_NOT_A_MODEL = 101,
    EL_CORRUPT = 102,
    EL_NEWER_VERSION = 103,
    EL_TRUNCATED = 104,
    EL_BAD_SIGNATURE = 105,

    EL_UNKNOWN_OPERATOR = 200,
    EL_INVALID_GRAPH = 201,
    EL_UNSUPPORTED = 202,
    EL_RUNTIME_FAILURE = 203,
    EL_SELF_TEST_FAILED = 204,

    EL_OUT_OF_MEMORY = 300,
    EL_IO_ERROR = 301,
    EL_INTERNAL = 399
} el_status;

/* Element types; the numbers are those of ONNX. Types below one byte are packed, the first element in the low bits. */
typedef enum el_dtype {
    EL_UNDEFINED = 0,
    EL_FLOAT32 = 1,
    EL_UINT8 = 2,
    EL_INT8 = 3,
    EL_UINT16 = 4,
    EL_INT16 = 5,
    EL_INT32 = 6,
    EL_INT64 = 7,
    EL_STRING = 8,
    EL_BOOL = 9,
    EL_FLOAT16 = 10,
    EL_FLOAT64 = 11,
    EL_UINT32 = 12,
    EL_UINT64 = 13,
    EL_COMPLEX64 = 14,
    EL_COMPLEX128 = 15,
    EL_BFLOAT16 = 16,
    EL_FLOAT8E4M3FN = 17,
    EL_FLOAT8E4M3FNUZ = 18,
    EL_FLOAT8E5M2 = 19,
    EL_FLOAT8E5M2FNUZ = 20,
    EL_UINT4 = 21,
    EL_INT4 = 22,
    EL_FLOAT4E2M1 = 23,
    EL_FLOAT8E8M0 = 24,
    EL_UINT2 = 25,
    EL_INT2 = 26
} el_dtype;

/* A tensor has at most so many dimensions. */
#define EL_MAX_RANK 8

typedef struct el_model el_model;
typedef struct el_session el_session;

/* ---- the library ------------------------------------------------------------------------------------------------ */

/* Such as "0.1.0". */
EL_CALL const char* el_version(void);

/* What the last call that failed in this thread has to say; "" when none failed. Valid until the next failure in this thread. */
EL_CALL const char* el_last_error(void);

/* "EL_CORRUPT" for EL_CORRUPT, "EL_UNKNOWN_STATUS" for a number that is none. */
EL_CALL const char* el_status_name(el_status status);

/* ---- models ----------------------------------------------------------------------------------------------------- */

/* Maps and verifies a file. Its weights are used where they lie; the file must not be changed in place meanwhile (replacing it
 * by renaming is fine). */
EL_CALL el_status el_model_load(const char* path, el_model** model);

/* As el_model_load; the bytes are copied and need not stay. */
EL_CALL el_status el_model_load_memory(const void* data, size_t size, el_model** model);

typedef struct el_model_options {
    size_t struct_size;     /* sizeof(el_model_options) */
    const char* public_key; /* Ed25519, the text of a PEM file ("-----BEGIN PUBLIC KEY-----"); NULL: none is asked for */
    int32_t check_hash;     /* not 0: the content must have the SHA-512 that the file states (edgelite convert --hash) */
} el_model_options;

/* As el_model_load and el_model_load_memory, with checks of the whole content before anything in it is used. With a public key, EL_BAD_SIGNATURE
 * for a file that is not signed by that key (edgelite sign) or was altered afterwards; with check_hash alone, EL_CORRUPT for an altered file
 * and EL_NOT_FOUND for one that states no hash. A file that others may write to can be altered after the check: load it from memory then.
 * options may be NULL. */
EL_CALL el_status el_model_load_checked(const char* path, const el_model_options* options, el_model** model);
EL_CALL el_status el_model_load_memory_checked(const void* data, size_t size, const el_model_options* options, el_model** model);

/* Gives the handle back. The memory goes when the last session of the model is freed. NULL does nothing. */
EL_CALL el_status el_model_free(el_model* model);

/* A text that the converter stored (author, labels, ...), valid until the model is freed. EL_NOT_FOUND when the key is absent. */
EL_CALL el_status el_model_metadata(el_model* model, const char* key, const char** value);

/* Bytes of the constants in the file. */
EL_CALL el_status el_model_weight_bytes(el_model* model, int64_t* bytes);

/* ---- sessions --------------------------------------------------------------------------------------------------- */

typedef struct el_session_options {
    size_t struct_size; /* sizeof(el_session_options); fields that the caller does not know yet have their default */
    int32_t threads;    /* of one inference, the caller included; 0: every processor; 1: creates no thread */
    const char* device; /* "cpu", "cuda", "cuda:N", "auto" (the first GPU where there is one) or "reference"; NULL: "cpu" */
} el_session_options;

/* options may be NULL. */
EL_CALL el_status el_session_create(el_model* model, const el_session_options* options, el_session** session);

/* Frees a session that no call is using (otherwise EL_INVALID_STATE). NULL does nothing. */
EL_CALL el_status el_session_free(el_session* session);

EL_CALL el_status el_session_input_count(el_session* session, int32_t* count);
EL_CALL el_status el_session_output_count(el_session* session, int32_t* count);

/* Names stay valid as long as the session. */
EL_CALL el_status el_session_input_name(el_session* session, int32_t input, const char** name);
EL_CALL el_status el_session_output_name(el_session* session, int32_t output, const char** name);

/* EL_NOT_FOUND when there is none of that name; el_last_error() lists those there are. */
EL_CALL el_status el_session_find_input(el_session* session, const char* name, int32_t* input);
EL_CALL el_status el_session_find_output(el_session* session, const char* name, int32_t* output);

EL_CALL el_status el_session_input_dtype(el_session* session, int32_t input, el_dtype* dtype);
EL_CALL el_status el_session_output_dtype(el_session* session, int32_t output, el_dtype* dtype);

/* Writes the rank and the dimensions. A negative dimension is free: of an input, until el_session_resize_input chose it; of an
 * output, where its size is known only after a run. rank is -1 where even the rank is free. When `capacity` is less than the
 * rank, EL_BUFFER_TOO_SMALL is returned and the rank is written. */
EL_CALL el_status el_session_input_shape(el_session* session, int32_t input, int64_t* dims, int32_t capacity, int32_t* rank);
EL_CALL el_status el_session_output_shape(el_session* session, int32_t output, int64_t* dims, int32_t capacity, int32_t* rank);

/* Chooses the shape of an input with free dimensions. Addresses of input and output data got before are void afterwards. */
EL_CALL el_status el_session_resize_input(el_session* session, int32_t input, const int64_t* dims, int32_t rank);

/* The memory of an input, to be filled in place and 0 in a new session; valid until an input is resized or the session freed. */
EL_CALL el_status el_session_input_data(el_session* session, int32_t input, void** data);
EL_CALL el_status el_session_input_size(el_session* session, int32_t input, size_t* bytes);

/* Copies exactly el_session_input_size() bytes from the caller's buffer; any other `bytes` is EL_INVALID_ARGUMENT. */
EL_CALL el_status el_session_set_input(el_session* session, int32_t input, const void* data, size_t bytes);

/* One inference. */
EL_CALL el_status el_session_run(el_session* session);

/* A result of the last run, where it lies; valid until the next call of el_session_run or el_session_resize_input.
 * EL_INVALID_STATE before the first run. */
EL_CALL el_status el_session_output_data(el_session* session, int32_t output, const void** data);
EL_CALL el_status el_session_output_size(el_session* session, int32_t output, size_t* bytes);

/* Copies a result into the caller's buffer, EL_BUFFER_TOO_SMALL when it holds fewer than el_session_output_size() bytes. */
EL_CALL el_status el_session_get_output(el_session* session, int32_t output, void* buffer, size_t capacity);

/* Bytes of the one block that holds inputs, outputs and intermediate results; -1 where shapes depend on values and memory is
 * taken as the run goes. */
EL_CALL el_status el_session_arena_bytes(el_session* session, int64_t* bytes);

/* ---- self-test --------------------------------------------------------------------------------------------------
 *
 * A model may hold samples with the outputs that were computed where it was converted (edgelite convert --self-test).
 */

typedef struct el_self_test_report {
    size_t struct_size; /* sizeof(el_self_test_report) */
    int32_t outputs;    /* compared, of all samples */
    int32_t exact;      /* of these, equal to the bit */
    int32_t failed;     /* of these, not near enough: integers must be exact, of floats the file says how near */
    double worst_sqnr;  /* least signal-to-noise ratio of an output in dB; infinity when all are equal */
} el_self_test_report;

/* Runs the samples on this device and compares. EL_SELF_TEST_FAILED when an output differs by more than it may, which el_last_error()
 * names; EL_NOT_FOUND when the file has no samples. report, which may be NULL, is written in the first case too. options may be NULL. */
EL_CALL el_status el_model_self_test(el_model* model, const el_session_options* options, el_self_test_report* report);

/* ---- states ------------------------------------------------------------------------------------------------------
 *
 * A model may declare states (edgelite convert --state OUTPUT=INPUT): an input that takes over an output of the run before, for recurrent
 * nets and caches. All are 0 when a session is created. el_session_set_input of such an input sets the state; its address is void after
 * each run, since the memory of the input and of the output change places. The output may be read as any other.
 *
 * A state of free size may grow, as a cache that gets an entry with each run: choose its first size (0 is one) with
 * el_session_resize_input; after each run the input has the size of what it took over.
 */

EL_CALL el_status el_session_state_count(el_session* session, int32_t* count);

/* The input and the output of a state. Either pointer may be NULL. */
EL_CALL el_status el_session_state(el_session* session, int32_t state, int32_t* input, int32_t* output);

/* Sets every state to 0; one that has grown has the size again that was chosen for it. */
EL_CALL el_status el_session_reset_state(el_session* session);

/* Copies the states of another session of the same model, of the same shapes; only a growing state may have another size there. */
EL_CALL el_status el_session_copy_state(el_session* session, el_session* from);

/* ---- operators of the application --------------------------------------------------------------------------------
 *
 * A model may hold operators that EdgeLite does not have (edgelite convert --allow-custom). The application registers a table of
 * functions for each of them before it creates a session:
 *
 *     static el_status infer(void* user, el_call* call) {
 *         el_tensor x;
 *         el_status status = el_call_input(call, 0, &x);
 *         return status != EL_OK ? status : el_call_set_output(call, 0, x.dtype, x.dims, x.rank);
 *     }
 *     static el_status compute(void* user, el_call* call) {
 *         el_tensor x, y;
 *         if (el_call_input(call, 0, &x) != EL_OK || el_call_output(call, 0, &y) != EL_OK) return EL_RUNTIME_FAILURE;
 *         ...
 *     }
 *     el_operator op = {sizeof op, "com.example", "Twice", infer, compute, NULL, NULL};
 *     el_register_operator(&op);
 *
 * The functions run in the thread of the call that needs them, infer and on_cuda in el_session_create or el_session_resize_input,
 * compute in el_session_run; several sessions may be in compute at the same time. What they return other than EL_OK becomes the status of that call.
 */
typedef struct el_call el_call;

/* Types of inputs are known when infer runs, as far as shapes do not depend on values: otherwise dims are negative, or rank is -1. data is
 * NULL then, except for an input that is constant. In compute everything is known. Strings have no data that C could see. */
typedef struct el_tensor {
    el_dtype dtype;
    int32_t rank;
    int64_t dims[EL_MAX_RANK];
    void* data;
    size_t bytes;
} el_tensor;

/* One launch of a function of the application's own on a GPU. The function is declared extern "C" __global__ and takes two arguments by value: a
 * block of parameters, and el_cuda_buffers (kernels-native/include/el_cuda.h), whose buffers are the addresses of the node's inputs, then of its
 * outputs, at most 8, NULL where one is absent. Tensors are dense. Texts and parameters are copied. */
typedef struct el_cuda_launch {
    const char* ptx;   /* a module as text, as `clang --cuda-device-only -S` or `nvcc -ptx` makes it; the driver compiles it once for a device */
    const char* entry; /* the function in it */
    uint32_t grid[3];  /* blocks, each at least 1 */
    uint32_t threads;  /* of a block, 1 to 1024 */
    const void* parameters;
    size_t parameters_size; /* as the function declares */
} el_cuda_launch;

typedef struct el_operator {
    size_t struct_size; /* sizeof(el_operator) */
    const char* domain;
    const char* name;
    el_status (*infer)(void* user, el_call* call);   /* calls el_call_set_output for every output */
    el_status (*compute)(void* user, el_call* call); /* fills the outputs */
    void* user;                                      /* handed to all */
    /* How the node runs on a GPU of this architecture (10 * major + minor) with so many multiprocessors; asked in el_session_create, where
     * el_call_input and el_call_output give the types. NULL, or ptx left NULL: not at all, compute runs on the processor, between copies. */
    el_status (*on_cuda)(void* user, el_call* call, int32_t architecture, int32_t multiprocessors, el_cuda_launch* launch);
} el_operator;

/* The table is copied. One that was registered before under the same domain and name is replaced, for sessions created from now on. */
EL_CALL el_status el_register_operator(const el_operator* op);

/* Inputs and outputs of the node, absent optional ones in between counted. Either pointer may be NULL. */
EL_CALL el_status el_call_counts(el_call* call, int32_t* inputs, int32_t* outputs);

/* EL_NOT_FOUND when the node has no such input. */
EL_CALL el_status el_call_input(el_call* call, int32_t input, el_tensor* tensor);

/* In compute, the memory to be filled; in on_cuda, the type. EL_NOT_FOUND when nobody reads that output. */
EL_CALL el_status el_call_output(el_call* call, int32_t output, el_tensor* tensor);

/* In infer: the type of an output; rank -1 or a negative dimension says that it depends on values, and compute then calls this again with
 * the full shape before it asks for el_call_output. */
EL_CALL el_status el_call_set_output(el_call* call, int32_t output, el_dtype dtype, const int64_t* dims, int32_t rank);

/* Attributes of the node. EL_NOT_FOUND when it is absent, EL_INVALID_GRAPH when it is of another kind. A text and the data of a tensor stay
 * as long as the session; of the lists `count` is written even when they do not fit (EL_BUFFER_TOO_SMALL). */
EL_CALL el_status el_call_int(el_call* call, const char* name, int64_t* value);
EL_CALL el_status el_call_float(el_call* call, const char* name, float* value);
EL_CALL el_status el_call_text(el_call* call, const char* name, const char** value);
EL_CALL el_status el_call_ints(el_call* call, const char* name, int64_t* values, int32_t capacity, int32_t* count);
EL_CALL el_status el_call_floats(el_call* call, const char* name, float* values, int32_t capacity, int32_t* count);
EL_CALL el_status el_call_tensor(el_call* call, const char* name, el_tensor* tensor);

/* Says what is wrong and gives `status` back: return el_call_fail(call, EL_INVALID_GRAPH, "the image is no image"); */
EL_CALL el_status el_call_fail(el_call* call, el_status status, const char* message);

#ifdef __cplusplus
}
#endif

#endif
