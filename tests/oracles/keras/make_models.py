"""Writes random Keras models with random weights, and what Keras itself predicts with them.
usage: KERAS_BACKEND=theano THEANO_FLAGS=cxx=,floatX=float32 make_models.py FOLDER FIRST LAST
(for each number: net_N.h5, sometimes of the weights alone with net_N.json, and net_N.npz with inputs in0 .. and predictions out0 ..; of models that
remember also the inputs before0 .. of the steps before)
Needs Keras 2.0 to 2.3 with the Theano backend (Debian 11: python3-keras)."""
import os
import sys

import keras
import numpy as np
from keras import backend as K, layers as L
from keras.models import Model, Sequential

ACTIVATIONS = ["softmax", "elu", "selu", "softplus", "softsign", "relu", "tanh", "sigmoid", "hard_sigmoid", "exponential", "linear", None]


class Maker:
    """A model while it grows: a layer at a time, each on tensors whose shapes Keras itself has told."""

    def __init__(self, r, is_sequence=False, batch=None):
        self.r, self.is_sequence, self.batch = r, is_sequence, batch
        self.inputs, self.tensors, self.chain, self.used, self.shared, self.tokens = [], [], [], set(), [], {}

    # Chance
    def whole(self, low, high):
        return int(self.r.randint(low, high + 1))

    def real(self, low, high):
        return round(float(self.r.uniform(low, high)), 3)

    def yes(self, chance=0.5):
        return self.r.rand() < chance

    def one(self, of):
        return of[self.whole(0, len(of) - 1)]

    def activation(self):
        return self.one(ACTIVATIONS)

    def format(self):
        return self.one(["channels_first", "channels_last"])

    # Growth
    def input(self, shape, tokens=0):
        x = L.Input(batch_shape=(self.batch,) + tuple(shape))
        self.inputs.append(x)
        self.tokens[x] = tokens
        if not tokens:
            self.tensors.append(x)
        return x

    def take(self, *ranks, fits=lambda s: True):
        """A tensor of one of these ranks; newer ones are likelier."""
        among = self.tensors[-1:] if self.is_sequence else self.tensors
        fitting = [t for t in among if (not ranks or len(shape(t)) in ranks) and fits(shape(t))]
        if not fitting:
            raise Unfit
        return fitting[-1 - min(int(self.r.exponential(1.5)), len(fitting) - 1)]

    def call(self, layer, x, **keywords):
        if self.is_sequence and isinstance(x, list):
            raise Unfit
        y = layer(x, **keywords)
        many = y if isinstance(y, list) else [y]
        if self.is_sequence and (len(many) > 1 or keywords):
            raise Unfit
        if any(np.prod(shape(t)[1:]) > 3000 or len(shape(t)) > 5 or min(shape(t)[1:]) < 1 for t in many):
            raise Unfit
        self.chain.append(layer)
        self.used.update(x if isinstance(x, list) else [x])
        if not isinstance(x, list) and not keywords:
            self.shared.append((layer, shape(x)))
        self.tensors += many

    def grow(self, count, of):
        done = 0
        for _ in range(12 * count):
            try:
                self.one(of)(self)
                done += 1
            except (Unfit, ValueError, NotImplementedError, TypeError, IndexError, AssertionError, AttributeError, RuntimeError):
                if hasattr(K, "theano_backend"):
                    del K.theano_backend.NAME_SCOPE_STACK[:]
                continue
            if done == count:
                return

    def model(self):
        # Layers with states cannot be called a second time.
        if self.is_sequence and self.batch is None:
            if not self.chain:
                raise Unfit
            self.chain[0].batch_input_shape = (self.batch,) + shape(self.inputs[0])[1:]
            return Sequential(self.chain)
        ends = [t for t in self.tensors if t not in self.used and t not in self.inputs]
        outputs = ends[-3:] if ends else self.tensors[-1:]
        if not ends and self.tensors[-1] in self.inputs:
            raise Unfit
        # Keras drops inputs that lead to no output when it saves a model.
        read = ancestors(outputs)
        inputs = [x for x in self.inputs if x in read]
        return Model(inputs if len(inputs) > 1 or self.yes() else inputs[0], outputs if len(outputs) > 1 or self.yes() else outputs[0])


class Unfit(Exception):
    """There is no tensor that the layer could take."""


def shape(t):
    return t._keras_shape if hasattr(t, "_keras_shape") else K.int_shape(t)


def ancestors(tensors):
    found, pending = set(), list(tensors)
    while pending:
        t = pending.pop()
        if t not in found:
            found.add(t)
            layer, node, _ = t._keras_history
            pending += layer._inbound_nodes[node].input_tensors
    return found


