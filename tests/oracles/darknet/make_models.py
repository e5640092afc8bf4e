"""Writes random Darknet networks with random weights, and what Darknet itself computes of them.
usage: make_models.py FOLDER FIRST LAST     (for each number: net_N.cfg, net_N.weights, net_N.npz with the input in0 and the results out_LAYER, flat)
Needs libdarknet.so of pjreddie's Darknet (Debian: darknet) and NumPy. Where a network has memory, in0 is one step after those of before0, before1 .."""
import ctypes
import os
import sys

import numpy as np

darknet = ctypes.CDLL("/usr/lib/darknet/libdarknet.so")
darknet.load_network.restype = ctypes.c_void_p
darknet.load_network.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int]
darknet.save_weights.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
darknet.network_predict.restype = ctypes.POINTER(ctypes.c_float)
darknet.network_predict.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
darknet.network_outputs.argtypes = [ctypes.c_void_p]
HEADER = 20
FLAT = {"rnn", "lstm", "gru", "detection", "softmax", "soft", "cost"}  # Darknet forgets the sizes of places
SAME = {"dropout", "activation", "logistic", "l2norm"}
ACTIVATIONS = ["logistic", "loggy", "relu", "elu", "selu", "relie", "plse", "hardtan", "lhtan", "linear", "ramp", "leaky", "tanh", "stair"]


class Maker:
    def __init__(self, seed):
        self.r = np.random.RandomState(seed)
        self.sections, self.sizes, self.images, self.has_memory = [], [], [], False

    def whole(self, low, high):
        return int(self.r.randint(low, high + 1))

    def yes(self, chance=0.5):
        return self.r.rand() < chance

    def one(self, of):
        return of[self.whole(0, len(of) - 1)]

    @property
    def is_image(self):
        return self.images[-1] if self.images else not self.flat

    @property
    def size(self):
        return self.sizes[-1] if self.sizes else self.input

    def add(self, kind, shape, **options):
        self.sections.append((kind, options))
        self.sizes.append(shape)
        self.images.append(kind not in FLAT and (kind not in SAME or self.is_image))

    def activation(self, **options):
        if self.yes(0.9):
            options["activation"] = self.one(ACTIVATIONS)
        return options

    def norm(self, **options):
        if self.yes(0.4):
            options["batch_normalize"] = 1
        return options

    def text(self, upto):
        c, h, w = self.input
        net = f"inputs={c}" if self.flat else f"channels={c}\nheight={h}\nwidth={w}"
        lines = [f"[net]\nbatch={self.batch}\n{net}\n"]
        for kind, options in self.sections[:upto]:
            lines.append(f"[{kind}]\n" + "".join(f"{k}={v}\n" for k, v in options.items()))
        return "\n".join(lines)


