"""Writes TorchScript files of torchvision's architectures and of small modules, with random weights, their inputs, and what PyTorch computes.
usage: make_models.py FOLDER NAME..     (a folder NAME each: model.pt, in_k.npy, out_k.npy)
       make_models.py --networks        (names of those of networks_*.py)
Needs PyTorch and torchvision (Debian: python3-torch, python3-torchvision; python3-torchaudio for some networks)."""
import os, sys, zipfile
from typing import Any, Dict, List, Tuple, Union
import numpy as np
import torch, torchvision
from torch import nn
from torchvision import models, ops
from torch.jit.mobile import _backport_for_mobile
from torch.utils.mobile_optimizer import optimize_for_mobile
from torchvision.ops.boxes import _batched_nms_vanilla
import networks_audio, networks_other, networks_text, networks_vision


def noise(*shape):
    return torch.rand(*shape) * 2 - 1


def busy(module):
    """Batch normalization that does something, and boxes whose scores are not all alike."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.uniform_(-0.1, 0.1)
            m.running_var.uniform_(0.75, 1.25)
            m.weight.data.uniform_(0.8, 1.2)
            m.bias.data.uniform_(-0.1, 0.1)
    for name, p in module.named_parameters():
        if "cls_score.weight" in name: p.data.mul_(25)
        if "heads.head.weight" in name: p.data.normal_(0, 0.1)
    return module


class Detections(nn.Module):
    def __init__(self, detector):
        super().__init__()
        self.detector = detector

    def forward(self, x):
        d = self.detector([x[0]])[0]
        return tuple(d[k] for k in ("boxes", "scores", "labels", "masks", "keypoints", "keypoints_scores") if k in d)


class ScriptedBoxes(nn.Module):
    """A scripted detector gives losses and detections."""

    def __init__(self, detector):
        super().__init__()
        self.detector = torch.jit.script(detector)

    def forward(self, x):
        d = self.detector([x[0]])[1][0]
        return d["boxes"], d["scores"], d["labels"]


class ScriptedMasks(ScriptedBoxes):
    def forward(self, x):
        d = self.detector([x[0]])[1][0]
        return d["boxes"], d["scores"], d["labels"], d["masks"]


class ScriptedKeypoints(ScriptedBoxes):
    def forward(self, x):
        d = self.detector([x[0]])[1][0]
        return d["boxes"], d["scores"], d["labels"], d["keypoints"], d["keypoints_scores"]


class Flows(nn.Module):
    """Optical flow of two pictures."""

    def __init__(self):
        super().__init__()
        self.raft = models.optical_flow.raft_small(weights=None)

    def forward(self, a, b):
        return self.raft(a, b, num_flow_updates=2)[-1]


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 16)
        self.lstm = nn.LSTM(16, 24, num_layers=2, bidirectional=True, batch_first=True)
        self.out = nn.Linear(48, 7)

    def forward(self, tokens):
        return torch.log_softmax(self.out(self.lstm(self.embedding(tokens))[0]), dim=-1)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 32)
        self.position = nn.Parameter(torch.randn(1, 64, 32) * 0.1)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), 2)
        self.out = nn.Linear(32, 5)

    def forward(self, tokens):
        return self.out(self.encoder(self.embedding(tokens) + self.position[:, :tokens.size(1)]).mean(1))


class Writes(nn.Module):
    """Changes in place, through views of views."""

    def forward(self, x):
        a = x.clone()
        a[1] = 0.5
        a[:, 2:4] = x[:, :2]
        a[2:, 1].add_(1.0)
        b = torch.zeros(6, 4)
        b.t()[0:2] = x[0:2]
        b[-1] = 3.0
        c = x.clone()
        first = c[0]
        c.view(2, 12)[0].mul_(2.0)
        for i in range(4):
            c[i, i] = float(i)
        c[c > 1.5] = 1.5
        d = x.clone()
        d[torch.tensor([0, 2]), torch.tensor([1, 3])] = torch.tensor([7.0, 8.0])
        return a, a.t().reshape(3, 8), b, c, first + 1, d


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.b = nn.BatchNorm2d(8)
        self.f = nn.Linear(512, 6)

    def forward(self, x):
        return torch.log_softmax(self.f(torch.flatten(nn.functional.hardswish(self.b(self.c(x))), 1)), 1)


class CoreOperators(nn.Module):
    """Operators that few networks use but the core of ATen has."""

    def forward(self, x, y):
        mask = x > 0
        v, m = torch.var_mean(x, [1], False, True)
        w, n = torch.var_mean(x)
        index = (torch.abs(x) * 3).long() % 4
        return (torch.asinh(x), torch.acosh(x + 2.5), torch.atanh(x * 0.9), torch.diagonal(y, 1, 1, 2), torch.diagonal(y, -1, 0, 2), v, m, w, n,
                torch.cdist(x, x + 1), torch.cdist(x, x * 2, 1.0), x.masked_scatter(mask, x * 10), torch.fill(x, 3.5),
                torch.scatter_reduce(x, 0, index, x, "amax"), torch.scatter_reduce(x, 1, index, x, "sum"),
                nn.functional.fold(torch.cat([y.reshape(1, 4, 15), y.reshape(1, 4, 15)], 1), [4, 6], [2, 2]), nn.functional.max_pool3d(y.unsqueeze(0), 2, return_indices=True)[0])


class Values(nn.Module):
    """What code asks of values of several types, and lists and dicts that it changes."""

    def kind(self, v: Any) -> int:
        if isinstance(v, torch.Tensor): return 1
        if isinstance(v, int): return 2
        if torch.jit.isinstance(v, List[int]): return 4
        if isinstance(v, (float, str)): return 8
        if torch.jit.isinstance(v, Dict[str, int]): return 16
        if torch.jit.isinstance(v, Tuple[int, int]): return 32
        return 64

    def total(self, v: Union[torch.Tensor, List[torch.Tensor]]) -> torch.Tensor:
        if isinstance(v, torch.Tensor): return v.sum()
        s = v[0].sum()
        for t in v: s = s + 2 * t.sum()
        return s

    def forward(self, x):
        kinds = [self.kind(x), self.kind(3), self.kind([1, 2]), self.kind("a"), self.kind({"a": 1}), self.kind((1, 2)), self.kind(None)]
        sizes = [1, 2, 3, 4, 5]
        others = sizes.copy()
        others[0] = 9
        d = {"a": x}
        d.update({"b": x * 2, "a": x + 1})
        n = int(x.abs().max().item())
        y = torch.zeros(4, 6)
        y[n:n + 2, 1:n + 3] = x[n:n + 2, 1:n + 3]
        z = torch.tensor_split(x, 4, 1)
        p, q = torch.tensor_split(x, [1], 0)
        l: List[List[float]] = x.tolist()
        boxes = x[x > 0.5]
        if boxes.size(0) > 0:
            boxes = boxes.reshape(boxes.size(0), -1)
        return (torch.tensor(kinds), torch.tensor(sizes[::-1] + sizes[-2:0:-2] + others[1:10:3] + others[:1]), d["a"], d["b"], y, z[0], z[3], p, q, self.total(x), self.total([x, x]),
                torch.repeat_interleave(x, 2, 1), torch.repeat_interleave(x, 3), torch.repeat_interleave(x, torch.tensor([1, 0, 2, 3]), 0), torch.linspace(-1.0, 2.5, 7),
                torch.scalar_tensor(n, dtype=torch.int64) * x, torch.tensor(l[1][::-1]), torch.tensor([[1.5, n], [2.5, 3.0]]), x.new_empty((0, 3)), boxes)


class Flow(nn.Module):
    """Branches, loops of known and unknown length, lists, dicts, tuples, attributes and integer arithmetic, as bytecode has them."""

    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.b = nn.BatchNorm2d(8)
        self.l = nn.LSTM(8, 4, batch_first=True)
        self.k = 3

    def forward(self, x, rounds: int = 2):
        y = self.b(self.c(x))
        if bool(y.sum() > 0):
            y = torch.add(y * 2.5, y, alpha=2)
        else:
            y = torch.add(y + torch.ones(1, dtype=torch.float32), y, alpha=3)
        for i in range(rounds):
            for j in range(2):
                y = y + float(i * 2 + j)
        z, (h, c) = self.l(y.flatten(2).transpose(1, 2))
        a, b = torch.max(z, 1)
        parts = [a, torch.div(a, 0.7, rounding_mode="floor")]
        parts.append(a - 1)
        d = {"a": a, "b": torch.cat(parts)}
        n = 0
        while bool(a.abs().sum() < 40) and n < 20:
            a = a + 1 + n
            n += 1
        return d["b"], a, b.float(), h, c, torch.full([2], 7.5, dtype=torch.float32), a * (n + self.k)


class Recurrence(nn.Module):
    """A recurrent layer with all that a case sets."""

    def __init__(self, kind, **how):
        super().__init__()
        self.layer = kind(5, 6, **how)

    def forward(self, x):
        y, h = self.layer(x)
        return (y, h[0], h[1]) if isinstance(h, tuple) else (y, h)


class Packed(nn.Module):
    """Sequences of several lengths."""

    def __init__(self, kind, sort: bool, fill: float, batch_first: bool, **how):
        super().__init__()
        self.layer = kind(5, 6, batch_first=batch_first, **how)
        self.sort, self.fill, self.batch_first = sort, fill, batch_first

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths.long(), batch_first=self.batch_first, enforce_sorted=self.sort)
        y, h = self.layer(packed)
        y, n = nn.utils.rnn.pad_packed_sequence(y, batch_first=self.batch_first, padding_value=self.fill)
        return (y, n, h[0], h[1]) if isinstance(h, tuple) else (y, n, h)


class Steps(nn.Module):
    """Two cells over the steps of a sequence, written as a loop, whose results are gathered in a list."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.LSTMCell(5, 6), nn.GRUCell(6, 4)

    def forward(self, x):
        h, c, g = torch.zeros(x.size(1), 6), torch.zeros(x.size(1), 6), torch.zeros(x.size(1), 4)
        out = []
        for t in range(x.size(0)):
            h, c = self.first(x[t], (h, c))
            g = self.second(h, g)
            out.append(g)
        return torch.stack(out), c, torch.cat(out, 1)


