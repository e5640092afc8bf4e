"""Writes random Lasagne networks with random weights, and what Lasagne itself computes of them.
usage: THEANO_FLAGS=cxx=,floatX=float32 make_models.py FOLDER FIRST LAST
(for each number: net_N.json, its parameters net_N.weights, .npz or a pickle, and net_N.npz with inputs in0 .. and results out0 ..)
Needs Lasagne 0.2 on Theano."""
import json
import os
import pickle
import sys

import lasagne
import numpy as np
import theano
import theano.tensor as T
from lasagne import layers as L, nonlinearities as N


class Unfit(Exception):
    """There is no layer that the new one could follow."""


class Maker:
    def __init__(self, seed):
        self.r = np.random.RandomState(seed)
        self.entries, self.nets, self.batch = [], {}, int(self.r.randint(1, 4))

    # Chance
    def whole(self, low, high):
        return int(self.r.randint(low, high + 1))

    def real(self, low, high):
        return round(float(self.r.uniform(low, high)), 3)

    def yes(self, chance=0.5):
        return self.r.rand() < chance

    def one(self, of):
        return of[self.whole(0, len(of) - 1)]

    # Growth
    def take(self, *ranks):
        """The name of a layer whose output has one of these ranks; newer ones are likelier."""
        fitting = [n for n, l in self.nets.items() if not ranks or len(l.output_shape) in ranks]
        if not fitting:
            raise Unfit
        return fitting[-1 - min(int(self.r.exponential(1.0)), len(fitting) - 1)]

    def shape(self, name):
        return self.nets[name].output_shape

    def add(self, kind, names, make, **told):
        """told: the settings as the file has them; make takes the layers that it follows."""
        many = isinstance(names, list)
        layer = make([self.nets[n] for n in names] if many else self.nets[names])
        s = [d if d is not None else self.batch for d in layer.output_shape]
        if len(s) > 5 or min(s) < 1 or np.prod(s) > 4000:
            raise Unfit
        name = "l%d" % (len(self.entries) + 1)
        entry = dict(type=kind, name=name, **told)
        if many:
            entry["incomings"] = names
        elif names != list(self.nets)[-1] or self.yes(0.2):
            entry["incoming"] = names
        self.entries.append(entry)
        self.nets[name] = layer
        for p in layer.get_params():
            v = p.get_value()
            v = self.r.uniform(0.4, 1.5, v.shape) if "inv_std" in str(p) else self.r.normal(0, 1.2 / np.sqrt(max(1, v.size / max(v.shape[0], 1))) if v.ndim > 1 else 0.5, v.shape)
            p.set_value(v.astype("float32"))
        return name


def nonlinearity(m, default):
    """A function and how the file says it."""
    kind = m.one(["default", "none", "linear", "rectify", "tanh", "sigmoid", "elu", "selu", "softplus", "leaky_rectify", "very_leaky_rectify", "softmax", "scaled_tanh", "ScaledTanH", "LeakyRectify", "identity", "SELU"])
    if kind == "default":
        return {}, {}
    if kind == "none":
        return {"nonlinearity": None}, {"nonlinearity": None}
    if kind == "LeakyRectify":
        a = m.real(0, 0.5)
        return {"nonlinearity": N.LeakyRectify(a)}, {"nonlinearity": {"type": "leaky_rectify", "leakiness": a}}
    if kind == "ScaledTanH":
        a, b = m.real(0.3, 1), m.real(0.5, 2)
        return {"nonlinearity": N.ScaledTanH(scale_in=a, scale_out=b)}, {"nonlinearity": {"type": "scaled_tanh", "scale_in": a, "scale_out": b}}
    if kind == "SELU":
        a, b = m.real(0.5, 2), m.real(0.5, 2)
        return {"nonlinearity": N.SELU(scale=a, scale_neg=b)}, {"nonlinearity": {"type": "selu", "scale": a, "scale_neg": b}}
    return {"nonlinearity": getattr(N, kind)}, {"nonlinearity": kind}


def biases(m):
    return ({}, {}) if m.yes(0.75) else ({"b": None}, {"b": None})


def per_axis(m, axes, low, high):
    return m.whole(low, high) if m.yes() else tuple(m.whole(low, high) for _ in range(axes))


