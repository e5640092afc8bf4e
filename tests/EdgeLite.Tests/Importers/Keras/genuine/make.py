"""Writes the models of keras-3.16.tar.xz: one file of Keras 3.16 for each layer and function, beside its inputs and Keras's own results.

    KERAS_BACKEND=torch python3 make.py FOLDER; tar cJf keras-3.16.tar.xz -C FOLDER .
"""
import os
import sys

import keras
import numpy as np
from keras import layers as L
from keras import ops as O

FOLDER = sys.argv[1]
# Saved as HDF5, which leaves out of which module a class is.
HDF5 = {"ops_getitem", "ops_numbers", "layer_lstm", "layer_conv2d", "layer_mha_mask", "layer_rnnstack", "layer_clstm1", "layer_nested", "layer_sn"}
SEQUENCE, PICTURE = (6, 4), (8, 8, 3)
random = np.random.default_rng(0)


def reals(*shape):
    return random.normal(size=(2,) + shape).astype("float32")


def whole(*shape, below=5):
    return random.integers(0, below, size=(2,) + shape).astype("int32")


def give_weights(model):
    for weight in model.weights:
        if "seed" in weight.path or "int" in str(weight.dtype):
            continue
        values = random.normal(size=weight.shape) * 0.4
        weight.assign((np.abs(values) + 0.5 if "variance" in weight.path else values).astype("float32"))


def save(name, build, *shapes, data=None):
    """build: from symbolic inputs to one output or a list; data: inputs, random numbers of these shapes where it is not given."""
    keras.backend.clear_session()
    data = data or [reals(*shape) for shape in shapes]
    inputs = [keras.Input(d.shape[1:], dtype=str(d.dtype), name=f"in{i}") for i, d in enumerate(data)]
    model = keras.Model(inputs if len(inputs) > 1 else inputs[0], build(*inputs))
    if name != "layer_nrm":
        give_weights(model)
    results = keras.tree.flatten(model(data if len(data) > 1 else data[0], training=False))
    model.save(os.path.join(FOLDER, name + (".h5" if name in HDF5 else ".keras")))
    arrays = {f"in{i}": d for i, d in enumerate(data)} | {f"out{i}": O.convert_to_numpy(r) for i, r in enumerate(results)}
    np.savez(os.path.join(FOLDER, name + ".npz"), **arrays)


def layer(name, make, *shapes, data=None):
    save("layer_" + name, lambda *x: make()(x[0] if len(x) == 1 else list(x)), *shapes, data=data)


