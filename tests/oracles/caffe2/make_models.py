"""Writes random Caffe2 networks with random weights, and what Caffe2 itself computes of them.
usage: make_models.py FOLDER FIRST LAST
(for each number: net_N_predict_net.pb or .pbtxt, net_N_init_net.pb, and net_N_predict_net.npz with inputs in_NAME and results out0 ..)
Needs a PyTorch that was built with Caffe2 (Debian 11: python3-torch)."""
import os
import sys

import numpy as np
from caffe2.proto import caffe2_pb2
from caffe2.python import core, workspace
from google.protobuf import text_format


class Unfit(Exception):
    """There is no blob that the operator could take."""


class Maker:
    """A network while it grows: an operator at a time, each on blobs that Caffe2 itself computed."""

    def __init__(self, seed):
        self.r = np.random.RandomState(seed)
        self.net, self.init = caffe2_pb2.NetDef(name="net%d" % seed), caffe2_pb2.NetDef(name="init")
        self.values, self.inputs, self.used, self.count = {}, {}, set(), 0
        workspace.ResetWorkspace()

    # Chance
    def whole(self, low, high):
        return int(self.r.randint(low, high + 1))

    def real(self, low, high):
        return round(float(self.r.uniform(low, high)), 3)

    def yes(self, chance=0.5):
        return self.r.rand() < chance

    def one(self, of):
        return of[self.whole(0, len(of) - 1)]

    def settings(self, **all):
        """Some of these settings; the others keep their defaults."""
        return {k: v for k, v in all.items() if self.yes(0.7)}

    # Growth
    def take(self, *ranks, kind="f", fits=lambda v: True):
        """A blob of one of these ranks; newer ones are likelier."""
        fitting = [n for n, v in self.values.items() if (not ranks or v.ndim in ranks) and v.dtype.kind in kind and fits(v)]
        if not fitting:
            raise Unfit
        return fitting[-1 - min(int(self.r.exponential(1.2)), len(fitting) - 1)]

    def shape(self, name):
        return self.values[name].shape

    def input(self, value):
        name = "in%d" % len(self.inputs)
        self.inputs[name] = value
        self.values[name] = value
        workspace.FeedBlob(name, value)
        return name

    def weight(self, value):
        self.count += 1
        name = "w%d" % self.count
        value = np.asarray(value)
        kinds = {"f": ("GivenTensorFill", "float32"), "i": ("GivenTensorInt64Fill", "int64") if value.dtype == np.int64 else ("GivenTensorIntFill", "int32")}
        kind, dtype = kinds[value.dtype.kind]
        self.init.op.extend([core.CreateOperator(kind, [], [name], shape=list(value.shape), values=value.astype(dtype).flatten())])
        workspace.FeedBlob(name, value.astype(dtype))
        return name

    def random(self, *shape):
        return self.weight(self.r.normal(0, 1.2 / np.sqrt(max(1, np.prod(shape[1:]))) if len(shape) > 1 else 0.5, shape).astype("float32"))

    def add(self, kind, inputs, outputs=1, keep=None, **arguments):
        inputs = inputs if isinstance(inputs, list) else [inputs]
        self.count += 1
        names = ["b%d_%d" % (self.count, i) for i in range(outputs)]
        op = core.CreateOperator(kind, inputs, names, **arguments)
        if not workspace.RunOperatorOnce(op):
            raise Unfit
        results = {}
        for n in names[:keep]:
            v = np.asarray(workspace.FetchBlob(n))
            if not 0 < v.size < 4000 or v.ndim > 5 or v.dtype.kind not in "fib" or v.dtype.kind == "f" and (not np.isfinite(v).all() or np.abs(v).max() > 1e5):
                raise Unfit
            results[n] = v
        self.net.op.extend([op])
        self.values.update(results)
        self.used.update(inputs)
        return names[0]


def order(m, s):
    return m.one(["NCHW", "NHWC"]) if len(s) == 4 else "NCHW"