def convolution(m):
    x = m.take(3, 4, 5)
    s, axes = m.shape(x), len(m.shape(x)) - 2
    k = per_axis(m, axes, 1, min(4, *s[2:]) if axes > 1 else min(4, s[2]))
    p = {"stride": per_axis(m, axes, 1, 3), "pad": m.one(["valid", "full", "same", per_axis(m, axes, 0, 2)])}
    if m.yes(0.4):
        p["flip_filters"] = m.yes()
    if m.yes(0.3):
        p["num_groups"] = s[1]
    (n, nt), (b, bt) = nonlinearity(m, None), biases(m)
    if "softmax" in str(nt):
        raise Unfit
    if m.yes(0.2) and not b:
        b = {"untie_biases": True}
    filters = p.get("num_groups", 1) * m.whole(1, 3)
    m.add("Conv%dDLayer" % axes, x, lambda l: getattr(L, "Conv%dDLayer" % axes)(l, filters, k, **p, **n, **b), **p, **nt, **(bt or {k: v for k, v in b.items() if k == "untie_biases"}))


def transposed(m):
    x = m.take(4)
    s = m.shape(x)
    k = per_axis(m, 2, 1, 4)
    p = {"stride": per_axis(m, 2, 1, 3), "crop": m.one(["valid", "full", "same", per_axis(m, 2, 0, 1)])}
    if m.yes(0.4):
        p["flip_filters"] = m.yes()
    (n, nt), (b, bt) = nonlinearity(m, None), biases(m)
    filters = m.whole(1, 4)
    if "softmax" in str(nt):
        raise Unfit
    m.add(m.one(["TransposedConv2DLayer", "Deconv2DLayer"]), x, lambda l: L.TransposedConv2DLayer(l, filters, k, **p, **n, **b), **p, **nt, **bt)


def dense(m):
    x = m.take(2, 3, 4, 5)
    s = m.shape(x)
    p = {"num_leading_axes": m.one([m.whole(1, len(s) - 1), -1])} if m.yes(0.4) else {}
    (n, nt), (b, bt) = nonlinearity(m, None), biases(m)
    units = m.whole(1, 6)
    if "softmax" in str(nt) and p and p["num_leading_axes"] != 1:
        raise Unfit
    m.add("DenseLayer", x, lambda l: L.DenseLayer(l, units, **p, **n, **b), **p, **nt, **bt)