def functions():
    unary = ["abs", "negative", "exp", "expm1", "square", "sign", "sin", "cos", "tan", "sinh", "cosh", "arcsinh", "tanh", "sigmoid", "erf", "softplus", "softsign", "relu", "relu6",
             "selu", "arctan", "floor", "ceil", "round", "reciprocal", "isnan", "isfinite", "zeros_like", "ones_like", "silu", "hard_sigmoid", "hard_silu", "log_sigmoid", "elu",
             "celu", "gelu", "log_softmax", "hard_tanh", "tanh_shrink", "hard_shrink", "soft_shrink", "squareplus", "sparse_plus", "glu", "sparse_sigmoid", "absolute", "trunc",
             "exp2", "nan_to_num"]
    for name in unary:
        save("ops_" + name, getattr(O, name), (3, 4))
    for name in ["log", "log1p", "sqrt", "rsqrt"]:
        save("ops_" + name, getattr(O, name), data=[np.abs(reals(3, 4)) + np.float32(0.1)])
    binary = ["add", "subtract", "multiply", "divide", "maximum", "minimum", "floor_divide", "mod", "arctan2", "greater", "greater_equal", "less", "less_equal", "equal", "not_equal",
              "divide_no_nan"]
    for name in binary:
        save("ops_" + name, getattr(O, name), (3, 4), (3, 1))
    for name, function in dict(sum=O.sum, mean=O.mean, max=O.max, min=O.min, prod=O.prod, var=O.var, std=O.std, logsumexp=O.logsumexp).items():
        save(f"ops_{name}", lambda x: function(x, axis=1), (3, 4))
        save(f"ops_{name}_keep", lambda x: function(x, axis=(1, 2), keepdims=True), (3, 4))
    one = {
        "leaky": lambda x: O.leaky_relu(x, 0.3), "gelu_exact": lambda x: O.gelu(x, False), "softmax": lambda x: O.softmax(x, axis=1), "threshold": lambda x: O.threshold(x, 0.1, -1.0),
        "numbers": lambda a: (1.0 / (2.0 - a * 3) + a**2 - 1) % 3, "array": lambda a: (a - np.array([0.1, 0.2, 0.3, 0.4], "float32")) / np.array([1.0, 2, 3, 4], "float32"),
        "all": lambda x: O.all(x > -1, axis=-1), "any": lambda x: O.any(x > 1, axis=-1), "argmax": lambda x: O.argmax(x, axis=1), "argmin": lambda x: O.argmin(x, axis=-1, keepdims=True),
        "cumsum": lambda x: O.cumsum(x, axis=1), "cumprod": lambda x: O.cumprod(x, axis=2), "moments": lambda x: list(O.moments(x, axes=[1])), "top_k": lambda x: list(O.top_k(x, 2)),
        "norm": lambda x: O.norm(x, axis=-1), "norm1": lambda x: O.norm(x, ord=1, axis=1, keepdims=True), "normalize": lambda x: O.normalize(x, axis=1),
        "dot": lambda x: O.dot(x, np.ones((4, 2), "float32")), "tensordot": lambda a: O.tensordot(a, np.arange(12, dtype="float32").reshape(4, 3), axes=[[2], [0]]),
        "reshape": lambda x: O.reshape(x, (-1, 2, 6)), "transpose": lambda x: O.transpose(x, (0, 2, 1)), "expand": lambda x: O.squeeze(O.expand_dims(x, 2), 2),
        "swap": lambda x: O.swapaxes(x, 1, 2), "split": lambda x: O.split(x, 2, axis=-1), "split2": lambda x: O.split(x, [1, 3], axis=-1), "unstack": lambda x: O.unstack(x, axis=1),
        "tile": lambda x: O.tile(x, (1, 2, 3)), "repeat": lambda x: O.repeat(x, 2, axis=1), "flip": lambda x: O.flip(x, axis=1), "roll": lambda x: O.roll(x, 1, axis=1),
        "take": lambda x: O.take(x, np.array([2, 0]), axis=1), "cast": lambda x: O.cast(x, "int32"), "clip": lambda x: O.clip(x, -0.5, 0.5), "where2": lambda a: O.where(a > 0, a, 0.0),
        "pad": lambda x: O.pad(x, [[0, 0], [1, 2], [0, 1]]), "pad_r": lambda x: O.pad(x, [[0, 0], [1, 2], [0, 1]], mode="reflect"),
        "pad_c": lambda x: O.pad(x, [[0, 0], [1, 2], [0, 1]], constant_values=7), "broadcast": lambda x: O.broadcast_to(O.reshape(x, (1, 2, 3, 4)), (2, 2, 3, 4)),
        "linspace": lambda x: x + O.arange(4, dtype="float32"), "diff": lambda x: O.diff(x, axis=1), "median": lambda x: O.median(x, axis=1), "sort": lambda x: O.sort(x, axis=1),
        "argsort": lambda x: O.argsort(x, axis=-1), "batchnorm": lambda x: O.batch_normalization(x, np.arange(4, dtype="float32"), np.ones(4, "float32") * 2, -1),
        "layernorm": lambda x: O.layer_normalization(x, axis=-1), "rms": lambda x: O.rms_normalization(x), "slice": lambda x: O.slice(x, (0, 1, 0), (2, 2, 4)),
        "full_like": lambda x: O.full_like(x, 3.0), "average": lambda x: O.average(x, axis=1), "log2": lambda x: O.log2(O.abs(x) + 1), "log10": lambda x: O.log10(O.abs(x) + 1),
    }
    for name, function in one.items():
        save("ops_" + name, function, (3, 4))
    two = {"power": lambda a, b: O.power(O.abs(a), b), "where": lambda a, b: O.where(a > 0, a, b), "stack": lambda a, b: O.stack([a, b], axis=1), "vstack": lambda a, b: O.vstack([a, b]),
           "logical": lambda a, b: O.logical_or(O.logical_and(a > 0, b > 0), O.logical_not(O.logical_xor(a > 0.5, b < 0.2))), "logaddexp": O.logaddexp, "hypot": O.hypot}
    for name, function in two.items():
        save("ops_" + name, function, (3, 4), (3, 4))
    save("ops_int", lambda a: (a * 2 + 1) / 3, data=[whole(4)])
    save("ops_intmix", lambda a, b: a * b + a * 0.5, data=[whole(4), reals(4)])
    save("ops_matmul", O.matmul, (3, 4), (4, 5))
    save("ops_einsum", lambda a, b: O.einsum("bij,bjk->bik", a, b), (3, 4), (4, 5))
    save("ops_move", lambda x: O.moveaxis(x, -1, 1), (3, 4, 5))
    save("ops_concat", lambda a, b: O.concatenate([a, b], axis=1), (3, 4), (2, 4))
    save("ops_hstack", lambda a, b: O.hstack([a, b]), (3, 4), (2, 4))
    save("ops_take_along", lambda x, y: O.take_along_axis(x, y, axis=-1), data=[reals(3, 4), whole(3, 2, below=4)])
    save("ops_one_hot", lambda x: O.one_hot(x, 5), data=[whole(3)])
    save("ops_getitem", lambda x: [x[:, 0], x[..., 1:3], x[:, ::2, -1], x[:, None, 1], x[:, 1:-1]], (4, 5))
    save("ops_resize", lambda x: O.image.resize(x, (6, 9)), (4, 5, 3))
    save("ops_resize_n", lambda x: O.image.resize(x, (6, 9), interpolation="nearest"), (4, 5, 3))
    save("ops_gray", O.image.rgb_to_grayscale, (4, 5, 3))
    save("ops_max_pool", lambda x: O.max_pool(x, 2), (4, 6, 3))
    save("ops_avg_pool", lambda x: O.average_pool(x, 2, strides=1, padding="same"), (4, 6, 3))
    save("ops_outer", lambda a: O.outer(a, np.arange(3, dtype="float32")), (3,))
    save("ops_tril", O.tril, (4, 4))
    save("ops_triu", lambda x: O.triu(x, 1), (4, 4))
    save("ops_cross", O.cross, (4, 3), (4, 3))
    save("ops_depth2space", lambda x: O.depth_to_space(x, 2), (3, 4, 8))
    save("ops_conv", lambda x: O.conv(x, np.ones((3, 3, 3, 2), "float32") * np.float32(0.1), padding="same"), (5, 5, 3))
    save("ops_dotattn", lambda q, k: O.dot_product_attention(q, k, k), (5, 2, 4), (6, 2, 4))