def spatial(m, s, format):
    return s[2:] if format == "channels_first" else s[1:-1]


def dense(m):
    m.call(L.Dense(m.whole(1, 6), activation=m.activation(), use_bias=m.yes(0.8)), m.take())


def activation(m):
    m.call(L.Activation(m.one(ACTIVATIONS[:-1])), m.take())


def advanced(m):
    x = m.take()
    rank = len(shape(x))
    kind = m.whole(0, 5)
    if kind == 0:
        layer = L.LeakyReLU(alpha=m.real(0, 0.6))
    elif kind == 1:
        axes = [a for a in range(1, rank) if m.yes(0.4)]
        layer = L.PReLU(shared_axes=axes or None)
    elif kind == 2:
        layer = L.ELU(alpha=m.real(0.2, 2))
    elif kind == 3:
        layer = L.ThresholdedReLU(theta=m.real(0, 1))
    elif kind == 4:
        layer = L.Softmax(axis=m.one([-1] + list(range(1, rank))))
    else:
        layer = L.ReLU(max_value=m.one([None, m.real(0.5, 3)]), negative_slope=m.one([0, m.real(0, 0.5)]), threshold=m.one([0, m.real(-0.5, 0.5)]))
    m.call(layer, x)


def nothing(m):
    x = m.take()
    kinds = [lambda: L.Dropout(0.3), lambda: L.GaussianNoise(0.2), lambda: L.GaussianDropout(0.2), lambda: L.AlphaDropout(0.1), lambda: L.ActivityRegularization(0.1, 0.1)]
    spatials = {3: lambda: L.SpatialDropout1D(0.3), 4: lambda: L.SpatialDropout2D(0.3, data_format=m.format()), 5: lambda: L.SpatialDropout3D(0.3, data_format=m.format())}
    if len(shape(x)) in spatials:
        kinds.append(spatials[len(shape(x))])
    m.call(m.one(kinds)(), x)


def shapes(m):
    x = m.take()
    s = shape(x)[1:]
    kind = m.whole(0, 3)
    if kind == 0:
        m.call(L.Flatten(data_format=m.format()), x)
    elif kind == 1:
        m.call(L.Permute(tuple(int(i) + 1 for i in m.r.permutation(len(s)))), x)
    elif kind == 2:
        count = int(np.prod(s))
        target, rest = [], count
        for _ in range(m.whole(0, 3)):
            d = m.one([d for d in range(1, min(rest, 12) + 1) if rest % d == 0])
            target.append(d)
            rest //= d
        target.insert(m.whole(0, len(target)), rest)
        if m.yes():
            target[m.whole(0, len(target) - 1)] = -1
        m.call(L.Reshape(target), x)
    else:
        m.call(L.RepeatVector(m.whole(1, 4)), m.take(2))


def margins(m, axes):
    if m.yes(0.3):
        return m.whole(0, 2)
    if axes == 1:
        return (m.whole(0, 2), m.whole(0, 2))
    if m.yes(0.4):
        return tuple(m.whole(0, 2) for _ in range(axes))
    return tuple((m.whole(0, 2), m.whole(0, 2)) for _ in range(axes))


def padding(m):
    x = m.take(3, 4, 5)
    axes = len(shape(x)) - 2
    more = {} if axes == 1 else {"data_format": m.format()}
    if m.yes():
        m.call(getattr(L, "ZeroPadding%dD" % axes)(padding=margins(m, axes), **more), x)
    else:
        m.call(getattr(L, "Cropping%dD" % axes)(cropping=margins(m, axes), **more), x)


def upsampling(m):
    x = m.take(3, 4, 5)
    axes = len(shape(x)) - 2
    if axes == 1:
        m.call(L.UpSampling1D(size=m.whole(1, 3)), x)
    elif axes == 2:
        m.call(L.UpSampling2D(size=m.one([m.whole(1, 3), (m.whole(1, 3), m.whole(1, 3))]), data_format=m.format()), x)
    else:
        m.call(L.UpSampling3D(size=m.one([m.whole(1, 2), (m.whole(1, 3), m.whole(1, 2), m.whole(1, 2))]), data_format=m.format()), x)


def window(m, sizes, most=4, same=True):
    """Kernel, strides and padding that fit."""
    if m.yes(0.4):
        kernel = m.whole(1, min(most, *sizes) if len(sizes) > 1 else min(most, sizes[0]))
    else:
        kernel = tuple(m.whole(1, min(most, s)) for s in sizes)
    strides = 1 if m.yes(0.3) else m.whole(1, 3) if m.yes() else tuple(m.whole(1, 3) for _ in sizes)
    return kernel, strides, m.one(["valid", "same"] if same else ["valid"])


