"""Networks over pictures that torchvision does not have: NETWORKS is name: (module, inputs)."""
import math
from typing import Dict, List, Tuple
import torch, torchvision
from torch import nn
from torch.nn import functional as F

noise = lambda *shape: torch.rand(*shape) * 2 - 1


def conv(i, o, k=3, s=1, g=1):
    b = nn.BatchNorm2d(o)
    b.running_mean.uniform_(-0.1, 0.1)
    b.running_var.uniform_(0.75, 1.25)
    return nn.Sequential(nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False), b, nn.SiLU(inplace=True))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2, self.middle = conv(3, 8), conv(8, 16), conv(16, 16)
        self.up1, self.up2 = nn.ConvTranspose2d(16, 16, 2, stride=2), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.merge1, self.merge2, self.out = conv(32, 8), conv(16, 8), nn.Conv2d(8, 2, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(self.pool(a))
        c = self.middle(self.pool(b))
        u = self.up1(c)
        dy, dx = b.size(2) - u.size(2), b.size(3) - u.size(3)
        u = F.pad(u, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        u = self.merge1(torch.cat([b, u], dim=1))
        v = self.up2(u)
        dy, dx = a.size(2) - v.size(2), a.size(3) - v.size(3)
        v = F.pad(v, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        return self.out(self.merge2(torch.cat([a, v], dim=1)))


class Yolo5(nn.Module):
    """YOLOv5's head: grids made as it runs, boxes decoded in a strided view of five axes."""

    def __init__(self):
        super().__init__()
        self.nc, self.no, self.nl, self.na = 3, 8, 2, 3
        self.focus, self.p3, self.p4 = conv(3, 8, 6, 2), conv(8, 16, 3, 4), conv(16, 16, 3, 2)
        self.spp = nn.ModuleList([nn.MaxPool2d(5, 1, 2) for _ in range(3)])
        self.merge = conv(64, 16, 1)
        self.m = nn.ModuleList([nn.Conv2d(16, self.no * self.na, 1), nn.Conv2d(16, self.no * self.na, 1)])
        self.register_buffer("anchors", torch.tensor([[10.0, 13, 16, 30, 33, 23], [30, 61, 62, 45, 59, 119]]).view(2, 3, 2) / 8)
        self.stride: List[float] = [8.0, 16.0]

    def make_grid(self, nx: int, ny: int, i: int) -> Tuple[torch.Tensor, torch.Tensor]:
        shape = (1, self.na, ny, nx, 2)
        y, x = torch.arange(ny, dtype=torch.float32), torch.arange(nx, dtype=torch.float32)
        yv, xv = torch.meshgrid(y, x, indexing="ij")
        grid = torch.stack((xv, yv), 2).expand(shape) - 0.5
        anchor_grid = (self.anchors[i] * self.stride[i]).view((1, self.na, 1, 1, 2)).expand(shape)
        return grid, anchor_grid

    def forward(self, x):
        a = self.p3(self.focus(x))
        b = self.p4(a)
        s = [b]
        for pool in self.spp: s.append(pool(s[-1]))
        features = [a, self.merge(torch.cat(s, 1))]
        z = []
        for i, layer in enumerate(self.m):
            y = layer(features[i])
            bs, _, ny, nx = y.shape
            y = y.view(bs, self.na, self.no, ny, nx).permute(0, 1, 3, 4, 2).contiguous().sigmoid()
            grid, anchor_grid = self.make_grid(nx, ny, i)
            y[..., 0:2] = (y[..., 0:2] * 2 + grid) * self.stride[i]
            y[..., 2:4] = (y[..., 2:4] * 2) ** 2 * anchor_grid
            z.append(y.view(bs, -1, self.no))
        return torch.cat(z, 1)


class Yolo8(nn.Module):
    """YOLOv8's head: distributions over distances, anchors from the sizes of features."""

    def __init__(self):
        super().__init__()
        self.stem, self.p3, self.p4 = conv(3, 8, 3, 4), conv(8, 16, 3, 2), conv(16, 16, 3, 2)
        self.box, self.kind = nn.ModuleList([nn.Conv2d(16, 64, 1) for _ in range(2)]), nn.ModuleList([nn.Conv2d(16, 3, 1) for _ in range(2)])
        self.dfl = nn.Conv2d(16, 1, 1, bias=False).requires_grad_(False)
        self.dfl.weight.data[:] = torch.arange(16, dtype=torch.float).view(1, 16, 1, 1)

    def anchors(self, features: List[torch.Tensor]) -> Tuple[torch.Tensor, torch.Tensor]:
        points, strides = [], []
        for i, f in enumerate(features):
            h, w = f.shape[2], f.shape[3]
            sx, sy = torch.arange(end=w, dtype=f.dtype) + 0.5, torch.arange(end=h, dtype=f.dtype) + 0.5
            sy, sx = torch.meshgrid(sy, sx, indexing="ij")
            points.append(torch.stack((sx, sy), -1).view(-1, 2))
            strides.append(torch.full((h * w, 1), float(8 * 2 ** i), dtype=f.dtype))
        return torch.cat(points).transpose(0, 1), torch.cat(strides).transpose(0, 1)

    def forward(self, x):
        a = self.p3(self.stem(x))
        b = self.p4(a)
        features = [a, b]
        y = []
        i = 0
        for to_box, to_kind in zip(self.box, self.kind):
            y.append(torch.cat((to_box(features[i]), to_kind(features[i])), 1))
            i += 1
        points, strides = self.anchors(y)
        all = torch.cat([t.view(t.shape[0], 67, -1) for t in y], 2)
        box, kind = all.split((64, 3), 1)
        n, c, k = box.shape
        d = self.dfl(box.view(n, 4, 16, k).transpose(2, 1).softmax(1)).view(n, 4, k)
        lt, rb = d.chunk(2, 1)
        x1y1, x2y2 = points.unsqueeze(0) - lt, points.unsqueeze(0) + rb
        box = torch.cat(((x1y1 + x2y2) / 2, x2y2 - x1y1), 1) * strides
        return torch.cat((box, kind.sigmoid()), 1)


class Nms(nn.Module):
    """YOLO's post-processing: candidates by confidence, boxes of centers, one suppression for all classes by offsets."""

    def forward(self, prediction):
        x = prediction[0]
        x = x[x[:, 4] > 0.3]
        scores, kinds = (x[:, 5:] * x[:, 4:5]).max(1, keepdim=True)
        boxes = torch.cat([x[:, :2] - x[:, 2:4] / 2, x[:, :2] + x[:, 2:4] / 2], 1)
        x = torch.cat((boxes, scores, kinds.float()), 1)[scores.view(-1) > 0.1]
        x = x[x[:, 4].argsort(descending=True)]
        keep = torchvision.ops.nms(x[:, :4] + x[:, 5:6] * 4096, x[:, 4], 0.45)
        return x[keep[:20]]


class CenterNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(conv(3, 8, 3, 2), conv(8, 8, 3, 2))
        self.heat, self.size, self.offset = nn.Conv2d(8, 3, 1), nn.Conv2d(8, 2, 1), nn.Conv2d(8, 2, 1)

    def gather(self, f: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        f = f.permute(0, 2, 3, 1).contiguous().view(f.size(0), -1, f.size(1))
        return f.gather(1, at.unsqueeze(2).expand(at.size(0), at.size(1), f.size(2)))

    def forward(self, x):
        f = self.body(x)
        heat = torch.clamp(self.heat(f).sigmoid_(), min=1e-4, max=1 - 1e-4)
        heat = heat * (F.max_pool2d(heat, 3, stride=1, padding=1) == heat).float()
        b, c, h, w = heat.size()
        scores, at = torch.topk(heat.view(b, c, -1), 6)
        at = at % (h * w)
        ys, xs = torch.div(at, w, rounding_mode="floor").float(), (at % w).float()
        score, best = torch.topk(scores.view(b, -1), 6)
        kinds = torch.div(best, 6, rounding_mode="trunc")
        at = at.view(b, -1).gather(1, best)
        ys, xs = ys.view(b, -1).gather(1, best), xs.view(b, -1).gather(1, best)
        offset, size = self.gather(self.offset(f), at), self.gather(self.size(f), at)
        xs, ys = xs.view(b, 6, 1) + offset[:, :, 0:1], ys.view(b, 6, 1) + offset[:, :, 1:2]
        boxes = torch.cat([xs - size[..., 0:1] / 2, ys - size[..., 1:2] / 2, xs + size[..., 0:1] / 2, ys + size[..., 1:2] / 2], dim=2)
        return boxes, score, kinds


class Detr(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.project = nn.Sequential(conv(3, 8, 3, 4), conv(8, 16, 3, 4)), nn.Conv2d(16, 32, 1)
        self.transformer = nn.Transformer(32, 4, 1, 1, 48)
        self.queries, self.kinds, self.boxes = nn.Embedding(5, 32), nn.Linear(32, 4), nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 4))

    def places(self, mask: torch.Tensor) -> torch.Tensor:
        y, x = (~mask).cumsum(1, dtype=torch.float32), (~mask).cumsum(2, dtype=torch.float32)
        y, x = y / (y[:, -1:, :] + 1e-6) * 2 * math.pi, x / (x[:, :, -1:] + 1e-6) * 2 * math.pi
        d = torch.arange(16, dtype=torch.float32)
        d = 10000 ** (2 * torch.div(d, 2, rounding_mode="floor") / 16)
        px, py = x[:, :, :, None] / d, y[:, :, :, None] / d
        px = torch.stack((px[:, :, :, 0::2].sin(), px[:, :, :, 1::2].cos()), dim=4).flatten(3)
        py = torch.stack((py[:, :, :, 0::2].sin(), py[:, :, :, 1::2].cos()), dim=4).flatten(3)
        return torch.cat((py, px), dim=3).permute(0, 3, 1, 2)

    def forward(self, x, mask):
        f = self.project(self.body(x))
        m = F.interpolate(mask[None].float(), size=f.shape[-2:]).to(torch.bool)[0]
        src = (f + self.places(m)).flatten(2).permute(2, 0, 1)
        h = self.transformer(src, self.queries.weight.unsqueeze(1).repeat(1, x.size(0), 1), src_key_padding_mask=m.flatten(1)).transpose(0, 1)
        return {"pred_logits": self.kinds(h), "pred_boxes": self.boxes(h).sigmoid()}


class SuperPoint(nn.Module):
    """Key points by softmax over cells, suppression by pools, descriptors sampled where they are."""

    def __init__(self):
        super().__init__()
        self.body, self.points, self.descriptors = nn.Sequential(conv(1, 8, 3, 2), conv(8, 8, 3, 2), conv(8, 16, 3, 2)), nn.Conv2d(16, 65, 1), nn.Conv2d(16, 24, 1)

    def forward(self, x):
        f = self.body(x)
        s = F.softmax(self.points(f) * 3, 1)[:, :-1]
        b, _, h, w = s.shape
        s = s.permute(0, 2, 3, 1).reshape(b, h, w, 8, 8).permute(0, 1, 3, 2, 4).reshape(b, h * 8, w * 8)
        top = s == F.max_pool2d(s, 9, stride=1, padding=4)
        s = torch.where(top, s, torch.zeros_like(s))
        places = torch.nonzero(s[0] > 0.03)
        scores = s[0][places[:, 0], places[:, 1]]
        keep = torch.topk(scores, 8, dim=0)[1]
        points = torch.flip(places[keep], [1]).float()
        d = F.normalize(self.descriptors(f), p=2.0, dim=1)
        grid = (points - 8 / 2 + 0.5) / torch.tensor([w * 8 - 8 / 2 - 0.5, h * 8 - 8 / 2 - 0.5])
        d = F.grid_sample(d, (grid * 2 - 1).view(1, 1, -1, 2), mode="bilinear", align_corners=True)
        return points, scores[keep], F.normalize(d.reshape(1, 24, -1), p=2.0, dim=1)


class Edsr(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.45, 0.44, 0.40]).view(1, 3, 1, 1))
        self.head, self.body, self.tail = nn.Conv2d(3, 8, 3, padding=1), nn.ModuleList([nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(True), nn.Conv2d(8, 8, 3, padding=1)) for _ in range(2)]), nn.Sequential(nn.Conv2d(8, 72, 3, padding=1), nn.PixelShuffle(3), nn.Conv2d(8, 3, 3, padding=1))

    def forward(self, x):
        x = self.head((x - self.mean) * 255)
        y = x
        for block in self.body:
            y = y + block(y).mul(0.1)
        x = x + y
        return (self.tail(x) / 255 + self.mean).clamp_(0, 1)


