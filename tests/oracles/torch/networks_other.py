"""Graphs, tables, quantized and half-precision networks, and ways of writing code: NETWORKS is name: (module, inputs[, how it is written])."""
import math
from typing import Dict, List, Optional
import torch
from torch import nn
from torch.ao import quantization
from torch.nn import functional as F
from torch.utils.mobile_optimizer import optimize_for_mobile

noise = lambda *shape: torch.rand(*shape) * 2 - 1
picture = lambda: (noise(1, 3, 16, 16),)


class Gcn(nn.Module):
    """Messages along edges: sums by index_add and scatter_add, means, maxima, a degree normalisation, attention by softmax over each target."""

    def __init__(self):
        super().__init__()
        self.w, self.a, self.out = nn.Linear(6, 8), nn.Parameter(torch.randn(16)), nn.Linear(24, 3)

    def forward(self, x, source, target):
        s, t = source.long(), target.long()
        n = x.size(0)
        degree = torch.zeros(n).scatter_add_(0, t, torch.ones(t.size(0)))
        norm = degree.clamp(min=1).pow(-0.5)
        h = self.w(x)
        m = h[s] * (norm[s] * norm[t]).unsqueeze(-1)
        total = torch.zeros_like(h).index_add_(0, t, m)
        e = F.leaky_relu((torch.cat([h[s], h[t]], 1) * self.a).sum(1), 0.2)
        most = torch.full((n,), float("-inf")).scatter_reduce(0, t, e, "amax", include_self=False)
        e = torch.exp(e - most[t])
        w = e / torch.zeros(n).scatter_add(0, t, e)[t]
        attended = torch.zeros_like(h).scatter_add(0, t.unsqueeze(1).expand(-1, 8), w.unsqueeze(1) * h[s])
        mean = torch.zeros_like(h).index_add(0, t, h[s], alpha=2.0) / degree.clamp(min=1).unsqueeze(1)
        y = self.out(torch.cat([total, attended, mean], 1))
        return y, y.mean(0), degree


class Points(nn.Module):
    """PointNet++: nearest neighbours by distances, grouping, maxima; an edge convolution."""

    def __init__(self):
        super().__init__()
        self.mlp, self.edge = nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.ReLU()), nn.Conv2d(6, 8, 1)

    def forward(self, x):
        b, n, _ = x.shape
        d = torch.sum(x ** 2, -1).view(b, n, 1) + torch.sum(x ** 2, -1).view(b, 1, n) - 2 * torch.matmul(x, x.permute(0, 2, 1))
        at = d.topk(4, dim=-1, largest=False)[1]
        batch = torch.arange(b).view(b, 1, 1).expand(b, n, 4)
        near = x[batch, at, :] - x.unsqueeze(2)
        f = self.mlp(near.permute(0, 3, 2, 1)).max(2)[0]
        e = self.edge(torch.cat([near, x.unsqueeze(2).expand(-1, -1, 4, -1)], -1).permute(0, 3, 1, 2)).amax(-1)
        # farthest points, one after another
        far = torch.zeros(b, dtype=torch.long)
        distance = torch.ones(b, n) * 1e10
        chosen = torch.zeros(b, 5, dtype=torch.long)
        for i in range(5):
            chosen[:, i] = far
            c = x[torch.arange(b), far, :].view(b, 1, 3)
            distance = torch.min(distance, torch.sum((x - c) ** 2, -1))
            far = torch.max(distance, -1)[1]
        return f, e, chosen


class Recommender(nn.Module):
    """DLRM: embeddings of categories, products of pairs below the diagonal; a factorization machine; an entmax-like sort."""

    def __init__(self):
        super().__init__()
        self.bottom, self.tables, self.top = nn.Sequential(nn.Linear(5, 8), nn.ReLU()), nn.ModuleList([nn.Embedding(10, 8) for _ in range(3)]), nn.Linear(14, 1)
        self.register_buffer("li", torch.tensor([i for i in range(4) for j in range(i)]))
        self.register_buffer("lj", torch.tensor([j for i in range(4) for j in range(i)]))

    def forward(self, dense, kinds):
        x = self.bottom(dense)
        parts = [x]
        i = 0
        for table in self.tables:
            parts.append(table(kinds[:, i].long()))
            i += 1
        t = torch.stack(parts, 1)
        z = torch.bmm(t, t.transpose(1, 2))[:, self.li, self.lj]
        fm = 0.5 * (t.sum(1).pow(2) - t.pow(2).sum(1)).sum(1, keepdim=True)
        s, _ = torch.sort(x, dim=1, descending=True)
        cum = s.cumsum(1) - 1
        k = torch.arange(1, 9, dtype=x.dtype)
        support = (k * s > cum).sum(1, keepdim=True)
        tau = cum.gather(1, support - 1) / support.to(x.dtype)
        return torch.sigmoid(self.top(torch.cat([x, z], 1)) + fm).squeeze(1), torch.clamp(x - tau, min=0)


