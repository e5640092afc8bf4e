"""Networks over tokens, of the kinds that people train: NETWORKS is name: (module, inputs)."""
import math
from typing import Dict, List, NamedTuple, Optional, Tuple
import torch
from torch import nn
from torch.nn import functional as F

tokens = lambda *shape: torch.randint(0, 50, shape)


class BertLayer(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-12), nn.LayerNorm(width, eps=1e-12)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def split(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(x.size(0), x.size(1), self.heads, x.size(-1) // self.heads).permute(0, 2, 1, 3)

    def forward(self, x, mask):
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(q.size(-1)) + mask
        y = torch.matmul(F.softmax(scores, dim=-1), v).permute(0, 2, 1, 3).contiguous()
        x = self.norm1(x + self.out(y.view(y.size(0), y.size(1), -1)))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


class Bert(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.places, self.types = nn.Embedding(50, 32, padding_idx=0), nn.Embedding(64, 32), nn.Embedding(2, 32)
        self.register_buffer("position_ids", torch.arange(64).expand((1, -1)))
        self.norm, self.pooler = nn.LayerNorm(32), nn.Linear(32, 32)
        self.layers = nn.ModuleList([BertLayer(32, 4) for _ in range(2)])

    def forward(self, input_ids, attention_mask, token_type_ids):
        places = self.position_ids[:, :input_ids.size(1)]
        x = self.norm(self.words(input_ids) + self.places(places) + self.types(token_type_ids))
        mask = (1.0 - attention_mask[:, None, None, :].to(x.dtype)) * -3e38
        for layer in self.layers:
            x = layer(x, mask)
        return x, torch.tanh(self.pooler(x[:, 0]))


class Conv1D(nn.Module):
    def __init__(self, n: int, m: int):
        super().__init__()
        self.n = n
        self.weight, self.bias = nn.Parameter(torch.randn(m, n) * 0.1), nn.Parameter(torch.randn(n) * 0.1)

    def forward(self, x):
        shape = [x.size(0), x.size(1), self.n]
        return torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight).view(shape)


class Gpt2Layer(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.width, self.heads = width, heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend, self.out, self.up, self.down = Conv1D(3 * width, width), Conv1D(width, width), Conv1D(4 * width, width), Conv1D(width, 4 * width)
        self.register_buffer("bias", torch.tril(torch.ones(64, 64, dtype=torch.uint8)).view(1, 1, 64, 64))
        self.register_buffer("masked_bias", torch.tensor(-1e4))

    def forward(self, x, past_k, past_v):
        h = self.norm1(x)
        q, k, v = self.attend(h).split(self.width, dim=2)
        q, k, v = [t.view(t.size(0), t.size(1), self.heads, -1).permute(0, 2, 1, 3) for t in (q, k, v)]
        k, v = torch.cat([past_k, k], dim=-2), torch.cat([past_v, v], dim=-2)
        w = torch.matmul(q, k.transpose(-1, -2)) / (v.size(-1) ** 0.5)
        mask = self.bias[:, :, k.size(-2) - q.size(-2):k.size(-2), :k.size(-2)].to(torch.bool)
        w = torch.where(mask, w, self.masked_bias.to(w.dtype)).softmax(-1)
        y = torch.matmul(w, v).permute(0, 2, 1, 3).contiguous()
        x = x + self.out(y.view(y.size(0), y.size(1), -1))
        h = self.up(self.norm2(x))
        h = 0.5 * h * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (h + 0.044715 * torch.pow(h, 3.0))))
        return x + self.down(h), k, v


class Gpt2(nn.Module):
    """Takes the keys and values of earlier steps and gives the new ones."""

    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(50, 24), nn.Embedding(64, 24)
        self.layers = nn.ModuleList([Gpt2Layer(24, 3) for _ in range(2)])
        self.norm = nn.LayerNorm(24)

    def forward(self, input_ids, past: Tuple[torch.Tensor, torch.Tensor]):
        n = past[0].size(-2)
        at = torch.arange(n, input_ids.size(-1) + n, dtype=torch.long, device=input_ids.device).unsqueeze(0).view(-1, input_ids.size(-1))
        x = self.words(input_ids) + self.places(at)
        keys, values = [], []
        for i, layer in enumerate(self.layers):
            x, k, v = layer(x, past[0][i], past[1][i])
            keys.append(k)
            values.append(v)
        return F.linear(self.norm(x), self.words.weight), (torch.stack(keys), torch.stack(values))


class RmsNorm(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(width) + 0.5)

    def forward(self, x):
        variance = x.to(torch.float32).pow(2).mean(-1, keepdim=True)
        return self.weight * (x * torch.rsqrt(variance + 1e-6))


def rotate_half(x):
    half = x.shape[-1] // 2
    return torch.cat((-x[..., half:], x[..., :half]), dim=-1)


def repeat_kv(x: torch.Tensor, n: int) -> torch.Tensor:
    b, h, t, d = x.shape
    return x[:, :, None, :, :].expand(b, h, n, t, d).reshape(b, h * n, t, d)


class LlamaLayer(nn.Module):
    def __init__(self, width: int, heads: int, shared: int):
        super().__init__()
        self.heads, self.shared, self.size = heads, shared, width // heads
        self.q, self.k, self.v, self.o = (nn.Linear(width, n, bias=False) for n in (width, shared * width // heads, shared * width // heads, width))
        self.norm1, self.norm2 = RmsNorm(width), RmsNorm(width)
        self.gate, self.up, self.down = nn.Linear(width, 48, bias=False), nn.Linear(width, 48, bias=False), nn.Linear(48, width, bias=False)
        self.register_buffer("inv_freq", 1.0 / (10000.0 ** (torch.arange(0, self.size, 2).float() / self.size)), persistent=False)

    def forward(self, x, mask, position_ids):
        b, t, _ = x.shape
        h = self.norm1(x)
        q = self.q(h).view(b, t, self.heads, self.size).transpose(1, 2)
        k = self.k(h).view(b, t, self.shared, self.size).transpose(1, 2)
        v = self.v(h).view(b, t, self.shared, self.size).transpose(1, 2)
        freqs = (self.inv_freq[None, :, None].float().expand(position_ids.shape[0], -1, 1) @ position_ids[:, None, :].float()).transpose(1, 2)
        emb = torch.cat((freqs, freqs), dim=-1)
        cos, sin = emb.cos().unsqueeze(1), emb.sin().unsqueeze(1)
        q, k = q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin
        k, v = repeat_kv(k, self.heads // self.shared), repeat_kv(v, self.heads // self.shared)
        w = torch.matmul(q, k.transpose(2, 3)) / math.sqrt(self.size) + mask
        w = F.softmax(w, dim=-1, dtype=torch.float32).to(q.dtype)
        x = x + self.o(torch.matmul(w, v).transpose(1, 2).contiguous().reshape(b, t, -1))
        h = self.norm2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Llama(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.norm, self.head = nn.Embedding(50, 32), RmsNorm(32), nn.Linear(32, 50, bias=False)
        self.layers = nn.ModuleList([LlamaLayer(32, 4, 2) for _ in range(2)])

    def forward(self, input_ids):
        b, t = input_ids.shape
        mask = torch.full((t, t), float("-inf"), device=input_ids.device)
        mask = torch.triu(mask, diagonal=1)[None, None]
        at = torch.arange(t, device=input_ids.device).unsqueeze(0)
        x = self.words(input_ids)
        for layer in self.layers:
            x = layer(x, mask, at)
        return self.head(self.norm(x))


class Complex(nn.Module):
    """Rotary embedding by complex numbers, as Llama's first code has it."""

    def __init__(self):
        super().__init__()
        freqs = 1.0 / (10000.0 ** (torch.arange(0, 8, 2)[:4].float() / 8))
        freqs = torch.outer(torch.arange(32), freqs).float()
        self.register_buffer("freqs_cis", torch.polar(torch.ones_like(freqs), freqs))

    def forward(self, x):
        pairs = torch.view_as_complex(x.float().reshape(x.size(0), x.size(1), x.size(2), -1, 2))
        turned = pairs * self.freqs_cis[:x.size(1)].view(1, x.size(1), 1, -1)
        return torch.view_as_real(turned).flatten(3).type_as(x)


class Cache(nn.Module):
    """Attention with buffers of keys and values that it writes in place."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(16, 48)
        self.register_buffer("cache_k", torch.zeros(1, 12, 2, 8))
        self.register_buffer("cache_v", torch.zeros(1, 12, 2, 8))

    def forward(self, x, start: int = 3):
        b, t, _ = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, 2, 8).unbind(2)
        self.cache_k[:b, start:start + t] = k
        self.cache_v[:b, start:start + t] = v
        keys, values = self.cache_k[:b, :start + t], self.cache_v[:b, :start + t]
        w = torch.einsum("bqhd,bkhd->bhqk", q, keys) / math.sqrt(8.0)
        return torch.einsum("bhqk,bkhd->bqhd", w.softmax(-1), values).flatten(2)


class T5Attention(nn.Module):
    def __init__(self, width: int, heads: int, relative: bool, causal: bool):
        super().__init__()
        self.heads, self.relative, self.causal = heads, relative, causal
        self.q, self.k, self.v, self.o = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.bias = nn.Embedding(8, heads)

    def bucket(self, relative: torch.Tensor) -> torch.Tensor:
        buckets, most = 8, 16
        result = torch.zeros_like(relative)
        if not self.causal:
            buckets = buckets // 2
            result += (relative > 0).to(torch.long) * buckets
            relative = torch.abs(relative)
        else:
            relative = -torch.min(relative, torch.zeros_like(relative))
        exact = buckets // 2
        large = exact + (torch.log(relative.float() / exact) / math.log(most / exact) * (buckets - exact)).to(torch.long)
        large = torch.min(large, torch.full_like(large, buckets - 1))
        result += torch.where(relative < exact, relative, large)
        return result

    def forward(self, x, memory):
        b, t, w = x.shape
        s = memory.size(1)
        q, k, v = [p.view(b, -1, self.heads, w // self.heads).transpose(1, 2) for p in (self.q(x), self.k(memory), self.v(memory))]
        scores = torch.matmul(q, k.transpose(3, 2))
        if self.relative:
            at = torch.arange(s, dtype=torch.long)[None, :] - torch.arange(t, dtype=torch.long)[:, None]
            scores += self.bias(self.bucket(at)).permute([2, 0, 1]).unsqueeze(0)
        if self.causal:
            scores = scores.masked_fill(torch.ones(t, s, dtype=torch.bool).triu(1), float("-inf"))
        return self.o(torch.matmul(F.softmax(scores.float(), dim=-1).type_as(scores), v).transpose(1, 2).contiguous().view(b, -1, w))


class T5(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(50, 32)
        self.encode, self.decode, self.cross = T5Attention(32, 4, True, False), T5Attention(32, 4, True, True), T5Attention(32, 4, False, False)
        self.norms = nn.ModuleList([RmsNorm(32) for _ in range(5)])
        self.wi0, self.wi1, self.wo = nn.Linear(32, 40, bias=False), nn.Linear(32, 40, bias=False), nn.Linear(40, 32, bias=False)

    def forward(self, source, target):
        x = self.words(source)
        h = self.norms[0](x)
        x = x + self.encode(h, h)
        memory = self.norms[1](x)
        y = self.words(target)
        h = self.norms[2](y)
        y = y + self.decode(h, h)
        y = y + self.cross(self.norms[3](y), memory)
        h = self.norms[4](y)
        y = y + self.wo(F.gelu(self.wi0(h), approximate="tanh") * self.wi1(h))
        return F.linear(y * (32 ** -0.5), self.words.weight)


class Masked(nn.Module):
    """nn.MultiheadAttention with all its masks, and weights of each head."""

    def __init__(self, batch_first: bool, **how):
        super().__init__()
        self.attend = nn.MultiheadAttention(16, 4, batch_first=batch_first, **how)

    def forward(self, x, memory, padding):
        causal = torch.triu(torch.ones(x.size(1), memory.size(1)), diagonal=2) > 0.5
        y, w = self.attend(x, memory, memory, key_padding_mask=padding > 0.5, attn_mask=causal, need_weights=True, average_attn_weights=False)
        z, _ = self.attend(x, memory, memory, need_weights=False)
        return y, w, z


class Memory(nn.Module):
    def __init__(self):
        super().__init__()
        self.attend = nn.MultiheadAttention(16, 2, kdim=12, vdim=10, add_bias_kv=True, add_zero_attn=True)

    def forward(self, q, k, v):
        return self.attend(q, k, v)


class Translator(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(50, 32)
        self.transformer = nn.Transformer(32, 4, 2, 2, 48, batch_first=True, norm_first=True, activation="gelu")
        self.out = nn.Linear(32, 50)

    def forward(self, source, target, lengths):
        causal = torch.triu(torch.full((target.size(1), target.size(1)), float("-inf")), diagonal=1)
        padding = torch.arange(source.size(1))[None, :] >= lengths[:, None]
        y = self.transformer(self.words(source), self.words(target), tgt_mask=causal, src_key_padding_mask=padding, memory_key_padding_mask=padding)
        return self.out(y)


class PaddedEncoder(nn.Module):
    """The fast path of nn.TransformerEncoder with a mask of padding."""

    def __init__(self, **how):
        super().__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 48, batch_first=True, **how), 2, enable_nested_tensor=False)

    def forward(self, x, lengths):
        return self.encoder(x, src_key_padding_mask=torch.arange(x.size(1)).unsqueeze(0) >= lengths.unsqueeze(1))


class Bags(nn.Module):
    def __init__(self):
        super().__init__()
        self.sum, self.mean, self.most = (nn.EmbeddingBag(50, 12, mode=m) for m in ("sum", "mean", "max"))
        self.out = nn.Linear(36, 4)

    def forward(self, text, flat, offsets):
        return self.out(torch.cat([self.sum(text), self.mean(text), self.most(text)], 1)), self.mean(flat, offsets), self.sum(flat, offsets)


class TextCnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(50, 16)
        self.convs = nn.ModuleList([nn.Conv2d(1, 8, (k, 16)) for k in (2, 3, 4)])
        self.out = nn.Linear(24, 3)

    def forward(self, x):
        e = self.words(x).unsqueeze(1)
        return self.out(torch.cat([F.max_pool1d(F.relu(c(e)).squeeze(3), 9 - i).squeeze(2) for i, c in enumerate(self.convs)], 1))


class Attention(nn.Module):
    """Bahdanau's."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.score = nn.Linear(24, 16), nn.Linear(32, 16), nn.Linear(16, 1)

    def forward(self, state, memory):
        w = F.softmax(self.score(torch.tanh(self.query(state).unsqueeze(1) + self.key(memory))), dim=1)
        return (w * memory).sum(dim=1), w


class Greedy(nn.Module):
    """A sequence to sequence model that decodes until a word ends it or there are too many."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(50, 16)
        self.encoder, self.attention, self.decoder, self.out = nn.GRU(16, 16, bidirectional=True, batch_first=True), Attention(), nn.GRUCell(48, 24), nn.Linear(24, 50)

    def forward(self, source):
        memory, _ = self.encoder(self.words(source))
        state = torch.zeros(source.size(0), 24)
        word = torch.full((source.size(0),), 1, dtype=torch.long)
        done = torch.zeros(source.size(0), dtype=torch.bool)
        words: List[torch.Tensor] = []
        step = 0
        while step < 7 and not bool(done.all()):
            context, _ = self.attention(state, memory)
            state = self.decoder(torch.cat([self.words(word), context], 1), state)
            word = self.out(state).argmax(-1)
            done = done | (word % 5 == 2)
            words.append(word)
            step += 1
        return torch.stack(words, 1), state


class Viterbi(nn.Module):
    """A conditional random field over an LSTM: scores of the best path, and the path."""

    def __init__(self):
        super().__init__()
        self.words, self.lstm, self.out = nn.Embedding(50, 12), nn.LSTM(12, 10, bidirectional=True), nn.Linear(20, 5)
        self.transitions = nn.Parameter(torch.randn(5, 5))

    def forward(self, tokens):
        e = self.out(self.lstm(self.words(tokens))[0])
        score = e[0]
        history: List[torch.Tensor] = []
        for i in range(1, e.size(0)):
            best, at = (score.unsqueeze(2) + self.transitions + e[i].unsqueeze(1)).max(dim=1)
            score = best
            history.append(at)
        last = score.argmax(1)
        path = [last]
        for i in range(len(history) - 1, -1, -1):
            last = history[i].gather(1, last.unsqueeze(1)).squeeze(1)
            path.append(last)
        path.reverse()
        return score.max(1)[0], torch.stack(path, 0)


class FNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(16), nn.Linear(16, 32), nn.Linear(32, 16)

    def forward(self, x):
        y = torch.fft.fft(torch.fft.fft(x, dim=-1), dim=-2).real
        y = self.norm(x + y)
        return self.norm(y + self.down(F.gelu(self.up(y))))


class LongConvolution(nn.Module):
    """A convolution as long as the sequence, by Fourier transforms (S4, Hyena)."""

    def __init__(self):
        super().__init__()
        self.kernel, self.skip = nn.Parameter(torch.randn(6, 20) * 0.2), nn.Parameter(torch.randn(6))

    def forward(self, u):
        n = u.size(-1)
        k = torch.fft.rfft(self.kernel, n=2 * n)
        y = torch.fft.irfft(torch.fft.rfft(u, n=2 * n) * k, n=2 * n)[..., :n]
        return F.gelu(y + u * self.skip.unsqueeze(-1))


class Mixture(nn.Module):
    """A mixture of experts: the two best for each token."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(16, 4, bias=False)
        self.experts = nn.ModuleList([nn.Sequential(nn.Linear(16, 24), nn.SiLU(), nn.Linear(24, 16)) for _ in range(4)])

    def forward(self, x):
        flat = x.reshape(-1, x.size(-1))
        weights, chosen = torch.topk(F.softmax(self.gate(flat), dim=1), 2, dim=-1)
        weights = weights / weights.sum(dim=-1, keepdim=True)
        y = torch.zeros_like(flat)
        for i, expert in enumerate(self.experts):
            row, slot = torch.where(chosen == i)
            y.index_add_(0, row, expert(flat[row]) * weights[row, slot, None])
        return y.view_as(x)


class RelativeShift(nn.Module):
    """Transformer-XL's relative scores, and ALiBi."""

    def forward(self, x):
        b, h, t, s = x.shape
        padded = torch.cat([torch.zeros(b, h, t, 1, dtype=x.dtype), x], dim=-1).view(b, h, s + 1, t)
        shifted = padded[:, :, 1:].view_as(x)
        slopes = torch.tensor([2.0 ** (-8.0 * (i + 1) / h) for i in range(h)])
        at = torch.arange(s).view(1, 1, -1) - torch.arange(t).view(1, -1, 1)
        return shifted, x + slopes.view(-1, 1, 1) * -at.abs().float()


class Deberta(nn.Module):
    def __init__(self):
        super().__init__()
        self.relative = nn.Parameter(torch.randn(2, 16, 8))

    def forward(self, q, k):
        n = q.size(-2)
        at = torch.clamp(torch.arange(n)[:, None] - torch.arange(n)[None, :] + 8, 0, 15)
        c2p = torch.gather(torch.matmul(q, self.relative.transpose(-1, -2)), -1, at.unsqueeze(0).expand(q.size(0), n, n))
        p2c = torch.gather(torch.matmul(k, self.relative.transpose(-1, -2)), -1, at.unsqueeze(0).expand(q.size(0), n, n)).transpose(-1, -2)
        return torch.baddbmm(c2p + p2c, q, k.transpose(-1, -2), beta=0.5, alpha=1 / math.sqrt(3 * 8.0))


class Performer(nn.Module):
    """Linear attention by random features; many forms of einsum."""

    def __init__(self):
        super().__init__()
        self.features = nn.Parameter(torch.randn(12, 8))

    def forward(self, q, k, v):
        q, k = [torch.exp(torch.einsum("bhnd,md->bhnm", x, self.features) - (x ** 2).sum(-1, keepdim=True) / 2 - x.amax(dim=-1, keepdim=True)) for x in (q, k)]
        kv = torch.einsum("bhnm,bhnd->bhmd", k, v)
        z = 1.0 / torch.einsum("...nm,...m->...n", q, k.sum(dim=-2))
        return torch.einsum("bhmd,bhnm,bhn->bhnd", kv, q, z), torch.einsum("ii->i", self.features[:8, :8]), torch.einsum("bhnd->nd", v), torch.einsum("i,j->ij", z[0, 0], z[0, 1])


class Labels(NamedTuple):
    start: torch.Tensor
    end: torch.Tensor


class Answer(nn.Module):
    """Named results in a dict and a named tuple, an optional mask, a string and a dict of modules."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(50, 12)
        self.heads = nn.ModuleDict({"span": nn.Linear(12, 2), "kind": nn.Linear(12, 3)})
        self.pooling = "mean"

    def forward(self, tokens, mask: Optional[torch.Tensor] = None) -> Tuple[Dict[str, torch.Tensor], Labels]:
        x = self.words(tokens)
        if mask is not None:
            x = x * mask.unsqueeze(-1)
        if self.pooling == "mean":
            pooled = x.mean(1)
        elif self.pooling == "max":
            pooled = x.max(1)[0]
        else:
            raise ValueError(f"no pooling {self.pooling}")
        span = self.heads["span"](x)
        start, end = span.split(1, dim=-1)
        result = {"kind": self.heads["kind"](pooled), "pooled": pooled}
        result["span"] = span
        return result, Labels(start.squeeze(-1), end.squeeze(-1))


class Fused(nn.Module):
    """F.scaled_dot_product_attention's forerunner of PyTorch 1.13 does the same by another name."""

    def forward(self, q, k, v, mask):
        return F._scaled_dot_product_attention(q, k, v, mask > 0.5, 0.0, True, False)


TRACED_ONLY = {"attention_bias_kv"}  # PyTorch does not script it
SCRIPTED_ONLY = set()
heads = lambda *shape: torch.randn(*shape)
NETWORKS = {
    "bert": (Bert, lambda: (tokens(2, 9), (torch.arange(9)[None] < torch.tensor([[9], [6]])).long(), torch.randint(0, 2, (2, 9)))),
    "gpt2": (Gpt2, lambda: (tokens(1, 4), (heads(2, 1, 3, 5, 8), heads(2, 1, 3, 5, 8)))),
    "llama": (Llama, lambda: (tokens(1, 7),)),
    "complex_rotary": (Complex, lambda: (heads(1, 5, 2, 8),)),
    "kv_cache": (Cache, lambda: (heads(1, 4, 16),)),
    "t5": (T5, lambda: (tokens(2, 12), tokens(2, 9))),
    "attention_masks": (lambda: Masked(True), lambda: (heads(2, 5, 16), heads(2, 7, 16), (torch.arange(7)[None] >= torch.tensor([[7], [4]])).float())),
    "attention_bias_kv": (Memory, lambda: (heads(5, 2, 16), heads(7, 2, 12), heads(7, 2, 10))),
    "transformer": (Translator, lambda: (tokens(2, 8), tokens(2, 5), torch.tensor([8.0, 5.0]))),
    "encoder_padding": (PaddedEncoder, lambda: (heads(2, 6, 32), torch.tensor([6.0, 4.0]))),
    "encoder_norm_first": (lambda: PaddedEncoder(norm_first=True, activation="gelu"), lambda: (heads(2, 6, 32), torch.tensor([6.0, 4.0]))),
    "embedding_bag": (Bags, lambda: (tokens(3, 6), tokens(10), torch.tensor([0, 3, 3, 7]))),
    "text_cnn": (TextCnn, lambda: (tokens(2, 10),)),
    "greedy_decoder": (Greedy, lambda: (tokens(2, 6),)),
    "viterbi": (Viterbi, lambda: (tokens(6, 2),)),
    "fnet": (FNet, lambda: (heads(2, 8, 16),)),
    "long_convolution": (LongConvolution, lambda: (heads(2, 6, 20),)),
    "mixture_of_experts": (Mixture, lambda: (heads(2, 5, 16),)),
    "relative_shift": (RelativeShift, lambda: (heads(1, 4, 6, 6),)),
    "deberta": (Deberta, lambda: (heads(2, 7, 8), heads(2, 7, 8))),
    "performer": (Performer, lambda: (heads(1, 2, 6, 8), heads(1, 2, 6, 8), heads(1, 2, 6, 8))),
    "fused_attention": (Fused, lambda: (heads(1, 2, 4, 8), heads(1, 2, 5, 8), heads(1, 2, 5, 8), (torch.rand(4, 5) + 0.2).round())),
    "answer": (Answer, lambda: (tokens(2, 6),)),
}