def window(m, sizes, dilated=True):
    """Kernel, stride, padding that fit, said in one of the ways that Caffe2 has."""
    p, n = {}, len(sizes)
    if n == 2 and m.yes(0.3):
        kh, kw = (m.whole(1, min(4, s)) for s in sizes)
        p.update(kernel_h=kh, kernel_w=kw)
        if m.yes():
            p.update(stride_h=m.whole(1, 3), stride_w=m.whole(1, 3))
        if m.yes():
            p.update(pad_t=m.whole(0, kh - 1), pad_l=m.whole(0, kw - 1), pad_b=m.whole(0, kh - 1), pad_r=m.whole(0, kw - 1))
        return p, [kh, kw]
    if n == 2 and m.yes():
        k = m.whole(1, min(4, *sizes))
        p["kernel"], ks = k, [k, k]
        if m.yes(0.7):
            p["stride"] = m.whole(1, 3)
        if m.yes():
            p["pad"] = m.whole(0, k - 1)
    else:
        ks = [m.whole(1, min(4, s)) for s in sizes]
        p["kernels"] = ks
        if m.yes(0.7):
            p["strides"] = [m.whole(1, 3) for _ in sizes]
        if m.yes():
            p["pads"] = [m.whole(0, k - 1) for k in ks + ks]
    if dilated and m.yes(0.2):
        p.update(dilations=[m.whole(1, 2) for _ in sizes]) if "kernels" in p else p.update(dilation=2)
    elif m.yes(0.2):
        for key in ("pad", "pads", "pad_t"):
            p.pop(key, None)
        p["legacy_pad"] = m.one([1, 2] if dilated else [1, 2, 3])
    return p, ks


def places(s, o):
    return (s[1:-1], s[-1]) if o == "NHWC" else (s[2:], s[1])