class Peephole(nn.Module):
    """A cell that is no layer of any library: peepholes, a state in a tuple, and steps that a mask leaves out."""

    def __init__(self):
        super().__init__()
        self.w, self.r = nn.Linear(5, 24), nn.Linear(6, 24, bias=False)
        self.p = nn.Parameter(torch.rand(3, 6) - 0.5)

    def cell(self, x, state: Tuple[torch.Tensor, torch.Tensor]):
        h, c = state
        i, f, g, o = (self.w(x) + self.r(h)).chunk(4, 1)
        n = torch.sigmoid(f + self.p[0] * c) * c + torch.sigmoid(i + self.p[1] * c) * torch.tanh(g)
        return torch.sigmoid(o + self.p[2] * n) * torch.tanh(n), n

    def forward(self, x, mask):
        state = (torch.zeros(x.size(1), 6), torch.zeros(x.size(1), 6))
        out = []
        for t in range(x.size(0)):
            h, c = self.cell(x[t], state)
            m = mask[t].unsqueeze(1)
            state = (torch.where(m > 0.5, h, state[0]), torch.where(m > 0.5, c, state[1]))
            out.append(state[0])
        return torch.stack(out, 1), state[1]


class BatchedNms(nn.Module):
    """A loop over what the data holds, which changes a tensor from before it."""

    def forward(self, boxes, scores, classes):
        return _batched_nms_vanilla(boxes, scores, classes, 0.3)


