// The smallest program that makes an inference with ONNX Runtime on one thread, through its public C API; inputs are zeros.
// usage: ort_start libonnxruntime.so MODEL.onnx all|none NAME=1x256x256x3.. [RUNS]    all, none: optimizations made while loading
// RUNS: inferences, 1 when it is not given. Inputs of numbers alone, not of text. Ends without giving anything back, as the fastest program would.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "onnxruntime_c_api.h"

enum { MAX_TENSORS = 32, MAX_RANK = 8, MAX_ELEMENT = 8 };

static const OrtApi* api;

static void check(OrtStatus* status) {
    if (!status) return;
    fprintf(stderr, "ort_start: %s\n", api->GetErrorMessage(status));
    _exit(1);
}

static void fail(const char* what) {
    fprintf(stderr, "ort_start: %s\n", what);
    _exit(2);
}

/* The type of the elements of an input. */
static ONNXTensorElementDataType input_type(OrtSession* session, OrtAllocator* allocator, const char* name) {
    size_t count;
    check(api->SessionGetInputCount(session, &count));
    for (size_t i = 0; i < count; i++) {
        char* other;
        check(api->SessionGetInputName(session, i, allocator, &other));
        if (strcmp(name, other) != 0) continue;
        OrtTypeInfo* info;
        const OrtTensorTypeAndShapeInfo* tensor;
        ONNXTensorElementDataType type;
        check(api->SessionGetInputTypeInfo(session, i, &info));
        check(api->CastTypeInfoToTensorInfo(info, &tensor));
        if (!tensor) fail("an input is no tensor");
        check(api->GetTensorElementType(tensor, &type));
        return type;
    }
    fail("the model has no input of a name that is given");
    return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
}

int main(int argc, char** argv) {
    if (argc < 5 || argc - 4 > MAX_TENSORS) fail("usage: ort_start LIBRARY MODEL all|none NAME=SHAPE..");
    void* library = dlopen(argv[1], RTLD_NOW);
    if (!library) fail(dlerror());
    const OrtApiBase* (*base)(void);
    *(void**)&base = dlsym(library, "OrtGetApiBase");
    if (!base || !(api = base()->GetApi(ORT_API_VERSION))) fail("the library is older than its header");

    OrtEnv* env;
    OrtSessionOptions* options;
    OrtSession* session;
    OrtMemoryInfo* memory;
    OrtAllocator* allocator;
    check(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "start", &env));
    check(api->CreateSessionOptions(&options));
    check(api->SetIntraOpNumThreads(options, 1));
    check(api->SetSessionGraphOptimizationLevel(options, strcmp(argv[3], "none") == 0 ? ORT_DISABLE_ALL : ORT_ENABLE_ALL));
    check(api->CreateSession(env, argv[2], options, &session));
    check(api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &memory));
    check(api->GetAllocatorWithDefaultOptions(&allocator));

    const char* input_names[MAX_TENSORS];
    OrtValue* inputs[MAX_TENSORS];
    size_t input_count = 0;
    int runs = strchr(argv[argc - 1], '=') ? 1 : atoi(argv[--argc]);
    for (int a = 4; a < argc; a++, input_count++) {
        int64_t dims[MAX_RANK];
        size_t rank = 0, count = 1;
        char* at = strrchr(argv[a], '=');
        if (!at) fail("a shape is given as NAME=1x256x256x3");
        for (*at++ = 0; *at && rank < MAX_RANK; rank++) {
            dims[rank] = strtoll(at, &at, 10);
            count *= (size_t)dims[rank];
            if (*at == 'x') at++;
        }
        void* data = calloc(count, MAX_ELEMENT); /* room for any number */
        if (!data) fail("out of memory");
        input_names[input_count] = argv[a];
        check(api->CreateTensorWithDataAsOrtValue(memory, data, count * MAX_ELEMENT, dims, rank, input_type(session, allocator, argv[a]),
                                                  &inputs[input_count]));
    }

    size_t output_count;
    char* output_names[MAX_TENSORS];
    OrtValue* outputs[MAX_TENSORS] = {NULL};
    check(api->SessionGetOutputCount(session, &output_count));
    if (output_count > MAX_TENSORS) fail("too many outputs");
    for (size_t i = 0; i < output_count; i++) check(api->SessionGetOutputName(session, i, allocator, &output_names[i]));
    for (int r = 0; r < runs; r++) {
        check(api->Run(session, NULL, input_names, (const OrtValue* const*)inputs, input_count, (const char* const*)output_names,
                       output_count, outputs));
        if (r + 1 == runs) break;
        for (size_t i = 0; i < output_count; i++) {
            api->ReleaseValue(outputs[i]);
            outputs[i] = NULL;
        }
    }
    _exit(0);
}