def convolution_settings(m, s, axes, format, causal=True):
    kernel, strides, pad = window(m, spatial(m, s, format))
    p = {"padding": pad, "use_bias": m.yes(0.8), "activation": m.activation()}
    if axes == 1 and causal and m.yes(0.3):
        p["padding"] = "causal"
    if m.yes(0.3):
        p["dilation_rate"] = m.one([2, tuple(m.whole(1, 2) for _ in range(axes))])
    else:
        p["strides"] = strides
    if format and (axes > 1 or m.yes(0.7)):
        p["data_format"] = format
    return kernel, p


def convolution(m):
    x = m.take(3, 4, 5)
    axes = len(shape(x)) - 2
    format = m.format()
    kernel, p = convolution_settings(m, shape(x), axes, format)
    m.call(getattr(L, "Conv%dD" % axes)(m.whole(1, 5), kernel, **p), x)


def transposed(m):
    x = m.take(4, 5)
    axes = len(shape(x)) - 2
    format = m.format()
    kernel, strides, pad = window(m, spatial(m, shape(x), format))
    p = {"strides": strides, "padding": pad, "use_bias": m.yes(0.8), "activation": m.activation(), "data_format": format}
    if m.yes(0.3):
        p["output_padding"] = tuple(m.whole(0, 1) for _ in range(axes))
    m.call(getattr(L, "Conv%dDTranspose" % axes)(m.whole(1, 4), kernel, **p), x)


def depthwise(m):
    x = m.take(3, 4)
    axes = len(shape(x)) - 2
    format = m.format()
    kernel, p = convolution_settings(m, shape(x), axes, format, causal=False)
    if m.yes(0.7) and "strides" in p and isinstance(p["strides"], tuple):
        p["strides"] = p["strides"][0]
    if p["padding"] == "same" and any(k % 2 == 0 for k in np.ravel(kernel)):
        raise Unfit  # on Theano one place too many
    if axes == 2 and m.yes():
        m.call(L.DepthwiseConv2D(kernel, depth_multiplier=m.whole(1, 3), **p), x)
    else:
        m.call(getattr(L, "SeparableConv%dD" % axes)(m.whole(1, 5), kernel, depth_multiplier=m.whole(1, 3), **p), x)


def local(m):
    x = m.take(3, 4)
    axes = len(shape(x)) - 2
    format = m.format()
    kernel, strides, _ = window(m, spatial(m, shape(x), format), same=False)
    p = {"strides": strides, "use_bias": m.yes(0.8), "activation": m.activation(), "data_format": format}
    m.call(getattr(L, "LocallyConnected%dD" % axes)(m.whole(1, 4), kernel, **p), x)


def pooling(m):
    x = m.take(3, 4, 5)
    axes = len(shape(x)) - 2
    kind, format = m.one(["Max", "Average"]), m.format()
    more = {"data_format": format} if axes > 1 or m.yes() else {}
    if m.yes(0.25):
        m.call(getattr(L, "Global%sPooling%dD" % (kind, axes))(**more), x)
        return
    size, strides, pad = window(m, spatial(m, shape(x), format))
    p = {"pool_size": size if axes > 1 or isinstance(size, int) else size[0], "padding": pad}
    if m.yes(0.7):
        p["strides"] = strides if axes > 1 or isinstance(strides, int) else strides[0]
    m.call(getattr(L, "%sPooling%dD" % (kind, axes))(**p, **more), x)


def normalization(m):
    x = m.take()
    axis = m.one([-1] + list(range(1, len(shape(x)))))
    m.call(L.BatchNormalization(axis=axis, center=m.yes(0.8), scale=m.yes(0.8), epsilon=m.one([1e-3, 1e-5, 0.1])), x)


def cell_settings(m):
    p = {"use_bias": m.yes(0.8)}
    if m.yes(0.4):
        p["activation"] = m.one(["tanh", "relu", "sigmoid", "hard_sigmoid", "linear", "softsign", "elu", "softplus", "selu", None])
    return p


def gate_settings(m, kind):
    p = cell_settings(m)
    if kind != "SimpleRNN" and m.yes(0.4):
        p["recurrent_activation"] = m.one(["sigmoid", "hard_sigmoid", "tanh", "relu"])
    if kind == "GRU" and m.yes(0.3):
        p["reset_after"] = True
    return p