def boxes(n):
    corner = torch.rand(n, 2) * 40
    return torch.cat([corner, corner + 4 + torch.rand(n, 2) * 20], 1)


def spread(detector):
    """A detector whose scores and boxes differ: normalization that fits its data, and last layers that give numbers of a useful spread."""
    pictures, seen = [photo()[0][0] for _ in range(3)], {}
    norms = [m for m in busy(detector).eval().modules() if isinstance(m, nn.BatchNorm2d)]
    for m in norms:
        m.train()
        m.momentum = None
        m.reset_running_stats()
    with torch.no_grad(): detector(pictures)
    for m in norms: m.eval()
    note = lambda layer, _, y: seen.setdefault(layer, []).append(y.std().item())
    last = {n: m for n, m in detector.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear)) and any(t in n for t in ("cls_", "bbox_", "classification_head.module_list", "regression_head.module_list"))}
    hooks = [m.register_forward_hook(note) for m in last.values()]
    for _ in range(3):
        seen.clear()
        with torch.no_grad(): detector(pictures[:1])
        for name, layer in last.items():
            layer.weight.data.mul_((1.5 if "cls" in name or "classification" in name else 0.5) * len(seen[layer]) / sum(seen[layer]))
            layer.bias.data.zero_()
    for h in hooks: h.remove()
    return detector


