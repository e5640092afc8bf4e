using EdgeLite.Format;
using EdgeLite.Ops;

namespace EdgeLite.Devices.Cpu;

/// <summary>The processor, with the choices that were measured on it.</summary>
internal sealed class TunedCpu(Tuning tuning) : IDevice, ITensorBackend, INnBackend
{
    public string Name => CpuDevice.Instance.Name;
    public ITensorBackend Tensor => this;
    public INnBackend Nn => this;

    bool ITensorBackend.TryBind(Operator op, BindContext context)
    {
        context.Tuning = tuning;
        return CpuDevice.Instance.Tensor.TryBind(op, context);
    }

    bool INnBackend.TryBind(Operator op, BindContext context)
    {
        context.Tuning = tuning;
        return CpuDevice.Instance.Nn.TryBind(op, context);
    }
}
