/* The entry points of libcuda.so.1 that the runtime uses, on the host: three devices, whose kernels are those of the emulation.
 *
 *     0  compute capability 8.0, memory of its own
 *     1  compute capability 5.3, memory shared with the host
 *     2  compute capability 7.2, memory of its own
 *
 * It is stricter than a driver: work waits in its stream until somebody synchronizes; the memory of a device cannot be touched but by
 * copies and kernels (its pages are closed meanwhile); kernels take addresses of the device only, inside one allocation; an entry
 * must be in the PTX that was loaded, with parameters of the size that the emulated one takes. */
#include "el_emulator.h"
#include <map>
#include <mutex>
#include <stdlib.h>
#include <string.h>
#include <string>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <vector>

#define EXPORT extern "C" __attribute__((visibility("default")))

typedef int CUresult;
enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, INVALID_DEVICE = 101, INVALID_IMAGE = 200, INVALID_CONTEXT = 201,
       NOT_FOUND = 500, INVALID_HANDLE = 400, ILLEGAL_ADDRESS = 700, CAPTURE_UNSUPPORTED = 900 };

namespace {

struct device {
    const char* name;
    int major, minor, multiprocessors;
    bool is_integrated;
};
const device devices[] = {
    {"emulated 8.0", 8, 0, 4, false},
    {"emulated 5.3 with shared memory", 5, 3, 1, true},
    {"emulated 7.2", 7, 2, 2, false},
};
const int device_count = sizeof devices / sizeof devices[0];

/* Dynamic shared memory of a block without and with asking for more. */
const unsigned SHARED_BYTES = 48 * 1024;
int most_shared(int d) { return devices[d].major >= 8 ? EL_EMULATED_SHARED_BYTES : (int)SHARED_BYTES; }

struct allocation {
    size_t bytes;
    int device; /* -1: of the host */
    bool is_managed;
};

struct module {
    std::string ptx;
};

struct function {
    const el_emulated_entry* entry;
    unsigned most_threads; /* of a block: .maxntid */
    unsigned most_shared;  /* dynamic shared memory of a block */
};

struct operation {
    enum { LAUNCH, COPY, EVENT } kind;
    const el_emulated_entry* entry;
    std::vector<char> params;
    el_cuda_buffers buffers;
    unsigned grid[3], threads, shared_bytes;
    char *to;
    const char *from;
    size_t bytes;
    double* event;
};

struct stream {
    std::vector<operation> queue;
    bool is_capturing;
};

struct graph {
    std::vector<operation> operations;
};

std::recursive_mutex mutex;
std::map<char*, allocation> allocations;
bool is_initialized;
thread_local int current = -1;

bool find(const void* address, char** begin, allocation** found) {
    auto after = allocations.upper_bound((char*)address);
    if (after == allocations.begin()) return false;
    --after;
    if ((const char*)address >= after->first + after->second.bytes) return false;
    *begin = after->first;
    *found = &after->second;
    return true;
}

/* Device memory is open while its work runs only. */
void open(bool is_open) {
    for (auto& a : allocations)
        if (a.second.device >= 0 && !a.second.is_managed) mprotect(a.first, a.second.bytes, is_open ? PROT_READ | PROT_WRITE : PROT_NONE);
}

double now() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

void perform(std::vector<operation>& queue) {
    if (queue.empty()) return;
    open(true);
    for (operation& o : queue) {
        if (o.kind == operation::LAUNCH) el_emulate(o.entry, o.params.data(), &o.buffers, o.grid, o.threads, o.shared_bytes);
        else if (o.kind == operation::COPY) memmove(o.to, o.from, o.bytes);
        else *o.event = now();
    }
    queue.clear();
    open(false);
}

CUresult allocate(void** address, size_t bytes, int of, bool is_managed) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (bytes + page - 1) / page * page;
    if (bytes == 0) return INVALID_VALUE;
    /* Filled with a pattern that is NaN as a float: what is read unwritten shows. */
    char* memory = (char*)mmap(0, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return OUT_OF_MEMORY;
    memset(memory, 0xff, whole);
    if (of >= 0 && !is_managed) mprotect(memory, whole, PROT_NONE);
    allocations[memory] = {whole, of, is_managed};
    *address = memory;
    return OK;
}

CUresult release(void* address) {
    auto a = allocations.find((char*)address);
    if (a == allocations.end()) return INVALID_VALUE;
    munmap(a->first, a->second.bytes);
    allocations.erase(a);
    return OK;
}

#define LOCKED std::lock_guard<std::recursive_mutex> lock(mutex)
#define IN_CONTEXT \
    if (current < 0) return INVALID_CONTEXT

CUresult copy(void* to, const void* from, size_t bytes, stream* s, bool to_device, bool from_device) {
    LOCKED;
    IN_CONTEXT;
    char* begin;
    allocation* a;
    /* Host memory must be the driver's own (page-locked): a copy of other memory would not be asynchronous, nor allowed in a graph. */
    if (!find(to, &begin, &a) || (to_device && a->device != current) || (char*)to + bytes > begin + a->bytes) return INVALID_VALUE;
    if (s && s->is_capturing)
        if (!find(from, &begin, &a)) return CAPTURE_UNSUPPORTED;
    if (from_device && (!find(from, &begin, &a) || a->device != current || (const char*)from + bytes > begin + a->bytes)) return INVALID_VALUE;
    operation o = {};
    o.kind = operation::COPY;
    o.to = (char*)to;
    o.from = (const char*)from;
    o.bytes = bytes;
    s->queue.push_back(o);
    if (!from_device && !find(from, &begin, &a)) perform(s->queue); /* pageable memory is read before the call returns */
    return OK;
}

} // namespace