def detector(kind, **how):
    """Detectors of two stages over a small network."""
    backbone = models.detection.backbone_utils.mobilenet_backbone("mobilenet_v3_large", None, True, norm_layer=nn.BatchNorm2d, trainable_layers=6)
    return spread(kind(backbone, min_size=128, max_size=160, box_score_thresh=0.1, box_detections_per_img=6, **how))


def mask_rcnn():
    sizes = ((32, 64, 128),) * 3
    return detector(models.detection.MaskRCNN, num_classes=4, rpn_anchor_generator=models.detection.anchor_utils.AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * 3),
                    mask_roi_pool=ops.MultiScaleRoIAlign(["0", "1"], 14, 2), box_roi_pool=ops.MultiScaleRoIAlign(["0", "1"], 7, 2))


def keypoint_rcnn():
    sizes = ((32, 64, 128),) * 3
    return detector(models.detection.KeypointRCNN, num_classes=2, num_keypoints=5, rpn_anchor_generator=models.detection.anchor_utils.AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * 3),
                    keypoint_roi_pool=ops.MultiScaleRoIAlign(["0", "1"], 14, 2), box_roi_pool=ops.MultiScaleRoIAlign(["0", "1"], 7, 2))


def vit():
    return busy(models.VisionTransformer(image_size=64, patch_size=16, num_layers=3, num_heads=4, hidden_dim=64, mlp_dim=128, num_classes=10))


def swin(**how):
    return models.SwinTransformer(patch_size=[4, 4], embed_dim=24, depths=[2, 2], num_heads=[2, 4], window_size=[4, 4], num_classes=10, **how)


picture = lambda n=64: (noise(1, 3, n, n),)
tokens = lambda: (torch.randint(0, 50, (2, 9)),)
no_weights = dict(weights=None, weights_backbone=None)
swin_v2 = dict(block=models.swin_transformer.SwinTransformerBlockV2, downsample_layer=models.swin_transformer.PatchMergingV2)
photo = lambda: (nn.functional.interpolate(torch.rand(1, 3, 16, 16), size=128, mode="bicubic").clamp(0, 1),)
small = lambda: busy(Small())


def flatbuffer(module, inputs, file):
    torch.jit.script(module)._save_for_lite_interpreter(file, _use_flatbuffer=True)


def optimized(module, inputs, file):
    optimize_for_mobile(torch.jit.script(module))._save_for_lite_interpreter(file, _use_flatbuffer=True)


def without_code(module, inputs, file):
    torch.jit.script(module)._save_for_lite_interpreter(file + "l")
    with zipfile.ZipFile(file + "l") as whole, zipfile.ZipFile(file, "w") as bare:
        for entry in whole.namelist():
            if "/code/" not in entry: bare.writestr(entry, whole.read(entry))


def older(version):
    """A mobile file of an earlier bytecode version, which PyTorch writes for earlier releases."""
    def write(module, inputs, file):
        torch.jit.script(module)._save_for_lite_interpreter(file + "l")
        assert _backport_for_mobile(file + "l", file, version)
    return write