class Swin2Sr(nn.Module):
    """Shifted windows over sizes that are no multiple, with a mask that it makes in place."""

    def __init__(self):
        super().__init__()
        self.embed, self.qkv, self.out, self.unembed = nn.Conv2d(3, 16, 3, 1, 1), nn.Linear(16, 48), nn.Linear(16, 16), nn.Conv2d(16, 12, 3, 1, 1)
        self.window, self.shift = 4, 2
        self.bias = nn.Parameter(torch.randn(49, 2))
        c = torch.stack(torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij")).flatten(1)
        r = (c[:, :, None] - c[:, None, :]).permute(1, 2, 0) + 3
        self.register_buffer("index", r[..., 0] * 7 + r[..., 1])

    def partition(self, x: torch.Tensor) -> torch.Tensor:
        b, h, w, c = x.shape
        return x.view(b, h // 4, 4, w // 4, 4, c).permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, 16, c)

    def mask(self, h: int, w: int) -> torch.Tensor:
        m = torch.zeros((1, h, w, 1))
        n = 0
        for a, b in [(0, h - 4), (h - 4, h - 2), (h - 2, h)]:
            for c, d in [(0, w - 4), (w - 4, w - 2), (w - 2, w)]:
                m[:, a:b, c:d, :] = n
                n += 1
        m = self.partition(m).view(-1, 16)
        m = m.unsqueeze(1) - m.unsqueeze(2)
        return m.masked_fill(m != 0, -100.0).masked_fill(m == 0, 0.0)

    def forward(self, x):
        _, _, h, w = x.size()
        x = F.pad(x, (0, (4 - w % 4) % 4, 0, (4 - h % 4) % 4), "reflect")
        f = self.embed(x).permute(0, 2, 3, 1)
        b, hp, wp, c = f.shape
        y = self.partition(torch.roll(f, shifts=(-self.shift, -self.shift), dims=(1, 2)))
        q, k, v = self.qkv(y).reshape(-1, 16, 3, 2, 8).permute(2, 0, 3, 1, 4).unbind(0)
        a = (q * 8 ** -0.5) @ k.transpose(-2, -1) + self.bias[self.index.view(-1)].view(16, 16, -1).permute(2, 0, 1).contiguous().unsqueeze(0)
        m = self.mask(hp, wp)
        a = (a.view(-1, m.size(0), 2, 16, 16) + m.unsqueeze(1).unsqueeze(0)).view(-1, 2, 16, 16).softmax(-1)
        y = self.out((a @ v).transpose(1, 2).reshape(-1, 16, c)).view(-1, hp // 4, wp // 4, 4, 4, c).permute(0, 1, 3, 2, 4, 5).contiguous().view(b, hp, wp, c)
        f = f + torch.roll(y, shifts=(self.shift, self.shift), dims=(1, 2))
        return F.pixel_shuffle(self.unembed(f.permute(0, 3, 1, 2)), 2)[:, :, :h * 2, :w * 2]


class Hrnet(nn.Module):
    """Branches of several sizes that are fused, and coordinates from heat maps."""

    def __init__(self):
        super().__init__()
        self.stem, self.down, self.up = conv(3, 8), conv(8, 16, 3, 2), nn.Conv2d(16, 8, 1)
        self.heat = nn.Conv2d(8, 4, 1)

    def forward(self, x):
        a = self.stem(x)
        b = self.down(a)
        a = F.relu(a + F.interpolate(self.up(b), size=[a.shape[-2], a.shape[-1]], mode="bilinear", align_corners=False))
        heat = self.heat(a)
        n, k, h, w = heat.shape
        p = F.softmax(heat.view(n, k, -1), 2).view(n, k, h, w)
        sx = (p.sum(2) * torch.linspace(-1, 1, 16)).sum(2)
        sy = (p.sum(3) * torch.linspace(-1, 1, 16)).sum(2)
        at = heat.view(n, k, -1).argmax(2, keepdim=True)
        hard = torch.cat([at % w, at // w], 2).float()
        return torch.stack([sx, sy], 2), hard, F.interpolate(heat, scale_factor=2.0, mode="bicubic", align_corners=False), F.interpolate(heat, scale_factor=0.5, mode="nearest"), F.interpolate(heat, scale_factor=0.5, mode="area")


class Transformer(nn.Module):
    """A spatial transformer."""

    def __init__(self):
        super().__init__()
        self.find = nn.Sequential(nn.Conv2d(1, 4, 5), nn.MaxPool2d(2), nn.ReLU(True), nn.Flatten(), nn.Linear(4 * 36, 6))

    def forward(self, x):
        theta = self.find(x).view(-1, 2, 3) * 0.2 + torch.tensor([[1.0, 0, 0], [0, 1, 0]])
        return F.grid_sample(x, F.affine_grid(theta, list(x.size()), align_corners=False), align_corners=False, padding_mode="border")


class StyleBlock(nn.Module):
    """A modulated convolution, whose kernel is made as it runs, with blurs and noise."""

    def __init__(self):
        super().__init__()
        self.weight, self.style = nn.Parameter(torch.randn(1, 6, 4, 3, 3)), nn.Linear(8, 4)
        k = torch.tensor([1.0, 3, 3, 1])
        self.register_buffer("kernel", (k[None, :] * k[:, None] / 64)[None, None])

    def forward(self, x, w):
        b, c, h, width = x.shape
        s = self.style(w).view(b, 1, c, 1, 1)
        k = self.weight / math.sqrt(c * 9) * s
        k = (k * torch.rsqrt(k.pow(2).sum([2, 3, 4]) + 1e-8).view(b, 6, 1, 1, 1)).view(b * 6, c, 3, 3)
        y = F.conv2d(x.reshape(1, b * c, h, width), k, padding=1, groups=b).view(b, 6, h, width)
        y = F.conv2d(F.pad(y.reshape(b * 6, 1, h, width), [2, 1, 2, 1]), self.kernel).view(b, 6, h, width)
        return F.leaky_relu(y, 0.2) * math.sqrt(2), F.conv_transpose2d(y, self.weight[0], stride=2)


class SegNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 2, 3, padding=1)
        self.pool, self.unpool = nn.MaxPool2d(2, 2, return_indices=True), nn.MaxUnpool2d((2, 2), (2, 2))

    def forward(self, x):
        y, at = self.pool(self.c1(x))
        return self.c2(self.unpool(y, at))


class MobileVit(nn.Module):
    """Patches unfolded and folded again."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True, activation=F.silu), 1)

    def forward(self, x):
        b, c, h, w = x.shape
        new_h, new_w = math.ceil(h / 2) * 2, math.ceil(w / 2) * 2
        y = F.interpolate(x, size=[int(new_h), int(new_w)], mode="bilinear", align_corners=False)
        y = y.reshape(b * c * (new_h // 2), 2, new_w // 2, 2).transpose(1, 2).reshape(b, c, -1, 4).transpose(1, 3).reshape(b * 4, -1, c)
        y = self.encoder(y)
        y = y.view(b, 4, -1, c).transpose(1, 3).reshape(b * c * (new_h // 2), new_w // 2, 2, 2).transpose(1, 2).reshape(b, c, new_h, new_w)
        u = F.unfold(x, 3, padding=1, stride=2)
        return F.interpolate(y, size=[h, w], mode="bilinear", align_corners=False), u, F.fold(u, [9, 9], [3, 3], padding=[1, 1], stride=2)


class BiFpn(nn.Module):
    """EfficientDet's fusion by normalised weights, swish by hand, same padding as it runs."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.rand(2, 3))
        self.conv = nn.Conv2d(8, 8, 3, groups=8, bias=False)
        self.point = nn.Conv2d(8, 8, 1)

    def same(self, x: torch.Tensor, k: int, s: int) -> torch.Tensor:
        h, w = x.shape[-2], x.shape[-1]
        ph = max((math.ceil(h / s) - 1) * s + k - h, 0)
        pw = max((math.ceil(w / s) - 1) * s + k - w, 0)
        return F.pad(x, [pw // 2, pw - pw // 2, ph // 2, ph - ph // 2])

    def forward(self, a, b):
        w = F.relu(self.w)
        w = w / (torch.sum(w, dim=1, keepdim=True) + 1e-4)
        up = F.interpolate(b, scale_factor=2.0, mode="nearest")
        y = w[0, 0] * a + w[0, 1] * up
        y = self.point(self.conv(self.same(y * torch.sigmoid(y), 3, 1)))
        z = w[1, 0] * b + w[1, 1] * F.max_pool2d(self.same(y, 3, 2), 3, 2) + w[1, 2] * b
        return y, z


class RetinaDecode(nn.Module):
    """RetinaNet's anchors, boxes and suppression class by class."""

    def __init__(self):
        super().__init__()
        self.register_buffer("base", torch.tensor([[-8.0, -8, 8, 8], [-12, -6, 12, 6]]))

    def forward(self, deltas, scores):
        shift = (torch.arange(0, 4, dtype=torch.float32) + 0.5) * 16
        sy, sx = torch.meshgrid(shift, shift, indexing="ij")
        shifts = torch.stack((sx.reshape(-1), sy.reshape(-1), sx.reshape(-1), sy.reshape(-1)), dim=1)
        anchors = (shifts[:, None, :] + self.base[None, :, :]).view(-1, 4)
        w, h = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
        cx, cy = anchors[:, 0] + 0.5 * w, anchors[:, 1] + 0.5 * h
        dw, dh = torch.clamp(deltas[:, 2::4], max=4.135), torch.clamp(deltas[:, 3::4], max=4.135)
        x, y = deltas[:, 0::4] * w[:, None] + cx[:, None], deltas[:, 1::4] * h[:, None] + cy[:, None]
        bw, bh = torch.exp(dw) * w[:, None], torch.exp(dh) * h[:, None]
        boxes = torch.stack((x - bw / 2, y - bh / 2, x + bw / 2, y + bh / 2), dim=2).flatten(1)
        boxes[:, 0::2].clamp_(min=0.0, max=64.0)
        boxes[:, 1::2].clamp_(min=0.0, max=64.0)
        result = []
        for c in range(scores.size(1)):
            s = scores[:, c]
            keep = torch.where(s > 0.3)[0]
            b, s = boxes[keep], s[keep]
            at = torchvision.ops.nms(b, s, 0.5)[:5]
            result.append(torch.cat([b[at], s[at].unsqueeze(1), torch.full((at.numel(), 1), float(c))], 1))
        return torch.cat(result)


class Attentive(nn.Module):
    """CBAM, squeeze and excitation, coordinate attention, channel shuffle, GeM pooling, an angular head."""

    def __init__(self):
        super().__init__()
        self.fc, self.spatial, self.coord = nn.Conv2d(8, 8, 1, bias=False), nn.Conv2d(2, 1, 7, padding=3, bias=False), nn.Conv2d(8, 8, 1)
        self.p, self.kernel = nn.Parameter(torch.tensor([3.0])), nn.Parameter(torch.randn(8, 5))

    def forward(self, x):
        x = x * torch.sigmoid(self.fc(F.adaptive_avg_pool2d(x, 1)) + self.fc(F.adaptive_max_pool2d(x, 1)))
        x = x * torch.sigmoid(self.spatial(torch.cat([torch.mean(x, dim=1, keepdim=True), torch.max(x, dim=1, keepdim=True)[0]], dim=1)))
        n, c, h, w = x.size()
        xh, xw = F.adaptive_avg_pool2d(x, (h, 1)), F.adaptive_avg_pool2d(x, (1, w)).permute(0, 1, 3, 2)
        y = F.hardswish(self.coord(torch.cat([xh, xw], dim=2)))
        xh, xw = torch.split(y, [h, w], dim=2)
        x = x * xh.sigmoid() * xw.permute(0, 1, 3, 2).sigmoid()
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)
        g = F.avg_pool2d(x.clamp(min=1e-6).pow(self.p), (x.size(-2), x.size(-1))).pow(1.0 / self.p).flatten(1)
        cosine = torch.mm(F.normalize(g, dim=1), F.normalize(self.kernel, dim=0)).clamp(-1, 1)
        return cosine * 64, F.adaptive_avg_pool2d(x, (3, 5)), F.lp_pool2d(x, 2.0, 2), F.local_response_norm(x, 3)


class Transfer(nn.Module):
    """Style transfer: instance normalisation, reflection padding, upsampling by nearest neighbours; reflections of other kinds."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.ReflectionPad2d(2), nn.Conv2d(3, 8, 5), nn.InstanceNorm2d(8, affine=True), nn.ReLU(), nn.Upsample(scale_factor=2), nn.ReplicationPad2d(1), nn.Conv2d(8, 3, 3), nn.InstanceNorm2d(3))

    def forward(self, x):
        y = self.net(x)
        return torch.tanh(y) * 150 + 127.5, F.pad(x, (1, 2, 0, 1), mode="circular")


class Volume(nn.Module):
    """Three axes: a V-Net's step, trilinear and nearest resizing."""

    def __init__(self):
        super().__init__()
        self.c1, self.c2, self.up = nn.Conv3d(1, 4, 3, padding=1), nn.Conv3d(4, 8, 2, stride=2), nn.ConvTranspose3d(8, 4, 2, stride=2)
        self.norm, self.act = nn.InstanceNorm3d(4), nn.PReLU(4)

    def forward(self, x):
        a = self.act(self.norm(self.c1(x)))
        b = F.elu(self.c2(a))
        return torch.cat((self.up(b), a), 1), F.interpolate(b, scale_factor=2.0, mode="trilinear", align_corners=True), F.interpolate(b, size=[5, 6, 7]), F.adaptive_avg_pool3d(b, 1)


class Crnn(nn.Module):
    """Text in a picture: convolutions, a bidirectional LSTM over columns, and the best path of CTC."""

    def __init__(self):
        super().__init__()
        self.body, self.lstm, self.out = nn.Sequential(conv(1, 8), nn.MaxPool2d(2), conv(8, 8), nn.MaxPool2d((2, 1), (2, 1)), nn.AvgPool2d((4, 1))), nn.LSTM(8, 8, bidirectional=True, batch_first=True), nn.Linear(16, 6)

    def forward(self, x):
        y = self.out(self.lstm(self.body(x).squeeze(2).permute(0, 2, 1))[0])
        best = y.argmax(2)[0]
        words = torch.unique_consecutive(best)
        return F.log_softmax(y, 2), words[words != 0]


class Deformable(nn.Module):
    """Multi-scale deformable attention."""

    def __init__(self):
        super().__init__()
        self.value, self.offsets, self.weights = nn.Linear(16, 16), nn.Linear(16, 2 * 2 * 3 * 2), nn.Linear(16, 2 * 2 * 3)

    def forward(self, query, memory, points):
        n, q, _ = query.shape
        v = self.value(memory).view(n, -1, 2, 8)
        o = self.offsets(query).view(n, q, 2, 2, 3, 2)
        w = F.softmax(self.weights(query).view(n, q, 2, 6), -1).view(n, q, 2, 2, 3)
        shapes = [(4, 6), (2, 3)]
        sizes = torch.tensor([[6.0, 4.0], [3.0, 2.0]])
        at = points[:, :, None, None, None, :] + o / sizes[None, None, None, :, None, :]
        grids = 2 * at - 1
        parts = v.split([24, 6], dim=1)
        sampled = []
        for i, (h, width) in enumerate(shapes):
            p = parts[i].flatten(2).transpose(1, 2).reshape(n * 2, 8, h, width)
            g = grids[:, :, :, i].transpose(1, 2).flatten(0, 1)
            sampled.append(F.grid_sample(p, g, mode="bilinear", padding_mode="zeros", align_corners=False))
        w = w.transpose(1, 2).reshape(n * 2, 1, q, 6)
        return (torch.stack(sampled, dim=-2).flatten(-2) * w).sum(-1).view(n, 16, q).transpose(1, 2).contiguous()


class Correlation(nn.Module):
    """A cost volume, warping by a flow, and a disparity by soft argmin."""

    def forward(self, a, b, flow):
        n, c, h, w = a.shape
        padded = F.pad(b, [2, 2, 2, 2])
        costs = []
        for i in range(5):
            for j in range(5):
                costs.append((a * padded[:, :, i:i + h, j:j + w]).mean(1, keepdim=True))
        cost = torch.cat(costs, 1)
        xx, yy = torch.arange(0, w).view(1, -1).repeat(h, 1), torch.arange(0, h).view(-1, 1).repeat(1, w)
        grid = torch.cat((xx.view(1, 1, h, w).repeat(n, 1, 1, 1), yy.view(1, 1, h, w).repeat(n, 1, 1, 1)), 1).float() + flow
        grid[:, 0, :, :] = 2.0 * grid[:, 0, :, :].clone() / max(w - 1, 1) - 1.0
        grid[:, 1, :, :] = 2.0 * grid[:, 1, :, :].clone() / max(h - 1, 1) - 1.0
        warped = F.grid_sample(b, grid.permute(0, 2, 3, 1), align_corners=True)
        mask = F.grid_sample(torch.ones(b.size()), grid.permute(0, 2, 3, 1), align_corners=True)
        mask[mask < 0.9999] = 0
        mask[mask > 0] = 1
        volume = torch.zeros(n, 2 * c, 3, h, w)
        for d in range(3):
            if d > 0:
                volume[:, :c, d, :, d:] = a[:, :, :, d:]
                volume[:, c:, d, :, d:] = b[:, :, :, :-d]
            else:
                volume[:, :c, d] = a
                volume[:, c:, d] = b
        p = F.softmax(-volume.mean(1), dim=1)
        return cost, warped * mask, torch.sum(p * torch.arange(3.0).view(1, 3, 1, 1), 1)


class ConvNext(nn.Module):
    """ConvNeXt V2's block, DeiT's tokens with resized places, a Poolformer's mixer, window partition of GC-ViT."""

    def __init__(self):
        super().__init__()
        self.dw, self.norm, self.up, self.down = nn.Conv2d(16, 16, 7, padding=3, groups=16), nn.LayerNorm(16, eps=1e-6), nn.Linear(16, 32), nn.Linear(32, 16)
        self.gamma, self.beta = nn.Parameter(torch.randn(1, 1, 1, 32)), nn.Parameter(torch.randn(1, 1, 1, 32))
        self.cls, self.dist, self.places = nn.Parameter(torch.randn(1, 1, 16)), nn.Parameter(torch.randn(1, 1, 16)), nn.Parameter(torch.randn(1, 18, 16))
        self.pool, self.mix = nn.AvgPool2d(3, 1, 1, count_include_pad=False), nn.GroupNorm(1, 16)

    def forward(self, x):
        y = self.norm(self.dw(x).permute(0, 2, 3, 1))
        y = F.gelu(self.up(y))
        g = torch.norm(y, p=2, dim=(1, 2), keepdim=True)
        y = self.gamma * (y * (g / (g.mean(dim=-1, keepdim=True) + 1e-6))) + self.beta + y
        x = x + self.down(y).permute(0, 3, 1, 2)
        x = x + self.pool(self.mix(x)) - self.mix(x)
        b, c, h, w = x.shape
        places = F.interpolate(self.places[:, 2:].reshape(1, 4, 4, 16).permute(0, 3, 1, 2), size=[h, w], mode="bicubic", align_corners=False).flatten(2).transpose(1, 2)
        t = torch.cat((self.cls.expand(b, -1, -1), self.dist.expand(b, -1, -1), x.flatten(2).transpose(1, 2) + places), dim=1)
        return t


TRACED_ONLY, SCRIPTED_ONLY = {"segnet"}, set()  # PyTorch does not script its unpooling
NETWORKS = {
    "unet": (UNet, lambda: (noise(1, 3, 30, 34),)),
    "yolo5": (Yolo5, lambda: (torch.rand(1, 3, 64, 96),)),
    "yolo8": (Yolo8, lambda: (torch.rand(1, 3, 64, 96),)),
    "yolo_nms": (Nms, lambda: (torch.cat([torch.rand(1, 60, 2) * 40, torch.rand(1, 60, 2) * 20 + 4, torch.rand(1, 60, 4)], 2),)),
    "center_net": (CenterNet, lambda: (torch.rand(1, 3, 32, 48),)),
    "detr": (Detr, lambda: (torch.rand(1, 3, 64, 80), torch.zeros(1, 64, 80))),
    "super_point": (SuperPoint, lambda: (torch.rand(1, 1, 48, 64),)),
    "edsr": (Edsr, lambda: (torch.rand(1, 3, 12, 10),)),
    "swin2sr": (Swin2Sr, lambda: (torch.rand(1, 3, 14, 15),)),
    "hrnet": (Hrnet, lambda: (torch.rand(1, 3, 16, 16),)),
    "spatial_transformer": (Transformer, lambda: (torch.rand(2, 1, 16, 16),)),
    "style_block": (StyleBlock, lambda: (noise(2, 4, 8, 8), noise(2, 8))),
    "segnet": (SegNet, lambda: (noise(1, 1, 8, 8),)),
    "mobile_vit": (MobileVit, lambda: (noise(1, 16, 9, 9),)),
    "bi_fpn": (BiFpn, lambda: (noise(1, 8, 8, 8), noise(1, 8, 4, 4))),
    "retina_decode": (RetinaDecode, lambda: (noise(32, 4) * 0.5, torch.rand(32, 2))),
    "attentive": (Attentive, lambda: (noise(2, 8, 9, 10),)),
    "style_transfer": (Transfer, lambda: (torch.rand(1, 3, 16, 16),)),
    "volume": (Volume, lambda: (noise(1, 1, 6, 8, 8),)),
    "crnn": (Crnn, lambda: (noise(1, 1, 16, 24),)),
    "deformable_attention": (Deformable, lambda: (noise(1, 5, 16), noise(1, 30, 16), torch.rand(1, 5, 2))),
    "correlation": (Correlation, lambda: (noise(1, 3, 6, 7), noise(1, 3, 6, 7), noise(1, 2, 6, 7))),
    "convnext_v2": (ConvNext, lambda: (noise(1, 16, 6, 5),)),
}
