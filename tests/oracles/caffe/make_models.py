"""Writes random Caffe networks with random weights, and what Caffe itself computes of them.
usage: make_models.py FOLDER FIRST LAST     (for each number: net_N.prototxt, net_N.caffemodel, net_N.npz with inputs in_NAME and results out_NAME)
Needs pycaffe (Debian 11: python3-caffe-cpu)."""
import os
import sys

os.environ["GLOG_minloglevel"] = "3"
import caffe
import numpy as np
from caffe.proto import caffe_pb2
from google.protobuf import text_format


class Maker:
    """A network while it grows: a layer at a time, each on blobs whose shapes Caffe itself has told."""

    def __init__(self, path, seed):
        self.path, self.r = path, np.random.RandomState(seed)
        self.net, self.blobs, self.indices, self.count = caffe_pb2.NetParameter(name=f"net{seed}"), {}, {}, 0

    # Chance
    def whole(self, low, high):
        return int(self.r.randint(low, high + 1))

    def real(self, low, high):
        return float(np.float32(self.r.uniform(low, high)))

    def yes(self, chance=0.5):
        return self.r.rand() < chance

    def one(self, of):
        return of[self.whole(0, len(of) - 1)]

    def blob(self, *ranks):
        """A blob of one of these ranks; newer ones are likelier."""
        fitting = [b for b, s in self.blobs.items() if (not ranks or len(s) in ranks) and b not in self.indices]
        return fitting[-1 - min(int(self.r.exponential(1.5)), len(fitting) - 1)] if fitting else None

    # Growth
    def layer(self, kind, bottoms, tops=1, in_place=False, **settings):
        self.count += 1
        name = f"l{self.count}"
        in_place = in_place and self.is_own(bottoms[0])
        layer = self.net.layer.add(name=name, type=kind, bottom=bottoms, top=[bottoms[0]] if in_place else [name if i == 0 else f"{name}_{i}" for i in range(tops)])
        for key, value in settings.items():
            field = getattr(layer, key)
            field.SetInParent()
            for k, v in value.items():
                if isinstance(v, dict):
                    getattr(field, k).SetInParent()
                    for kk, vv in v.items():
                        getattr(getattr(field, k), kk).extend(vv)
                elif isinstance(v, list):
                    getattr(field, k).extend(v)
                else:
                    setattr(field, k, v)
        self.shapes()
        return layer

    def is_own(self, blob):
        """Whether the memory of a blob is that of no other blob, as it is of those that are only read in another shape."""
        producers = [l for l in self.net.layer if blob in l.top]
        return producers[0].type not in ("Input", "Flatten", "Reshape", "Split", "Parameter", "DummyData") and not any(blob in l.bottom and blob not in l.top for l in self.net.layer)

    def input(self, shape, indices=0):
        self.count += 1
        name = f"in{self.count}"
        layer = self.net.layer.add(name=name, type="Input", top=[name])
        layer.input_param.shape.add(dim=shape)
        if indices:
            self.indices[name] = indices
        self.shapes()
        return name

    def shapes(self):
        with open(self.path + ".prototxt", "w") as f:
            f.write(text_format.MessageToString(self.net))
        self.built = caffe.Net(self.path + ".prototxt", caffe.TEST, stages=["deploy"])
        self.blobs = {b: tuple(self.built.blobs[b].data.shape) for layer in self.net.layer for b in layer.top}

    def axis(self, shape, first=0):
        axis = self.whole(first, len(shape) - 1)
        return axis - len(shape) if self.yes(0.3) else axis


