namespace EdgeLite.Devices.Cpu;

/// <summary>The processor itself, through the C kernels of kernels-native/cpu.</summary>
public sealed class CpuDevice : IDevice
{
    public static CpuDevice Instance { get; } = new();

    public string Name => "cpu";
    public ITensorBackend Tensor { get; } = new CpuTensorBackend();
    public INnBackend Nn { get; } = new CpuNnBackend();
}

/// <summary>TH of the CPU; <c>TryBind</c> is generated from the methods marked [Binds(typeof(CpuTensorBackend))].</summary>
internal sealed partial class CpuTensorBackend : ITensorBackend;

/// <summary>THNN of the CPU; <c>TryBind</c> is generated from the methods marked [Binds(typeof(CpuNnBackend))].</summary>
internal sealed partial class CpuNnBackend : INnBackend;
