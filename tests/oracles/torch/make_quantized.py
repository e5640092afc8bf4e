"""Writes what the tools of onnxruntime make of ONNX files: quantized (dynamic, QDQ, QOperator, weights of 4 bits), float16 and fused, each with what onnxruntime
computes. usage: make_quantized.py FOLDER NAME..     (FOLDER/NAME.onnx.onnx and NAME.npz of make_library.py; writes NAME-FORM.q.onnx and NAME-FORM.npz there)"""
import os, sys, traceback
import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

ort.set_default_logger_severity(4)


class Reader(CalibrationDataReader):
    def __init__(self, inputs):
        self.left = [inputs]

    def get_next(self):
        return self.left.pop() if self.left else None


def session(path, level=None, save=None):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    if level is not None: options.graph_optimization_level = level
    if save: options.optimized_model_filepath = save
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def static(format, activations, weights, per_channel, **more):
    return lambda path, to, inputs: quantize_static(path, to, Reader(inputs), quant_format=format, activation_type=activations, weight_type=weights, per_channel=per_channel, **more)


def optimized(path, to, inputs):
    from onnxruntime.transformers.optimizer import optimize_model
    kind = "gpt2" if "gpt2" in path else "vit" if "vit" in path else "clip" if "clip" in path else "t5" if "t5" in path else "bart" if "bart" in path or "whisper" in path else "bert"
    optimize_model(path, model_type=kind, num_heads=4, hidden_size=32).save_model_to_file(to)


def half(path, to, inputs):
    from onnxruntime.transformers.float16 import convert_float_to_float16
    onnx.save(convert_float_to_float16(onnx.load(path), keep_io_types=True), to)


def nbits(path, to, inputs):
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
    q = MatMulNBitsQuantizer(onnx.load(path), block_size=16, is_symmetric=False)
    q.process()
    q.model.save_model_to_file(to)


I8, U8, U16, I16 = QuantType.QInt8, QuantType.QUInt8, QuantType.QUInt16, QuantType.QInt16
FORMS = {
    "dynamic": lambda path, to, inputs: quantize_dynamic(path, to, weight_type=I8),
    "dynamic_u8_channels": lambda path, to, inputs: quantize_dynamic(path, to, weight_type=U8, per_channel=True, reduce_range=True),
    "qdq": static(QuantFormat.QDQ, U8, I8, False), "qdq_channels": static(QuantFormat.QDQ, I8, I8, True), "qdq_u8u8": static(QuantFormat.QDQ, U8, U8, False), "qdq_symmetric": static(QuantFormat.QDQ, I8, I8, True, extra_options=dict(ActivationSymmetric=True)),
    "qdq_16": static(QuantFormat.QDQ, U16, I8, True), "qoperator": static(QuantFormat.QOperator, U8, I8, False), "qoperator_channels": static(QuantFormat.QOperator, U8, U8, True),
    "half": half, "nbits": nbits, "optimized": optimized, "extended": lambda path, to, inputs: session(path, ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED, to),
}

if __name__ == "__main__":
    folder = sys.argv[1]
    for name in sys.argv[2:]:
        source, ready = f"{folder}/{name}.onnx.onnx", f"{folder}/{name}.prepared"
        stored = np.load(f"{folder}/{name}.npz")
        inputs = {i.name: stored["in" + i.name[1:]] for i in session(source).get_inputs()}
        try:
            quant_pre_process(source, ready, skip_symbolic_shape=True)
        except Exception:
            ready = source
        for form, make in FORMS.items():
            to = f"{folder}/{name}-{form}.q.onnx"
            try:
                make(source if form in ("half", "optimized", "extended") else ready, to, inputs)
                results = session(to, ort.GraphOptimizationLevel.ORT_DISABLE_ALL).run(None, inputs)
                np.savez_compressed(f"{folder}/{name}-{form}.npz", **{k: v for k, v in stored.items() if k.startswith("in")}, **{f"out{k}": r for k, r in enumerate(results)})
                print(name, form, "made", flush=True)
            except BaseException as e:
                print(name, form, "failed", type(e).__name__, " ".join(str(e).split())[:200], flush=True)
                if os.path.exists(to): os.remove(to)
        if ready != source: os.remove(ready)
