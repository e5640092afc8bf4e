"""Uses libedgelite through ctypes: python3 test_capi.py libedgelite.so sums.edgl free.edgl damaged.edgl (see test_capi.c)."""

import ctypes
import sys
import threading
from ctypes import POINTER, byref, c_char_p, c_float, c_int32, c_int64, c_size_t, c_void_p


class Options(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("threads", c_int32), ("device", c_char_p)]


lib = ctypes.CDLL(sys.argv[1])
lib.el_version.restype = c_char_p
lib.el_last_error.restype = c_char_p
lib.el_status_name.restype = c_char_p
lib.el_model_load.argtypes = [c_char_p, POINTER(c_void_p)]
lib.el_model_load_memory.argtypes = [c_char_p, c_size_t, POINTER(c_void_p)]
lib.el_model_free.argtypes = [c_void_p]
lib.el_model_metadata.argtypes = [c_void_p, c_char_p, POINTER(c_char_p)]
lib.el_session_create.argtypes = [c_void_p, POINTER(Options), POINTER(c_void_p)]
lib.el_session_free.argtypes = [c_void_p]
lib.el_session_find_input.argtypes = [c_void_p, c_char_p, POINTER(c_int32)]
lib.el_session_find_output.argtypes = [c_void_p, c_char_p, POINTER(c_int32)]
lib.el_session_input_shape.argtypes = [c_void_p, c_int32, POINTER(c_int64), c_int32, POINTER(c_int32)]
lib.el_session_resize_input.argtypes = [c_void_p, c_int32, POINTER(c_int64), c_int32]
lib.el_session_set_input.argtypes = [c_void_p, c_int32, c_void_p, c_size_t]
lib.el_session_run.argtypes = [c_void_p]
lib.el_session_get_output.argtypes = [c_void_p, c_int32, c_void_p, c_size_t]


def ok(status):
    assert status == 0, f"{lib.el_status_name(status)}: {lib.el_last_error()}"


def load(path):
    model = c_void_p()
    ok(lib.el_model_load(path.encode(), byref(model)))
    return model


def open_session(model, threads=1):
    session = c_void_p()
    ok(lib.el_session_create(model, byref(Options(ctypes.sizeof(Options), threads, None)), byref(session)))
    return session


def index(find, session, name):
    i = c_int32()
    ok(find(session, name.encode(), byref(i)))
    return i.value


def sums(session, a, b):
    floats = c_float * 6
    for name, values in (("a", a), ("b", b)):
        ok(lib.el_session_set_input(session, index(lib.el_session_find_input, session, name), floats(*values), 24))
    ok(lib.el_session_run(session))
    results = []
    for name in ("sum", "product"):
        y = floats()
        ok(lib.el_session_get_output(session, index(lib.el_session_find_output, session, name), y, 24))
        results.append(list(y))
    return results


def check_sums(session, start):
    a, b = [start + i for i in range(6)], [2.0 * i for i in range(6)]
    assert sums(session, a, b) == [[x + y for x, y in zip(a, b)], [x * y for x, y in zip(a, b)]]


library, sums_path, free_path, damaged_path = sys.argv[1:5]
assert lib.el_version().count(b".") == 2

model = load(sums_path)
author = c_char_p()
ok(lib.el_model_metadata(model, b"author", byref(author)))
assert author.value == b"tests"
session = open_session(model)
check_sums(session, 1.0)

with open(sums_path, "rb") as file:
    data = file.read()
from_memory = c_void_p()
ok(lib.el_model_load_memory(data, len(data), byref(from_memory)))
second = open_session(from_memory, threads=2)
ok(lib.el_model_free(from_memory))
check_sums(second, 5.0)
ok(lib.el_session_free(second))
assert lib.el_session_run(second) == 1  # EL_INVALID_ARGUMENT

failures = []


def work(start):
    try:
        own = open_session(model)
        for i in range(100):
            check_sums(own, float(start + i))
        ok(lib.el_session_free(own))
    except Exception as e:  # reported by the main thread
        failures.append(e)


threads = [threading.Thread(target=work, args=(1000 * i,)) for i in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
assert not failures, failures

ok(lib.el_session_free(session))
ok(lib.el_model_free(model))

free_model = load(free_path)
session = open_session(free_model)
dims, rank = (c_int64 * 8)(), c_int32()
ok(lib.el_session_input_shape(session, 0, dims, 8, byref(rank)))
assert rank.value == 2 and dims[0] == 4 and dims[1] < 0
assert lib.el_session_run(session) == 2  # EL_INVALID_SHAPE
assert b"length" in lib.el_last_error()
dims[1] = 3
ok(lib.el_session_resize_input(session, 0, dims, 2))
x, y = (c_float * 12)(*[i - 6 for i in range(12)]), (c_float * 12)()
ok(lib.el_session_set_input(session, 0, x, ctypes.sizeof(x)))
ok(lib.el_session_run(session))
ok(lib.el_session_get_output(session, 0, y, ctypes.sizeof(y)))
assert list(y) == [max(0, i - 6) for i in range(12)]
ok(lib.el_session_free(session))
ok(lib.el_model_free(free_model))

bad = c_void_p()
assert lib.el_model_load(damaged_path.encode(), byref(bad)) == 102  # EL_CORRUPT
assert lib.el_model_load(b"/no/such/file", byref(bad)) == 100  # EL_FILE_NOT_FOUND
assert b"/no/such/file" in lib.el_last_error()
print("passed")
