"""Writes random Chainer networks with random weights, and what Chainer itself computes of them.
usage: make_models.py FOLDER FIRST LAST     (for each number: net_N.json, its parameters net_N.weights, and net_N.npz with in0 and out0)
Needs Chainer 7."""
import json
import os
import sys

import chainer
import chainer.functions as F
import chainer.links as L
import numpy as np


class Unfit(Exception):
    """There is no tensor that the layer could take."""


class Maker:
    """A network while it grows: a layer at a time, each on arrays that Chainer itself computed."""

    def __init__(self, seed):
        self.r = np.random.RandomState(seed)
        self.chain, self.layers, self.values = chainer.Chain(), [], {}

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
        """The name of a tensor of one of these ranks; newer ones are likelier."""
        fitting = [n for n, v in self.values.items() if not ranks or v.ndim in ranks]
        if not fitting:
            raise Unfit
        return fitting[-1 - min(int(self.r.exponential(1.0)), len(fitting) - 1)]

    def shape(self, name):
        return self.values[name].shape

    def add(self, kind, names, call, link=None, **settings):
        names = names if isinstance(names, list) else [names]
        name = "l%d" % (len(self.layers) + 1)
        y = call(*[chainer.Variable(self.values[n]) for n in names])
        y = np.asarray(y.array, dtype="float32")
        if not 0 < y.size < 4000 or y.ndim > 5 or not np.isfinite(y).all() or np.abs(y).max() > 1e5:
            raise Unfit
        if link is not None:
            with self.chain.init_scope():
                setattr(self.chain, name, link)
        entry = dict(type=kind, name=name, **settings)
        if len(names) > 1 or names[0] != list(self.values)[-1] or self.yes(0.2):
            entry["inputs"] = names
        self.layers.append(entry)
        self.values[name] = y

    def function(self, kind, names, function=None, positional=(), **settings):
        f = function or getattr(F, kind)
        self.add(kind, names, lambda *x: f(*x, *positional, **settings), **settings)

    def link(self, kind, name, link, **settings):
        for path, p in link.namedparams():
            if p.array is not None:
                p.array[...] = self.r.normal(0, 1.2 / np.sqrt(max(1, p.array[0].size)) if p.array.ndim > 1 else 0.5, p.array.shape)
        for key in getattr(link, "_persistent", ()):
            if key == "avg_mean":
                link.avg_mean[...] = self.r.normal(0, 0.5, link.avg_mean.shape)
            if key == "avg_var":
                link.avg_var[...] = self.r.uniform(0.3, 2, link.avg_var.shape)
        self.add(kind, name, link, link, **settings)


def per_axis(m, axes, low, high):
    return m.whole(low, high) if m.yes() else tuple(m.whole(low, high) for _ in range(axes))


def window(m, shape, axes):
    if m.yes():
        k = m.whole(1, min(4, *shape[2:]) if axes > 1 else min(4, shape[2]))
        ks = [k] * axes
    else:
        ks = [m.whole(1, min(4, s)) for s in shape[2:]]
        k = tuple(ks)
    return k, ks


def convolution(m):
    x = m.take(3, 4, 5)
    s, axes = m.shape(x), len(m.shape(x)) - 2
    k, ks = window(m, s, axes)
    stride, pad, groups = per_axis(m, axes, 1, 3), per_axis(m, axes, 0, max(0, min(ks) - 1)), m.one([1, 1, s[1]])
    dilate = per_axis(m, axes, 1, 2) if m.yes(0.3) else 1
    out, bias = groups * m.whole(1, 3), m.yes(0.8)
    p = dict(stride=stride, pad=pad)
    if groups > 1:
        p["groups"] = groups
    if m.yes(0.4) and dilate == 1 and axes == 2 and groups == 1:
        m.link("DepthwiseConvolution2D", x, L.DepthwiseConvolution2D(s[1], m.whole(1, 3), k, stride=stride, pad=pad, nobias=not bias), stride=stride, pad=pad)
        return
    if dilate != 1:
        p["dilate"] = dilate
    kind = m.one(["Convolution%dD" % axes, "ConvolutionND"])
    if kind == "ConvolutionND":
        link = L.ConvolutionND(axes, s[1], out, k, nobias=not bias, **p)
    else:
        link = getattr(L, kind)(s[1], out, k, nobias=not bias, **p)
    m.link(kind, x, link, **p)


