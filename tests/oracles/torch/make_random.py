"""Writes random modules over PyTorch's layers and functions, each with what PyTorch computes, in every form that PyTorch saves a module in.
usage: make_random.py FOLDER FIRST LAST [FORM..]     (FORMs: trace script export dynamic core onnx; all by default)

A module is a line of Python for each operator, found by trial: a line whose random settings PyTorch takes becomes part of it. Every tensor that it
computes is a result. N.npz holds the inputs and the results (in0 .., out0 ..), N.py the source, N.trace.pt .. the module. TorchGenuineTests runs a
folder of them (EDGELITE_TORCH_CASES=FOLDER)."""
import importlib.util, os, random, sys, warnings
import numpy as np
import torch
from torch import nn

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
HEAD = "import math\nfrom typing import List, Optional, Tuple\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn, Tensor\n\n\nclass Net(nn.Module):\n"
FLOATS, INTS = (torch.float32, torch.float64, torch.float16, torch.bfloat16), (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


class Maker:
    """One module under construction: its source, and the tensors that its lines have computed so far."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        torch.manual_seed(seed)
        self.net = nn.Module()
        self.scope = {"torch": torch, "nn": nn, "F": nn.functional, "self": self.net, "math": __import__("math")}
        self.setup, self.lines, self.inputs, self.tensors, self.layers = [], [], [], {}, 0

    def input(self, *shape):
        name = f"x{len(self.inputs)}"
        self.inputs.append(torch.randn(shape))
        self.tensors[name] = self.scope[name] = self.inputs[-1]
        return name

    def pick(self, least=0, most=9, types=(torch.float32,)):
        names = [n for n, t in self.tensors.items() if least <= t.dim() <= most and t.dtype in types and 0 < t.numel() <= 4096]
        if not names: raise LookupError
        return self.r.choice(names)

    def like(self, name):
        """Another tensor that combines with one, or a new constant that does."""
        t = self.tensors[name]
        same = [n for n, o in self.tensors.items() if o.dtype == t.dtype and n != name and broadcasts(o, t)]
        if same and self.r.random() < 0.7: return self.r.choice(same)
        shape = [d if self.r.random() < 0.7 else 1 for d in t.shape][self.r.choice([0, 0, 1]):]
        return self.buffer(torch.randn(shape) if t.dtype.is_floating_point else torch.randint(-5, 6, shape), t.dtype)

    def buffer(self, value, dtype=None):
        name = f"b{self.layers}"
        self.layers += 1
        value = value.to(dtype or value.dtype)
        if value.numel() > 600: raise LookupError
        kind = {torch.bool: "torch.bool"}.get(value.dtype, str(value.dtype))
        self.pending.append(f'self.register_buffer("{name}", torch.tensor({value.tolist()!r}, dtype={kind}).reshape({list(value.shape)}))')
        return f"self.{name}"

    def layer(self, text):
        name = f"m{self.layers}"
        self.layers += 1
        self.pending.append(f"self.{name} = nn.{text}")
        return f"self.{name}"

    def add(self, make):
        """Tries a line; True when PyTorch takes it and its results are numbers."""
        self.pending = []
        state = torch.get_rng_state()
        try:
            made = make(self)
            results, text = made if isinstance(made, tuple) else (1, made)
            for line in self.pending: exec(line, self.scope)
            self.net.eval()
            names = [f"t{len(self.tensors) + k}" for k in range(results)]
            with torch.no_grad(): exec(f"{', '.join(names)} = {text}", self.scope)
            values = [self.scope[n] for n in names]
            if not all(isinstance(v, torch.Tensor) and v.numel() <= 20000 and v.dim() <= 6 and v.dtype in FLOATS + INTS + (torch.bool,) and v.layout == torch.strided for v in values): return False
            if any(v.dtype.is_floating_point and v.numel() and (v.float().abs().max() > 1e5 or not torch.isfinite(v.float()).any()) for v in values): return False
        except Exception:
            return False
        self.setup += self.pending
        self.lines.append(f"{', '.join(names)} = {text}")
        for n, v in zip(names, values): self.tensors[n] = v
        return True

    def source(self):
        arguments = ", ".join(f"x{k}: Tensor" for k in range(len(self.inputs)))
        results = [n for n in self.tensors if n[0] == "t"]
        body = ["    def __init__(self):", "        super().__init__()", *(f"        {l}" for l in self.setup), "", f"    def forward(self, {arguments}):", *(f"        {l}" for l in self.lines), f"        return {', '.join(results)}"]
        return HEAD + "\n".join(body) + "\n"


def broadcasts(a, b):
    try:
        torch.broadcast_shapes(a.shape, b.shape)
        return True
    except RuntimeError:
        return False


OPS = []


def op(weight=1):
    def note(f):
        OPS.extend([f] * weight)
        return f
    return note


def dim(m, t): return m.r.randrange(-m.tensors[t].dim(), m.tensors[t].dim()) if m.tensors[t].dim() else 0
def dims(m, t): return m.r.sample(range(m.tensors[t].dim()), m.r.randint(1, max(1, m.tensors[t].dim())))
def flag(m): return m.r.random() < 0.5
def maybe(m, text, p=0.5): return text if m.r.random() < p else ""
def signed(m, t, d): return [a - m.tensors[t].dim() if m.r.random() < 0.3 else a for a in d]
def number(m): return m.r.choice(["2", "-3", "0.5", "-1.25", "3", "1", "0.1", "2.0", "7"])
ANY = FLOATS[:1] * 4 + (torch.int64, torch.int32, torch.bool)


@op(6)
def unary(m):
    f = m.r.choice("abs neg exp expm1 log1p sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh erf erfc sigmoid floor ceil round trunc frac sign sgn sqrt rsqrt reciprocal square relu log log2 log10 isnan isinf isfinite isposinf isneginf logical_not exp2 signbit positive deg2rad rad2deg sinc logit digamma lgamma erfinv nan_to_num special.ndtr special.entr special.log_ndtr special.i0 special.i0e special.xlog1py angle".split())
    t = m.pick(types=ANY)
    return f"torch.{f}({t})" if f not in ("relu", "angle") else f"torch.{f}({t})"


@op(4)
def activation(m):
    f = m.r.choice(["relu6", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "softsign", "tanhshrink", "hardtanh", "hardswish", "hardsigmoid", "hardshrink", "softshrink", "logsigmoid", "leaky_relu", "threshold", "rrelu", "glu", "softmax", "log_softmax", "softmin", "normalize", "gumbel"])
    t = m.pick()
    how = {"elu": f", alpha={m.r.choice([1.0, 0.5, 2.0])}", "celu": f", alpha={m.r.choice([1.0, 0.5, 2.0])}", "gelu": m.r.choice(["", ", approximate='tanh'", ", approximate='none'"]), "softplus": m.r.choice(["", ", beta=2.0", ", beta=3.0, threshold=1.0"]),
           "hardtanh": m.r.choice(["", ", min_val=-0.5, max_val=0.25"]), "hardshrink": m.r.choice(["", ", lambd=0.2"]), "softshrink": m.r.choice(["", ", lambd=0.2"]), "leaky_relu": m.r.choice(["", ", negative_slope=0.3", ", negative_slope=-0.3"]),
           "threshold": f", {m.r.choice([0.1, -0.5])}, {m.r.choice([20.0, -1.0])}", "glu": f", dim={dim(m, t)}", "softmax": f", dim={dim(m, t)}{maybe(m, ', dtype=torch.float64', 0.1)}", "log_softmax": f", dim={dim(m, t)}", "softmin": f", dim={dim(m, t)}", "normalize": f", p={m.r.choice([2.0, 1.0, 3.0])}, dim={dim(m, t)}"}
    return f"F.{f}({t}{how.get(f, '')})"


@op(6)
def binary(m):
    f = m.r.choice("add sub mul div pow atan2 fmod remainder maximum minimum fmax fmin floor_divide true_divide hypot copysign xlogy logaddexp logaddexp2 heaviside eq ne lt le gt ge logical_and logical_or logical_xor ldexp nextafter float_power isclose rsub".split())
    t = m.pick(types=ANY)
    other = m.like(t) if m.r.random() < 0.7 else (m.pick(types=ANY) if flag(m) else number(m))
    more = f", alpha={number(m)}" if f in ("add", "sub", "rsub") and m.r.random() < 0.3 else f", rounding_mode={m.r.choice(['None', repr('floor'), repr('trunc')])}" if f == "div" and flag(m) else ""
    return f"torch.{f}({t}, {other}{more})"


@op(3)
def operators(m):
    t, s = m.pick(types=ANY), None
    s = m.like(t) if flag(m) else number(m)
    o = m.r.choice(["+", "-", "*", "/", "//", "%", "**", "<", ">=", "==", "!=", "&", "|", "^"])
    return f"{t} {o} {s}" if flag(m) or s.startswith("-") else f"{s} {o} {t}"


@op(3)
def integers(m):
    t = m.pick(types=INTS + (torch.bool,))
    k = m.r.randrange(12)
    o = m.like(t) if flag(m) else m.r.choice(["3", "2", "-2", "5"])
    if k == 0: return f"torch.bitwise_{m.r.choice(['and', 'or', 'xor'])}({t}, {o})"
    if k == 1: return f"torch.bitwise_not({t})"
    if k == 2: return f"{t} {m.r.choice(['<<', '>>'])} {m.r.choice(['1', '2', '3', '5'])}"
    if k == 3: return f"torch.bitwise_{m.r.choice(['left', 'right'])}_shift({t}, torch.abs({o}) % 5)" if not o.lstrip('-').isdigit() else f"torch.bitwise_right_shift({t}, 2)"
    if k == 4: return f"torch.{m.r.choice(['floor_divide', 'remainder', 'fmod', 'div'])}({t}, {o})"
    if k == 5: return f"torch.div({t}, {o}, rounding_mode={m.r.choice([repr('floor'), repr('trunc')])})"
    if k == 6: return f"torch.{m.r.choice(['gcd', 'lcm', 'maximum', 'minimum', 'add', 'sub', 'mul', 'pow'])}({t}, {o})"
    if k == 7: return f"{t} * 1000003 + 17"
    if k == 8: return f"F.one_hot(({t} % 4).to(torch.int64), {m.r.choice([4, 6, -1])})"
    if k == 9: return f"torch.{m.r.choice(['sum', 'prod', 'cumsum', 'cumprod', 'amax', 'argmax', 'any', 'all', 'count_nonzero'])}({t}, {dim(m, t)})"
    if k == 10: return f"torch.{m.r.choice(['sum', 'prod', 'max', 'min', 'any', 'all', 'abs', 'sign', 'neg', 'argmin', 'square'])}({t})"
    return f"torch.clamp({t}, {m.r.choice(['-2', '-1.5', 'None'])}, {m.r.choice(['2', '2.5', '3'])})"


@op(4)
def types(m):
    t = m.pick(types=FLOATS + INTS + (torch.bool,))
    to = m.r.choice(["torch.int64", "torch.int64", "torch.int32", "torch.bool", "torch.float32", "torch.float64", "torch.float16", "torch.bfloat16", "torch.int8", "torch.int16", "torch.uint8"])
    if to == "torch.uint8": return f"({t} * 3).abs().to({to})"
    k = m.r.randrange(4)
    if k == 0: return f"({t} * 3).to({to})"
    if k == 1: return f"({t} * 2).{m.r.choice(['long', 'int', 'float', 'double', 'bool', 'half', 'short'])}()"
    if k == 2: return f"{t}.type_as({m.pick(types=ANY)})"
    return f"{t}.to({m.pick(types=ANY)})"


@op(5)
def reduce(m):
    t = m.pick(types=ANY)
    f = m.r.choice("sum mean prod amax amin logsumexp std var norm any all nansum count_nonzero median quantile max min argmax argmin std_mean var_mean aminmax linalg.vector_norm linalg.norm nanmean nanmedian mode kthvalue".split())
    keep, d = flag(m), dim(m, t)
    if f in ("max", "min", "median", "nanmedian", "mode", "kthvalue"):
        if f in ("max", "min", "median") and m.r.random() < 0.3: return f"torch.{f}({t})"
        if m.tensors[t].dtype != torch.float32: raise LookupError
        return 2, f"torch.{f}({t}, {'1, ' if f == 'kthvalue' else ''}{d}, {keep})"
    if f in ("argmax", "argmin"): return f"torch.{f}({t})" if m.r.random() < 0.3 else f"torch.{f}({t}, {d}, {keep})"
    if f in ("std_mean", "var_mean"): return 2, f"torch.{f}({t}, dim={signed(m, t, dims(m, t))}, keepdim={keep}{m.r.choice(['', ', unbiased=False', ', correction=0', ', correction=2'])})".replace(", correction", ", correction") if flag(m) else f"torch.{f}({t})"
    if f == "aminmax": return 2, f"torch.aminmax({t}, dim={d}, keepdim={keep})"
    if f == "quantile": return f"torch.quantile({t}, {m.r.choice(['0.25', '0.5', '0.9', '1.0'])}{maybe(m, f', dim={d}, keepdim={keep}')}{maybe(m, f', interpolation={chr(39)}{m.r.choice(['lower', 'higher', 'nearest', 'midpoint', 'linear'])}{chr(39)}', 0.4)})"
    if f in ("std", "var"): return f"torch.{f}({t}, dim={signed(m, t, dims(m, t))}, keepdim={keep}{m.r.choice(['', ', unbiased=False', ', correction=0', ', correction=2'])})" if m.r.random() < 0.8 else f"torch.{f}({t})"
    if f == "norm": return f"torch.norm({t}, p={m.r.choice(['1', '2', '3.0', 'float(' + repr('inf') + ')', '0.5', '0'])}{maybe(m, f', dim={signed(m, t, dims(m, t))}, keepdim={keep}')})"
    if f == "linalg.vector_norm": return f"torch.linalg.vector_norm({t}, {m.r.choice(['1', '2', '3.0', 'float(' + repr('inf') + ')', '-float(' + repr('inf') + ')', '0'])}{maybe(m, f', dim={signed(m, t, dims(m, t))}, keepdim={keep}')})"
    if f == "linalg.norm": return f"torch.linalg.norm({t}{maybe(m, f', dim={d}')})"
    if f == "prod": return f"torch.prod({t}, {d}, {keep})" if flag(m) else f"torch.prod({t})"
    dt = m.r.choice(["", "", "", ", dtype=torch.float64", ", dtype=torch.float32", ", dtype=torch.int32"]) if f in ("sum", "mean", "nansum") else ""
    if m.r.random() < 0.25 and f not in ("amax", "amin", "logsumexp"): return f"torch.{f}({t}{dt})"
    if f == "count_nonzero": return f"torch.{f}({t}, {d})"
    many = signed(m, t, dims(m, t)) if f not in ("any", "all") else d
    return f"torch.{f}({t}, {many}, {keep}{dt})" if flag(m) else f"torch.{f}({t}, dim={many}, keepdim={keep}{dt})"


@op(2)
def cumulative(m):
    t = m.pick(1, types=ANY)
    f = m.r.choice(["cumsum", "cumprod", "logcumsumexp", "cummax", "cummin", "diff", "trapezoid", "cumulative_trapezoid"])
    if f in ("cummax", "cummin"): return 2, f"torch.{f}({t}, {dim(m, t)})"
    if f == "diff": return f"torch.diff({t}, {m.r.choice([1, 2])}, {dim(m, t)})"
    if f.endswith("trapezoid"): return f"torch.{f}({t}, dim={dim(m, t)})"
    return f"torch.{f}({t}, {dim(m, t)}{maybe(m, ', dtype=torch.float64', 0.2)})"


@op(3)
def ordering(m):
    t = m.pick(1, types=(torch.float32, torch.float32, torch.int64))
    d, k = dim(m, t), m.r.randrange(9)
    n = m.tensors[t].shape[d]
    if m.tensors[t].dtype == torch.int64 and k in (0, 1, 2, 5): t = f"({t} * 1000 + torch.arange({n}).reshape({[-1] + [1] * (-d - 1 if d < 0 else m.tensors[t].dim() - d - 1)}))"
    if k == 0: return 2, f"torch.topk({t}, {m.r.randint(1, n)}, {d}, {flag(m)}, True)"
    if k == 1: return 2, f"torch.sort({t}, dim={d}, descending={flag(m)})"
    if k == 2: return 2, f"torch.sort({t}, stable=True, dim={d}, descending={flag(m)})"
    if k == 3: return f"torch.argsort({t}, dim={d}, descending={flag(m)}, stable=True)"
    if k == 4: return f"torch.msort({t})"
    if k == 5: return 2, f"{t}.kthvalue({m.r.randint(1, n)}, {d}, {flag(m)})"
    if k == 6: return f"torch.unique({t})"
    if k == 7: return f"torch.searchsorted(torch.sort({m.buffer(torch.randn(5))})[0], {t}, right={flag(m)})"
    return f"torch.bucketize({t}, torch.sort({m.buffer(torch.randn(5))})[0], right={flag(m)}{maybe(m, ', out_int32=True', 0.3)})"


@op(8)
def shape(m):
    t = m.pick(types=ANY)
    x = m.tensors[t]
    d, r, k = dim(m, t), x.dim(), m.r.randrange(34)
    if k == 0: return f"{t}.permute({m.r.sample(range(r), r)})"
    if k == 1: return f"{t}.transpose({d}, {dim(m, t)})"
    if k == 2: return f"torch.flatten({t}, {d}, {dim(m, t)})"
    if k == 3: return f"{t}.unsqueeze({m.r.randint(-r - 1, r)})"
    if k == 4: return f"{t}.squeeze({m.r.choice(['', d])})"
    if k == 5: return f"{t}.reshape({m.r.choice([[-1], [x.shape[0] if r else 1, -1], [-1, x.shape[-1] if r else 1], [1, -1, 1], [2, -1], [-1, 2]])})"
    if k == 6: return f"{t}.flip({signed(m, t, dims(m, t))})"
    if k == 7: return f"torch.roll({t}, {m.r.randint(-3, 9)}{maybe(m, f', {d}', 0.8)})"
    if k == 8: return f"torch.roll({t}, ({m.r.randint(-3, 3)}, {m.r.randint(-3, 3)}), ({d}, {dim(m, t)}))"
    if k == 9: return f"{t}.repeat({[m.r.choice([1, 2, 3]) for _ in range(r + m.r.choice([0, 0, 1]))]})"
    if k == 10: return f"torch.tile({t}, {[m.r.choice([1, 2]) for _ in range(m.r.randint(1, 3))]})"
    if k == 11: return f"{t}.expand({[m.r.choice([2, 1])] * m.r.choice([0, 1]) + [m.r.choice([-1, s]) if s != 1 else m.r.choice([3, -1]) for s in x.shape]})"
    if k == 12: return f"torch.rot90({t}, {m.r.randint(-2, 5)}, [{d}, {dim(m, t)}])"
    if k == 13: return f"torch.movedim({t}, {d}, {dim(m, t)})"
    if k == 14: return f"torch.{m.r.choice(['tril', 'triu'])}({t}, {m.r.randint(-2, 2)})"
    if k == 15: return f"torch.diagonal({t}, {m.r.randint(-2, 2)}, {d}, {dim(m, t)})"
    if k == 16: return f"torch.diag_embed({t}, {m.r.randint(-2, 2)})"
    if k == 17: return f"torch.diag({t}, {m.r.randint(-1, 1)})"
    if k == 18: return f"{t}.unfold({d}, {m.r.randint(1, 3)}, {m.r.randint(1, 3)})"
    if k == 19: return f"torch.repeat_interleave({t}, {m.r.choice([2, 3])}{maybe(m, f', dim={d}')})"
    if k == 20: return f"{t}.narrow({d}, {m.r.randint(0, 2)}, {m.r.randint(1, 3)})"
    if k == 21: return f"{t}.select({d}, {m.r.randint(-2, 1)})"
    if k == 22: return f"torch.{m.r.choice(['cat', 'stack'])}([{t}, {m.like(t)}, {t}], dim={d})"
    if k == 23: return m.r.choice([2, 3]), f"torch.chunk({t}, {m.r.choice([2, 3])}, {d})"
    if k == 24: return 2, f"torch.split({t}, {m.r.choice([1, 2, 3])}, {d})"
    if k == 25: return 3, f"torch.tensor_split({t}, 3, {d})"
    if k == 26: return f"torch.{m.r.choice(['hstack', 'vstack', 'dstack', 'column_stack'])}([{t}, {t}])"
    if k == 27: return f"{t}.{m.r.choice(['T', 'mT', 'mH', 't()', 'ravel()', 'contiguous()', 'clone()', 'detach()', 'fliplr()', 'flipud()', 'numel() * ' + t, 'T.contiguous()'])}"
    if k == 28: return f"torch.{m.r.choice(['atleast_1d', 'atleast_2d', 'atleast_3d', 'zeros_like', 'ones_like', 'fliplr', 'flipud', 'trace', 'argwhere', 'nonzero', 'block_diag', 'adjoint', 'cov', 'corrcoef', 'vander'])}({t})"
    if k == 29: return f"{t}.unflatten({d}, ({m.r.choice([2, 1, 3, -1])}, {m.r.choice([2, -1, 1])}))"
    if k == 30: return f"torch.swapaxes({t}, {d}, {dim(m, t)})"
    if k == 31: return f"torch.full_like({t}, {number(m)}) * {t}"
    if k == 32: return f"torch.{m.r.choice(['new_zeros', 'new_ones'])[0:0]}{t}.new_{m.r.choice(['zeros', 'ones'])}({[2, 3]})"
    return f"torch.{m.r.choice(['arange', 'arange'])}({t}.shape[{d}], dtype=torch.{m.r.choice(['float32', 'int64', 'int32'])}) + {m.r.choice([1, 2])}" if r else f"{t} + 1"


@op(7)
def indexing(m):
    t = m.pick(1, types=ANY)
    x = m.tensors[t]
    d, r, k = dim(m, t), x.dim(), m.r.randrange(22)
    n = x.shape[d]

    def one(axis):
        s = x.shape[axis]
        return m.r.choice([":", ":", "1:", ":-1", "::2", "1::2", "-2:", "0", "-1", "None", "...", f"{m.r.randrange(s)}", f"{m.r.randrange(s)}:{m.r.randint(1, s)}:{m.r.randint(1, 3)}", f":{s + 3}", f"-{s + 2}:2", m.buffer(torch.randint(-s, s, (m.r.choice([(3,), (2,), (2, 2), (1, 2)]))))])
    if k <= 6:
        parts, used = [], 0
        for a in range(m.r.randint(1, r)):
            p = one(a)
            if p == "..." and "..." in parts: p = ":"
            parts.append(p)
        return f"{t}[{', '.join(parts)}]"
    index = lambda shape: m.buffer(torch.randint(0, n, shape))
    small = [m.r.randint(1, s) for s in x.shape]
    if k == 7: return f"torch.index_select({t}, {d}, {index((3,))})"
    if k == 8: return f"torch.gather({t}, {d}, {index(small)})"
    if k == 9: return f"torch.scatter({t}, {d}, {index(small)}, {m.r.choice([t, number(m)])})"
    if k == 10: return f"torch.scatter_add({t}, {d}, {index(list(x.shape))}, {t})"
    if k == 11: return f"torch.scatter_reduce({t}, {d}, {index(small)}, {t}, reduce='{m.r.choice(['sum', 'prod', 'mean', 'amax', 'amin'])}', include_self={flag(m)})"
    if k == 12: return f"torch.index_add({t}, {d}, {m.buffer(torch.randperm(n)[:max(1, n - 1)])}, {t}.narrow({d}, 0, {max(1, n - 1)}){maybe(m, ', alpha=2', 0.3)})"
    if k == 13: return f"torch.index_fill({t}, {d}, {index((2,))}, {m.r.choice(['2', '1.5'])})"
    if k == 14: return f"torch.index_copy({t}, {d}, {m.buffer(torch.randperm(n)[:max(1, n - 1)])}, {t}.narrow({d}, 0, {max(1, n - 1)}) * 2)"
    if k == 15: return f"torch.take({t}, {m.buffer(torch.randint(0, x.numel(), (2, 3)))})"
    if k == 16: return f"torch.take_along_dim({t}, {index(small)}, {d})"
    if k == 17: return f"torch.masked_fill({t}, {t} > {m.r.choice(['0', '0.3'])}, {number(m)})"
    if k == 18: return f"torch.where({t} > 0, {t}, {m.r.choice([number(m), m.like(t)])})"
    if k == 19: return f"torch.masked_select({t}, {t} > 0)"
    if k == 20: return f"{t}[{t} > 0]"
    return f"torch.index_put({t}, ({m.buffer(torch.randint(-x.shape[0], x.shape[0], (3,)))},), {m.r.choice([m.buffer(torch.tensor(1.5), x.dtype), f'{t}[:1]'])}, {flag(m)})"


@op(3)
def dense(m):
    t = m.pick(1)
    x = m.tensors[t]
    k = m.r.randrange(18)
    n = x.shape[-1]
    b = lambda *s: m.buffer(torch.randn(s))
    if k == 0: return f"{m.layer(f'Linear({n}, {m.r.randint(1, 6)}, bias={flag(m)})')}({t})"
    if k == 1: return f"torch.matmul({t}, {b(n, 3)})"
    if k == 2: return f"torch.matmul({t}, {b(n)})"
    if k == 3 and x.dim() > 1: return f"torch.matmul({b(x.shape[-2])}, {t})"
    if k == 4: return f"F.linear({t}, {b(4, n)}, {m.r.choice(['None', b(4)])})"
    if k == 5: return f"torch.addmm({b(m.r.choice([1, x.shape[0]]), 3)}, {t}, {b(n, 3)}, beta={m.r.choice([1, 0.5, 0])}, alpha={m.r.choice([1, 2])})"
    if k == 6: return f"torch.baddbmm({t}, {t}, {b(x.shape[0], n, n)}, beta={m.r.choice([1, 0.5, 0])}, alpha={m.r.choice([1, 2])})"
    if k == 7: return f"{m.layer(f'Bilinear({n}, {n}, 3, bias={flag(m)})')}({t}, {t})"
    if k == 8: return f"torch.einsum('{m.r.choice(['...i,ij->...j', 'bi,ij->bj', 'bij,jk->bik', 'ij,jk', '...i,...i->...'])}', {t}, {b(n, 3) if flag(m) else t})"
    if k == 9: return f"torch.einsum('{m.r.choice(['ij->ji', 'ii->i', 'ij->', 'bij->bi', '...ij->...ji', 'bhij->bji', 'i,j->ij'])}', {t}{maybe(m, ', ' + t, 0.2)})"
    if k == 10: return f"torch.tensordot({t}, {b(n, 3)}, dims={m.r.choice(['1', '([-1], [0])'])})"
    if k == 11: return f"torch.{m.r.choice(['outer', 'inner', 'dot', 'kron', 'vdot'])}({t}, {m.r.choice([t, b(n)])})"
    if k == 12: return f"torch.addmv({b(x.shape[0])}, {t}, {b(n)}, alpha=2)"
    if k == 13: return f"torch.bmm({t}, {t}.transpose(1, 2))"
    if k == 14: return f"F.cosine_similarity({t}, {m.like(t)}, dim={dim(m, t)})"
    if k == 15: return f"torch.cdist({t}, {b(3, n)}, p={m.r.choice(['1.0', '2.0', '3.0', 'float(' + repr('inf') + ')'])})"
    if k == 16: return f"F.pairwise_distance({t}, {m.like(t)}, p={m.r.choice(['2.0', '1.0'])}, keepdim={flag(m)})"
    return f"torch.linalg.{m.r.choice(['multi_dot', 'matrix_power', 'det', 'inv', 'cross'])}({t}{m.r.choice(['', ', 2', ', ' + t])})"


@op(7)
def convolution(m):
    n = m.r.choice([1, 1, 2, 2, 2, 3])
    t = m.pick(n + 1, n + 2)
    x = m.tensors[t]
    c = x.shape[-n - 1]
    groups = m.r.choice([1, 1, c] + [g for g in (2, 3) if c % g == 0])
    per = lambda choices: m.r.choice(choices) if flag(m) else tuple(m.r.choice(choices) for _ in range(n))
    out = groups * m.r.randint(1, 3)
    transposed = m.r.random() < 0.35
    kernel, stride, dilation = per([1, 2, 3]), per([1, 1, 2, 3]), per([1, 1, 2])
    if not transposed:
        pad = m.r.choice([0, per([0, 1, 2]), "'same'", "'valid'"])
        mode = m.r.choice(["zeros", "zeros", "zeros", "reflect", "replicate", "circular"])
        return f"{m.layer(f'Conv{n}d({c}, {out}, {kernel}, stride={1 if pad == chr(39) + 'same' + chr(39) else stride}, padding={pad}, dilation={dilation}, groups={groups}, bias={flag(m)}, padding_mode={mode!r})')}({t})"
    return f"{m.layer(f'ConvTranspose{n}d({c}, {out}, {kernel}, stride={stride}, padding={per([0, 0, 1])}, output_padding={per([0, 0, 1])}, groups={groups}, bias={flag(m)}, dilation={dilation})')}({t})"


@op(6)
def pooling(m):
    n = m.r.choice([1, 2, 2, 3])
    t = m.pick(n + 1, n + 2)
    per = lambda choices: m.r.choice(choices) if flag(m) else tuple(m.r.choice(choices) for _ in range(n))
    k = m.r.randrange(10)
    if k <= 2: return f"F.max_pool{n}d({t}, {per([2, 3])}, stride={m.r.choice([None, per([1, 2, 3])])}, padding={per([0, 1])}, dilation={per([1, 1, 2])}, ceil_mode={flag(m)})"
    if k <= 4:
        more = f", divisor_override={m.r.choice([1, 3])}" if n > 1 and m.r.random() < 0.15 else ""
        return f"F.avg_pool{n}d({t}, {per([2, 3])}, stride={m.r.choice([None, per([1, 2, 3])])}, padding={per([0, 1])}, ceil_mode={flag(m)}, count_include_pad={flag(m)}{more})"
    if k == 5: return f"F.adaptive_{m.r.choice(['avg', 'max'])}_pool{n}d({t}, {per([1, 2, 3, 5])})"
    if k == 6: return f"F.adaptive_avg_pool{n}d({t}, {m.r.choice(['1', tuple(m.r.choice([None, 1, 2]) for _ in range(n)) if n > 1 else '2'])})"
    if k == 7: return f"F.lp_pool{min(n, 2)}d({t}, {m.r.choice(['2.0', '3.0', '1.0'])}, {m.r.choice([2, 3])}, stride={m.r.choice([None, 1, 2])}, ceil_mode={flag(m)})"
    if k == 8: return 2, f"F.max_pool{n}d({t}, {per([2, 3])}, stride={m.r.choice([None, per([1, 2, 3])])}, padding={per([0, 1])}, ceil_mode={flag(m)}, return_indices=True)"
    return 2, f"F.adaptive_max_pool{n}d({t}, {per([1, 2, 3])}, return_indices=True)"


@op(5)
def spatial(m):
    k = m.r.randrange(16)
    n = m.r.choice([1, 2, 2, 2, 3])
    t = m.pick(n + 2, n + 2)
    x = m.tensors[t]
    if k <= 4:
        mode = m.r.choice({1: ["nearest", "linear", "nearest-exact", "area"], 2: ["nearest", "bilinear", "bicubic", "nearest-exact", "area"], 3: ["nearest", "trilinear", "nearest-exact", "area"]}[n])
        linear = mode in ("linear", "bilinear", "bicubic", "trilinear")
        size = f"size={[m.r.randint(1, 9) for _ in range(n)]}" if flag(m) else f"scale_factor={m.r.choice([2.0, 0.5, 1.5, 1.7, 3.0, 0.7] if flag(m) else [tuple(m.r.choice([2.0, 0.5, 1.3]) for _ in range(n))])}"
        more = f", align_corners={m.r.choice([True, False, None])}" if linear else ""
        if mode in ("bilinear", "bicubic") and m.r.random() < 0.3: more = ", align_corners=False, antialias=True"
        if size.startswith("scale") and m.r.random() < 0.2 and mode != "area": more += ", recompute_scale_factor=True"
        return f"F.interpolate({t}, {size}, mode={mode!r}{more})"
    if k == 5: return f"F.pixel_shuffle({t}, {m.r.choice([2, 1, 3])})"
    if k == 6: return f"F.pixel_unshuffle({t}, {m.r.choice([2, 3])})"
    if k == 7: return f"F.channel_shuffle({t}, {m.r.choice([2, 3])})"
    if k <= 9:
        mode = m.r.choice(["constant", "reflect", "replicate", "circular"])
        pads = [m.r.choice([0, 1, 2, -1 if mode != "circular" else 1]) for _ in range(2 * m.r.randint(1, n + (1 if mode == "constant" else 0)))] if mode == "constant" else [m.r.choice([0, 1, 2]) for _ in range(2 * n)]
        return f"F.pad({t}, {pads}, mode={mode!r}{', value=' + m.r.choice(['0.0', '1.5']) if mode == 'constant' else ''})"
    if k == 10: return f"F.unfold({t}, {m.r.choice([2, 3, (2, 3)])}, dilation={m.r.choice([1, 1, 2])}, padding={m.r.choice([0, 1])}, stride={m.r.choice([1, 2])})"
    if k == 11:
        size, kern, s, p = (m.r.randint(4, 7), m.r.randint(4, 7)), m.r.choice([2, 3]), m.r.choice([1, 2]), m.r.choice([0, 1])
        length = ((size[0] + 2 * p - kern) // s + 1) * ((size[1] + 2 * p - kern) // s + 1)
        return f"F.fold({m.buffer(torch.randn(1, kern * kern * 1, length))}, {size}, {kern}, padding={p}, stride={s}) + {t}.sum()"
    if k == 12: return f"F.grid_sample({t}, {m.buffer(torch.rand(x.shape[0], 3, 4, 2) * 2.6 - 1.3)}, mode={m.r.choice(['bilinear', 'nearest', 'bicubic'])!r}, padding_mode={m.r.choice(['zeros', 'border', 'reflection'])!r}, align_corners={flag(m)})"
    if k == 13: return f"F.grid_sample({t}, F.affine_grid({m.buffer(torch.randn(x.shape[0], 2, 3) * 0.6)}, {[x.shape[0], x.shape[1], 4, 5]}, align_corners={flag(m)}), align_corners={flag(m)})"
    if k == 14: return f"F.local_response_norm({t}, {m.r.choice([2, 3, 5])}, alpha=0.01, beta=0.75, k=1.5)"
    return f"{m.layer(m.r.choice(['ZeroPad2d(1)', 'ReflectionPad2d((1, 0, 2, 1))', 'CircularPad2d(1)', 'ConstantPad1d(2, 0.5)', 'Upsample(scale_factor=2)', 'PixelShuffle(2)', 'Softmax2d()', 'ChannelShuffle(2)', 'Flatten()', 'UpsamplingBilinear2d(scale_factor=2)', 'Fold((4, 5), 2)', 'Unfold(2)']))}({t})"


@op(5)
def norm(m):
    t = m.pick(2)
    x = m.tensors[t]
    c = x.shape[1]
    k = m.r.randrange(9)
    if k == 0:
        kind = {2: "1d", 3: "1d", 4: "2d", 5: "3d"}[x.dim()]
        name = m.layer(f"BatchNorm{kind}({c}, eps={m.r.choice([1e-5, 1e-3])}, affine={flag(m)}, track_running_stats={m.r.random() < 0.85})")
        return f"{name}({t})"
    if k == 1: return f"{m.layer(f'LayerNorm({list(x.shape[-m.r.randint(1, x.dim() - 1):])}, elementwise_affine={flag(m)}, bias={flag(m)})')}({t})"
    if k == 2: return f"{m.layer(f'GroupNorm({m.r.choice([1, c] + [g for g in (2, 3) if c % g == 0])}, {c}, affine={flag(m)})')}({t})"
    if k == 3: return f"{m.layer(f'InstanceNorm{max(1, x.dim() - 2)}d({c}, affine={flag(m)}, track_running_stats={m.r.random() < 0.3})')}({t})"
    if k == 4: return f"{m.layer(f'RMSNorm({list(x.shape[-m.r.randint(1, x.dim() - 1):])}, eps={m.r.choice([None, 1e-6])}, elementwise_affine={flag(m)})')}({t})"
    if k == 5: return f"F.layer_norm({t}, {list(x.shape[-1:])}, weight={m.buffer(torch.randn(x.shape[-1]))})"
    if k == 6: return f"F.instance_norm({t})"
    if k == 7: return f"{m.layer(f'PReLU({m.r.choice([1, c])})')}({t})"
    return f"F.batch_norm({t}, {m.buffer(torch.randn(c))}, {m.buffer(torch.rand(c) + 0.5)}, {m.r.choice(['None', m.buffer(torch.randn(c))])}, {m.r.choice(['None', m.buffer(torch.randn(c))])}, False, 0.1, 1e-5)"


@op(3)
def recurrent(m):
    t = m.pick(2, 3)
    x = m.tensors[t]
    k = m.r.randrange(5)
    first = flag(m)
    how = f"{x.shape[-1]}, 4, num_layers={m.r.choice([1, 1, 2])}, bias={flag(m)}, batch_first={first}, bidirectional={flag(m)}"
    if k == 0: return f"{m.layer(f'LSTM({how}{maybe(m, chr(44) + chr(32) + chr(112) + "roj_size=3", 0.3)})')}({t})[0]"
    if k == 1: return f"{m.layer(f'GRU({how})')}({t})[0]"
    if k == 2: return 2, f"{m.layer(f'RNN({how}, nonlinearity={m.r.choice([repr(chr(116) + chr(97) + chr(110) + chr(104)), repr(chr(114) + chr(101) + chr(108) + chr(117))])})')}({t})"
    if k == 3: return f"{m.layer(f'GRUCell({x.shape[-1]}, 5)')}({t})"
    return 2, f"{m.layer(f'LSTMCell({x.shape[-1]}, 5)')}({t})"


@op(3)
def attention(m):
    k = m.r.randrange(6)
    t = m.pick(3, 4)
    x = m.tensors[t]
    length, width = x.shape[-2], x.shape[-1]
    if k == 0: return f"F.scaled_dot_product_attention({t}, {t}, {t}, is_causal={flag(m)}{maybe(m, ', scale=0.3', 0.3)})"
    if k == 1: return f"F.scaled_dot_product_attention({t}, {t}, {t}, attn_mask={m.buffer(torch.randn(length, length)) if flag(m) else m.buffer(torch.rand(length, length) > 0.3)})"
    if k == 2: return f"F.scaled_dot_product_attention({m.buffer(torch.randn(1, 4, 3, width))}, {m.buffer(torch.randn(1, 2, 5, width))}, {m.buffer(torch.randn(1, 2, 5, width))}, enable_gqa=True) + {t}.mean()"
    if k == 3 and width % 2 == 0: return 2, f"{m.layer(f'MultiheadAttention({width}, 2, bias={flag(m)}, batch_first={flag(m)})')}({t}, {t}, {t}{maybe(m, ', need_weights=True, average_attn_weights=False', 0.3)})"
    if k == 4 and width % 2 == 0: return f"{m.layer(f'TransformerEncoderLayer({width}, 2, 8, batch_first={flag(m)}, norm_first={flag(m)}, activation={m.r.choice(['relu', 'gelu'])!r})')}({t})"
    if width % 2 == 0: return f"{m.layer(f'TransformerDecoderLayer({width}, 2, 8, batch_first={flag(m)}, norm_first={flag(m)})')}({t}, {t})"
    return f"torch.softmax({t} @ {t}.transpose(-2, -1), -1) @ {t}"


@op(3)
def embedding(m):
    t = m.pick(1)
    i = f"({t}.abs() * 3).long() % 6"
    k = m.r.randrange(6)
    if k == 0: return f"{m.layer(f'Embedding(6, 4{maybe(m, chr(44) + " padding_idx=2")})')}({i})"
    mode = m.r.choice(["sum", "mean", "max"])
    if k == 1: return f"{m.layer(f'EmbeddingBag(6, 4, mode={mode!r}{maybe(m, chr(44) + " padding_idx=2", 0.3)})')}({i})"
    if k == 2: return f"{m.layer(f'EmbeddingBag(6, 4, mode={mode!r}, include_last_offset={flag(m)})')}({i}, torch.tensor([0, 2, 2, 5]))"
    if k == 3: return f"F.embedding({i}, {m.buffer(torch.randn(6, 3))})"
    if k == 4: return f"F.embedding_bag({i}, {m.buffer(torch.randn(6, 3))}, torch.tensor([0, 1]), mode='sum', per_sample_weights={t})"
    return f"F.one_hot({i}, 6)"


@op(3)
def inplace(m):
    """A change in place of a copy, through a view of it."""
    t = m.pick(1)
    x = m.tensors[t]
    k = m.r.randrange(10)
    name = f"c{m.layers}"
    m.layers += 1
    where = m.r.choice(["[0]", "[..., 0]", "[-1:]", "[..., 1:]", "[::2]", "[..., ::2]", "[:, 0]" if x.dim() > 1 else "[0]", ".transpose(0, -1)", ".view(-1)[1:3]", ".select(-1, 1)", ".unsqueeze(0)"])
    how = m.r.choice(["mul_(2.0)", "add_(1)", "fill_(3.0)", "zero_()", "relu_()", "clamp_(min=0.1)", "neg_()", "copy_(" + number(m) + " * torch.ones(1))", "masked_fill_(" + t + where + " > 0, 7.0)"])
    return f"changed({t}, {where!r}, {how!r})" if False else f"{t}.clone().{how}"


@op(2)
def ternary(m):
    t = m.pick()
    a, b = m.like(t), m.like(t)
    k = m.r.randrange(9)
    if k == 0: return f"torch.addcmul({t}, {a}, {b}{maybe(m, ', value=0.5')})"
    if k == 1: return f"torch.addcdiv({t}, {a}, {b}{maybe(m, ', value=0.5')})"
    if k == 2: return f"torch.lerp({t}, {a}, {m.r.choice(['0.3', b])})"
    if k == 3: return f"torch.clamp({t}, {m.r.choice(['-0.5', a, 'None'])}, {m.r.choice(['0.5', '0.7'])})"
    if k == 4: return f"torch.clamp({t}, min={m.r.choice(['-0.5', '0'])})"
    if k == 5: return f"torch.clip({t}, max={m.r.choice(['0.5', '1'])})"
    if k == 6: return f"F.{m.r.choice(['mse_loss', 'l1_loss', 'smooth_l1_loss', 'huber_loss', 'binary_cross_entropy_with_logits', 'soft_margin_loss', 'poisson_nll_loss'])}({t}, {a}, reduction={m.r.choice(['mean', 'sum', 'none'])!r})"
    if k == 7: return f"torch.clamp({t}, {a}, {b})"
    return f"F.cross_entropy({t}, torch.zeros({m.tensors[t].shape[0]}, dtype=torch.int64), label_smoothing={m.r.choice([0.0, 0.1])})"


@op(2)
def spectral(m):
    t = m.pick(1)
    d = dim(m, t)
    k = m.r.randrange(8)
    norm = m.r.choice(["", ", norm='ortho'", ", norm='forward'"])
    if k == 0: return f"torch.view_as_real(torch.fft.rfft({t}, dim={d}{norm}))"
    if k == 1: return f"torch.abs(torch.fft.fft({t}, dim={d}{norm}))"
    if k == 2: return f"torch.fft.irfft(torch.fft.rfft({t}, dim={d}), dim={d}{norm})"
    if k == 3: return f"torch.view_as_real(torch.fft.fft2({t}{norm}))"
    if k == 4: return f"torch.fft.irfft2(torch.fft.rfft2({t}), s={list(m.tensors[t].shape[-2:])})"
    if k == 5: return f"torch.real(torch.complex({t}, {t}) * torch.complex({t}, -{t}))"
    if k == 6: return f"torch.fft.fftshift({t}, dim={d})"
    return f"torch.abs(torch.stft({t}.reshape(1, -1), 8, hop_length={m.r.choice([2, 4])}, window=torch.hann_window(8), center={flag(m)}, return_complex=True))"


@op(1)
def number_of(m):
    t = m.pick(1)
    return m.r.choice([f"torch.zeros({t}.shape[0], 2) + 1", f"torch.ones_like({t}, dtype=torch.int64)", f"torch.linspace(0.0, 1.0, {t}.shape[-1]) + {t}", f"torch.eye({t}.shape[-1])", f"torch.full(({t}.shape[0],), 2.5)", f"torch.arange(0, 1, 0.25) + {t}.sum()", f"torch.arange({t}.shape[0], 0, -1)", f"torch.tensor([1.0, 2.0]) * {t}.sum()", f"torch.scalar_tensor(3.0) * {t}", f"torch.meshgrid(torch.arange(3), torch.arange({t}.shape[0]), indexing='ij')[{m.r.choice([0, 1])}] + 0", f"torch.cartesian_prod(torch.arange(3), torch.arange(2)) + 0", f"torch.tril_indices(3, 4, {m.r.choice([-1, 0, 1])}) + 0", f"torch.hann_window(6) * {t}.sum()", f"torch.logspace(0, 1, 5) * {t}.sum()", f"torch.vander({t}.reshape(-1)[:3], N=3)"])


def module(seed):
    m = Maker(seed)
    for _ in range(m.r.choice([1, 1, 2])):
        m.input(*m.r.choice([(4,), (3, 4), (2, 6), (6, 6), (2, 3, 4), (1, 4, 6), (2, 4, 5), (1, 4, 6, 6), (2, 3, 5, 6), (1, 2, 8, 7), (2, 2, 3, 4, 5), (1, 4, 4, 4, 4)]))
    wanted = m.r.randint(3, 7)
    for _ in range(300):
        if len(m.lines) >= wanted: break
        m.add(m.r.choice(OPS))
    return m


def save(folder, seed, forms):
    m = module(seed)
    path = f"{folder}/{seed:05d}"
    with open(path + ".py", "w") as f: f.write(m.source())
    spec = importlib.util.spec_from_file_location(f"case{seed}", path + ".py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    torch.manual_seed(seed)
    net = loaded.Net().eval()
    for n in net.modules():
        if isinstance(n, nn.modules.batchnorm._NormBase) and n.running_mean is not None: n.running_mean.normal_(), n.running_var.uniform_(0.5, 1.5)
    inputs = tuple(m.inputs)
    with torch.no_grad(): results = net(*inputs)
    results = results if isinstance(results, tuple) else (results,)
    arrays = {f"in{k}": t.numpy() for k, t in enumerate(inputs)}
    for k, t in enumerate(results): arrays[f"out{k}"] = (t.float() if t.dtype == torch.bfloat16 else t).numpy()
    np.savez(path + ".npz", **arrays)
    for form in forms:
        try:
            with torch.no_grad(): FORMS[form](net, inputs, f"{path}.{form}")
        except Exception as e:
            with open(f"{folder}/skipped.txt", "a") as f: f.write(f"{seed} {form}: {str(e).splitlines()[0] if str(e) else type(e)}\n")
            for extension in (".pt", ".pt2", ".onnx"):
                if os.path.exists(f"{path}.{form}{extension}"): os.remove(f"{path}.{form}{extension}")


def traced(net, inputs, path):
    """A trace has numbers as tensors of int64 and float64, so that types may be promoted otherwise than in the module."""
    trace = torch.jit.trace(net, inputs, check_trace=False)
    as_tuple = lambda r: r if isinstance(r, tuple) else (r,)
    if [t.dtype for t in as_tuple(trace(*inputs))] != [t.dtype for t in as_tuple(net(*inputs))]: raise TypeError("the trace gives other types")
    trace.save(path + ".pt")


FORMS = {
    "trace": traced,
    "script": lambda net, inputs, path: torch.jit.script(net).save(path + ".pt"),
    "export": lambda net, inputs, path: torch.export.save(torch.export.export(net, inputs), path + ".pt2"),
    "dynamic": lambda net, inputs, path: torch.export.save(torch.export.export(net, inputs, dynamic_shapes=tuple({0: torch.export.Dim.AUTO} for _ in inputs)), path + ".pt2"),
    "core": lambda net, inputs, path: torch.export.save(torch.export.export(net, inputs).run_decompositions(), path + ".pt2"),
    "onnx": lambda net, inputs, path: torch.onnx.export(net, inputs, path + ".onnx", dynamo=False, opset_version=20, verbose=False, input_names=[f"x{k}" for k in range(len(inputs))]),
}

if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    for seed in range(int(sys.argv[2]), int(sys.argv[3]) + 1): save(sys.argv[1], seed, sys.argv[4:] or list(FORMS))