def layers():
    of_sequence = {
        "dense": lambda: L.Dense(5, activation="gelu"), "einsum": lambda: L.EinsumDense("abc,cd->abd", output_shape=(None, 7), bias_axes="d"),
        "conv1d": lambda: L.Conv1D(5, 3, padding="causal", dilation_rate=2), "conv1d_groups": lambda: L.Conv1D(4, 3, groups=2, strides=2),
        "conv1dt": lambda: L.Conv1DTranspose(5, 3, strides=2, padding="same"), "dw1": lambda: L.DepthwiseConv1D(3, depth_multiplier=2), "sep1": lambda: L.SeparableConv1D(5, 3),
        "ap1": lambda: L.AveragePooling1D(3, 2, padding="same"), "gmp1": L.GlobalMaxPooling1D, "gap1": L.GlobalAveragePooling1D, "ln": L.LayerNormalization,
        "ln2": lambda: L.LayerNormalization(axis=[1, 2]), "un": L.UnitNormalization, "rms": L.RMSNormalization, "sn": lambda: L.SpectralNormalization(L.Dense(5)),
        "zp1": lambda: L.ZeroPadding1D((1, 2)), "cr1": lambda: L.Cropping1D(1), "up1": lambda: L.UpSampling1D(2), "resh": lambda: L.Reshape((-1, 8)), "perm": lambda: L.Permute((2, 1)),
        "lstm": lambda: L.LSTM(5, return_sequences=True), "gru": lambda: L.GRU(5, go_backwards=True), "gru_ra": lambda: L.GRU(5, reset_after=False, return_sequences=True),
        "srnn": lambda: L.SimpleRNN(5), "bi": lambda: L.Bidirectional(L.LSTM(5, return_sequences=True)), "bisum": lambda: L.Bidirectional(L.GRU(5), merge_mode="sum"),
        "rnnstack": lambda: L.RNN([L.LSTMCell(5), L.GRUCell(3)], return_sequences=True), "rnnstacked": lambda: L.RNN(L.StackedRNNCells([L.LSTMCell(5), L.SimpleRNNCell(3)])),
        "rnncell": lambda: L.RNN(L.GRUCell(4)), "relu": lambda: L.ReLU(6, 0.1, 0.2), "lrelu": lambda: L.LeakyReLU(0.3), "prelu": lambda: L.PReLU(shared_axes=[1]), "elu": lambda: L.ELU(0.5),
        "smax": lambda: L.Softmax(1), "act": lambda: L.Activation("hard_swish"), "drop": lambda: L.Dropout(0.3), "gnoise": lambda: L.GaussianNoise(0.3), "idt": L.Identity,
        "adapt_max": lambda: L.AdaptiveMaxPooling1D(4), "disc": lambda: L.Discretization([0.0, 1.0]),
    }
    of_picture = {
        "conv2d": lambda: L.Conv2D(5, 3, strides=2, padding="same", activation="relu"), "conv2d_valid": lambda: L.Conv2D(6, (3, 2), groups=3, dilation_rate=2),
        "conv2dt": lambda: L.Conv2DTranspose(5, 3, strides=2, padding="same"), "conv2dt_v": lambda: L.Conv2DTranspose(5, 4, strides=3, output_padding=1),
        "dw2": lambda: L.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2), "sep2": lambda: L.SeparableConv2D(5, 3, padding="same"),
        "mp2": lambda: L.MaxPooling2D(3, 2, padding="same"), "ap2": lambda: L.AveragePooling2D(3, 2, padding="same"), "gmp2": lambda: L.GlobalMaxPooling2D(keepdims=True),
        "gap2": L.GlobalAveragePooling2D, "bn": L.BatchNormalization, "bn1": lambda: L.BatchNormalization(axis=1, scale=False), "sn2": lambda: L.SpectralNormalization(L.Conv2D(5, 3)),
        "zp2": lambda: L.ZeroPadding2D(((1, 2), (0, 1))), "cr2": lambda: L.Cropping2D(((1, 2), (0, 1))), "up2": lambda: L.UpSampling2D((2, 3), interpolation="bilinear"),
        "flat": L.Flatten, "resc": lambda: L.Rescaling(1 / 127.5, -1), "resize": lambda: L.Resizing(5, 9), "resize_pad": lambda: L.Resizing(6, 12, pad_to_aspect_ratio=True),
        "ccrop": lambda: L.CenterCrop(4, 5), "nrm": lambda: L.Normalization(mean=[1.0, 2, 3], variance=[1.0, 4, 9]), "gn_in": lambda: L.GroupNormalization(-1), "solar": L.Solarization,
        "autoc": L.AutoContrast, "rgray": L.RandomGrayscale, "adapt_avg": lambda: L.AdaptiveAveragePooling2D(3),
    }
    for name, make in of_sequence.items():
        layer(name, make, SEQUENCE)
    for name, make in of_picture.items():
        layer(name, make, PICTURE)
    layer("conv3d", lambda: L.Conv3D(4, 2, padding="same"), (4, 5, 6, 2))
    layer("conv3dt", lambda: L.Conv3DTranspose(2, 3, strides=2, padding="same"), (3, 4, 3, 2))
    layer("mp1", lambda: L.MaxPooling1D(2, padding="same"), (5, 4))
    layer("mp3", lambda: L.MaxPooling3D(2), (4, 4, 4, 2))
    layer("ap3", lambda: L.AveragePooling3D(2), (4, 4, 4, 2))
    layer("gap3", L.GlobalAveragePooling3D, (2, 3, 4, 5))
    layer("gn", lambda: L.GroupNormalization(2), (4, 4, 6))
    layer("zp3", lambda: L.ZeroPadding3D(1), (2, 3, 4, 1))
    layer("cr3", lambda: L.Cropping3D(1), (4, 3, 4, 1))
    layer("up3", lambda: L.UpSampling3D(2), (2, 3, 2, 1))
    layer("rv", lambda: L.RepeatVector(3), (4,))
    layer("td", lambda: L.TimeDistributed(L.Conv2D(3, 3)), (3, 5, 5, 2))
    layer("clstm1", lambda: L.ConvLSTM1D(4, 3, return_sequences=True), (4, 8, 3))
    layer("clstm2", lambda: L.ConvLSTM2D(4, 3), (3, 6, 6, 2))
    layer("clstm3", lambda: L.ConvLSTM3D(2, 2), (3, 4, 4, 4, 2))
    layer("biclstm", lambda: L.Bidirectional(L.ConvLSTM1D(4, 3)), (4, 8, 3))
    layer("disc1h", lambda: L.Discretization([0.0, 1.0], output_mode="one_hot"), (1,))
    layer("stft", lambda: L.STFTSpectrogram(frame_length=32, frame_step=16, fft_length=32), (200, 1))
    layer("stft_psd", lambda: L.STFTSpectrogram("psd", 30, 10, 32, padding="same", expand_dims=True), (100, 2))
    layer("stft_angle", lambda: L.STFTSpectrogram("angle", 32, data_format="channels_first"), (2, 100))
    layer("mel", lambda: L.MelSpectrogram(fft_length=64, sequence_stride=32, num_mel_bins=8, sampling_rate=8000, min_freq=20, max_freq=3500), (400,))
    layer("mel_hamming", lambda: L.MelSpectrogram(64, 20, 50, window="hamming", num_mel_bins=6, mag_exp=1.0, power_to_db=False), (300,))
    layer("embed", lambda: L.Embedding(5, 4), data=[whole(3)])
    layer("cat_multi", lambda: L.CategoryEncoding(5, "multi_hot"), data=[whole(3)])
    layer("cat_count", lambda: L.CategoryEncoding(5, "count"), data=[whole(3)])
    for name, make in dict(add=L.Add, sub=L.Subtract, mul=L.Multiply, avg=L.Average, max=L.Maximum, min=L.Minimum, cat=L.Concatenate).items():
        layer(name, make, SEQUENCE, SEQUENCE)
    layer("dot", lambda: L.Dot(axes=2, normalize=True), SEQUENCE, (5, 4))
    save("layer_lstm_state", lambda x: L.LSTM(5, return_state=True)(x), SEQUENCE)
    save("layer_lstm_init", lambda x, h, c: L.LSTM(5)(x, initial_state=[h, c]), SEQUENCE, (5,), (5,))
    save("layer_nested", lambda x: keras.Sequential([L.Dense(4), L.BatchNormalization(), L.ReLU()])(x), SEQUENCE)


