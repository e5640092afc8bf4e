"""Architectures of torchvision, of the smallest size of each family, as they are but for the weights."""
import torch
import torchvision.models as M

MODELS = {}


def pictures(size, frames=None):
    def make(which):
        torch.manual_seed(7 + which)
        return (torch.rand(1 + which, 3, *([frames] if frames else []), size, size),)
    return make


for name, size in dict(alexnet=64, vgg11_bn=64, resnet18=64, resnet50=64, resnext50_32x4d=64, wide_resnet50_2=64, densenet121=64, googlenet=64, inception_v3=96, squeezenet1_0=64, mobilenet_v2=64, mobilenet_v3_small=64, mobilenet_v3_large=64, mnasnet0_5=64, shufflenet_v2_x0_5=64,
                       shufflenet_v2_x1_5=64, efficientnet_b0=64, efficientnet_v2_s=64, regnet_x_400mf=64, regnet_y_400mf=64, convnext_tiny=64, swin_t=64, swin_v2_t=64, vit_b_32=224, maxvit_t=224).items():
    MODELS["tv_" + name] = lambda name=name, size=size: dict(model=getattr(M, name)(weights=None), inputs=pictures(size), randomize=False)
for name in ("fcn_resnet50", "deeplabv3_mobilenet_v3_large", "deeplabv3_resnet50", "lraspp_mobilenet_v3_large"):
    MODELS["tv_" + name] = lambda name=name: dict(model=getattr(M.segmentation, name)(weights=None, weights_backbone=None), inputs=pictures(64), randomize=False)
for name, size in dict(r3d_18=32, mc3_18=32, r2plus1d_18=32, s3d=64, mvit_v1_b=224, mvit_v2_s=224, swin3d_t=32).items():
    MODELS["tv_" + name] = lambda name=name, size=size: dict(model=getattr(M.video, name)(weights=None), inputs=pictures(size, 16 if size != 32 else 4), randomize=False)
for name in ("raft_small", "raft_large"):
    MODELS["tv_" + name] = lambda name=name: dict(model=getattr(M.optical_flow, name)(weights=None), inputs=lambda w: tuple(torch.rand(1 + w, 3, 128, 128, generator=torch.Generator().manual_seed(k)) for k in (1, 2)), more={"num_flow_updates": 2}, randomize=False, free=[{0: "n"}] * 2)


class Detector(torch.nn.Module):
    """A detector for one picture: the list that it takes is one tensor."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, picture):
        found = self.model([picture])
        return {k: v for k, v in (found[1] if isinstance(found, tuple) else found)[0].items()}


def scattered(model):
    """RetinaNet's and FCOS's heads are made so that all scores are nearly the same, and below what counts: their order says nothing then."""
    if isinstance(model, (M.detection.RetinaNet, M.detection.FCOS)):
        for name, part in model.head.named_modules():
            isLast = isinstance(model, M.detection.RetinaNet) and not name.endswith(("0", "3", "6", "9"))
            if isinstance(part, torch.nn.Conv2d): torch.nn.init.kaiming_normal_(part.weight, a=20 if isLast else 0)
    return model


for name, given in dict(fasterrcnn_resnet50_fpn={}, fasterrcnn_resnet50_fpn_v2={}, fasterrcnn_mobilenet_v3_large_320_fpn={}, retinanet_resnet50_fpn={}, retinanet_resnet50_fpn_v2={}, fcos_resnet50_fpn={}, ssd300_vgg16={}, ssdlite320_mobilenet_v3_large={}, maskrcnn_resnet50_fpn={}, keypointrcnn_resnet50_fpn={}).items():
    small = dict(min_size=128, max_size=128) if "300" not in name and "ssdlite" not in name else {}
    MODELS["tv_" + name] = lambda name=name, small=small: dict(model=Detector(scattered(getattr(M.detection, name)(weights=None, weights_backbone=None, **small))), inputs=lambda w: (torch.rand(3, 96, 128, generator=torch.Generator().manual_seed(3)),), randomize="ssdlite" in name, free=[None])
