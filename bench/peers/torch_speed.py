"""PyTorch with cuDNN on a GPU: float16, channels last, a CUDA graph; medians of 100 runs in milliseconds: of the graph by the GPU's clock, and of the whole
by the wall clock, copies from and to page-locked memory included; the most memory that tensors took.
usage: torch_speed.py NAME..       of torchvision: resnet50, mobilenet_v2, vit_b_16"""
import statistics
import sys
import time

import torch
import torchvision

torch.backends.cudnn.benchmark = True
for name in sys.argv[1:]:
    for batch in (1, 16):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        model = getattr(torchvision.models, name)().eval().half().cuda().to(memory_format=torch.channels_last)
        given = torch.randn(batch, 3, 224, 224).half().to(memory_format=torch.channels_last).pin_memory()
        x = given.cuda()
        with torch.no_grad():
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(5):
                    model(x)
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                y = model(x)
            result = torch.empty_like(y, device="cpu").pin_memory()
            times, whole = [], []
            for _ in range(120):
                begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
                begin.record()
                graph.replay()
                end.record()
                end.synchronize()
                times.append(begin.elapsed_time(end))
                start = time.perf_counter()
                x.copy_(given, non_blocking=True)
                graph.replay()
                result.copy_(y, non_blocking=True)
                torch.cuda.synchronize()
                whole.append(1000 * (time.perf_counter() - start))
        print(f"{name} batch {batch} float16  PyTorch {torch.__version__}: {statistics.median(times[20:]):.4f} ms, with copies {statistics.median(whole[20:]):.4f} ms, {torch.cuda.max_memory_allocated()} bytes of tensors"
              f", {sum(p.numel() * 2 for p in model.parameters())} of weights")
        del model, given, x, y, graph, result