STATES = {  # name: how files that hold no code are written
    "state_legacy": lambda module, inputs, file: torch.save(module.state_dict(), file, _use_new_zipfile_serialization=False),
    "state_checkpoint": lambda module, inputs, file: torch.save({"epoch": 3, "state_dict": nn.DataParallel(module).state_dict()}, file),
    "state_onnx": lambda module, inputs, file: (torch.save(module.state_dict(), file), torch.onnx.export(
        module, inputs, file[:-2] + "onnx", export_params=False, do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE, input_names=["x"])),
}
MOBILE = {  # name: (module, inputs, how it is written)
    "mobile_flatbuffer": (small, lambda: picture(16), flatbuffer),
    "mobile_bytecode": (small, lambda: picture(16), without_code),
    "mobile_version_4": (small, lambda: picture(16), older(4)),
    "mobile_version_5": (Flow, lambda: picture(16), older(5)),
    "mobile_flow": (Flow, lambda: picture(16), flatbuffer),
    "mobile_flow_bytecode": (Flow, lambda: picture(16), without_code),
    "mobile_tagger": (Tagger, tokens, flatbuffer),
    "mobile_values": (Values, lambda: (noise(4, 6),), flatbuffer),
    "mobile_values_bytecode": (Values, lambda: (noise(4, 6),), without_code),
    "mobile_optimized": (lambda: busy(models.mobilenet_v2(weights=None, num_classes=10)), picture, optimized),
    "quantized_bytecode": (lambda: networks_other.quantized("qnnpack"), lambda: picture(16), without_code),
    "quantized_flatbuffer": (lambda: networks_other.quantized("qnnpack"), lambda: picture(16), flatbuffer),
    "quantized_dynamic_flatbuffer": (networks_other.dynamic, lambda: (torch.randint(0, 20, (2, 5)),), flatbuffer),
    "mobile_loop": (BatchedNms, lambda: (boxes(60), torch.rand(60), torch.randint(0, 3, (60,)).float()), flatbuffer),
}
sequence = lambda: (noise(7, 3, 5),)
several = lambda: (noise(7, 3, 5), torch.tensor([4.0, 7.0, 2.0]))
RECURRENT = {  # name: (module, inputs, scripted instead of traced)
    "lstm_projected": (lambda: Recurrence(nn.LSTM, num_layers=2, bidirectional=True, proj_size=3), sequence, True),
    "lstm_one_layer": (lambda: Recurrence(nn.LSTM, bias=False), sequence, False),
    "gru_layers": (lambda: Recurrence(nn.GRU, num_layers=3, bidirectional=True, batch_first=True), sequence, True),
    "rnn_relu": (lambda: Recurrence(nn.RNN, num_layers=2, nonlinearity="relu"), sequence, False),
    "lstm_packed": (lambda: Packed(nn.LSTM, False, 0.0, False, num_layers=2, bidirectional=True), several, True),
    "lstm_packed_traced": (lambda: Packed(nn.LSTM, False, 0.0, False, num_layers=2, bidirectional=True), several, False),
    "gru_packed": (lambda: Packed(nn.GRU, True, -1.0, True), lambda: (noise(3, 7, 5), torch.tensor([6.0, 6.0, 1.0])), True),
    "core_operators": (CoreOperators, lambda: (noise(4, 4), noise(3, 4, 5)), True),
    "steps": (Steps, sequence, True),
    "steps_traced": (Steps, sequence, False),
    "peephole": (Peephole, lambda: (noise(7, 3, 5), (torch.rand(7, 3) > 0.4).float()), True),
}
CASES = {  # name: (module, inputs, scripted instead of traced)
    "alexnet": (lambda: models.alexnet(weights=None), lambda: picture(96), False),
    "vgg11": (lambda: models.vgg11(weights=None, num_classes=10), picture, False),
    "resnet18": (lambda: busy(models.resnet18(weights=None)), picture, True),
    "squeezenet": (lambda: models.squeezenet1_1(weights=None), picture, False),
    "densenet121": (lambda: busy(models.densenet121(weights=None)), picture, False),
    "googlenet": (lambda: busy(models.googlenet(weights=None, init_weights=False, aux_logits=False)), picture, False),
    "inception_v3": (lambda: busy(models.inception_v3(weights=None, init_weights=False, aux_logits=False)), lambda: picture(96), False),
    "mobilenet_v2": (lambda: busy(models.mobilenet_v2(weights=None, num_classes=10)), picture, True),
    "mobilenet_v3": (lambda: busy(models.mobilenet_v3_small(weights=None, num_classes=10)), picture, False),
    "shufflenet_v2": (lambda: busy(models.shufflenet_v2_x0_5(weights=None)), picture, True),
    "efficientnet_b0": (lambda: busy(models.efficientnet_b0(weights=None, num_classes=10)), picture, False),
    "mnasnet": (lambda: busy(models.mnasnet0_5(weights=None)), picture, False),
    "regnet_y_400mf": (lambda: busy(models.regnet_y_400mf(weights=None)), picture, False),
    "convnext_tiny": (lambda: models.convnext_tiny(weights=None), picture, False),
    "vit": (vit, picture, False),
    "vit_scripted": (vit, picture, True),
    "swin": (swin, picture, False),
    "swin_v2": (lambda: swin(**swin_v2), picture, False),
    "lraspp": (lambda: busy(models.segmentation.lraspp_mobilenet_v3_large(**no_weights)), picture, True),
    "deeplab_v3": (lambda: busy(models.segmentation.deeplabv3_mobilenet_v3_large(**no_weights)), picture, True),
    "faster_rcnn": (lambda: Detections(busy(models.detection.fasterrcnn_mobilenet_v3_large_320_fpn(num_classes=5, min_size=128, max_size=160, box_score_thresh=0.1, box_detections_per_img=20, **no_weights))), lambda: (torch.rand(1, 3, 128, 128),), False),
    "retinanet": (lambda: ScriptedBoxes(spread(models.detection.retinanet_resnet50_fpn(num_classes=4, min_size=128, max_size=160, score_thresh=0.3, detections_per_img=20, **no_weights))), photo, True),
    "mask_rcnn": (lambda: Detections(mask_rcnn()), photo, False),
    "mask_rcnn_scripted": (lambda: ScriptedMasks(mask_rcnn()), photo, True),
    "keypoint_rcnn": (lambda: Detections(keypoint_rcnn()), photo, False),
    "keypoint_rcnn_scripted": (lambda: ScriptedKeypoints(keypoint_rcnn()), photo, True),
    "raft": (Flows, lambda: picture(128) + picture(128), True),
    "r3d": (lambda: busy(models.video.r3d_18(weights=None, num_classes=10)), lambda: (noise(1, 3, 8, 32, 32),), True),
    "mvit_v2": (lambda: models.video.mvit_v2_s(weights=None, num_classes=10), lambda: (noise(1, 3, 16, 224, 224),), True),
    "maxvit": (lambda: busy(models.maxvit.MaxVit(input_size=(64, 64), stem_channels=16, partition_size=2, block_channels=[16, 32], block_layers=[1, 1], head_dim=8, stochastic_depth_prob=0.1, num_classes=10)), picture, True),
    "swin_scripted": (swin, picture, True),
    "lstm_tagger": (Tagger, tokens, True),
    "transformer_encoder": (Encoder, tokens, True),
    "transformer_encoder_traced": (Encoder, tokens, False),
    "values": (Values, lambda: (noise(4, 6),), True),
    "writes": (Writes, lambda: (noise(4, 6),), True),
    **{name: (small, lambda: picture(16), False) for name in STATES},
    **{name: case[:2] + (True,) for name, case in MOBILE.items()},
    **RECURRENT,
    "batched_nms": (BatchedNms, lambda: (boxes(60), torch.rand(60), torch.randint(0, 3, (60,)).float()), True),
}
architectures = set(CASES)
for part in (networks_audio, networks_other, networks_text, networks_vision):
    for name, (module, inputs, *how) in part.NETWORKS.items():
        if how: CASES[name], STATES[name] = (module, inputs, True), how[0]
        elif name not in part.SCRIPTED_ONLY: CASES[f"{name}_traced"] = (module, inputs, False)
        if not how and name not in part.TRACED_ONLY: CASES[f"{name}_scripted"] = (module, inputs, True)

