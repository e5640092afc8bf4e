"""PyTorch with cuDNN on a GPU: float16, channels last, a CUDA graph; median of 50 runs in milliseconds and the most memory that tensors took.
usage: torch_speed.py NAME..       of torchvision: resnet50, mobilenet_v2, vit_b_16"""
import statistics
import sys

import torch
import torchvision

torch.backends.cudnn.benchmark = True
for name in sys.argv[1:]:
    for batch in (1, 16):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        model = getattr(torchvision.models, name)().eval().half().cuda().to(memory_format=torch.channels_last)
        x = torch.zeros(batch, 3, 224, 224, dtype=torch.half, device="cuda").to(memory_format=torch.channels_last)
        with torch.no_grad():
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(5):
                    model(x)
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                model(x)
            times = []
            for _ in range(60):
                begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
                begin.record()
                graph.replay()
                end.record()
                end.synchronize()
                times.append(begin.elapsed_time(end))
        print(f"{name} batch {batch} float16  PyTorch {torch.__version__}: {statistics.median(times[10:]):.4f} ms, {torch.cuda.max_memory_allocated()} bytes")