def attention_and_masks():
    def embedded(x):
        return L.Embedding(5, 4, mask_zero=True)(x)

    def of_itself(x):
        e = embedded(x)
        return L.Attention()([e, e])

    five, seen = (5, 4), np.array([[1, 1, 0, 1, 1], [1, 0, 0, 0, 1]], bool)
    layer("embmask", lambda: L.Embedding(5, 4, mask_zero=True), data=[whole(3)])
    save("layer_embed_lstm", lambda x: L.LSTM(3)(embedded(x)), data=[whole(6)])
    save("layer_mask_gap", lambda x: L.GlobalAveragePooling1D()(embedded(x)), data=[whole(6)])
    save("layer_mask_att", lambda x, q: L.MultiHeadAttention(2, 3)(q, embedded(x)), data=[np.array([[1, 2, 0, 3, 0, 0], [4, 0, 1, 1, 2, 0]], "int32"), reals(3, 4)])
    save("layer_mask_attention", of_itself, data=[whole(6)])
    save("layer_mask_softmax", lambda x, m: L.Softmax()(x, mask=m), data=[reals(4), np.array([[1, 1, 0, 1], [1, 0, 0, 1]], bool)])
    save("layer_att", lambda a, b: L.Attention()([a, b]), SEQUENCE, five)
    save("layer_att_scale", lambda a, b, c: L.Attention(use_scale=True)([a, b, c]), SEQUENCE, five, five)
    save("layer_att_concat", lambda a, b: L.Attention(score_mode="concat", use_scale=True)([a, b]), SEQUENCE, five)
    save("layer_addatt", lambda a, b: L.AdditiveAttention()([a, b]), SEQUENCE, five)
    save("layer_att_causal", lambda a: L.Attention()([a, a], use_causal_mask=True), SEQUENCE)
    save("layer_att_scores", lambda a, b: list(L.Attention()([a, b], return_attention_scores=True)), SEQUENCE, five)
    save("layer_att_mask", lambda a, b, m: L.Attention()([a, b], mask=[None, m]), data=[reals(*SEQUENCE), reals(*five), seen])
    save("layer_mha", lambda a, b: L.MultiHeadAttention(2, 3)(a, b), SEQUENCE, five)
    save("layer_mha_causal", lambda a: L.MultiHeadAttention(2, 3, value_dim=5, use_bias=False, output_shape=7)(a, a, use_causal_mask=True), SEQUENCE)
    save("layer_mha_scores", lambda a: list(L.MultiHeadAttention(2, 3)(a, a, return_attention_scores=True)), SEQUENCE)
    save("layer_mha_mask", lambda a, m: L.MultiHeadAttention(2, 3)(a, a, attention_mask=m), data=[reals(*SEQUENCE), (random.random((2, 6, 6)) > 0.3) | np.eye(6, dtype=bool)])
    save("layer_mha_2d", lambda a: L.MultiHeadAttention(2, 3, attention_axes=(1, 2))(a, a), (3, 4, 5))
    save("layer_gqa", lambda a, b: L.GroupQueryAttention(3, 4, 2)(a, b), SEQUENCE, five)
    save("layer_gqa_causal", lambda a: L.GroupQueryAttention(3, 4, 2)(a, a, use_causal_mask=True), SEQUENCE)


os.makedirs(FOLDER, exist_ok=True)
functions()
layers()
attention_and_masks()