def window(m, spatial, kernel="kernel", depth=2, dilated=False, most=4):
    """Kernel, stride, padding and dilation that fit, said in one of the ways that Caffe has."""
    if len(spatial) == 2 and m.yes(0.4):
        kh, kw = (m.whole(1, min(most, s)) for s in spatial)
        p = {"kernel_h": kh, "kernel_w": kw}
        if m.yes():
            p.update(stride_h=m.whole(1, 3), stride_w=m.whole(1, 3))
        elif m.yes():
            p.update(stride=[m.whole(1, 3)] if dilated else m.whole(1, 3))
        if m.yes():
            p.update(pad_h=m.whole(0, kh - 1), pad_w=m.whole(0, kw - 1))
        return p
    if not dilated:
        k = m.whole(1, min(most, *spatial))
        return {"kernel_size": k, "stride": m.whole(1, 3), "pad": m.whole(0, k - 1)}
    if m.yes(0.3):
        k = [m.whole(1, min(most, s)) for s in spatial]
        p = {"kernel_size": k, "stride": [m.whole(1, 3) for _ in spatial], "pad": [m.whole(0, v - 1) for v in k]}
    else:
        k = [m.whole(1, min(most, *spatial))]
        p = {"kernel_size": k}
        if m.yes():
            p["stride"] = [m.whole(1, 3)]
        if m.yes():
            p["pad"] = [m.whole(0, 2)]
    if m.yes(0.3) and all((k[i % len(k)] - 1) * 2 + 1 <= s for i, s in enumerate(spatial)):
        p["dilation"] = [2] if m.yes() else [2 if (k[i % len(k)] - 1) * 2 + 1 <= s and m.yes() else 1 for i, s in enumerate(spatial)]
    return p


def divisor(m, *of):
    return m.one([d for d in range(1, min(of) + 1) if all(v % d == 0 for v in of)])


def convolution(m):
    b = m.blob(3, 4, 5)
    s = m.blobs[b]
    axis = 1 if len(s) < 5 or m.yes() else 2
    if axis + 1 == len(s):
        return
    spatial = s[axis + 1:]
    outputs = m.one([1, 2, 3, 4, 6, 8, 16])
    p = window(m, spatial, dilated=True)
    p.update(num_output=outputs, bias_term=m.yes(0.7))
    if m.yes(0.4):
        p["group"] = divisor(m, s[axis], outputs)
    if axis == 2 or m.yes(0.1):
        p["axis"] = axis if m.yes() else axis - len(s)
    if m.yes(0.1):
        p["force_nd_im2col"] = True
    m.layer("Convolution" if m.yes(0.7) else "Deconvolution", [b], convolution_param=p)


def im2col(m):
    b = m.blob(4)
    p = window(m, m.blobs[b][2:], dilated=True)
    m.layer("Im2col", [b], convolution_param=p)


def pooling(m):
    b = m.blob(4)
    if m.yes(0.2):
        m.layer("Pooling", [b], pooling_param={"pool": m.whole(0, 1), "global_pooling": True})
        return
    p = window(m, m.blobs[b][2:], most=5)
    p["pool"] = m.whole(0, 1)
    if m.yes(0.3):
        p["round_mode"] = m.whole(0, 1)
    m.layer("Pooling", [b], 2 if p["pool"] == 0 and m.yes(0.2) else 1, pooling_param=p)


def inner_product(m):
    b = m.blob()
    s = m.blobs[b]
    if len(s) == 0:
        return
    p = {"num_output": m.whole(1, 9), "bias_term": m.yes(0.7), "transpose": m.yes(0.3)}
    if m.yes(0.4):
        p["axis"] = m.axis(s)
    elif len(s) < 2:
        return
    m.layer("InnerProduct", [b], inner_product_param=p)


def lrn(m):
    m.layer("LRN", [m.blob(4)], lrn_param={"local_size": m.one([1, 3, 5]), "alpha": m.real(0.1, 2), "beta": m.real(0.3, 1), "norm_region": m.whole(0, 1), **({"k": m.real(0.5, 3)} if m.yes() else {})})


def batch_norm(m):
    b = m.blob()
    if not m.blobs[b]:
        return
    p = {"eps": m.one([1e-5, 1e-3])}
    if m.yes(0.2):
        p["use_global_stats"] = m.yes()
    m.layer("BatchNorm", [b], in_place=m.yes(0.3), batch_norm_param=p)


def scale_or_bias(m):
    b = m.blob()
    s = m.blobs[b]
    if not s:
        return
    kind = m.one(["Scale", "Bias"])
    p = {}
    if kind == "Scale":
        p["bias_term"] = m.yes()
    key = kind.lower() + "_param"
    axis = m.axis(s) if m.yes() else 1
    if axis == 1 and len(s) < 2:
        return
    first = axis % len(s)
    if m.yes(0.3):
        factors = [f for f, t in m.blobs.items() if f != b and len(t) and t == s[first:first + len(t)] and f not in m.indices]
        if factors:
            p["axis"] = axis
            m.layer(kind, [b, m.one(factors)], **{key: p})
            return
        same = m.layer("Power", [b], power_param={"scale": 0.5})
        p["axis"] = 0
        m.layer(kind, [b, same.top[0]], **{key: p})
        return
    if axis != 1 or m.yes(0.3):
        p["axis"] = axis
    if m.yes():
        p["num_axes"] = m.one([-1, *range(0, len(s) - first + 1)])
    m.layer(kind, [b], in_place=m.yes(0.3), **{key: p})