EXPORT CUresult cuInit(unsigned flags) {
    is_initialized = true;
    return flags == 0 ? OK : INVALID_VALUE;
}
EXPORT CUresult cuDriverGetVersion(int* version) {
    *version = 12040;
    return OK;
}
EXPORT CUresult cuDeviceGetCount(int* count) {
    *count = device_count;
    return is_initialized ? OK : NOT_INITIALIZED;
}
EXPORT CUresult cuDeviceGet(int* d, int ordinal) {
    *d = ordinal;
    return ordinal >= 0 && ordinal < device_count ? OK : INVALID_DEVICE;
}
EXPORT CUresult cuDeviceGetName(char* name, int length, int d) {
    strncpy(name, devices[d].name, (size_t)length - 1);
    name[length - 1] = 0;
    return OK;
}
EXPORT CUresult cuDeviceGetAttribute(int* value, int attribute, int d) {
    switch (attribute) {
    case 16: *value = devices[d].multiprocessors; return OK;
    case 18: *value = devices[d].is_integrated; return OK;
    case 75: *value = devices[d].major; return OK;
    case 76: *value = devices[d].minor; return OK;
    case 97: *value = most_shared(d); return OK;
    default: return INVALID_VALUE;
    }
}
EXPORT CUresult cuDeviceTotalMem_v2(size_t* bytes, int) {
    *bytes = 4ull << 30;
    return OK;
}
EXPORT CUresult cuDevicePrimaryCtxRetain(void** context, int d) {
    *context = (void*)(intptr_t)(d + 1);
    return d >= 0 && d < device_count ? OK : INVALID_DEVICE;
}
EXPORT CUresult cuDevicePrimaryCtxRelease_v2(int) { return OK; }
EXPORT CUresult cuCtxSetCurrent(void* context) {
    current = (int)(intptr_t)context - 1;
    return OK;
}
EXPORT CUresult cuGetErrorString(CUresult error, const char** text) {
    static const std::map<int, const char*> texts = {{INVALID_VALUE, "invalid argument"}, {OUT_OF_MEMORY, "out of memory"}, {INVALID_IMAGE, "device kernel image is invalid"},
        {NOT_FOUND, "named symbol not found"}, {ILLEGAL_ADDRESS, "an illegal memory access was encountered"}, {INVALID_CONTEXT, "invalid device context"}};
    auto found = texts.find(error);
    *text = found == texts.end() ? "unknown error" : found->second;
    return OK;
}

EXPORT CUresult cuModuleLoadDataEx(module** m, const void* image, unsigned count, const int* options, void** values) {
    IN_CONTEXT;
    if (count != 2 || options[0] != 5 || options[1] != 6) return INVALID_VALUE; /* the buffer for errors and its size */
    std::string ptx = (const char*)image;
    size_t target = ptx.find(".target sm_");
    if (target == std::string::npos) {
        snprintf((char*)values[0], (size_t)values[1], "ptxas fatal   : Missing .target directive at start of file");
        return INVALID_IMAGE;
    }
    int arch = atoi(ptx.c_str() + target + 11);
    if (arch > devices[current].major * 10 + devices[current].minor) return INVALID_IMAGE;
    *m = new module{ptx};
    return OK;
}
EXPORT CUresult cuModuleUnload(module* m) {
    delete m;
    return OK;
}
EXPORT CUresult cuModuleGetFunction(function** f, module* m, const char* name) {
    std::string entry = std::string(".entry ") + name + "(";
    size_t at = m->ptx.find(entry);
    if (at == std::string::npos) return NOT_FOUND;
    size_t size = m->ptx.find('[', at);
    for (unsigned i = 0; i < el_emulated_entry_count; i++) {
        if (strcmp(el_emulated_entries[i].name, name) != 0) continue;
        if (size == std::string::npos || (unsigned)atoi(m->ptx.c_str() + size + 1) != el_emulated_entries[i].params_size) return INVALID_IMAGE;
        size_t body = m->ptx.find('{', at), bound = m->ptx.find(".maxntid", at);
        *f = new function{&el_emulated_entries[i], bound < body ? (unsigned)atoi(m->ptx.c_str() + bound + 8) : 1024, SHARED_BYTES};
        return OK;
    }
    return NOT_FOUND;
}

EXPORT CUresult cuFuncSetAttribute(function* f, int attribute, int value) {
    IN_CONTEXT;
    if (attribute != 8 || value < 0 || value > most_shared(current)) return INVALID_VALUE;
    f->most_shared = (unsigned)value;
    return OK;
}