def recurrent_layer(m, stateful=False, plain=False):
    kind, units = m.one(["SimpleRNN", "GRU", "LSTM"]), m.whole(1, 5)
    p = {"return_sequences": m.yes(0.6), "go_backwards": m.yes(0.25), "stateful": stateful, "return_state": not plain and not m.is_sequence and m.yes(0.2)}
    if m.yes(0.25) and hasattr(L, "RNN"):
        def cell(k):
            return getattr(L, k + "Cell")(m.whole(1, 4), **gate_settings(m, k))
        return L.RNN(cell(kind) if m.yes() else [cell(m.one(["SimpleRNN", "GRU", "LSTM"])) for _ in range(m.whole(1, 3))], **p), None, 0
    if m.yes(0.2):
        p["unroll"] = True
    if m.yes(0.3):
        p["implementation"] = m.one([1, 2])
    return getattr(L, kind)(units, **gate_settings(m, kind), **p), units, 2 if kind == "LSTM" else 1


def recurrent(m):
    x = m.take(3)
    layer, units, states = recurrent_layer(m, stateful=m.batch is not None)
    if units and not m.is_sequence and m.yes(0.2):
        fitting = [t for t in m.tensors if shape(t)[1:] == (units,)]
        if len(fitting) >= 1:
            initial = [m.one(fitting) for _ in range(states)]
            m.call(layer, x, initial_state=initial)
            m.used.update(initial)
            return
    m.call(layer, x)


def bidirectional(m):
    x = m.take(3)
    layer, _, _ = recurrent_layer(m, plain=m.yes(0.8))
    m.call(L.Bidirectional(layer, merge_mode=m.one(["concat", "sum", "mul", "ave"] if m.is_sequence else ["concat", "sum", "mul", "ave", None])), x)


def convolution_lstm(m):
    x = m.take(5)
    format = m.format()
    kernel, p = convolution_settings(m, (0,) + shape(x)[2:], 2, format)
    p.update(cell_settings(m))
    if m.yes(0.3):
        p["recurrent_activation"] = m.one(["sigmoid", "hard_sigmoid", "tanh"])
    layer = L.ConvLSTM2D(m.whole(1, 3), kernel, return_sequences=m.yes(), go_backwards=m.yes(0.2), return_state=not m.is_sequence and m.yes(0.2), stateful=m.batch is not None, **p)
    m.call(L.Bidirectional(layer, merge_mode=m.one(["concat", "sum", "ave"])) if m.batch is None and m.yes(0.15) else layer, x)


def inner_layer(m, s):
    """A layer for tensors of shape s."""
    inner = Maker(m.r, is_sequence=True)
    inner.input(s[1:])
    inner.grow(1, [f for f in ALL if f not in (distributed, embedding, several, again)])
    if not inner.chain:
        raise Unfit
    return inner.chain[0]


def distributed(m):
    x = m.take(3, 4, 5)
    m.call(L.TimeDistributed(inner_layer(m, (None,) + shape(x)[2:])), x)


def masking(m):
    m.call(L.Masking(mask_value=m.one([0.0, 0.5, -1.0])), m.take(3))


def embedding(m):
    if m.is_sequence:
        raise Unfit
    words = m.whole(2, 9)
    x = m.input([m.whole(1, 7)], tokens=words)
    p = {"mask_zero": m.yes(0.4)}
    if m.yes(0.3):
        p["input_length"] = shape(x)[1]
    m.call(L.Embedding(words, m.whole(1, 5), **p), x)


def merge(m):
    x = m.take()
    kind = m.one(["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"])
    if kind == "Concatenate":
        axis = m.whole(1, len(shape(x)) - 1)
        same = [t for t in m.tensors if len(shape(t)) == len(shape(x)) and all(a == b for i, (a, b) in enumerate(zip(shape(t), shape(x))) if i != axis)]
        m.call(L.Concatenate(axis=axis if m.yes() else axis - len(shape(x))), [m.one(same) for _ in range(m.whole(2, 3))])
        return
    same = [t for t in m.tensors if shape(t) == shape(x)] if m.yes(0.8) else m.tensors
    m.call(getattr(L, kind)(), [x] + [m.one(same) for _ in range(1 if kind == "Subtract" else m.whole(1, 2))])


def dot(m):
    x, y = m.take(2, 3, 4), m.take(2, 3, 4)
    pairs = [(i, j) for i in range(1, len(shape(x))) for j in range(1, len(shape(y))) if shape(x)[i] == shape(y)[j]]
    if not pairs:
        raise Unfit
    i, j = m.one(pairs)
    axes = i if i == j and m.yes() else (i - len(shape(x)), j - len(shape(y))) if m.yes(0.3) else (i, j)
    m.call(L.Dot(axes=axes, normalize=m.yes(0.3)), [x, y])