def neuron(m):
    b = m.blob()
    kinds = {
        "ReLU": lambda: {"relu_param": {"negative_slope": m.real(0, 0.5)}} if m.yes() else {}, "ELU": lambda: {"elu_param": {"alpha": m.real(0.2, 2)}} if m.yes() else {},
        "Sigmoid": dict, "TanH": dict, "AbsVal": dict, "BNLL": dict, "Dropout": lambda: {"dropout_param": {"dropout_ratio": m.real(0.1, 0.9)}},
        "Threshold": lambda: {"threshold_param": {"threshold": m.real(-0.5, 0.5)}}, "Swish": lambda: {"swish_param": {"beta": m.real(0.5, 2)}} if m.yes() else {},
        "Clip": lambda: {"clip_param": {"min": m.real(-1, 0), "max": m.real(0.1, 1)}},
        "Power": lambda: {"power_param": {"power": m.one([1.0, 2.0, 3.0, 0.0]), "scale": m.real(-1, 1), "shift": m.real(-1, 1)}} if m.yes(0.9) else {},
    }
    kind = m.one(list(kinds))
    m.layer(kind, [b], in_place=kind != "AbsVal" and m.yes(0.4), **kinds[kind]())


def exp_or_log(m):
    """Of numbers between 0 and 1."""
    b = m.layer("Sigmoid", [m.blob()]).top[0]
    kind = m.one(["Exp", "Log", "Power"])
    if kind == "Power":
        m.layer(kind, [b], power_param={"power": m.real(-2, 2), "scale": m.real(0.1, 1), "shift": m.real(0.1, 1)})
        return
    p = {"scale": m.real(0.1, 1), "shift": m.real(0.1, 1)} if m.yes() else {}
    if m.yes():
        p["base"] = m.one([2.0, 10.0, 0.5])
    m.layer(kind, [b], **{kind.lower() + "_param": p})


def prelu(m):
    b = m.blob()
    if len(m.blobs[b]) >= 2:
        m.layer("PReLU", [b], in_place=m.yes(0.3), prelu_param={"channel_shared": m.yes(0.3)})


def eltwise(m):
    b = m.blob()
    same = [o for o, s in m.blobs.items() if s == m.blobs[b] and o not in m.indices]
    bottoms = [b] + [m.one(same) for _ in range(m.whole(1, 2))]
    p = {"operation": m.whole(0, 2)}
    if p["operation"] == 1 and m.yes():
        p["coeff"] = [m.one([1.0, -1.0, m.real(-1, 1)]) for _ in bottoms]
    m.layer("Eltwise", bottoms, eltwise_param=p)


def concat(m):
    b = m.blob()
    s = m.blobs[b]
    if not s:
        return
    axis = m.whole(0, len(s) - 1)
    fitting = [o for o, t in m.blobs.items() if len(t) == len(s) and all(i == axis or v == t[i] for i, v in enumerate(s)) and o not in m.indices]
    p = {"concat_dim": axis} if m.yes(0.2) else {"axis": axis if m.yes() else axis - len(s)}
    m.layer("Concat", [b] + [m.one(fitting) for _ in range(m.whole(0, 2))], concat_param=p)


def slice_(m):
    b = m.blob()
    s = m.blobs[b]
    axes = [i for i, v in enumerate(s) if v > 1]
    if not axes:
        return
    axis = m.one(axes)
    p = {"slice_dim": axis} if m.yes(0.2) else {"axis": axis if m.yes() else axis - len(s)}
    if m.yes():
        tops = m.one([d for d in range(1, s[axis] + 1) if s[axis] % d == 0])
    else:
        tops = m.whole(2, min(4, s[axis]))
        p["slice_point"] = sorted(int(v) for v in m.r.choice(np.arange(1, s[axis]), tops - 1, replace=False))
    m.layer("Slice", [b], tops, slice_param=p)