def convolution(m):
    x = m.take(3, 4, 5)
    s = m.shape(x)
    o = order(m, s)
    sizes, channels = places(s, o)
    p, ks = window(m, sizes)
    groups = m.one([1, 1, channels])
    out = groups * m.whole(1, 3)
    w = [out] + ks + [channels // groups] if o == "NHWC" else [out, channels // groups] + ks
    if groups > 1:
        p["group"] = groups
    m.add(m.one(["Conv", "Conv%dD" % len(sizes)]), [x, m.random(*w)] + ([m.random(out)] if m.yes(0.8) else []), order=o, **p)


def transposed(m):
    x = m.take(4)
    s = m.shape(x)
    o = order(m, s)
    sizes, channels = places(s, o)
    p, ks = window(m, sizes, dilated=False)
    p.pop("legacy_pad", None)
    stride = p.get("stride", 1)
    if stride > 1 and m.yes(0.4):
        p["adj"] = m.whole(0, stride - 1)
    groups = m.one([1, 1, channels]) if o == "NCHW" else 1
    out = m.whole(1, 3)
    if groups > 1:
        p["group"] = groups
    w = [channels] + ks + [out] if o == "NHWC" else [channels, out] + ks
    m.add("ConvTranspose", [x, m.random(*w)] + ([m.random(out * groups)] if m.yes(0.8) else []), order=o, **p)


def pooling(m):
    x = m.take(3, 4, 5)
    s = m.shape(x)
    o = order(m, s)
    sizes, _ = places(s, o)
    if m.yes(0.15):
        m.add(m.one(["MaxPool", "AveragePool"]), x, order=o, global_pooling=1)
        return
    p, _ = window(m, sizes, dilated=False)
    if p.get("legacy_pad") == 3:
        p = {k: v for k, v in p.items() if not k.startswith("stride")}
    kind = m.one(["MaxPool", "AveragePool"])
    if len(sizes) == 2 and m.yes(0.15):
        kind = "LpPool"
        p["p"] = float(m.whole(1, 3))
    elif m.yes(0.3):
        kind += "%dD" % len(sizes)
    if kind.startswith("Average") and m.yes(0.3):
        p["count_include_pad"] = 1
    m.add(kind, x, order=o, **p)


def normalization(m):
    kind = m.one(["SpatialBN", "InstanceNorm", "GroupNorm", "LRN", "LayerNorm", "Normalize", "AffineChannel", "PRelu"])
    if kind == "LayerNorm":
        x = m.take()
        axis = m.whole(1, len(m.shape(x)) - 1)
        affine = m.yes()
        part = m.shape(x)[axis:]
        m.add(kind, [x] + ([m.random(*part), m.random(*part)] if affine else []), outputs=3, keep=1, axis=axis if m.yes(0.7) else axis - len(m.shape(x)), epsilon=1e-2, elementwise_affine=affine)
        return
    if kind == "Normalize":
        x = m.take()
        m.add(kind, x, **m.settings(axis=m.whole(-1, len(m.shape(x)) - 1)))
        return
    x = m.take(4) if kind in ("LRN", "AffineChannel", "InstanceNorm") else m.take(3, 4, 5)
    s = m.shape(x)
    o = order(m, s)
    c = places(s, o)[1]
    if kind == "SpatialBN":
        m.add(kind, [x, m.random(c), m.random(c), m.random(c), m.weight(m.r.uniform(0.3, 2, c).astype("float32"))], is_test=1, order=o, **m.settings(epsilon=1e-2))
    elif kind == "InstanceNorm":
        m.add(kind, [x, m.random(c), m.random(c)], order=o, **m.settings(epsilon=1e-2))
    elif kind == "GroupNorm":
        m.add(kind, [x, m.random(c), m.random(c)], outputs=3, keep=1, group=m.one([d for d in range(1, c + 1) if c % d == 0]), order=o, **m.settings(epsilon=1e-2))
    elif kind == "LRN":
        m.add(kind, x, outputs=2, keep=1, size=m.one([1, 3, 5]), alpha=m.real(0.001, 0.5), beta=m.real(0.3, 1), bias=m.real(0.5, 2), order=o) if m.yes(0.3) else \
            m.add(kind, x, size=m.one([1, 3, 5]), alpha=m.real(0.001, 0.5), beta=m.real(0.3, 1), order=o, **m.settings(bias=m.real(0.5, 2)))
    elif kind == "AffineChannel":
        m.add(kind, [x, m.random(c), m.random(c)], order=o)
    else:
        m.add(kind, [x, m.random(c) if m.yes(0.7) else m.random(1)], order=o)


def images(m):
    x = m.take(4)
    s = m.shape(x)
    o = order(m, s)
    c = places(s, o)[1]
    kind = m.one(["ResizeNearest", "UpsampleNearest", "UpsampleBilinear", "ChannelShuffle", "PadImage", "RoIAlign", "NHWC2NCHW", "NCHW2NHWC", "NormalizePlanarYUV"])
    if kind == "ResizeNearest":
        m.add(kind, x, order=o, **m.settings(width_scale=m.one([2.0, 1.5, 0.5, 3.0]), height_scale=m.one([2.0, 1.0, 0.5, 1.3])))
    elif kind == "UpsampleNearest":
        m.add(kind, x, scale=m.whole(1, 3))
    elif kind == "UpsampleBilinear":
        m.add(kind, x, **m.settings(width_scale=m.one([2.0, 1.5, 3.0]), height_scale=m.one([2.0, 1.0, 1.3])))
    elif kind == "ChannelShuffle":
        m.add(kind, x, group=m.one([d for d in range(1, c + 1) if c % d == 0]), order=o)
    elif kind == "PadImage":
        p = {"pad": m.whole(0, 2)} if m.yes() else dict(pad_t=m.whole(0, 2), pad_l=m.whole(0, 2), pad_b=m.whole(0, 2), pad_r=m.whole(0, 2))
        m.add(kind, x, order=o, **p, **m.settings(mode=m.one(["constant", "reflect", "edge"]), value=m.real(-1, 1)))
    elif kind == "RoIAlign":
        h, w = places(s, o)[0]
        corners = np.sort(m.r.uniform(0, 1, (m.whole(1, 3), 2, 2)), axis=1)
        rois = np.concatenate([corners[:, 0] * [w - 1, h - 1], corners[:, 1] * [w - 1, h - 1]], axis=1)
        if s[0] > 1 or m.yes():
            rois = np.concatenate([m.r.randint(0, s[0], (len(rois), 1)), rois], axis=1)
        m.add(kind, [x, m.weight(rois.astype("float32"))], order=o, pooled_h=m.whole(1, 3), pooled_w=m.whole(1, 3), **m.settings(sampling_ratio=m.whole(0, 3), aligned=m.yes(), spatial_scale=m.one([1.0, 0.5])))
    elif kind == "NormalizePlanarYUV":
        m.add(kind, [x, m.random(1, s[1]), m.weight(m.r.uniform(0.5, 2, (1, s[1])).astype("float32"))])
    else:
        m.add(kind, x)


def dense(m):
    x = m.take()
    s = m.shape(x)
    kind, axis = m.one(["FC", "FC", "FCTransposed"]), m.whole(1, len(s) - 1) if m.yes(0.4) and len(s) > 1 else 1
    if len(s) < 2:
        raise Unfit
    k, n = int(np.prod(s[axis:])), m.whole(1, 6)
    m.add(kind, [x, m.random(k, n) if kind == "FCTransposed" else m.random(n, k), m.random(n)], **({} if axis == 1 else {"axis": axis}))


def matrices(m):
    if m.yes():
        x = m.take(2)
        a, b = m.yes(), m.yes()
        s = m.shape(x)
        k, n = s[0] if a else s[1], m.whole(1, 5)
        m.add("MatMul", [x, m.random(n, k) if b else m.random(k, n)], trans_a=int(a), trans_b=int(b))
    else:
        x = m.take(2, 3, 4)
        a, b = m.yes(), m.yes()
        s = m.shape(x)
        k, n = s[-2] if a else s[-1], m.whole(1, 5)
        m.add("BatchMatMul", [x, m.random(*s[:-2], *((n, k) if b else (k, n)))], trans_a=int(a), trans_b=int(b), **({"broadcast": 1} if m.yes(0.3) else {}))


UNARY = ["Relu", "Sigmoid", "Tanh", "Exp", "Abs", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Ceil", "Floor", "Sign", "Softplus", "Softsign", "Erf", "Negative", "Sqr", "Cube", "Cbrt", "Swish", "Gelu",
         "LeakyRelu", "Elu", "Selu", "HardSigmoid", "ThresholdedRelu", "ReluN", "Scale", "Clip", "Logit", "Copy", "StopGradient", "Alias", "EnsureDense", "Dropout", "Softmax", "Glu", "Pow"]


def unary(m):
    x, kind = m.take(), m.one(UNARY)
    rank = len(m.shape(x))
    p = {"LeakyRelu": m.settings(alpha=m.real(0, 0.5)), "Elu": m.settings(alpha=m.real(0.3, 2)), "Selu": m.settings(alpha=m.real(1, 2), scale=m.real(1, 2)), "HardSigmoid": m.settings(alpha=m.real(0.1, 0.5), beta=m.real(0.2, 0.7)),
         "ThresholdedRelu": m.settings(alpha=m.real(0, 1)), "ReluN": m.settings(n=m.real(0.5, 6)), "Scale": m.settings(scale=m.real(-2, 2)), "Clip": m.settings(min=m.real(-1, 0), max=m.real(0.1, 1)), "Logit": m.settings(eps=0.01),
         "Dropout": dict(is_test=1), "Softmax": m.settings(axis=m.whole(-rank, rank - 1)), "Gelu": m.settings(fast_gelu=m.yes()), "Glu": m.settings(dim=m.whole(0, rank - 1)), "Pow": dict(exponent=m.one([2.0, 3.0, 1.0]))}.get(kind, {})
    m.add(kind, x, outputs=2 if kind == "Dropout" and m.yes(0.3) else 1, keep=1, **p)


def positive(m):
    x = m.add("Sqr", m.take())
    x = m.add("Add", [x, m.weight(np.full(1, 0.3, "float32"))], broadcast=1)
    kind = m.one(["Sqrt", "Log", "Rsqrt", "Reciprocal", "Pow"])
    m.add(kind, x, **({"exponent": m.real(-1.5, 1.5)} if kind == "Pow" else {}))


def arcs(m):
    m.add(m.one(["Asin", "Acos"]), m.add("Tanh", m.take()))


def binary(m):
    x = m.take()
    s = m.shape(x)
    kind = m.one(["Add", "Sub", "Mul", "Div", "Add", "Mul", "EQ", "LT", "LE", "GT", "GE", "NE"])
    choice = m.whole(0, 3)
    if choice == 0:
        y, p = m.one([n for n, v in m.values.items() if v.shape == s and v.dtype == m.values[x].dtype]), {}
    elif choice == 1:
        y, p = m.random(*[d if m.yes() else 1 for d in s]), {}
    elif choice == 2:
        i = m.whole(0, len(s) - 1)
        j = m.whole(i + 1, len(s))
        y, p = m.random(*s[i:j]), {"broadcast": 1, "axis": i}
    else:
        y, p = m.random(*s[m.whole(0, len(s) - 1):]), {"broadcast": 1}
    if kind in ("EQ", "NE"):
        x, y = m.add("Floor", x), m.add("Floor", y)
    m.add(kind, [x, y], **p)


def logic(m):
    x = m.take(kind="b")
    y = m.one([n for n, v in m.values.items() if v.dtype.kind == "b" and v.shape == m.shape(x)])
    m.add(m.one(["And", "Or", "Xor"]), [x, y])
    if m.yes():
        m.add("Not", list(m.values)[-1])


def choosing(m):
    c = m.take(kind="b")
    same = [n for n, v in m.values.items() if v.shape == m.shape(c) and v.dtype.kind == "f"]
    m.add("Where", [c, m.one(same), m.one(same)])


def several(m):
    x = m.take()
    same = [n for n, v in m.values.items() if v.shape == m.shape(x) and v.dtype.kind == "f"]
    m.add(m.one(["Sum", "Max", "Min", "Mean"]), [x] + [m.one(same) for _ in range(m.whole(1, 2))])


def distances(m):
    x = m.take(2, 3)
    y = m.random(*m.shape(x))
    m.add(m.one(["DotProduct", "CosineSimilarity", "SquaredL2Distance", "L1Distance"]), [x, y])


def sums(m):
    x = m.take()
    kind = m.one(["SumElements", "SumSqrElements", "ElementwiseLinear"])
    if kind == "ElementwiseLinear":
        s = m.shape(m.take(2, 3))
        x = m.take(fits=lambda v: v.shape == s)
        axis = m.whole(1, len(s) - 1)
        n = int(np.prod(s[axis:]))
        m.add(kind, [x, m.random(n), m.random(n)], axis=axis)
    else:
        m.add(kind, x, **m.settings(average=m.yes()))


def reduction(m):
    x = m.take()
    rank = len(m.shape(x))
    if m.yes(0.7):
        kind = m.one(["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2"])
        m.add(kind, x, **m.settings(axes=sorted(set(m.whole(0, rank - 1) for _ in range(2))), keepdims=int(m.yes())))
    else:
        m.add(m.one(["ReduceFrontSum", "ReduceFrontMean", "ReduceFrontMax", "ReduceBackSum", "ReduceBackMean", "ReduceBackMax"]), x, **m.settings(num_reduce_dim=m.whole(1, rank)))


def ranking(m):
    x = m.take()
    rank = len(m.shape(x))
    if m.yes():
        m.add(m.one(["ArgMax", "ArgMin"]), x, **m.settings(axis=m.whole(-1, rank - 1), keepdims=int(m.yes())))
    else:
        axis = m.whole(0, rank - 1)
        m.add("TopK", x, outputs=2, k=m.whole(1, m.shape(x)[axis]), axis=axis)


def joining(m):
    x = m.take()
    s = m.shape(x)
    if m.yes(0.2):
        same = [n for n, v in m.values.items() if v.shape == s and v.dtype.kind == "f"]
        m.add("Concat", [x] + [m.one(same) for _ in range(m.whole(1, 2))], outputs=2, keep=m.whole(1, 2), axis=m.whole(-1, len(s)), add_axis=1)
        return
    told = m.yes(0.7)
    axis = m.whole(0, len(s) - 1) if told else 1
    same = [n for n, v in m.values.items() if v.dtype.kind == "f" and v.ndim == len(s) and all(a == b for i, (a, b) in enumerate(zip(v.shape, s)) if i != axis)]
    m.add("Concat", [x] + [m.one(same) for _ in range(m.whole(1, 2))], outputs=2, keep=m.whole(1, 2), **({"axis": axis if m.yes(0.7) else axis - len(s)} if told else {}))


def splitting(m):
    x = m.take()
    s = m.shape(x)
    axis = m.whole(0, len(s) - 1)
    n = s[axis]
    parts = m.whole(1, min(3, n))
    p = {"axis": axis if m.yes(0.7) else axis - len(s)}
    if n % parts or m.yes():
        cuts = sorted(m.r.permutation(np.arange(1, n))[:parts - 1])
        sizes = [int(v) for v in np.diff([0] + cuts + [n])]
        if m.yes():
            m.add("Split", [x, m.weight(np.array(sizes, "int32"))], outputs=parts, **p)
            return
        p["split"] = sizes
    m.add("Split", x, outputs=parts, **p)


def shapes(m):
    x = m.take()
    s = m.shape(x)
    rank = len(s)
    kind = m.one(["Reshape", "ResizeLike", "Flatten", "FlattenToVec", "Transpose", "Squeeze", "ExpandDims", "Slice", "Gather", "BatchGather", "Tile", "Shape", "Size", "Expand", "MergeDim", "Cast", "ConstantFill"])
    if kind == "Reshape":
        count, target = int(np.prod(s)), []
        for _ in range(m.whole(0, 3)):
            d = m.one([d for d in range(1, min(count, 9) + 1) if count % d == 0])
            target.append(d)
            count //= d
        target.insert(m.whole(0, len(target)), count)
        if m.yes():
            target[m.whole(0, len(target) - 1)] = -1
        for i in range(min(len(target), rank)):
            if target[i] == s[i] and m.yes(0.3):
                target[i] = 0
        m.add(kind, x, outputs=2, keep=1, shape=target) if m.yes() else m.add(kind, [x, m.weight(np.array(target, "int64"))], outputs=2, keep=1)
    elif kind == "Flatten":
        m.add(kind, x, **m.settings(axis=m.whole(0, rank)))
    elif kind == "Transpose":
        m.add(kind, x, **m.settings(axes=[int(i) for i in m.r.permutation(rank)]))
    elif kind == "Squeeze":
        m.add(kind, x, dims=[i for i, d in enumerate(s) if d == 1][:m.whole(1, 2)])
    elif kind == "ExpandDims":
        m.add(kind, x, dims=sorted(set(m.whole(0, rank) for _ in range(2)))[:m.whole(1, 2)])
    elif kind == "Slice":
        axis = m.whole(0, rank - 1)
        starts, ends = [0] * rank, [-1] * rank
        starts[axis] = m.whole(0, s[axis] - 1)
        ends[axis] = m.one([-1, m.whole(starts[axis] + 1, s[axis]), -2])
        m.add(kind, x, starts=starts, ends=ends) if m.yes(0.7) else m.add(kind, [x, m.weight(np.array(starts, "int32")), m.weight(np.array(ends, "int32"))])
    elif kind == "Gather":
        axis = m.whole(0, rank - 1)
        m.add(kind, [x, m.weight(m.r.randint(0, s[axis], [m.whole(1, 3)] * m.whole(1, 2)).astype(m.one(["int32", "int64"])))], **({"axis": axis} if axis else {}))
    elif kind == "BatchGather":
        if rank < 2:
            raise Unfit
        m.add(kind, [x, m.weight(m.r.randint(0, s[1], [m.whole(1, 3)]).astype("int64"))])
    elif kind == "Tile":
        m.add(kind, x, tiles=m.whole(1, 3), axis=m.whole(-1, rank - 1))
    elif kind == "Shape":
        m.add(kind, x, **m.settings(axes=[m.whole(0, rank - 1)]))
    elif kind == "Expand":
        m.add(kind, x, shape=([m.whole(1, 2)] if m.yes(0.3) else []) + [d if d > 1 else m.one([1, 2]) for d in s])
    elif kind == "ResizeLike":
        m.add(kind, [x, m.take(fits=lambda v: v.size == m.values[x].size)])
    elif kind == "Cast":
        m.add("Cast", m.add("Cast", x, to=m.one([core.DataType.INT32, core.DataType.INT64, core.DataType.FLOAT])), to=core.DataType.FLOAT)
    elif kind == "ConstantFill":
        m.add(kind, x, value=m.real(-1, 1))
    else:
        m.add(kind, x)


ALL = [convolution, convolution, transposed, pooling, pooling, normalization, normalization, images, images, dense, matrices, unary, unary, unary, positive, arcs, binary, binary, logic, choosing, several, distances, sums, reduction, ranking,
       joining, splitting, shapes, shapes, shapes]


def make(folder, seed):
    m = Maker(seed)
    for _ in range(m.whole(1, 2)):
        s = m.one([[m.whole(1, 8)], [m.whole(1, 5), m.whole(3, 8)], [m.whole(1, 5), m.whole(3, 8), m.whole(3, 8)], [m.whole(3, 8), m.whole(3, 8), m.whole(1, 5)], [m.whole(1, 3), m.whole(3, 5), m.whole(3, 5), m.whole(3, 5)]])
        m.input(m.r.normal(0, 1, [m.whole(1, 3)] + s).astype("float32"))
    count, tries = m.whole(1, 7), 0
    while len(m.net.op) < count and tries < 80:
        tries += 1
        before = len(m.net.op), dict(m.values), set(m.used)
        try:
            m.one(ALL)(m)
        except (Unfit, RuntimeError, ValueError, IndexError, TypeError, KeyError):
            del m.net.op[before[0]:]
            m.values, m.used = before[1], before[2]
    made = {n for op in m.net.op for n in op.output}
    ends = [n for n in m.values if n in made and n not in m.used][-3:] or [list(m.values)[-1]]
    weights = [n for op in m.init.op for n in op.output]
    read = {n for op in m.net.op for n in op.input}
    m.inputs = {n: v for n, v in m.inputs.items() if n in read}
    m.net.external_input.extend(list(m.inputs) + [w for w in weights if w in read])
    m.net.external_output.extend(ends)
    path = os.path.join(folder, "net_%d" % seed)
    if not m.inputs:
        raise Unfit
    if m.yes(0.15):
        with open(path + "_predict_net.pbtxt", "w") as f:
            f.write(text_format.MessageToString(m.net))
    else:
        with open(path + "_predict_net.pb", "wb") as f:
            f.write(m.net.SerializeToString())
    with open(path + "_init_net.pb", "wb") as f:
        f.write(m.init.SerializeToString() if len(m.init.op) else caffe2_pb2.NetDef(op=[core.CreateOperator("GivenTensorFill", [], ["unused"], shape=[1], values=[0.0])]).SerializeToString())
    np.savez_compressed(path + "_predict_net.npz", **{"in_" + n: v for n, v in m.inputs.items()}, **{"out%d" % i: m.values[n] for i, n in enumerate(ends)})


if __name__ == "__main__":
    workspace.GlobalInit(["caffe2", "--caffe2_log_level=5"])
    for seed in range(int(sys.argv[2]), int(sys.argv[3]) + 1):
        # Some operators end the process.
        if os.fork() == 0:
            try:
                make(sys.argv[1], seed)
            except Exception as e:
                print("net_%d: %s: %s" % (seed, type(e).__name__, str(e).split("\n")[0][:150]), file=sys.stderr)
            os._exit(0)
        os.wait()