def convolutional(m):
    c, h, w = m.size
    filters, groups = m.one([1, 2, 3, 4, 6, 8, 16]), 1
    if m.yes(0.3):
        groups = m.one([g for g in range(1, c + 1) if c % g == 0 and filters % g == 0])
    size = m.whole(1, min(h, w, 5))
    stride = m.whole(1, 3) if size > 1 else 1  # those of 1 x 1 Darknet computes wrongly on processors with another stride or padding
    p = m.norm(**m.activation(filters=filters, size=size, stride=stride))
    if groups > 1:
        p["groups"] = groups
    pad = 0
    if m.yes():
        p["pad"], pad = 1, size // 2
    elif m.yes() and size > 1:
        p["padding"] = pad = m.whole(0, size)
    if m.yes(0.1) and groups == 1:
        p["flipped"] = 1
    if m.yes(0.1):
        p["xnor"] = 1
    m.add(m.one(["convolutional", "conv"]), (filters, (h + 2 * pad - size) // stride + 1, (w + 2 * pad - size) // stride + 1), **p)


def deconvolutional(m):
    c, h, w = m.size
    filters, size, stride = m.one([1, 2, 3, 4, 6]), m.whole(1, 4), m.whole(1, 3)
    p = m.activation(filters=filters, size=size, stride=stride)  # its first statistics are zeros, and others cannot be read
    pad = 0
    if m.yes(0.3):
        p["pad"], pad = 1, size // 2
    elif m.yes(0.3):
        p["padding"] = pad = m.whole(0, size - 1)
    oh, ow = (h - 1) * stride + size - 2 * pad, (w - 1) * stride + size - 2 * pad
    if 0 < oh < 30 and 0 < ow < 30:
        m.add(m.one(["deconvolutional", "deconv"]), (filters, oh, ow), **p)


def local(m):
    """Darknet gives it a quarter of the memory that it needs: where no other layer needs more, results may be wrong."""
    c, h, w = m.size
    size, stride, pad, filters = m.whole(1, min(h, w, 4)), m.whole(1, 2), 0, m.whole(1, 4)
    if size == 3 and m.yes():
        pad = 1
    oh, ow = ((v - (1 if pad else size)) // stride + 1 for v in (h, w))
    if c * size * size * filters * oh * ow < 4000:
        m.add("local", (filters, oh, ow), **m.activation(filters=filters, size=size, stride=stride, pad=pad))


def connected(m):
    n = m.whole(1, 16)
    m.add(m.one(["connected", "conn"]), (n, 1, 1), **m.norm(**m.activation(output=n)))


def recurrent(m):
    c, h, w = m.size
    kind, n = m.one(["rnn", "lstm", "gru", "crnn"] if m.is_image else ["rnn", "lstm", "gru"]), m.whole(1, 8)
    m.has_memory = True
    if kind == "crnn":
        m.add(kind, (n, h, w), **m.norm(**m.activation(output_filters=n, hidden_filters=m.whole(1, 5))))
    else:
        p = m.norm(output=n)
        if kind == "rnn":
            p = m.activation(**p)
            if m.yes(0.3):
                p["shortcut"] = 1
        if kind == "gru" and m.yes():
            p["tanh"] = 1
        m.add(kind, (n, 1, 1), **p)


def maxpool(m):
    c, h, w = m.size
    stride = m.whole(1, 3)
    p = {"stride": stride} if m.yes(0.9) else {}
    stride = p.get("stride", 1)
    size = stride
    if m.yes(0.8):
        size = p["size"] = m.whole(1, 4)
    padding = size - 1
    if m.yes(0.3):
        padding = p["padding"] = m.whole(0, size - 1)
    oh, ow = (h + padding - size) // stride + 1, (w + padding - size) // stride + 1
    if oh > 0 and ow > 0:
        m.add(m.one(["maxpool", "max"]), (c, oh, ow), **p)


def simple(m):
    c, h, w = m.size
    kind = m.one(["avgpool", "activation", "logistic", "l2norm", "dropout", "batchnorm", "normalization", "upsample", "crop", "softmax", "cost", "reorg", "iseg", "detection"])
    if not m.is_image and kind not in ("dropout", "logistic", "activation", "softmax", "cost"):
        return
    p, size = {}, m.size
    if kind == "avgpool":
        kind, size = m.one(["avg", "avgpool"]), (c, 1, 1)
    elif kind == "activation":
        p = m.activation()
    elif kind == "dropout":
        p = {"probability": 0.5}
        if not m.sections:
            return
    elif kind == "normalization":
        kind = m.one(["lrn", kind])
        p = {"alpha": 0.3, "beta": 0.6, "kappa": 1.5, "size": m.whole(1, min(5, max(c, 1)))} if m.yes() and c > 2 else {}
        if c < 3:
            return
    elif kind == "upsample":
        s = m.whole(1, 3)
        p, size = {"stride": s}, (c, h * s, w * s)
        if m.yes(0.3):
            p["scale"] = 0.5
        if m.yes(0.2) and h % s == 0 and w % s == 0 and s > 1:
            p["stride"], size = -s, (c, h // s, w // s)
        if h * w > 200:
            return
    elif kind == "crop":
        ch, cw = m.whole(1, h), m.whole(1, w)
        p, size = {"crop_height": ch, "crop_width": cw, "flip": 1}, (c, ch, cw)
        if m.yes():
            p["noadjust"] = 1
    elif kind == "softmax":
        n = c * h * w
        p = {"groups": m.one([g for g in range(1, n + 1) if n % g == 0][:5])} if m.yes() else {}
        if m.yes():
            p["temperature"] = 0.7
        kind = m.one(["softmax", "soft"])
    elif kind == "cost":
        p = {"type": "sse"}
        if len(m.sections) + 1 < m.wanted or not m.sections:
            return
    elif kind == "reorg":
        s = m.whole(1, 3)
        mode = m.whole(0, 4)
        if mode == 0:
            p, size = {"stride": s, "flatten": 1}, (c * s * s, h // s, w // s)
            if s != 1:
                return
            if m.yes():
                p["reverse"] = 1
        elif mode == 1:
            if c % (s * s) or h % s or w % s:
                return
            p, size = {"stride": s, "reverse": 1}, (c // (s * s), h * s, w * s)
        else:
            if c % (s * s) or h % s or w % s:
                return
            p, size = {"stride": s}, (c * s * s, h // s, w // s)
    elif kind == "iseg":
        classes = m.whole(1, c)
        p = {"classes": classes, "ids": c - classes}
        return  # its forward pass reads the truth of training
    elif kind == "detection":
        if h != w or m.size != (c, h, w) or c < 2:
            return
        classes = m.whole(1, c - 2) if c > 2 else 0
        if classes < 1 or (c - classes) % 2:
            return
        p = {"classes": classes, "coords": 1, "num": (c - classes) // 2, "side": h, "softmax": int(m.yes())}
    m.add(kind, size, **p)


def route(m):
    if not m.sizes:
        return
    first = m.whole(0, len(m.sizes) - 1)
    fitting = [i for i, s in enumerate(m.sizes) if s[1:] == m.sizes[first][1:] and m.images[i]]
    if not m.images[first]:
        return
    layers = [first] + [m.one(fitting) for _ in range(m.whole(0, 2))]
    m.add("route", (sum(m.sizes[i][0] for i in layers), *m.sizes[first][1:]), layers=",".join(str(i if m.yes() else i - len(m.sizes)) for i in layers))


def shortcut(m):
    c, h, w = m.size
    fitting = [i for i, (_, a, b) in enumerate(m.sizes) if (h % a == 0 and w % b == 0 and h // a == w // b) or (a % h == 0 and b % w == 0 and a // h == b // w)]
    fitting = [i for i in fitting if m.images[i]]
    if not fitting or len(m.sizes) < 2:
        return
    i = m.one(fitting)
    p = m.activation(**{"from": i if m.yes() else i - len(m.sizes)})
    if m.yes(0.3):
        p["alpha"] = 0.5
    if m.yes(0.3):
        p["beta"] = -0.5
    m.add("shortcut", (c, h, w), **p)


def boxes(m):
    c, h, w = m.size
    anchors, classes = m.whole(1, 3), m.whole(1, 4)
    coords = 4
    kind = m.one(["yolo", "region"])
    p = {"num": anchors, "classes": classes, "anchors": ",".join(["1.5"] * (2 * anchors))}
    if kind == "region":
        p["softmax"] = int(m.yes())
        if m.yes(0.3):
            p["background"] = 1
        if m.yes(0.3):
            coords = p["coords"] = m.whole(4, 6)
    else:
        p["mask"] = ",".join(str(i) for i in range(anchors))
        p["num"] = anchors + 1
        p["anchors"] = ",".join(["1.5"] * (2 * anchors + 2))
    n = anchors * (classes + coords + 1)
    m.add("convolutional", (n, h, w), filters=n, size=1, stride=1, activation="linear")
    m.add(kind, (n, h, w), **p)


OFTEN = [convolutional, maxpool, route, shortcut, connected]
RARE = [deconvolutional, local, recurrent, simple, simple, simple, simple, boxes]


def load(m, path, upto, weights=None):
    with open(path, "w") as f:
        f.write(m.text(upto))
    return darknet.load_network(path.encode(), weights.encode() if weights else None, 0)


def give_weights(m, path):
    """The numbers that Darknet begins with; what is 0 or 1 everywhere (biases, scales, statistics) gets something positive."""
    with open(path, "rb") as f:
        data = f.read()
    values = np.frombuffer(data[HEADER:], np.float32).copy()
    plain = np.isin(values, [0, 1])
    values[plain] += (np.abs(m.r.normal(size=values.shape)) * 0.3 + 0.05)[plain].astype(np.float32)
    values[~plain] += (m.r.normal(size=values.shape) * 0.05)[~plain].astype(np.float32)
    values = np.round(values * 64).astype(np.float32) / 64  # few bits, so that archives are small
    with open(path, "wb") as f:
        f.write(data[:HEADER] + values.tobytes())


def make(folder, seed):
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    m = Maker(seed)
    m.flat = m.yes(0.15)
    m.input = (m.whole(1, 12), 1, 1) if m.flat else (m.one([1, 2, 3, 4, 6, 8]), m.whole(3, 10), m.whole(3, 10))
    m.batch = m.whole(1, 3)
    m.wanted = m.whole(1, 8)
    while len(m.sections) < m.wanted:
        add = m.one(OFTEN if m.yes(0.6) else RARE)
        if m.is_image or add in (connected, recurrent, simple):
            add(m)
        if m.sizes and np.prod(m.size) > 6000:
            break
    if m.has_memory:
        m.batch = 1
    path = os.path.join(folder, f"net_{seed}")
    weights = path + ".weights"
    darknet.srand(seed)
    net = load(m, path + ".cfg", len(m.sections))
    darknet.save_weights(net, weights.encode())
    is_read = not any("deconv" in kind for kind, _ in m.sections)  # of these Darknet cannot read the weights that it wrote
    if is_read:
        give_weights(m, weights)
    def few():
        return np.round(m.r.normal(size=(m.batch, *m.input)) * 64).astype(np.float32) / 64 + np.float32(0)  # no -0
    arrays = {"in0": few()}
    before = [few() for _ in range(2 if m.has_memory else 0)]
    arrays.update({f"before{i}": x for i, x in enumerate(before)})
    shown = [i for i, (kind, _) in enumerate(m.sections) if kind in ("yolo", "region", "detection")]
    if not shown:
        last = [i for i, (kind, _) in enumerate(m.sections) if kind not in ("cost", "dropout")]
        shown = [last[-1] if last else -1]
    for i in shown:
        kind = m.sections[i][0] if i >= 0 else "data"
        if is_read:
            net = load(m, path + ".part", i + 1 if i >= 0 else len(m.sections), weights)
            os.remove(path + ".part")
        elif i != shown[-1] or i != len(m.sections) - 1:
            raise ValueError("only the last layer's result can be seen")
        for x in before + [arrays["in0"]]:
            y = darknet.network_predict(net, x.ctypes.data)
        count = darknet.network_outputs(net) * m.batch
        arrays[f"out_{kind}_{i}" if i >= 0 else "out_data"] = np.ctypeslib.as_array(y, (count,)).copy()
    np.savez(path + ".npz", **arrays)


def main():
    folder, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.makedirs(folder, exist_ok=True)
    refused = []
    for seed in range(first, last + 1):
        # Darknet ends the process where a setting does not fit.
        child = os.fork()
        if child == 0:
            try:
                make(folder, seed)
            except Exception as e:
                with open(os.path.join(folder, f"refused_{seed}.txt"), "w") as f:
                    f.write(repr(e))
                os._exit(1)
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            refused.append(seed)
            for end in (".cfg", ".weights", ".npz", ".part"):
                if os.path.exists(os.path.join(folder, f"net_{seed}{end}")):
                    os.rename(os.path.join(folder, f"net_{seed}{end}"), os.path.join(folder, f"refused_{seed}{end}"))
    print(f"{last - first + 1 - len(refused)} networks; Darknet refused {len(refused)}: {refused[:20]}")


main()