def flatten(m):
    b = m.blob()
    s = m.blobs[b]
    if len(s) < 2:
        return
    axis = m.whole(0, len(s) - 1)
    end = m.whole(axis, len(s) - 1)
    m.layer("Flatten", [b], flatten_param={"axis": axis if m.yes() else axis - len(s), "end_axis": end if m.yes() else end - len(s)} if m.yes() else {})


def reshape(m):
    b = m.blob()
    s = list(m.blobs[b])
    if len(s) < 2:
        return
    axis = m.whole(0, len(s) - 1)
    end = m.whole(axis, len(s))
    part = s[axis:end]
    count, dims = int(np.prod(part)), []
    while count > 1 and len(dims) < 3 and m.yes(0.7):
        d = divisor(m, count)
        dims.append(d)
        count //= d
    dims.append(count)
    if len(s) - len(part) + len(dims) > 5:
        return
    if m.yes() and int(np.prod(part)) > 0:
        dims[m.whole(0, len(dims) - 1)] = -1
    dims = [0 if i < len(part) and d == part[i] and m.yes() else d for i, d in enumerate(dims)]
    p = {"shape": {"dim": dims}}
    if axis or m.yes(0.2):
        p["axis"] = axis if m.yes() else axis - len(s) - 1
    if end != len(s) or m.yes(0.2):
        p["num_axes"] = end - axis
    m.layer("Reshape", [b], reshape_param=p)


def tile(m):
    b = m.blob()
    s = m.blobs[b]
    if s and np.prod(s) < 500:
        m.layer("Tile", [b], tile_param={"axis": m.axis(s), "tiles": m.whole(1, 3)})


def crop(m):
    b = m.blob(2, 3, 4)
    s = m.blobs[b]
    fitting = [(o, axis) for o, t in m.blobs.items() if len(t) == len(s) for axis in range(len(s)) if all(u <= v for u, v in zip(t[axis:], s[axis:]))]
    o, axis = m.one(fitting)
    room = [v - u for u, v in zip(m.blobs[o][axis:], s[axis:])]
    p = {"axis": axis if m.yes() else axis - len(s)}
    if m.yes(0.7):
        p["offset"] = [m.whole(0, v) for v in room] if m.yes() else [m.whole(0, min(room))]
    m.layer("Crop", [b, o], crop_param=p)


def reduction(m):
    b = m.blob()
    s = m.blobs[b]
    if s:
        m.layer("Reduction", [b], reduction_param={"operation": m.whole(1, 4), "axis": m.axis(s), **({"coeff": m.real(-2, 2)} if m.yes() else {})})


def arg_max(m):
    b = m.blob()
    s = m.blobs[b]
    if not s:
        return
    p = {"out_max_val": m.yes(0.4)}
    if m.yes():
        p["axis"] = m.axis(s)
        size = s[p["axis"]]
    elif len(s) < 2 or len(s) > 4:
        return
    else:
        size = int(np.prod(s[1:]))
    if m.yes() and size > 1:
        p["top_k"] = m.whole(1, min(4, size))
    top = m.layer("ArgMax", [b], argmax_param=p).top[0]
    m.indices[top] = size


def embed(m):
    n = m.whole(2, 9)
    b = m.input([m.whole(1, 4), m.whole(1, 4)] if m.yes() else [m.whole(1, 5)], n)
    m.layer("Embed", [b], embed_param={"input_dim": n, "num_output": m.whole(1, 6), "bias_term": m.yes()})


def spp(m):
    b = m.blob(4)
    s = m.blobs[b]
    m.layer("SPP", [b], spp_param={"pyramid_height": m.whole(1, 3 if min(s[2:]) >= 4 else 1), "pool": m.whole(0, 1)})


def mvn(m):
    b = m.blob(2, 3, 4)
    m.layer("MVN", [b], mvn_param={"normalize_variance": m.yes(0.7), "across_channels": m.yes(0.4), **({"eps": 1e-3} if m.yes() else {})})


def softmax(m):
    b = m.blob()
    s = m.blobs[b]
    if not s or len(s) < 2 and not m.yes():
        return
    m.layer("Softmax", [b], softmax_param={"axis": m.axis(s)} if m.yes() or len(s) < 2 else {})