def again(m):
    """A layer once more, on another tensor of the shape that it knows."""
    if m.is_sequence:
        raise Unfit
    layer, s = m.one(m.shared)
    m.call(layer, m.take(fits=lambda t: t == s))


def several(m):
    """A model as a layer."""
    x = m.take()
    inner = Maker(m.r, is_sequence=m.is_sequence or m.yes(0.4))
    inner.input(shape(x)[1:])
    second = None
    if not inner.is_sequence and m.yes(0.3):
        second = m.take()
        inner.input(shape(second)[1:])
    inner.grow(m.whole(1, 3), [f for f in ALL if f is not embedding])
    model = inner.model()
    if len(model.inputs) < len(inner.inputs):
        raise Unfit
    m.call(model, [x, second] if second is not None else x)


ALL = [dense, dense, activation, advanced, nothing, shapes, padding, upsampling, convolution, convolution, transposed, depthwise, pooling, pooling, normalization, recurrent, recurrent,
       bidirectional, convolution_lstm, distributed, masking, embedding, merge, merge, dot, again, several, local]


def start(m):
    m.input(m.one([[m.whole(1, 8)], [m.whole(2, 7), m.whole(1, 5)], [m.whole(3, 8), m.whole(3, 8), m.whole(1, 4)], [m.whole(1, 3), m.whole(3, 7), m.whole(3, 7)], [m.whole(2, 4), m.whole(3, 5), m.whole(3, 5), m.whole(1, 3)]]))


def random_weights(r, model):
    values = []
    for w, old in zip(model.weights, model.get_weights()):
        if "variance" in w.name or "std" in w.name:
            values.append(r.uniform(0.3, 2, old.shape))
        else:
            values.append(r.normal(0, 1.2 / np.sqrt(max(1, np.prod(old.shape[:-1]))) if old.ndim > 1 else 0.4, old.shape))
    model.set_weights([v.astype("float32") for v in values])


def values(r, model, tokens, batch):
    result = []
    for x in model.inputs:
        s = (batch,) + shape(x)[1:]
        count = tokens.get(x, 0)
        v = r.randint(0, count, s) if count else r.normal(0, 1, s)
        if not count and len(s) == 3 and r.rand() < 0.5:
            v[r.rand(*s[:2]) < 0.3] = r.choice([0.0, 0.5, -1.0])
        result.append(v.astype("float32"))
    return result


def make(folder, seed):
    r = np.random.RandomState(seed)
    K.reset_uids()
    remembers = r.rand() < 0.08
    batch = r.randint(1, 4)
    m = Maker(r, is_sequence=remembers or r.rand() < 0.3, batch=batch if remembers else None)
    if remembers:
        m.input([m.whole(1, 4), m.whole(1, 4)] if m.yes(0.8) else [m.whole(1, 3), 4, 4, m.whole(1, 2)])
        m.grow(1, [recurrent, convolution_lstm])
    else:
        for _ in range(1 if m.is_sequence else m.whole(1, 2)):
            start(m)
    m.grow(m.whole(0, 2) if remembers else m.whole(1, 6), ALL)
    model = m.model()
    random_weights(r, model)
    path = os.path.join(folder, "net_%d" % seed)
    stored = {}
    if remembers:
        model.reset_states()
        for i in range(m.whole(1, 2)):
            stored["before%d" % i] = values(r, model, m.tokens, batch)[0]
            model.predict(stored["before%d" % i], batch_size=batch)
    inputs = values(r, model, m.tokens, batch)
    outputs = model.predict(inputs if len(inputs) > 1 else inputs[0], batch_size=batch)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    if any(not np.isfinite(o).all() or o.shape[1:] != shape(t)[1:] for o, t in zip(outputs, model.outputs)):
        raise Unfit("not what Keras says that it is")
    stored.update({"in%d" % i: v for i, v in enumerate(inputs)})
    stored.update({"out%d" % i: v.astype("float32") for i, v in enumerate(outputs)})
    if r.rand() < 0.15:
        model.save_weights(path + ".h5")
        with open(path + ".json", "w") as f:
            f.write(model.to_json())
    else:
        model.save(path + ".h5")
    np.savez_compressed(path + ".npz", **stored)


if __name__ == "__main__":
    for seed in range(int(sys.argv[2]), int(sys.argv[3]) + 1):
        try:
            make(sys.argv[1], seed)
        except Exception as e:
            print("net_%d: %s: %s" % (seed, type(e).__name__, str(e).split("\n")[0][:150]), file=sys.stderr)