NETWORKS = [name for name in CASES if name not in architectures]


def tensors(value):
    if isinstance(value, torch.Tensor): return [value]
    if isinstance(value, (bool, int, float)): return [torch.tensor(value)]
    if value is None or isinstance(value, str): return []
    return [t for v in (value.values() if isinstance(value, dict) else value) for t in tensors(v)]


def write(folder, name):
    torch.manual_seed(11)
    module, inputs, scripted = CASES[name]
    module, inputs = module().eval(), inputs()
    how = STATES.get(name) or MOBILE.get(name, (None,))[-1]
    # The quantized operators of a file run on any engine, but tracing runs them.
    compiled = torch.jit.script(module) if scripted else torch.jit.trace(module, inputs, check_trace=False, strict=False)
    os.makedirs(f"{folder}/{name}", exist_ok=True)
    if how: how(module, inputs, f"{folder}/{name}/model.pt")
    else: compiled.save(f"{folder}/{name}/model.pt")
    given = zip((a.name for a in compiled.forward.schema.arguments[1:]), inputs)
    names = [n for name, value in given for n in ([name] if isinstance(value, torch.Tensor) else [f"{name}_{k}" for k in range(len(value))])]
    with open(f"{folder}/{name}/names.txt", "w") as f: f.write("\n".join(names))
    for k, t in enumerate(tensors(inputs)): np.save(f"{folder}/{name}/in_{k}.npy", t.numpy())
    for k, t in enumerate(tensors(module(*inputs))): np.save(f"{folder}/{name}/out_{k}.npy", t.detach().float().numpy())


if __name__ == "__main__":
    if sys.argv[1] == "--networks":
        print("\n".join(NETWORKS))
        sys.exit()
    with torch.no_grad():
        for name in sys.argv[2:]: write(sys.argv[1], name)