def batch_reindex(m):
    b = m.blob()
    s = m.blobs[b]
    if s:
        i = m.input([m.whole(1, 4)], s[0])
        m.layer("BatchReindex", [b, i])


def filter_(m):
    """Goes on with the number of pictures that are kept; nothing can follow, as their number is only known at run time."""
    b = m.blob()
    s = m.blobs[b]
    if s:
        i = m.input([s[0]], 2)
        m.layer("Filter", [b, i])
        for top in m.net.layer[-1].top:
            m.indices[top] = 1


def recurrent(m):
    b = m.blob(3, 4, 5)
    s = m.blobs[b]
    kind = m.one(["LSTM", "RNN"])
    states, d = {"LSTM": 2, "RNN": 1}[kind], m.whole(1, 5)
    bottoms = [b, m.input([s[0], s[1]], 2)]
    if m.yes(0.3):
        bottoms.append(m.input([s[1], m.whole(1, 4)]))
    exposed = m.yes(0.3)
    if exposed:
        bottoms += [m.input([1, s[1], d]) for _ in range(states)]
    m.layer(kind, bottoms, 1 + (states if exposed else 0), recurrent_param={"num_output": d, "expose_hidden": exposed, "weight_filler": {}, "debug_info": False})


def lstm_unit(m):
    n, d = m.whole(1, 3), m.whole(1, 4)
    m.layer("LSTMUnit", [m.input([1, n, d]), m.input([1, n, 4 * d]), m.input([1, n], 2)], 2)


def dummy(m):
    m.count += 1
    s = m.blobs[m.blob()]
    name = f"l{m.count}"
    layer = m.net.layer.add(name=name, type="DummyData", top=[name])
    layer.dummy_data_param.shape.add(dim=s)
    if m.yes():
        layer.dummy_data_param.data_filler.add(type="constant", value=m.real(-1, 1))
    m.shapes()


def parameter(m):
    m.count += 1
    layer = m.net.layer.add(name=f"l{m.count}", type="Parameter", top=[f"l{m.count}"])
    layer.parameter_param.shape.dim.extend(m.blobs[m.blob()] or [1])
    m.shapes()


def split(m):
    m.layer("Split", [m.blob()], 2)


def ruled(m):
    """A layer that is only there in some states of the network."""
    b = m.blob()
    if not m.is_own(b):
        return
    layer = m.net.layer.add(name=f"rule{m.count}", type="Power", bottom=[b], top=[b])
    layer.power_param.scale = 2
    layer.power_param.shift = 0.25
    m.count += 1
    for _ in range(m.whole(1, 2)):
        rule = (layer.include if m.count % 2 else layer.exclude).add()
        if m.yes():
            rule.phase = m.whole(0, 1)
        if m.yes(0.3):
            rule.min_level = m.whole(-1, 1)
        if m.yes(0.3):
            rule.max_level = m.whole(-1, 1)
        if m.yes(0.3):
            rule.stage.append("deploy")
        if m.yes(0.3):
            rule.not_stage.append("deploy")
    m.shapes()


OFTEN = [convolution, pooling, inner_product, batch_norm, scale_or_bias, neuron, concat, slice_, eltwise, reshape]
RARE = [im2col, lrn, exp_or_log, prelu, flatten, tile, crop, reduction, arg_max, embed, spp, mvn, softmax, batch_reindex, filter_, recurrent, lstm_unit, dummy, parameter, split, ruled]
NEED = {convolution: (3, 4, 5), recurrent: (3, 4, 5), im2col: (4,), pooling: (4,), lrn: (4,), spp: (4,), mvn: (2, 3, 4), crop: (2, 3, 4)}


V1 = {"AbsVal": "ABSVAL", "ArgMax": "ARGMAX", "BNLL": "BNLL", "Concat": "CONCAT", "Convolution": "CONVOLUTION", "Deconvolution": "DECONVOLUTION", "Dropout": "DROPOUT",
      "DummyData": "DUMMY_DATA", "Eltwise": "ELTWISE", "Exp": "EXP", "Flatten": "FLATTEN", "Im2col": "IM2COL", "InnerProduct": "INNER_PRODUCT", "LRN": "LRN", "MVN": "MVN",
      "Pooling": "POOLING", "Power": "POWER", "ReLU": "RELU", "Sigmoid": "SIGMOID", "Slice": "SLICE", "Softmax": "SOFTMAX", "Split": "SPLIT", "TanH": "TANH", "Threshold": "THRESHOLD"}