def pooling(m):
    x = m.take(3, 4)
    axes = len(m.shape(x)) - 2
    k = per_axis(m, axes, 1, 3)
    p = {"pool_size": k}
    if m.yes(0.7):
        p["stride"] = per_axis(m, axes, 1, 3)
    if m.yes(0.4):
        p["pad"] = per_axis(m, axes, 0, (k if isinstance(k, int) else min(k)) // 2)
    if m.yes(0.4):
        p["ignore_border"] = m.yes()
    if m.yes(0.4):
        m.add("MaxPool%dDLayer" % axes, x, lambda l: getattr(L, "MaxPool%dDLayer" % axes)(l, **p), **p)
    else:
        p["mode"] = m.one(["max", "average_inc_pad", "average_exc_pad", "sum"])
        m.add("Pool%dDLayer" % axes, x, lambda l: getattr(L, "Pool%dDLayer" % axes)(l, **p), **p)


def global_pooling(m):
    x = m.take(3, 4, 5)
    f = m.one(["mean", "max", "min", "sum"])
    m.add("GlobalPoolLayer", x, lambda l: L.GlobalPoolLayer(l, pool_function=getattr(T, f)), pool_function=f)


def shapes(m):
    x = m.take()
    s = m.shape(x)
    kind = m.one(["FlattenLayer", "ReshapeLayer", "DimshuffleLayer", "PadLayer", "Upscale"])
    if kind == "FlattenLayer":
        d = m.whole(2, len(s))
        m.add(kind, x, lambda l: L.FlattenLayer(l, outdim=d), outdim=d)
    elif kind == "ReshapeLayer":
        count, target = int(np.prod(s[1:])), []
        for _ in range(m.whole(0, 2)):
            d = m.one([d for d in range(1, min(count, 9) + 1) if count % d == 0])
            target.append(d)
            count //= d
        target.append(count)
        if m.yes():
            target[m.whole(0, len(target) - 1)] = -1
        shape = [[0]] + target
        m.add(kind, x, lambda l: L.ReshapeLayer(l, tuple(tuple(d) if False else d for d in [[0]] + target)), shape=shape)
    elif kind == "DimshuffleLayer":
        pattern = [0] + [int(i) + 1 for i in m.r.permutation(len(s) - 1)]
        if m.yes(0.4):
            pattern.insert(m.whole(1, len(pattern)), "x")
        if m.yes(0.3) and 1 in s[1:]:
            pattern.remove(1 + list(s[1:]).index(1))
        m.add(kind, x, lambda l: L.DimshuffleLayer(l, pattern), pattern=pattern)
    elif kind == "PadLayer":
        x = m.take(3, 4, 5)
        axes = len(m.shape(x)) - 2
        w = m.one([m.whole(0, 2), [m.whole(0, 2) for _ in range(axes)], [[m.whole(0, 2), m.whole(0, 2)] for _ in range(axes)]])
        p = {"val": m.real(-1, 1)} if m.yes() else {}
        if m.yes(0.3) and isinstance(w, int):
            p["batch_ndim"] = 1
        m.add(kind, x, lambda l: L.PadLayer(l, w if isinstance(w, int) else [tuple(e) if isinstance(e, list) else e for e in w], **p), width=w, **p)
    else:
        x = m.take(3, 4, 5)
        axes = len(m.shape(x)) - 2
        p = {"scale_factor": per_axis(m, axes, 1, 3)}
        if m.yes():
            p["mode"] = m.one(["repeat", "dilate"])
        m.add("Upscale%dDLayer" % axes, x, lambda l: getattr(L, "Upscale%dDLayer" % axes)(l, **p), **p)


def normalization(m):
    x = m.take()
    s = m.shape(x)
    kind = m.whole(0, 3)
    if kind < 2:
        none = {k: None for k in ("beta", "gamma") if m.yes(0.2)}
        axes = {"axes": m.one(["auto", "auto", 0, [0] + list(range(2, len(s)))])} if m.yes(0.4) else {}
        call = {k: tuple(v) if isinstance(v, list) else v for k, v in axes.items()}
        m.add("BatchNormLayer", x, lambda l: L.BatchNormLayer(l, **none, **call), **none, **axes)
    elif kind == 2:
        p = m.one([{}, dict(alpha=m.real(0.001, 0.5), k=m.real(0.5, 2), beta=m.real(0.3, 1), n=m.one([1, 3, 5]))])
        m.add("LocalResponseNormalization2DLayer", m.take(4), lambda l: L.LocalResponseNormalization2DLayer(l, **p), **p)
    else:
        m.add(m.one(["DropoutLayer", "GaussianNoiseLayer"]), x, lambda l: L.DropoutLayer(l))


def activation(m):
    x = m.take()
    if m.yes(0.4):
        p = m.one([{}, dict(shared_axes=list(m.one([[0], [0, 1], list(range(len(m.shape(x))))])))])
        m.add("ParametricRectifierLayer", x, lambda l: L.ParametricRectifierLayer(l, **{k: tuple(v) for k, v in p.items()}), **p)
        return
    n, nt = nonlinearity(m, None)
    if "softmax" in str(nt) and len(m.shape(x)) != 2:
        raise Unfit
    m.add("NonlinearityLayer", x, lambda l: L.NonlinearityLayer(l, **n), **nt)


def merging(m):
    x = m.take()
    s = m.shape(x)
    if m.yes(0.4):
        axis = m.whole(1, len(s) - 1)
        crop = m.yes(0.3)
        same = [n for n in m.nets if len(m.shape(n)) == len(s) and (crop or all(a == b for i, (a, b) in enumerate(zip(m.shape(n), s)) if i != axis))]
        names = [x] + [m.one(same) for _ in range(m.whole(1, 2))]
        p = {"axis": axis} if axis != 1 or m.yes() else {}
        if crop:
            p["cropping"] = [None] + [m.one(["lower", "upper", "center"]) for _ in s[1:]]
            p["cropping"][axis] = None
        m.add("ConcatLayer", names, lambda l: L.ConcatLayer(l, **p), **p)
        return
    same = [n for n in m.nets if m.shape(n) == s]
    names = [x] + [m.one(same) for _ in range(m.whole(1, 2))]
    if m.yes():
        p = m.one([{}, {"coeffs": m.real(-1, 2)}, {"coeffs": [m.real(-1, 2) for _ in names]}])
        m.add("ElemwiseSumLayer", names, lambda l: L.ElemwiseSumLayer(l, **p), **p)
    else:
        f = m.one(["add", "mul", "maximum", "minimum"])
        m.add("ElemwiseMergeLayer", names, lambda l: L.ElemwiseMergeLayer(l, getattr(T, f)), merge_function=f)


def slicing(m):
    x = m.take()
    s = m.shape(x)
    axis = m.whole(1, len(s) - 1)
    i = m.whole(0, s[axis] - 1)
    p = {"indices": i, "axis": axis}
    m.add("SliceLayer", x, lambda l: L.SliceLayer(l, i, axis), **p)


ALL = [convolution, convolution, transposed, dense, dense, pooling, pooling, global_pooling, shapes, shapes, normalization, normalization, activation, activation, merging, merging]


def make(folder, seed):
    m = Maker(seed)
    s = m.one([[m.whole(1, 8)], [m.whole(1, 5), m.whole(3, 8)], [m.whole(1, 5), m.whole(3, 8), m.whole(3, 8)], [m.whole(1, 5), m.whole(3, 8), m.whole(3, 8)], [m.whole(1, 3), m.whole(3, 5), m.whole(3, 5), m.whole(3, 5)]])
    batch = None if m.yes() else m.batch
    m.nets["x"] = L.InputLayer([batch] + s)
    first = {"type": "InputLayer", "name": "x", "shape": [batch] + s}
    count, tries = m.whole(1, 6), 0
    while len(m.entries) < count and tries < 60:
        tries += 1
        try:
            m.one(ALL)(m)
        except (Unfit, ValueError, TypeError, IndexError, NotImplementedError, AssertionError, RuntimeError, AttributeError):
            continue
    last = list(m.nets.values())[-1]
    used = set(L.get_all_layers(last))
    names = [n for n, l in m.nets.items() if l in used]
    entries = [first] + [e for e in m.entries if e["name"] in names]
    for before, e in zip(entries, entries[1:]):
        if "incoming" not in e and "incomings" not in e:
            at = [x["name"] for x in [first] + m.entries].index(e["name"])
            e["incoming"] = ([first] + m.entries)[at - 1]["name"]
    x = m.r.normal(0, 1, [m.batch] + s).astype("float32")
    y = theano.function([m.nets["x"].input_var], L.get_output(last, deterministic=True), on_unused_input="ignore")(x)
    if not np.isfinite(y).all() or np.abs(y).max() > 1e5:
        raise Unfit
    # The order of get_all_param_values is that of the layers from the input on, as far as each is needed.
    order = {id(l): i for i, l in enumerate(L.get_all_layers(last))}
    entries.sort(key=lambda e: order[id(m.nets[e["name"]])])
    values = L.get_all_param_values(last)
    path = os.path.join(folder, "net_%d" % seed)
    with open(path + ".weights", "wb") as f:
        kind = m.whole(0, 2)
        if kind == 0:
            np.savez(f, *values)
        elif kind == 1:
            pickle.dump(values, f, m.whole(0, 2))
        else:
            pickle.dump(L.get_all_params(last), f, 2)
    with open(path + ".json", "w") as f:
        json.dump({"format": "lasagne", "parameters": "net_%d.weights" % seed, "layers": entries}, f)
    np.savez_compressed(path + ".npz", in0=x, out0=y.astype("float32"))


if __name__ == "__main__":
    for seed in range(int(sys.argv[2]), int(sys.argv[3]) + 1):
        try:
            make(sys.argv[1], seed)
        except Exception as e:
            print("net_%d: %s: %s" % (seed, type(e).__name__, str(e).split("\n")[0][:150]), file=sys.stderr)