class Policy(nn.Module):
    """A policy with running statistics, a dueling head, a mixture of Gaussians, Huber's and other losses."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.rand(6))
        self.register_buffer("var", torch.rand(6) + 0.5)
        self.body, self.value, self.advantage, self.log_std = nn.Sequential(nn.Linear(6, 16), nn.ELU(), nn.Linear(16, 16), nn.CELU()), nn.Linear(16, 1), nn.Linear(16, 4), nn.Parameter(torch.zeros(4))

    def forward(self, x):
        x = torch.clamp((x - self.mean) / torch.sqrt(self.var + 1e-8), -5.0, 5.0)
        h = self.body(x)
        a = self.advantage(h)
        q = self.value(h) + a - a.mean(dim=-1, keepdim=True)
        std = self.log_std.exp().expand_as(a)
        log_prob = -((x[:, :4] - a) ** 2) / (2 * std ** 2) - std.log() - math.log(math.sqrt(2 * math.pi))
        return q, torch.logsumexp(q, dim=1), log_prob.sum(-1), F.smooth_l1_loss(a, q), F.mse_loss(a, q), -(a.softmax(1) * a.log_softmax(1)).sum(1)


class Nerf(nn.Module):
    """A position encoding, rays, an integral by a cumulative product."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(27, 16), nn.Softplus(beta=2.0), nn.Linear(16, 4))
        self.freqs: List[float] = [1.0, 2.0, 4.0, 8.0]

    def forward(self, origins, directions):
        z = torch.linspace(0.5, 2.0, 6)
        p = origins[..., None, :] + directions[..., None, :] * z[..., :, None]
        e = [p]
        for f in self.freqs:
            e.append(torch.sin(p * f))
            e.append(torch.cos(p * f))
        y = self.net(torch.cat(e, -1))
        d = torch.cat([z[1:] - z[:-1], torch.tensor([1e10])], -1) * torch.norm(directions[..., None, :], dim=-1)
        alpha = 1.0 - torch.exp(-F.relu(y[..., 3]) * d)
        t = torch.cumprod(torch.cat([torch.ones(alpha.shape[0], 1), 1.0 - alpha + 1e-10], -1), -1)[:, :-1]
        w = alpha * t
        return torch.sum(w[..., None] * torch.sigmoid(y[..., :3]), -2), w


class Series(nn.Module):
    """N-BEATS, a temporal convolution, reversible normalisation, autocorrelation, a patch transformer's unfold."""

    def __init__(self):
        super().__init__()
        self.fc, self.theta = nn.Linear(24, 16), nn.Linear(16, 8, bias=False)
        self.conv = nn.utils.weight_norm(nn.Conv1d(1, 4, 3, padding=4, dilation=2))
        self.register_buffer("basis", torch.stack([torch.cos(torch.arange(24) * i / 24) for i in range(8)]))

    def forward(self, x):
        mean, std = torch.mean(x, dim=1, keepdim=True), torch.sqrt(torch.var(x, dim=1, keepdim=True, unbiased=False) + 1e-5)
        x = (x - mean) / std
        back = torch.einsum("bp,pt->bt", self.theta(F.relu(self.fc(x))), self.basis)
        y = self.conv(x.unsqueeze(1))[:, :, :-4]
        patches = x.unfold(-1, 8, 4)
        f = torch.fft.rfft(x, dim=-1)
        auto = torch.fft.irfft(f * torch.conj(f), dim=-1)
        amplitude, top = torch.topk(abs(f).mean(0)[1:], 2)
        trend = F.avg_pool1d(F.pad(x.unsqueeze(1), [2, 2], mode="replicate"), 5, 1).squeeze(1)
        return (x - back) * std + mean, y, patches, auto, amplitude, torch.cat([x[:, 1:] - x[:, :-1], torch.cummax(x, 1)[0]], 1), trend