V0 = {"Convolution": "conv", "Pooling": "pool", "InnerProduct": "innerproduct", "LRN": "lrn", "ReLU": "relu", "Dropout": "dropout", "Softmax": "softmax", "Sigmoid": "sigmoid",
      "TanH": "tanh", "BNLL": "bnll", "Flatten": "flatten", "Split": "split", "Concat": "concat"}


def older(m, weights, generation):
    """The network in the syntax of an older generation, with the weights in that form, too; None where it had no such layers."""
    net, stored = caffe_pb2.NetParameter(name=m.net.name), caffe_pb2.NetParameter(name=m.net.name)
    blobs = {layer.name: layer.blobs for layer in weights.layer}
    for layer in m.net.layer:
        if layer.type == "Input":
            shape = layer.input_param.shape[0]
            net.input.append(layer.top[0])
            if m.olds:
                net.input_dim.extend(shape.dim)
            else:
                net.input_shape.add().CopyFrom(shape)
            continue
        if layer.type not in (V1 if generation else V0):
            return None
        if generation:
            old = net.layers.add(name=layer.name, bottom=layer.bottom, top=layer.top, type=V1[layer.type], include=layer.include, exclude=layer.exclude)
            for field, value in layer.ListFields():
                if field.name.endswith("_param"):
                    if not hasattr(old, field.name):
                        return None
                    getattr(old, field.name).CopyFrom(value)
            file = stored.layers.add(name=layer.name, type=old.type)
            file.blobs.extend(blobs.get(layer.name, []))
            continue
        bottoms, v = list(layer.bottom), {}
        c, p, i, r = layer.convolution_param, layer.pooling_param, layer.inner_product_param, layer.lrn_param
        if c.dilation or c.HasField("kernel_h") or len(c.kernel_size) > 1 or p.HasField("kernel_h") or p.global_pooling or p.round_mode or i.transpose or i.axis != 1 or len(layer.top) > 1:
            return None
        if layer.type == "Convolution":
            v = {"num_output": c.num_output, "biasterm": c.bias_term, "kernelsize": c.kernel_size[0], "group": c.group, "stride": c.stride[0] if c.stride else 1}
            pad = c.pad[0] if c.pad else 0
            if pad and m.yes():
                net.layers.add(bottom=bottoms, top=[layer.name + "_pad"], layer={"name": layer.name + "_pad", "type": "padding", "pad": pad})
                bottoms = [layer.name + "_pad"]
            else:
                v["pad"] = pad
        elif layer.type == "Pooling":
            v = {"pool": p.pool, "kernelsize": p.kernel_size, "stride": p.stride, "pad": p.pad}
        elif layer.type == "InnerProduct":
            v = {"num_output": i.num_output, "biasterm": i.bias_term}
        elif layer.type == "LRN":
            if r.norm_region:
                return None
            v = {"local_size": r.local_size, "alpha": r.alpha, "beta": r.beta, "k": r.k}
        elif layer.type == "Concat":
            axis = layer.concat_param.concat_dim if layer.concat_param.HasField("concat_dim") else layer.concat_param.axis
            if axis < 0:
                return None
            v = {"concat_dim": axis}
        elif layer.ListFields()[-1][0].name.endswith("_param") and layer.type != "Dropout":
            return None
        net.layers.add(bottom=bottoms, top=layer.top, layer={"name": layer.name, "type": V0[layer.type], **v})
        file = stored.layers.add(layer={"name": layer.name, "type": V0[layer.type]})
        file.layer.blobs.extend(blobs.get(layer.name, []))
    return net, stored


def write_older(m, generation):
    """Both files again in the older form, where that is possible; Caffe computes from them what is expected."""
    with open(m.path + ".caffemodel", "rb") as f:
        made = older(m, caffe_pb2.NetParameter.FromString(f.read()), generation)
    if not made:
        return None
    with open(m.path + ".prototxt", "w") as f:
        f.write(text_format.MessageToString(made[0]))
    with open(m.path + ".caffemodel", "wb") as f:
        f.write(made[1].SerializeToString())
    return caffe.Net(m.path + ".prototxt", caffe.TEST, weights=m.path + ".caffemodel")