EXPORT CUresult cuMemAlloc_v2(void** address, size_t bytes) {
    LOCKED;
    IN_CONTEXT;
    return allocate(address, bytes, current, false);
}
EXPORT CUresult cuMemFree_v2(void* address) {
    LOCKED;
    IN_CONTEXT;
    return release(address);
}
EXPORT CUresult cuMemAllocManaged(void** address, size_t bytes, unsigned) {
    LOCKED;
    IN_CONTEXT;
    return allocate(address, bytes, current, true);
}
EXPORT CUresult cuMemHostAlloc(void** address, size_t bytes, unsigned) {
    LOCKED;
    IN_CONTEXT;
    return allocate(address, bytes, -1, false);
}
EXPORT CUresult cuMemFreeHost(void* address) {
    LOCKED;
    IN_CONTEXT;
    return release(address);
}
EXPORT CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
    LOCKED;
    *total = *free = 4ull << 30;
    for (auto& a : allocations)
        if (a.second.device == current) *free -= a.second.bytes;
    return OK;
}
EXPORT CUresult cuMemcpyHtoDAsync_v2(void* to, const void* from, size_t bytes, stream* s) { return copy(to, from, bytes, s, true, false); }
EXPORT CUresult cuMemcpyDtoHAsync_v2(void* to, const void* from, size_t bytes, stream* s) { return copy(to, from, bytes, s, false, true); }
EXPORT CUresult cuMemcpyDtoDAsync_v2(void* to, const void* from, size_t bytes, stream* s) { return copy(to, from, bytes, s, true, true); }

EXPORT CUresult cuStreamCreate(stream** s, unsigned) {
    IN_CONTEXT;
    *s = new stream{};
    return OK;
}
EXPORT CUresult cuStreamDestroy_v2(stream* s) {
    delete s;
    return OK;
}
EXPORT CUresult cuStreamSynchronize(stream* s) {
    LOCKED;
    if (s->is_capturing) return CAPTURE_UNSUPPORTED;
    perform(s->queue);
    return OK;
}
EXPORT CUresult cuStreamAttachMemAsync(stream*, void* address, size_t, unsigned) {
    LOCKED;
    auto a = allocations.find((char*)address);
    return a != allocations.end() && a->second.is_managed ? OK : INVALID_VALUE;
}
EXPORT CUresult cuStreamBeginCapture_v2(stream* s, int) {
    LOCKED;
    perform(s->queue);
    s->is_capturing = true;
    return OK;
}
EXPORT CUresult cuStreamEndCapture(stream* s, graph** g) {
    s->is_capturing = false;
    *g = new graph{std::move(s->queue)};
    s->queue.clear();
    return OK;
}
EXPORT CUresult cuGraphInstantiateWithFlags(graph** executable, graph* g, unsigned long long) {
    *executable = new graph(*g);
    return OK;
}
EXPORT CUresult cuGraphDestroy(graph* g) {
    delete g;
    return OK;
}
EXPORT CUresult cuGraphExecDestroy(graph* g) {
    delete g;
    return OK;
}
EXPORT CUresult cuGraphLaunch(graph* g, stream* s) {
    LOCKED;
    s->queue.insert(s->queue.end(), g->operations.begin(), g->operations.end());
    return OK;
}
EXPORT CUresult cuEventCreate(double** event, unsigned) {
    *event = new double(0);
    return OK;
}
EXPORT CUresult cuEventDestroy_v2(double* event) {
    delete event;
    return OK;
}
EXPORT CUresult cuEventRecord(double* event, stream* s) {
    LOCKED;
    operation o = {};
    o.kind = operation::EVENT;
    o.event = event;
    s->queue.push_back(o);
    return OK;
}
EXPORT CUresult cuEventElapsedTime(float* milliseconds, double* from, double* to) {
    *milliseconds = (float)(*to - *from);
    return OK;
}
EXPORT CUresult cuLaunchKernel(function* f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
    stream* s, void** arguments, void** extra) {
    LOCKED;
    IN_CONTEXT;
    if (gx == 0 || gy == 0 || gz == 0 || gy > 65535 || gz > 65535 || bx == 0 || bx > f->most_threads || bx % 32 != 0 || by != 1 || bz != 1 || shared > f->most_shared || extra) return INVALID_VALUE;
    operation o = {};
    o.kind = operation::LAUNCH;
    o.entry = f->entry;
    o.params.assign((char*)arguments[0], (char*)arguments[0] + f->entry->params_size);
    memcpy(&o.buffers, arguments[1], sizeof o.buffers);
    o.grid[0] = gx;
    o.grid[1] = gy;
    o.grid[2] = gz;
    o.threads = bx;
    o.shared_bytes = shared;
    for (int i = 0; i < EL_CUDA_MAX_BUFFERS + 2; i++) {
        void* address = i < EL_CUDA_MAX_BUFFERS ? o.buffers.p[i] : i == EL_CUDA_MAX_BUFFERS ? o.buffers.scratch : o.buffers.counters;
        char* begin;
        allocation* a;
        if (address && (!find(address, &begin, &a) || a->device != current)) return ILLEGAL_ADDRESS;
    }
    s->queue.push_back(std::move(o));
    return OK;
}
