"""Writes architectures of the libraries that people take models from (transformers, torchvision, torchaudio), of small random configurations, in every form that
they are saved in, with their inputs and what PyTorch computes.
usage: make_library.py FOLDER [FORM=FORM,FORM] [NAME..]     (names of library_*.py, all by default; checked by TorchGenuineTests, EDGELITE_TORCH_CASES=FOLDER)

Forms: trace, export (fixed sizes), dynamic (exported with other sizes than those that are run, each free axis free), onnx (onnx.export, fixed), free (onnx.export, axes
free). N.npz holds in0 .., out0 .. A form that PyTorch itself cannot make or that computes something else than the module is in skipped.txt."""
import importlib, os, sys, time, traceback, warnings, zlib
import numpy as np
import torch
from torch import nn

LIBRARIES = ("library_text", "library_vision", "library_audio", "library_torchvision", "library_torchaudio")


class Called(nn.Module):
    """A model as a function of tensors: arguments by name, results that are tensors in their order."""

    def __init__(self, model, names, more, pick):
        super().__init__()
        self.model, self.names, self.more, self.pick = model, names, more, pick

    def forward(self, x0, x1=None, x2=None, x3=None, x4=None, x5=None):
        given = [x for x in (x0, x1, x2, x3, x4, x5) if x is not None]
        results = self.model(**dict(zip(self.names, given)), **self.more) if self.names else self.model(*given, **self.more)
        return tuple(tensors(self.pick(results) if self.pick else results))


def tensors(value):
    if isinstance(value, torch.Tensor): return [value]
    if isinstance(value, (list, tuple)): return [t for v in value for t in tensors(v)]
    if hasattr(value, "values"): return [t for v in value.values() for t in tensors(v)]
    return []


def randomize(model):
    """Weights of few different numbers, which pack well, large enough that every layer matters; statistics that are none of a new layer."""
    for module in model.modules():
        for name, p in list(module.named_parameters(recurse=False)) + list(module.named_buffers(recurse=False)):
            if not p.dtype.is_floating_point or isinstance(p, nn.parameter.UninitializedParameter): continue
            steps = lambda s: torch.randn_like(p).clamp(-2.5, 2.5).mul(2).round() / 2 * s
            if name == "running_mean": p.data = steps(0.25)
            elif name == "running_var": p.data = 1 + steps(0.25)
            elif name in dict(module.named_buffers(recurse=False)): continue
            elif p.dim() < 2: p.data = p.data + steps(0.125)
            else: p.data = steps((2.0 if isinstance(module, nn.Embedding) else 1.0) ** 0.5 * (1.0 if isinstance(module, nn.Embedding) else max(1, p[0].numel()) ** -0.5))


def same(a, b):
    return len(a) == len(b) and all(x.shape == y.shape and x.dtype == y.dtype and (torch.equal(x, y) or torch.allclose(x.double(), y.double(), 1e-3, 1e-4 * max(1, float(y.abs().max())), equal_nan=True)) for x, y in zip(a, b))


def save(folder, name, make, forms):
    torch.manual_seed(zlib.crc32(name.encode()))
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    made = make()
    net = Called(made["model"], made.get("names"), made.get("more", {}), made.get("pick")).eval()
    if made.get("randomize", True): randomize(net)
    inputs, other = made["inputs"](0), made["inputs"](1)
    free = [f or {} for f in made.get("free", [{0: "n"}] * len(inputs))]
    path = f"{folder}/{name}"
    with torch.no_grad():
        results = [r.clone() for r in net(*inputs)]
        again = net(*inputs)
        if not same(again, results): raise RuntimeError("results differ from call to call")
    if not all(torch.isfinite(r.float()).any() for r in results): raise RuntimeError("results are not finite")
    arrays = {f"in{k}": t.numpy() for k, t in enumerate(inputs)} | {f"out{k}": (t.float() if t.dtype == torch.bfloat16 else t).detach().numpy() for k, t in enumerate(results)}
    np.savez_compressed(path + ".npz", **arrays)

    def onnx(free):
        import onnxruntime
        base = path + (".free" if free else ".onnx")
        names = [f"x{k}" for k in range(len(inputs))]
        torch.onnx.export(net, other if free else inputs, base + ".onnx", dynamo=False, opset_version=18, verbose=False, input_names=names, dynamic_axes={n: f for n, f in zip(names, free) if f} if free else None)
        options = onnxruntime.SessionOptions()
        options.log_severity_level, options.intra_op_num_threads = 4, 1
        session = onnxruntime.InferenceSession(base + ".onnx", options, providers=["CPUExecutionProvider"])
        there = {i.name for i in session.get_inputs()}
        got = session.run(None, {n: t.numpy() for n, t in zip(names, inputs) if n in there})
        if not same([torch.from_numpy(np.array(g)) for g in got], results): raise RuntimeError("onnxruntime computes something else")

    def trace():
        traced = torch.jit.trace(net, inputs, check_trace=False)
        if not same(traced(*inputs), results): raise RuntimeError("the trace computes something else")
        traced.save(path + ".trace.pt")

    def export(sample, free):
        program = torch.export.export(net, sample, dynamic_shapes=tuple({d: torch.export.Dim.AUTO for d in f} for f in free) if free else None, strict=False)
        if not same(program.module()(*inputs), results): raise RuntimeError("the program computes something else")
        torch.export.save(program, path + (".dynamic.pt2" if free else ".export.pt2"))

    kinds = {"trace": trace, "export": lambda: export(inputs, None), "dynamic": lambda: export(other, free), "onnx": lambda: onnx(None), "free": lambda: onnx(free)}
    for form in forms:
        start = time.time()
        try:
            with torch.no_grad(): kinds[form]()
        except BaseException as e:
            with open(f"{folder}/skipped.txt", "a") as f: f.write(f"{name} {form}: {type(e).__name__} {' '.join(str(e).split())[:300]}\n")
            for end in {"trace": (".trace.pt",), "export": (".export.pt2",), "dynamic": (".dynamic.pt2",), "onnx": (".onnx.onnx",), "free": (".free.onnx",)}[form]:
                if os.path.exists(path + end): os.remove(path + end)


if __name__ == "__main__":
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    asked = [a for a in sys.argv[2:] if not a.startswith("FORM=")]
    forms = next((a[5:].split(",") for a in sys.argv[2:] if a.startswith("FORM=")), ["trace", "export", "dynamic", "onnx", "free"])
    for library in LIBRARIES:
        models = importlib.import_module(library).MODELS
        for name, make in models.items():
            if asked and not any(name == a or library == a for a in asked): continue
            sys.stdout.flush()
            child = os.fork()  # a model that brings the process down takes no other along
            if child == 0:
                try:
                    save(folder, name, make, forms)
                except BaseException as e:
                    where = traceback.extract_tb(e.__traceback__)[-1]
                    with open(f"{folder}/skipped.txt", "a") as f: f.write(f"{name}: {type(e).__name__} {' '.join(str(e).split())[:300]} ({where.filename.split('/')[-1]}:{where.lineno})\n")
                    os._exit(1)
                os._exit(0)
            status = os.waitpid(child, 0)[1]
            print(name, "made" if status == 0 else f"failed ({status})")