@torch.jit.script
class Counter:
    def __init__(self, start: int, step: float):
        self.count = start
        self.step = step
        self.seen: List[int] = []

    def next(self, by: int) -> float:
        self.count += by
        self.seen.append(self.count)
        return self.count * self.step


@torch.jit.script
def clamp_all(xs: List[torch.Tensor], low: Optional[float] = None) -> List[torch.Tensor]:
    out: List[torch.Tensor] = []
    for x in xs:
        if low is not None:
            out.append(x.clamp(min=low))
        else:
            out.append(x)
    return out


class Script(nn.Module):
    """Code that scripts hold: classes, comprehensions, enumerate and zip, early returns, break and continue, f-strings, slices of lists, while loops, exceptions, optional values."""

    __constants__ = ["kinds"]

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(6, 6) for _ in range(3)])
        self.named = nn.ModuleDict({"a": nn.Linear(6, 2), "b": nn.Linear(6, 3)})
        self.params = nn.ParameterList([nn.Parameter(torch.rand(6)) for _ in range(2)])
        self.kinds = ["x", "y"]
        self.table: Dict[str, int] = {"x": 1, "y": 2}
        self.maybe: Optional[torch.Tensor] = None

    def early(self, x: torch.Tensor, n: int) -> torch.Tensor:
        if n == 0:
            return x
        if n == 1:
            return x + 1
        for i in range(5):
            if i == n:
                break
            if i % 2 == 0:
                continue
            x = x * (i + 1)
        return x

    @torch.jit.export
    def other(self, x):
        return x

    def forward(self, x):
        c = Counter(2, 0.5)
        y = x
        for i, layer in enumerate(self.layers):
            y = torch.relu(layer(y)) * c.next(i)
        parts = [f(y) for f in self.named.values()]
        sizes = [p.size(-1) for p in parts]
        name = "{}-{}".format(self.kinds[0], sum(sizes))
        if name == "x-5" and "y" in self.table and not (len(parts) > 2 or self.maybe is not None):
            y = y + self.params[0] * self.table["y"]
        for i, p in enumerate(clamp_all(parts, 0.0)):
            y = y + p.sum() * (1 if self.kinds[i] == "x" else 2)
        n = 3
        while n > 0:
            y = self.early(y, n)
            n -= 1
        best = max(sizes)
        low, high = min(1.5, 2.0), divmod(7, 3)
        total = torch.zeros(1)
        for row in y:
            total += row[0]
        grid = [[i * j for j in range(2)] for i in range(3)]
        return y[:, 1:best], total, torch.tensor(grid), torch.tensor(sizes + [high[0], high[1], int(low), c.seen[-1], abs(-3), int(round(2.6)), 7 // 2, -7 // 2, -7 % 3, int(2 ** 3)])


class UntilSettled(nn.Module):
    """A fixed point by rounds until the change is small: a loop with data-dependent exit, a break, and lists."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.eye(5) * 0.4)

    def forward(self, x):
        y, rounds = torch.zeros_like(x), 0
        while True:
            z = torch.tanh(y @ self.w + x)
            rounds += 1
            if float((z - y).abs().max()) < 1e-3 or rounds > 50:
                break
            y = z
        best = torch.full((1,), -1.0)
        for i in range(int(x.abs().sum().item()) % 4 + 2):
            if bool(y[0, i % 5] > best):
                best = y[0, i % 5].unsqueeze(0)
        return y, torch.tensor(rounds), best


class InPlace(nn.Module):
    """Changes in place, through strides, masks, indices, chunks, out= and foreign names."""

    def __init__(self):
        super().__init__()
        self.register_buffer("state", torch.zeros(2, 6))

    def forward(self, x):
        a = x.clone()
        a[:, ::2] = x[:, 1::2] * 2
        a[0, 1::3].mul_(3)
        b = x.clone()
        b[:, :, None][..., 0][:, 1] = 7
        b.index_put_((torch.tensor([0, 1]), torch.tensor([2, 3])), torch.tensor([1.0, 2.0]), accumulate=True)
        b.masked_fill_(b > 0.9, 0.5).clamp_(-0.8, 0.8)
        c = torch.empty_like(x)
        torch.add(x, 1.0, out=c)
        c.copy_(x[0]).transpose_(0, 1)
        d = torch.zeros(3, 4, dtype=torch.long)
        d.scatter_(1, torch.tensor([[1], [2], [0]]), 1)
        e = x.clone()
        p, q = e.chunk(2, 1)
        p.add_(1)
        q.zero_()
        f = torch.ones(4, 4)
        f.fill_diagonal_(3)
        f[1:3, 1:3] = x[:, :2]
        f[..., -1] += 5
        f[[0, 2]] = f[[2, 0]]
        g = x.clone()
        g[g < 0] *= -1
        g[:, torch.tensor([True, False, True, False, False, True])] = 0
        g.view(-1)[3:5] = 9
        self.state.add_(x)
        self.state += 1
        h = torch.tensor([1.0, 2.0])
        h.unsqueeze_(0).squeeze_().pow_(2).sqrt_().neg_()
        i = torch.zeros(5)
        i[1:4].fill_(2.0)
        i.index_fill_(0, torch.tensor([0]), 4.0)
        i.index_copy_(0, torch.tensor([4, 3]), torch.tensor([6.0, 8.0]))
        i.put_(torch.tensor([2]), torch.tensor([3.0]))
        return a, b, c, d, e, f, g, self.state, h, i


class Maths(nn.Module):
    """Functions that front ends and losses call."""

    def forward(self, x, y):
        u, v = x.abs() + 0.1, y.abs() + 0.1
        return (torch.lerp(x, y, 0.3), torch.hypot(x, y), torch.xlogy(u, v), torch.logaddexp(x, y), torch.heaviside(x, torch.tensor(0.5)), torch.fmin(x, y), torch.copysign(u, y), torch.frac(x * 3), torch.sinc(x), torch.logit(u / 2, eps=1e-6),
                torch.nan_to_num(torch.log(x), nan=0.5, posinf=1.0, neginf=-1.0), torch.diff(x, dim=1), torch.cross(x[:, :3], y[:, :3], dim=1), torch.outer(x[0], y[0]), torch.kron(x[:2, :2], y[:2, :2]), torch.trace(x[:, :3]), torch.diag(x[:, :3]), torch.diag_embed(x[0]),
                torch.median(x, dim=1)[0], torch.kthvalue(x, 2, dim=1)[0], torch.quantile(x, 0.25, dim=1), torch.std_mean(x, dim=1)[0], torch.nansum(x), torch.count_nonzero(x > 0, dim=1), torch.prod(u, dim=1), torch.cumprod(u, dim=1), torch.logcumsumexp(x, dim=1),
                torch.cosine_similarity(x, y, dim=1), F.pairwise_distance(x, y), torch.dist(x, y), torch.tensordot(x, y, dims=([1], [1])), x @ y.t() @ x, torch.rot90(x, 1, [0, 1]), torch.movedim(x.unsqueeze(0), 0, 2),
                torch.take(x, torch.tensor([0, 5, 7])), torch.take_along_dim(x, torch.tensor([[0], [1], [2]]), 1), torch.searchsorted(torch.tensor([-0.5, 0.0, 0.5]), x), torch.bucketize(x, torch.tensor([-0.5, 0.0, 0.5]), right=True), torch.isclose(x, x + 1e-9), torch.isfinite(x), torch.signbit(x),
                torch.addmv(x[:, 0], x, y[0]), torch.addr(torch.zeros(3, 4), x[:, 0], y[0]), torch.addbmm(torch.zeros(3, 3), x.unsqueeze(0), y.t().unsqueeze(0)), torch.stack(torch.unbind(x, 1)[1:3], 0), torch.vstack([x, y]), torch.hstack([x, y]), torch.dstack([x, y]), torch.column_stack([x, y]),
                torch.tile(x, (1, 2)), torch.narrow(x, 1, 1, 2), torch.select_scatter(x, y[:, 0], 1, 2), torch.slice_scatter(x, y[:, :2], dim=1, start=1, end=3, step=1), torch.diagonal_scatter(x, torch.ones(3)), torch.index_fill(x, 1, torch.tensor([0]), 2.0), torch.argwhere(x > 2.0), torch.eye(3, 4), torch.logspace(0.0, 1.0, 3), torch.full_like(x, 2.0), torch.tril_indices(3, 3), torch.combinations(x[0]),
                torch.clip(x, torch.tensor(-0.5), torch.tensor(0.5)), torch.float_power(u, 2.0).float(), torch.exp2(x), torch.special.entr(u), torch.special.log1p(u), torch.deg2rad(x), torch.bitwise_left_shift(torch.tensor([1, 2]), 2))


class Activations(nn.Module):
    def forward(self, x):
        return (F.hardtanh(x, -0.5, 0.6), F.relu6(x * 8), F.rrelu(x), F.logsigmoid(x), F.tanhshrink(x), F.softmin(x, 1), F.hardshrink(x), F.softshrink(x, 0.3), F.threshold(x, 0.1, 2.0), F.glu(x, 1), F.silu(x), F.mish(x), F.selu(x), F.celu(x, 0.7), F.softplus(x, 3.0, 5.0), F.normalize(x, 1.0, 0), F.layer_norm(x, [6]), F.one_hot(torch.tensor([0, 2]), 4),
                F.cross_entropy(x, torch.tensor([1, 3])), F.binary_cross_entropy_with_logits(x, x.sigmoid()), F.kl_div(x.log_softmax(1), (x * 2).softmax(1), reduction="batchmean"), F.cosine_embedding_loss(x, x.flip(1), torch.ones(2)), F.l1_loss(x, x + 1), F.huber_loss(x, x + 2), F.nll_loss(x.log_softmax(1), torch.tensor([1, 3])))


class HalfNet(nn.Module):
    """Weights of fewer bits, computed in float32."""

    def __init__(self, kind):
        super().__init__()
        self.w, self.b, self.e = nn.Parameter(torch.randn(5, 6).to(kind)), nn.Parameter(torch.randn(5).to(kind)), nn.Parameter(torch.randn(9, 6).to(kind))

    def forward(self, tokens):
        x = F.embedding(tokens, self.e).float()
        return F.linear(x, self.w.float(), self.b.float())


class HalfAll(nn.Module):
    """Everything in bfloat16."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, 16), nn.LayerNorm(16), nn.GELU(), nn.Linear(16, 4)).to(torch.bfloat16)

    def forward(self, x):
        return self.net(x.to(torch.bfloat16)).float().softmax(-1)


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant, self.dequant = quantization.QuantStub(), quantization.DeQuantStub()
        self.c1, self.b1, self.r1 = nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU()
        self.c2, self.b2, self.r2 = nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.BatchNorm2d(8), nn.ReLU6()
        self.c3, self.add, self.cat = nn.Conv2d(8, 8, 1), nn.quantized.FloatFunctional(), nn.quantized.FloatFunctional()
        self.se, self.mul = nn.Conv2d(8, 8, 1), nn.quantized.FloatFunctional()
        self.pool, self.f, self.r3, self.g = nn.AdaptiveAvgPool2d(1), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 5)
        self.sigmoid, self.swish = nn.Sigmoid(), nn.Hardswish()

    def forward(self, x):
        x = self.r1(self.b1(self.c1(self.quant(x))))
        y = self.add.add_relu(self.c3(self.r2(self.b2(self.c2(x)))), x)
        s = self.sigmoid(self.se(self.pool(y)))
        y = self.swish(self.mul.mul(y, s))
        y = F.interpolate(F.max_pool2d(y, 2), scale_factor=2.0, mode="nearest")
        y = self.cat.cat([y, F.relu(x)], 1)
        y = torch.flatten(self.pool(y), 1)
        return self.dequant(self.g(self.r3(self.f(y))))


def quantized(engine):
    """Static quantization to 8 bits."""
    torch.backends.quantized.engine = engine
    model = Small().eval()
    for m in model.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.uniform_(-0.1, 0.1)
            m.running_var.uniform_(0.75, 1.25)
    model = quantization.fuse_modules(model, [["c1", "b1", "r1"], ["c2", "b2"], ["f", "r3"]])
    model.qconfig = quantization.get_default_qconfig(engine if engine != "onednn" else "fbgemm")
    quantization.prepare(model, inplace=True)
    for _ in range(4): model(noise(4, 3, 16, 16))
    return quantization.convert(model, inplace=True)


class Talker(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.lstm, self.gru, self.fc, self.out = nn.Embedding(20, 8), nn.LSTM(8, 12, 2, bidirectional=True, batch_first=True), nn.GRU(24, 8), nn.Linear(8, 10), nn.Linear(10, 4)

    def forward(self, tokens):
        y, _ = self.lstm(self.words(tokens))
        y, _ = self.gru(y)
        return self.out(F.relu(self.fc(y)))


def dynamic():
    torch.backends.quantized.engine = "qnnpack"
    return quantization.quantize_dynamic(Talker().eval(), {nn.Linear, nn.LSTM, nn.GRU}, dtype=torch.qint8)


def embeddings():
    torch.backends.quantized.engine = "qnnpack"

    class Tables(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.bag, self.out = nn.Embedding(20, 8), nn.EmbeddingBag(20, 8, mode="sum", include_last_offset=True), nn.Linear(8, 3)

        def forward(self, tokens, flat, offsets):
            return self.out(self.words(tokens)), self.bag(flat, offsets)

    model = Tables().eval()
    model.words.qconfig = model.bag.qconfig = quantization.float_qparams_weight_only_qconfig
    quantization.prepare(model, inplace=True)
    return quantization.convert(model, inplace=True)


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU6(), nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Hardswish(), nn.ConvTranspose2d(8, 4, 2, 2), nn.ReLU())
        self.out = nn.Linear(4, 5)

    def forward(self, x):
        return torch.relu(self.out(self.body(x).mean([2, 3])))


frozen = lambda module, inputs, file: torch.jit.freeze(torch.jit.script(module)).save(file)
prepacked = lambda module, inputs, file: optimize_for_mobile(torch.jit.script(module)).save(file)
lite = lambda module, inputs, file: optimize_for_mobile(torch.jit.script(module))._save_for_lite_interpreter(file)

edges = lambda: (noise(6, 6), torch.tensor([0.0, 1, 2, 3, 4, 5, 0, 2]), torch.tensor([1.0, 2, 3, 4, 5, 0, 3, 5]))
TRACED_ONLY = {"series"}  # PyTorch does not script its weight normalisation
SCRIPTED_ONLY = set()
NETWORKS = {
    "gcn": (Gcn, edges),
    "points": (Points, lambda: (noise(2, 10, 3),)),
    "recommender": (Recommender, lambda: (noise(3, 5), torch.randint(0, 10, (3, 3)).float())),
    "policy": (Policy, lambda: (noise(3, 6),)),
    "nerf": (Nerf, lambda: (noise(4, 3), noise(4, 3))),
    "series": (Series, lambda: (noise(2, 24),)),
    "script": (Script, lambda: (noise(2, 6),)),
    "until_settled": (UntilSettled, lambda: (noise(2, 5),)),
    "in_place": (InPlace, lambda: (noise(2, 6),)),
    "maths": (Maths, lambda: (noise(3, 4), noise(3, 4))),
    "activations": (Activations, lambda: (noise(2, 6),)),
    "half_weights": (lambda: HalfNet(torch.float16), lambda: (torch.randint(0, 9, (2, 3)),)),
    "bfloat16_weights": (lambda: HalfNet(torch.bfloat16), lambda: (torch.randint(0, 9, (2, 3)),)),
    "bfloat16": (HalfAll, lambda: (noise(2, 6),)),
    "quantized_qnnpack": (lambda: quantized("qnnpack"), picture),
    "quantized_onednn": (lambda: quantized("onednn"), picture),
    "quantized_dynamic": (dynamic, lambda: (torch.randint(0, 20, (2, 5)),)),
    "quantized_embeddings": (embeddings, lambda: (torch.randint(0, 20, (2, 5)), torch.randint(0, 20, (7,)), torch.tensor([0, 2, 4, 7]))),
    "frozen": (Plain, picture, frozen),
    "quantized_frozen": (lambda: quantized("qnnpack"), picture, frozen),
    "prepacked": (Plain, picture, prepacked),
    "prepacked_lite": (Plain, picture, lite),
}