def deconvolution(m):
    x = m.take(3, 4, 5)
    s, axes = m.shape(x), len(m.shape(x)) - 2
    k, ks = window(m, s, axes)
    p = dict(stride=per_axis(m, axes, 1, 3), pad=per_axis(m, axes, 0, max(0, min(ks) - 1)))
    groups = m.one([1, 1, s[1]])
    if groups > 1:
        p["groups"] = groups
    if m.yes(0.3):
        stride = p["stride"] if isinstance(p["stride"], tuple) else (p["stride"],) * axes
        pad = p["pad"] if isinstance(p["pad"], tuple) else (p["pad"],) * axes
        p["outsize"] = tuple((n - 1) * st + kk - 2 * pa + m.whole(0, st - 1) for n, st, kk, pa in zip(s[2:], stride, ks, pad))
    kind = m.one(["Deconvolution%dD" % axes, "DeconvolutionND"])
    out, bias = groups * m.whole(1, 3), m.yes(0.8)
    link = L.DeconvolutionND(axes, s[1], out, k, nobias=not bias, **p) if kind == "DeconvolutionND" else getattr(L, kind)(s[1], out, k, nobias=not bias, **p)
    m.link(kind, x, link, **p)


def pooling(m):
    x = m.take(3, 4, 5)
    axes = len(m.shape(x)) - 2
    k, ks = window(m, m.shape(x), axes)
    p = dict(ksize=k)
    if m.yes(0.7):
        p["stride"] = per_axis(m, axes, 1, 3)
    if m.yes():
        p["pad"] = per_axis(m, axes, 0, min(ks) // 2)
    kind = m.one(["max", "average"]) + "_pooling_" + m.one(["%dd" % axes, "nd"])
    if kind.startswith("max") and m.yes():
        p["cover_all"] = m.yes()
    m.function(kind, x, **p)


def unpooling(m):
    x = m.take(4)
    p = dict(ksize=per_axis(m, 2, 1, 3))
    if m.yes(0.3):
        p["stride"] = per_axis(m, 2, 1, 3)
    if m.yes(0.2):
        p["pad"] = per_axis(m, 2, 0, 1)
    if m.yes():
        p["cover_all"] = m.yes()
    m.function("unpooling_2d", x, **p)


def resizing(m):
    x = m.take(4)
    p = dict(output_shape=(m.whole(1, 9), m.whole(1, 9)))
    if m.yes():
        p["align_corners"] = m.yes()
    if m.yes(0.3):
        p["mode"] = m.one(["bilinear", "nearest"])
    m.function("resize_images", x, **p)


def local_response(m):
    m.function("local_response_normalization", m.take(3, 4, 5), **m.one([{}, dict(n=m.whole(1, 6), k=m.real(0.5, 2), alpha=m.real(0.001, 0.5), beta=m.real(0.3, 1))]))


def normalize(m):
    x = m.take(2, 3, 4)
    rank = len(m.shape(x))
    p = {}
    if m.yes():
        p["axis"] = m.one([m.whole(0, rank - 1), tuple(sorted(set(m.whole(0, rank - 1) for _ in range(2))))])
    if m.yes(0.3):
        p["eps"] = 0.1
    m.function("normalize", x, **p)


def activation(m):
    x = m.take()
    plain = ["relu", "relu6", "sigmoid", "hard_sigmoid", "tanh", "absolute", "square", "exp", "identity", "softplus", "selu", "elu", "leaky_relu", "clipped_relu", "crelu", "softmax", "log_softmax",
             "clip", "rrelu", "dropout", "cos", "sin", "arctan", "floor", "ceil", "sign", "erf", "softsign", "cumsum", "flip", "mish"]
    kind = m.one(plain)
    axis = m.whole(-len(m.shape(x)), len(m.shape(x)) - 1)
    if not hasattr(F, kind):
        raise Unfit
    p = {"softplus": dict(beta=m.real(0.5, 3)), "elu": dict(alpha=m.real(0.3, 2)), "leaky_relu": dict(slope=m.real(0, 0.5)), "clipped_relu": dict(z=m.real(0.5, 3)), "crelu": dict(axis=axis),
         "softmax": dict(axis=axis), "log_softmax": dict(axis=axis), "clip": dict(x_min=m.real(-1, 0), x_max=m.real(0, 1)), "rrelu": dict(l=m.real(0, 0.2), u=m.real(0.2, 0.5)), "selu": dict(alpha=m.real(1, 2), scale=m.real(1, 2)),
         "dropout": dict(ratio=0.3), "cumsum": dict(axis=axis), "flip": dict(axis=axis)}.get(kind, {})
    m.function(kind, x, **({} if m.yes(0.3) and kind not in ("clip", "flip", "cumsum") else p))


def positive(m):
    x = m.take()
    m.function("square", x)
    x = list(m.values)[-1]
    m.function("add", [x, x])
    if np.min(m.values[list(m.values)[-1]]) > 1e-3:
        m.function(m.one(["sqrt", "log"]), list(m.values)[-1])


def maxout(m):
    x = m.take()
    axis = m.whole(1, len(m.shape(x)) - 1)
    pool = m.one([d for d in range(1, m.shape(x)[axis] + 1) if m.shape(x)[axis] % d == 0])
    m.function("maxout", x, pool_size=pool, axis=axis)


def arithmetic(m):
    x = m.take()
    s = m.shape(x)
    kind = m.one(["add", "multiply", "maximum", "minimum", "subtract", "divide"])
    y = m.one([n for n, v in m.values.items() if v.shape == s])
    names = [x, y] + ([y] if kind in ("add", "multiply") and m.yes(0.3) else [])
    call = {"add": lambda *a: sum(a[1:], a[0]), "multiply": lambda *a: a[0] * a[1] if len(a) == 2 else a[0] * a[1] * a[2], "subtract": lambda a, b: a - b, "divide": lambda a, b: a / b}
    m.add(kind, names, call.get(kind) or getattr(F, kind))


def matmul(m):
    x, y = m.take(2, 3), m.take(2, 3)
    ta, tb = m.yes(), m.yes()
    m.function("matmul", [x, y], transa=ta, transb=tb)


def joining(m):
    x = m.take()
    s = m.shape(x)
    axis = m.whole(0, len(s) - 1) if m.yes(0.3) else m.whole(1, len(s) - 1)
    same = [n for n, v in m.values.items() if v.ndim == len(s) and all(a == b for i, (a, b) in enumerate(zip(v.shape, s)) if i != axis)]
    names = [x] + [m.one(same) for _ in range(m.whole(1, 2))]
    if m.yes(0.7):
        axis = axis - len(s) if m.yes(0.3) else axis
        m.add("concat", names, lambda *a: F.concat(a, axis=axis), axis=axis)
    else:
        names = [n for n in names if m.shape(n) == s]
        at = m.whole(-len(s) - 1, len(s))
        m.add("stack", names + names, lambda *a: F.stack(a, axis=at), axis=at)


def reduction(m):
    x = m.take()
    rank = len(m.shape(x))
    p = dict(keepdims=m.yes())
    if m.yes(0.85):
        p["axis"] = m.one([m.whole(1, rank - 1), -1, tuple(sorted(set(m.whole(1, rank - 1) for _ in range(2))))])
    m.function(m.one(["sum", "mean", "average", "max", "min", "logsumexp"] if not p["keepdims"] else ["sum", "mean", "average", "max", "min"]), x, **(p if p["keepdims"] or m.yes() else {k: v for k, v in p.items() if k != "keepdims"}))


def shapes(m):
    x = m.take()
    s = m.shape(x)
    kind = m.one(["reshape", "expand_dims", "squeeze", "transpose", "depth2space", "space2depth", "flatten"])
    if kind == "reshape":
        count, target = int(np.prod(s[1:])), []
        for _ in range(m.whole(0, 3)):
            d = m.one([d for d in range(1, min(count, 9) + 1) if count % d == 0])
            target.append(d)
            count //= d
        target.insert(m.whole(0, len(target)), count)
        if m.yes():
            target[m.whole(0, len(target) - 1)] = -1
        m.function(kind, x, shape=[s[0]] + target)
    elif kind == "expand_dims":
        m.function(kind, x, axis=m.whole(-len(s) - 1, len(s)))
    elif kind == "squeeze":
        ones = [i for i, d in enumerate(s) if d == 1]
        m.function(kind, x, **({"axis": m.one(ones)} if ones and m.yes() else {}))
    elif kind == "transpose":
        m.function(kind, x, axes=[0] + [int(i) + 1 for i in m.r.permutation(len(s) - 1)])
    elif kind == "flatten":
        m.function(kind, x)
    else:
        m.function(kind, m.take(4), r=2)


def linear(m):
    x = m.take(2, 3, 4)
    s = m.shape(x)
    batch = m.whole(1, len(s) - 1) if m.yes(0.4) else 1
    link = L.Linear(int(np.prod(s[batch:])), m.whole(1, 6), nobias=m.yes(0.2))
    p = {} if batch == 1 else dict(n_batch_axes=batch)
    link_call = (lambda x: link(x, n_batch_axes=batch))
    for q in link.params():
        q.array[...] = m.r.normal(0, 1.2 / np.sqrt(max(1, q.array[0].size)) if q.array.ndim > 1 else 0.5, q.array.shape)
    m.add("Linear", x, link_call, link, **p)


def normalization(m):
    x = m.take()
    s = m.shape(x)
    kind = m.one(["BatchNormalization", "BatchNormalization", "LayerNormalization", "GroupNormalization"])
    if kind == "BatchNormalization":
        p = m.one([{}, dict(eps=1e-3), dict(use_gamma=False), dict(use_beta=False)])
        link = L.BatchNormalization(s[1] if len(s) != 1 else s[0], **p)
        m.link(kind, x, link, **{k: v for k, v in p.items() if k == "eps"})
    elif kind == "LayerNormalization":
        x = m.take(2)
        m.link(kind, x, L.LayerNormalization(m.shape(x)[1], eps=1e-3), eps=1e-3)
    else:
        x = m.take(3, 4, 5)
        groups = m.one([d for d in range(1, m.shape(x)[1] + 1) if m.shape(x)[1] % d == 0])
        p = m.one([{}, dict(eps=1e-2)])
        m.link(kind, x, L.GroupNormalization(groups, m.shape(x)[1], **p), groups=groups, **p)


def scaling(m):
    x = m.take()
    s = m.shape(x)
    axis = m.whole(1, len(s) - 1)
    part = s[axis:axis + m.whole(1, len(s) - axis)]
    kind = m.one(["Bias", "Scale", "PReLU", "Swish"])
    if kind == "Bias":
        m.link(kind, x, L.Bias(axis=axis, shape=part), axis=axis)
    elif kind == "Scale":
        bias = m.yes()
        m.link(kind, x, L.Scale(axis=axis, W_shape=part, bias_term=bias), axis=axis)
    elif kind == "PReLU":
        m.link(kind, x, L.PReLU(shape=m.one([(), (s[1],), s[1:]])))
    else:
        m.link(kind, x, L.Swish(m.one([(), (s[1],), s[1:]])))


ALL = [convolution, convolution, deconvolution, pooling, pooling, unpooling, resizing, local_response, normalize, activation, activation, positive, maxout, arithmetic, matmul, joining, reduction, shapes, shapes, linear, linear,
       normalization, normalization, scaling]


def make(folder, seed):
    m = Maker(seed)
    batch = m.whole(1, 3)
    shape = m.one([[m.whole(1, 8)], [m.whole(1, 5), m.whole(3, 8)], [m.whole(1, 5), m.whole(3, 8), m.whole(3, 8)], [m.whole(1, 5), m.whole(3, 8), m.whole(3, 8)], [m.whole(1, 3), m.whole(3, 5), m.whole(3, 5), m.whole(3, 5)]])
    x = m.r.normal(0, 1, [batch] + shape).astype("float32")
    m.values["x"] = x
    count, tries = m.whole(1, 6), 0
    if m.yes(0.08):
        x = m.r.randint(0, 7, [batch, m.whole(1, 6)]).astype("float32")
        m.values["x"] = x
        p = m.one([{}, dict(ignore_label=2)])
        link = L.EmbedID(7, m.whole(1, 5), **p)
        link.W.array[...] = m.r.normal(0, 1, link.W.array.shape)
        m.add("EmbedID", "x", lambda v: link(v.array.astype("int32")), link, **p)
        del m.values["x"]
    while len(m.layers) < count and tries < 60:
        tries += 1
        try:
            m.one(ALL)(m)
        except (Unfit, ValueError, TypeError, IndexError, chainer.utils.type_check.InvalidType, AssertionError, NotImplementedError, AttributeError):
            continue
    path = os.path.join(folder, "net_%d" % seed)
    with open(path + ".weights", "wb") as f:
        chainer.serializers.save_npz(f, m.chain)
    is_free = m.yes() and not any(layer["type"] in ("reshape", "flatten") for layer in m.layers)
    is_free = is_free and not any(layer["type"] == "squeeze" and "axis" not in layer for layer in m.layers)
    with open(path + ".json", "w") as f:
        json.dump({"format": "chainer", "parameters": "net_%d.weights" % seed, "input": {"name": "x", "shape": [None if is_free else batch] + list(x.shape[1:])}, "layers": m.layers}, f)
    np.savez_compressed(path + ".npz", in0=x, out0=m.values[m.layers[-1]["name"]])


if __name__ == "__main__":
    chainer.config.train = False
    for seed in range(int(sys.argv[2]), int(sys.argv[3]) + 1):
        try:
            make(sys.argv[1], seed)
        except Exception as e:
            print("net_%d: %s: %s" % (seed, type(e).__name__, str(e)[:150]), file=sys.stderr)
