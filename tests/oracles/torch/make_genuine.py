"""Writes the models of torch-2.14.tar.xz: small modules in the forms that PyTorch 2.14 saves, with their inputs and what PyTorch computes.
usage: make_genuine.py FOLDER; tar cJf torch-2.14.tar.xz -C FOLDER .     (checked by TorchGenuineTests)"""
import os, sys
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.export import Dim


class Do(nn.Module):
    """A function as a module, over layers that it names."""

    def __init__(self, function, **layers):
        super().__init__()
        self.function = function
        for name, layer in layers.items(): setattr(self, name, layer)

    def forward(self, x0, x1=None, x2=None):
        return self.function(self, *(x for x in (x0, x1, x2) if x is not None))


class Counter(nn.Module):
    """A buffer that is read and changed, weights that two layers share, and arguments in a dict."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)
        self.b.weight = self.a.weight
        self.register_buffer("count", torch.tensor([2.0]))
        self.register_buffer("unsaved", torch.tensor([0.5]), persistent=False)

    def forward(self, x, more):
        self.count.add_(1)
        return {"sum": self.a(x) + self.b(more["y"]) * self.unsaved, "rest": (more["z"] + self.count, x.shape[0])}


class Flow(nn.Module):
    def forward(self, x):
        a = torch.cond(x.sum() > 0, lambda v: v * 2, lambda v: v - 1, (x,))
        n, b = torch._higher_order_ops.while_loop(lambda n, v: n < 3, lambda n, v: (n + 1, v + n), (torch.tensor(0), x))
        return a, b, n


noise = lambda *shape: torch.rand(*shape) * 2 - 1
ints = lambda *shape: torch.randint(-9, 10, shape)
nan, inf = float("nan"), float("inf")
CASES = {  # name: (module, inputs)
    "division": (Do(lambda s, x, n: (x // 0.1, x % 0.1, x // -0.3, x % -0.3, torch.floor_divide(n, 4), n % -4, torch.div(n * 16777217, 2, rounding_mode="trunc"), torch.div(x, 0.3, rounding_mode="floor"), torch.fmod(x, 0.3))),
                 (torch.tensor([1.0, -1.0, 0.3, 0.7, 2.0, -2.5]), ints(6))),
    "promotion": (Do(lambda s, x, n: (n ** 2.0, n ** 0.5, torch.clamp(n, -1.5, 2.5), torch.clamp(n, -1, 2), n.int() * 2.5, torch.atan2(n, x), torch.isnan(n), n.bool() ** 2, torch.where(n > 0, n, x), torch.sgn(n > 0), torch.float_power(x, 2), n.to(torch.uint8) + n.to(torch.int8), torch.cat([x, n]), torch.log1p(x.double()), torch.expm1(x.double()))),
                  (noise(6), ints(6).abs())),
    "reduced": (Do(lambda s, x, n: (n.int().sum(), n.int().prod(0), n.float().mean(), torch.mean(n, dim=0, dtype=torch.float32), x.sum(1, dtype=torch.float64), x.norm(3, 1), torch.linalg.vector_norm(x, 0, 1), torch.linalg.vector_norm(x, -float("inf"), 0), torch.count_nonzero(n, 1), torch.nanmean(x, 1), *torch.aminmax(x, dim=1), torch.var(x, dim=[0, 1], correction=2), x.any(), (n > 0).all(1))),
                (noise(3, 5), ints(3, 5))),
    "ordered": (Do(lambda s, x: (*torch.sort(x, stable=True, dim=1, descending=True), torch.argsort(x, dim=0, stable=True), torch.msort(x), *torch.topk(x, 2, 1), torch.quantile(x, 0.3, dim=1, interpolation="lower"), torch.quantile(x, 0.3, interpolation="midpoint"), torch.quantile(x, 0.3, dim=1, interpolation="nearest"), torch.bucketize(x, torch.tensor([-0.5, 0.0, 0.5]), out_int32=True), *torch.cummax(x, 1))),
                (noise(3, 6),)),
    "moved": (Do(lambda s, x: (torch.roll(x, 5, 1), torch.roll(x, -7), torch.roll(x, (1, -4), (0, 2)), x.mT, x.permute(2, 0, 1), torch.kron(x, x[0]), torch.take_along_dim(x, torch.tensor([[[1]], [[0]]]), 1), x[:, [2, 0], 1:], x[..., ::2], x.unfold(2, 2, 1), torch.atleast_3d(x[0]), torch.rot90(x, 1, [1, 2]))),
              (noise(2, 3, 4),)),
    "written": (Do(lambda s, x: (x.index_put((torch.tensor([0, -1]),), torch.tensor(7.0), True), torch.scatter_reduce(x, 1, torch.tensor([[0, 1], [1, 1]]), x, "mean"), x.clone().masked_fill_(x > 0, 3.0), torch.index_add(x, 0, torch.tensor([1]), x[:1], alpha=2), F.threshold(torch.log(x), -0.5, -1.0))),
                (noise(3, 4),)),
    "convolved": (Do(lambda s, x: (s.c(x), s.t(x), s.r(x), s.n(x), s.g(x), F.avg_pool2d(x, 2, divisor_override=3), F.max_pool2d(x, 3, 2, 1, ceil_mode=True), F.interpolate(x, scale_factor=1.7, mode="bilinear"), F.interpolate(x, size=(5, 4), mode="nearest-exact"), F.adaptive_avg_pool2d(x, (3, None)), F.adaptive_avg_pool2d(s.c(x.to(memory_format=torch.channels_last)), 1), F.pixel_shuffle(x[0], 2))),
                  (noise(2, 4, 6, 7),), dict(c=nn.Conv2d(4, 2, (2, 3), padding="same", dilation=2), t=nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1, groups=2), r=nn.Conv2d(4, 2, 3, padding=1, padding_mode="circular"), n=nn.BatchNorm2d(4, track_running_stats=False), g=nn.GroupNorm(2, 4))),
    "attended": (Do(lambda s, q, k, m: (F.scaled_dot_product_attention(q, k, k, enable_gqa=True), F.scaled_dot_product_attention(q, q, q, is_causal=True, scale=2), F.scaled_dot_product_attention(q, q, q, attn_mask=m > 0), *s.h(q[0], q[0], q[0]))),
                 (noise(1, 4, 3, 6), noise(1, 2, 5, 6), torch.tensor([[1.0, 0, 1], [0, 0, 0], [0, 1, 1]])), dict(h=nn.MultiheadAttention(6, 2, batch_first=True))),
    "embedded": (Do(lambda s, i: (s.e(i), s.b(i), s.m(i.reshape(-1), torch.tensor([0, 2, 2])))), (torch.randint(0, 5, (3, 4)),),
                 dict(e=nn.Embedding(5, 3, padding_idx=1), b=nn.EmbeddingBag(5, 3, mode="mean", padding_idx=2), m=nn.EmbeddingBag(5, 3, mode="max", padding_idx=0))),
    "recurrent": (Do(lambda s, x: (*s.l(x)[1], s.g(x)[0])), (noise(5, 2, 3),), dict(l=nn.LSTM(3, 4, num_layers=2, bidirectional=True, proj_size=2), g=nn.GRU(3, 4))),
    "spectral": (Do(lambda s, x: (torch.fft.rfft(x, norm="ortho").abs(), torch.fft.irfft(torch.fft.rfft(x), n=9), torch.view_as_real(torch.fft.ifft2(torch.fft.fft2(x), norm="forward")), torch.stft(x, 8, hop_length=2, window=torch.hann_window(8), return_complex=True).abs())),
                 (noise(2, 9),)),
    "halves": (Do(lambda s, x: (s.l(x), F.layer_norm(x, [4]), x.float() + 1, F.relu(x) + 1)), (noise(3, 4).half(),), dict(l=nn.Linear(4, 3).half())),
    "brains": (Do(lambda s, x: (x.bfloat16().float(), x.bfloat16() * 2, (x * 3).bfloat16().round().int(), s.c.float() + x)), (noise(3, 4),), dict(c=nn.Parameter(torch.tensor([0.3]).bfloat16()))),
    "unordered": (Do(lambda s, x, y, n: (*torch.cummax(x, 1), *torch.cummin(x, 1), *torch.cummax(n, 0), *torch.cummin(n, 1), torch.argmax(x, 1), torch.argmin(x, 0), *torch.max(x, 0), torch.kthvalue(x, 2, 1)[0], torch.median(x, 0)[0], torch.topk(x, 2, 1)[0],
                                             torch.sign(x), torch.logcumsumexp(y, 1), torch.logaddexp(x, y), torch.logaddexp2(x, y), torch.xlogy(y, x), torch.isclose(x, y), torch.isclose(x, y, equal_nan=True))),
                  (torch.tensor([[1, nan, 3, nan, 2], [-inf, -inf, 5, 5, inf], [0, 0, 2, -1, 1]]), torch.tensor([[1, nan, inf, 0, -300], [-inf, inf, 5.00001, -5, inf], [0, -300, -290, 90, 1]]), torch.tensor([[3, 3, 2**53 + 1, 2**53, -1], [3, 4, 0, 2**53 + 1, -1]]))),
    "pooled": (Do(lambda s, x: (*(F.avg_pool2d(x, k, d, p, True, c, v) for k, d, p, c, v in ((3, 2, 1, True, 5), (3, 2, 0, False, 7), (2, 3, 1, True, 1), ((3, 2), (2, 3), (1, 0), True, 3), (4, 3, 2, False, 6))), F.avg_pool1d(x[0], 3, 2, 1, True), F.avg_pool3d(x, 3, 2, 1, True, True, 4),
                                *F.max_pool2d(x, (3, 2), (2, 1), 1, (2, 2), return_indices=True), *F.max_pool2d(x, 3, 3, 1, ceil_mode=True, return_indices=True), *F.max_pool1d(x[0], 3, 2, 1, return_indices=True))),
               (torch.randint(0, 4, (2, 3, 8, 9)).float(),)),
    "strided": (Do(lambda s, x: (x.as_strided((4, 4, 3), (6, 1, 1)), x.as_strided((6, 4), (1, 6)), x.as_strided((2, 3), (6, 2), 7), x.as_strided((3, 4, 2), (0, 6, 1)), (x * 2).t().contiguous().as_strided((2, 3), (4, 1), 1))), (noise(4, 6),)),
    "counter": (Counter(), (noise(2, 4), {"y": noise(2, 4), "z": noise(2)})),
    "flow": (Flow(), (noise(3) + 0.5,)),
}
FORMS = {
    "trace": lambda net, inputs, path: torch.jit.trace(net, inputs, check_trace=False).save(path + ".pt"),
    "export": lambda net, inputs, path: torch.export.save(torch.export.export(net, inputs), path + ".pt2"),
    "strict": lambda net, inputs, path: torch.export.save(torch.export.export(net, inputs, strict=True), path + ".pt2"),
    "dynamic": lambda net, inputs, path: torch.export.save(torch.export.export(net, inputs, dynamic_shapes=tuple({0: Dim.AUTO} for _ in inputs), strict=False), path + ".pt2"),
    "core": lambda net, inputs, path: torch.export.save(torch.export.export(net, inputs).run_decompositions(), path + ".pt2"),
}
ONLY = {"counter": ("export", "strict", "core"), "flow": ("export", "core"), "strided": ("export", "core")}
FREE = ("division", "promotion", "convolved", "recurrent")


def tensors(value):
    if isinstance(value, torch.Tensor): return [value]
    if isinstance(value, (bool, int, float)): return [torch.tensor(value)]
    return [t for v in (value.values() if isinstance(value, dict) else value) for t in tensors(v)]


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    for name, (module, inputs, *layers) in CASES.items():
        torch.manual_seed(3)
        for k, v in (layers[0] if layers else {}).items(): setattr(module, k, v)
        net = module.eval()
        path = f"{sys.argv[1]}/{name}"
        arrays = {f"in{k}": t.numpy() for k, t in enumerate(tensors(inputs))}
        for form in ONLY.get(name, FORMS):
            if form == "trace" and any(t.dtype != torch.float32 for t in inputs): continue  # TorchScript does not tell the types of inputs
            if form == "dynamic" and name not in FREE or form == "strict" and name != "moved" and name not in ONLY: continue
            try:
                with torch.no_grad(): FORMS[form](net, inputs, f"{path}.{form}")
            except Exception as e:
                print(name, form, str(e)[:600])
        with torch.no_grad(): results = tensors(net(*inputs))
        for k, t in enumerate(results): arrays[f"out{k}"] = (t.float() if t.dtype == torch.bfloat16 else t).numpy()
        np.savez_compressed(path + ".npz", **arrays)
