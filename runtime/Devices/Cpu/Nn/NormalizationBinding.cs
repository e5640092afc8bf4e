using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Devices.Cpu;

/// <summary>softmax_f32, layer_norm_f32, affine_f32: rows normalised over their last axis.</summary>
internal static class NormalizationBinding
{
    /// <summary><c>el_softmax_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct SoftmaxParameters
    {
        public long Rows, Depth;
        public int IsLog;
    }

    /// <summary><c>el_layer_norm_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct LayerNormParameters
    {
        public long Rows, Depth;
        public float Epsilon;
        public int IsRms;
    }

    /// <summary><c>el_affine_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct AffineParameters
    {
        public long Rows, Depth;
        public Activation Activation;
    }

    [Binds(typeof(CpuNnBackend))] public static bool Bind(Softmax op, BindContext c) => BindSoftmax(op, c, 0);
    [Binds(typeof(CpuNnBackend))] public static bool Bind(LogSoftmax op, BindContext c) => BindSoftmax(op, c, 1);
    [Binds(typeof(CpuNnBackend))] public static bool Bind(LayerNormalization op, BindContext c) => BindLayerNorm(op, c, 0);
    [Binds(typeof(CpuNnBackend))] public static bool Bind(RMSNormalization op, BindContext c) => BindLayerNorm(op, c, 1);

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(BatchNormalization op, BindContext c)
    {
        if (op.TrainingMode || !op.ChannelsLast || !c.All(DType.Float32, 5)) return false;
        for (int i = 1; i < 5; i++)
            if (c.Constant(i) == null) return false;
        Shape x = c.Shape(0);
        int channels = checked((int)x[x.Rank - 1]);
        var scale = new float[channels];
        var bias = new float[channels];
        for (int i = 0; i < channels; i++)
        {
            double factor = c.Constant(1)!.GetDouble(i) / Math.Sqrt(c.Constant(4)!.GetDouble(i) + op.Epsilon);
            scale[i] = (float)factor;
            bias[i] = (float)(c.Constant(2)!.GetDouble(i) - c.Constant(3)!.GetDouble(i) * factor);
        }
        c.Call("affine_f32", new AffineParameters { Rows = x.Product(0, x.Rank - 1), Depth = channels },
            Operand.Input(0), c.Table<float>(scale), c.Table<float>(bias), Operand.Output(0));
        return true;
    }

    private static bool BindSoftmax(AxisOperator op, BindContext c, int isLog)
    {
        Shape x = c.Shape(0);
        if (!c.All(DType.Float32, 1) || x.Rank == 0) return false;
        int axis = (int)(op.Axis < 0 ? op.Axis + x.Rank : op.Axis);
        if (x.Product(axis + 1, x.Rank) != 1) return false;
        c.Call("softmax_f32", new SoftmaxParameters { Rows = x.Product(0, axis), Depth = x[axis], IsLog = isLog }, Operand.Input(0), Operand.Output(0));
        return true;
    }

    private static bool BindLayerNorm(TrailingNormalization op, BindContext c, int isRms)
    {
        Shape x = c.Shape(0);
        if (!c.All(DType.Float32, 3) || x.Rank == 0) return false;
        for (int i = 1; i < c.OutputCount; i++)
            if (c.Output(i).DType != DType.Undefined) return false;
        int axis = (int)(op.Axis < 0 ? op.Axis + x.Rank : op.Axis);
        long depth = x.Product(axis, x.Rank);
        if (c.Shape(1).Count != depth || (c.HasInput(2) && c.Shape(2).Count != depth)) return false;
        c.Call("layer_norm_f32", new LayerNormParameters { Rows = x.Product(0, axis), Depth = depth, Epsilon = op.Epsilon, IsRms = isRms },
            Operand.Input(0), Operand.Input(1), c.Optional(2), Operand.Output(0));
        return true;
    }
}
