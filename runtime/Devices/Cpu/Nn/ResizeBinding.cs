using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Devices.Cpu;

/// <summary>resize_f32 (linear) and resize_nearest_b1 (any type of whole bytes) over two spatial axes, channels last (or with one
/// channel a plane, channels first).</summary>
internal static class ResizeBinding
{
    /// <summary><c>el_resize_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public int N, H, W, C, OutH, OutW;
    }

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(Resize op, BindContext c)
    {
        Shape x = c.Shape(0), y = c.Output(0).Shape;
        bool isLinear = op.Mode == "linear";
        int size = c.DType(0).Size();
        if ((isLinear ? c.DType(0) != DType.Float32 : size == 0) || x.Rank != 4 || op.Antialias || (!isLinear && op.Mode != "nearest")) return false;
        if (op.CoordinateTransformationMode == "tf_crop_and_resize" || op.ExcludeOutside) return false;
        if ((c.HasInput(2) && c.Constant(2) == null) || (c.HasInput(3) && c.Constant(3) == null)) return false;
        bool channelsLast = x[0] == y[0] && x[3] == y[3];
        if (!channelsLast && !(x[0] == y[0] && x[1] == y[1])) return false;
        int h = channelsLast ? 1 : 2;
        var parameters = new Parameters
        {
            N = checked((int)(channelsLast ? x[0] : x[0] * x[1])), C = checked((int)(channelsLast ? x[3] : 1) * (isLinear ? 1 : size)),
            H = checked((int)x[h]), W = checked((int)x[h + 1]), OutH = checked((int)y[h]), OutW = checked((int)y[h + 1]),
        };
        (Operand y0, Operand y1, Operand yw) = Tables(op, c, h, isLinear);
        (Operand x0, Operand x1, Operand xw) = Tables(op, c, h + 1, isLinear);
        if (isLinear) c.Call("resize_f32", parameters, Operand.Input(0), y0, y1, yw, x0, x1, xw, Operand.Output(0));
        else c.Call("resize_nearest_b1", parameters, Operand.Input(0), y0, x0, Operand.Output(0));
        return true;
    }

    private static (Operand, Operand, Operand) Tables(Resize op, BindContext c, int axis, bool isLinear)
    {
        Shape x = c.Shape(0), y = c.Output(0).Shape;
        int size = checked((int)y[axis]), last = checked((int)x[axis]) - 1;
        int[] first = new int[size], second = new int[size];
        var weight = new float[size];
        for (int i = 0; i < size; i++)
        {
            double position = op.SourcePosition(x, y, axis, c.Constant(2), c.Constant(3), i);
            long low = isLinear ? (long)Math.Floor(position) : op.RoundNearest(position);
            first[i] = (int)Math.Clamp(low, 0, last);
            second[i] = (int)Math.Clamp(low + 1, 0, last);
            weight[i] = (float)(position - low);
        }
        return isLinear
            ? (c.Table<int>(first), c.Table<int>(second), c.Table<float>(weight))
            : (c.Table<int>(first), Operand.None, Operand.None);
    }
}