def give_weights(m, net):
    for name, blobs in net.params.items():
        kind = next((l.type for l in m.net.layer if l.name == name), "")
        for i, blob in enumerate(blobs):
            values = m.r.normal(size=blob.data.shape)
            fan = np.prod(blob.data.shape[1:]) if kind not in ("Scale", "Bias", "Parameter") and blob.data.ndim > 1 else 1
            blob.data[...] = values / np.sqrt(fan)
            if kind == "BatchNorm":
                blob.data[...] = [0.1 * values, np.abs(values) + 0.5, np.full(values.shape, m.one([1.0, 2.5, 0.999]))][i]
            if kind == "BatchNorm" and i < 2:
                blob.data[...] *= 2
            if kind == "PReLU":
                blob.data[...] = np.abs(values) * 0.3
            if kind != "BatchNorm" or i < 2:
                blob.data[...] = np.round(blob.data * 64) / 64  # few bits, so that archives are small


def make(folder, seed):
    m = Maker(os.path.join(folder, f"net_{seed}"), seed)
    rank = m.one([4, 4, 4, 4, 2, 3, 5])
    sizes = {2: (1, 12), 3: (1, 6), 4: (4, 10), 5: (3, 5)}[rank]
    m.input([m.whole(1, 3)] + ([m.one([1, 2, 3, 4, 6, 8])] if rank > 2 else []) + [m.whole(*sizes) for _ in range(rank - 2 if rank > 2 else 1)])
    wanted, generation = m.whole(1, 7), m.one([0, 1, 2, 2, 2, 2])
    m.olds = rank == 4 and m.yes()
    allowed = {0: [convolution, pooling, inner_product, lrn, neuron, concat, flatten], 1: [convolution, pooling, inner_product, lrn, neuron, concat, flatten, slice_, eltwise, softmax, mvn]}
    while sum(l.type != "Input" for l in m.net.layer) < wanted:
        add = m.one(allowed[generation] if generation < 2 else OFTEN if m.yes() else RARE)
        if add not in NEED or m.blob(*NEED[add]):
            add(m)
        if m.blob() is None or sum(int(np.prod(s)) for s in m.blobs.values()) > 30000:
            break
    net = m.built
    give_weights(m, net)
    arrays = {}
    batch = m.blobs[m.net.layer[0].top[0]][0]
    for layer in m.net.layer:
        for top in layer.top:
            if layer.type == "Input":
                shape = net.blobs[top].data.shape
                values = m.r.randint(0, m.indices[top], shape) if top in m.indices else np.round(m.r.normal(size=shape) * 64) / 64
                arrays["in_" + top] = values.astype(np.float32)
    if any(l.type == "Filter" for l in m.net.layer):
        for l in m.net.layer:
            if l.type == "Filter":
                arrays["in_" + l.bottom[-1]].flat[0] = 1
    net.save(m.path + ".caffemodel")
    if generation < 2:
        net = write_older(m, generation) or net
    for name, values in arrays.items():
        net.blobs[name[3:]].data[...] = values
    net.forward()
    inputs = [top for layer in m.net.layer if layer.type == "Input" for top in layer.top]
    for name in (o for o in net.outputs if o not in inputs):
        arrays["out_" + name] = net.blobs[name].data.copy()
    np.savez(m.path + ".npz", **arrays)


def main():
    folder, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.makedirs(folder, exist_ok=True)
    refused = []
    for seed in range(first, last + 1):
        # Caffe ends the process where a setting does not fit.
        child = os.fork()
        if child == 0:
            make(folder, seed)
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            refused.append(seed)
            for end in (".prototxt", ".caffemodel", ".npz"):
                if os.path.exists(os.path.join(folder, f"net_{seed}{end}")):
                    os.rename(os.path.join(folder, f"net_{seed}{end}"), os.path.join(folder, f"refused_{seed}{end}"))
    print(f"{last - first + 1 - len(refused)} networks; Caffe refused {len(refused)}: {refused[:20]}")


main()
