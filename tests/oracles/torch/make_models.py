"""Writes TorchScript files of torchvision's architectures and of small modules, with random weights, their inputs, and what PyTorch computes.
usage: make_models.py FOLDER NAME..     (a folder NAME each: model.pt, in_k.npy, out_k.npy)
Needs PyTorch and torchvision (Debian: python3-torch, python3-torchvision)."""
import json, os, sys, zipfile
import numpy as np
import torch, torchvision
from torch import nn
from torchvision import models
from torchvision.ops.boxes import _batched_nms_vanilla


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
        return d["boxes"], d["scores"], d["labels"]


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


class BatchedNms(nn.Module):
    """A loop over what the data holds, which changes a tensor from before it."""

    def forward(self, boxes, scores, classes):
        return _batched_nms_vanilla(boxes, scores, classes, 0.3)


def boxes(n):
    corner = torch.rand(n, 2) * 40
    return torch.cat([corner, corner + 4 + torch.rand(n, 2) * 20], 1)


def vit():
    return busy(models.VisionTransformer(image_size=64, patch_size=16, num_layers=3, num_heads=4, hidden_dim=64, mlp_dim=128, num_classes=10))


def swin(**how):
    return models.SwinTransformer(patch_size=[4, 4], embed_dim=24, depths=[2, 2], num_heads=[2, 4], window_size=[4, 4], num_classes=10, **how)


picture = lambda n=64: (noise(1, 3, n, n),)
tokens = lambda: (torch.randint(0, 50, (2, 9)),)
no_weights = dict(weights=None, weights_backbone=None)
swin_v2 = dict(block=models.swin_transformer.SwinTransformerBlockV2, downsample_layer=models.swin_transformer.PatchMergingV2)
small = lambda: busy(Small())


def without_code(module, inputs, file):
    torch.jit.script(module)._save_for_lite_interpreter(file + "l")
    with zipfile.ZipFile(file + "l") as whole, zipfile.ZipFile(file, "w") as bare:
        for entry in whole.namelist():
            if "/code/" not in entry: bare.writestr(entry, whole.read(entry))


STATES = {  # name: how files that hold no code are written
    "mobile_flatbuffer": lambda module, inputs, file: torch.jit.script(module)._save_for_lite_interpreter(file, _use_flatbuffer=True),
    "mobile_bytecode": without_code,
    "state_legacy": lambda module, inputs, file: torch.save(module.state_dict(), file, _use_new_zipfile_serialization=False),
    "state_checkpoint": lambda module, inputs, file: torch.save({"epoch": 3, "state_dict": nn.DataParallel(module).state_dict()}, file),
    "state_onnx": lambda module, inputs, file: (torch.save(module.state_dict(), file), torch.onnx.export(
        module, inputs, file[:-2] + "onnx", export_params=False, do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE, input_names=["x"])),
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
    "lstm_tagger": (Tagger, tokens, True),
    "transformer_encoder": (Encoder, tokens, True),
    "transformer_encoder_traced": (Encoder, tokens, False),
    "writes": (Writes, lambda: (noise(4, 6),), True),
    **{name: (small, lambda: picture(16), False) for name in STATES},
    "batched_nms": (BatchedNms, lambda: (boxes(60), torch.rand(60), torch.randint(0, 3, (60,)).float()), True),
}


def tensors(value):
    if isinstance(value, torch.Tensor): return [value]
    return [t for v in (value.values() if isinstance(value, dict) else value) for t in tensors(v)]


def write(folder, name):
    torch.manual_seed(11)
    module, inputs, scripted = CASES[name]
    module, inputs = module().eval(), inputs()
    compiled = torch.jit.script(module) if scripted else torch.jit.trace(module, inputs, check_trace=False)
    os.makedirs(f"{folder}/{name}", exist_ok=True)
    if name in STATES: STATES[name](module, inputs, f"{folder}/{name}/model.pt")
    else: compiled.save(f"{folder}/{name}/model.pt")
    with open(f"{folder}/{name}/names.txt", "w") as f: f.write("\n".join(a.name for a in compiled.forward.schema.arguments[1:]))
    for k, t in enumerate(inputs): np.save(f"{folder}/{name}/in_{k}.npy", t.numpy())
    for k, t in enumerate(tensors(module(*inputs))): np.save(f"{folder}/{name}/out_{k}.npy", t.detach().float().numpy())


with torch.no_grad():
    for name in sys.argv[2:]: write(sys.argv[1], name)
