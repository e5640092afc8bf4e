using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>One spatial axis under a sliding window: output position o, tap t reads input position o*Stride + t*Dilation - PadBegin.</summary>
public readonly record struct WindowAxis(long In, long Out, long Kernel, long Stride, long Dilation, long PadBegin, long PadEnd)
{
    /// <summary>An axis that the window does not touch.</summary>
    public static WindowAxis Single => new(1, 1, 1, 1, 1, 0, 0);

    /// <summary>Input positions that one window spans.</summary>
    public long Extent => (Kernel - 1) * Dilation + 1;
}

/// <summary>A window over one to three spatial axes; with fewer than three, the leading ones are <see cref="WindowAxis.Single"/>.</summary>
public readonly record struct Window(WindowAxis D, WindowAxis H, WindowAxis W)
{
    public long InCount => D.In * H.In * W.In;
    public long OutCount => D.Out * H.Out * W.Out;
    public long Taps => checked(D.Kernel * H.Kernel * W.Kernel);

    public static Window Of(ReadOnlySpan<WindowAxis> axes) => axes.Length switch
    {
        1 => new(WindowAxis.Single, WindowAxis.Single, axes[0]),
        2 => new(WindowAxis.Single, axes[0], axes[1]),
        _ => new(axes[0], axes[1], axes[2]),
    };
}

/// <summary>
/// What convolutions and pools share: the attributes that say where windows lie, and the output sizes that follow
/// (ONNX operator documentation of Conv and MaxPool).
/// </summary>
public abstract class WindowOperator : Operator
{
    /// <summary>NOTSET, SAME_UPPER, SAME_LOWER or VALID.</summary>
    [Attr] public string AutoPad { get; set; } = "NOTSET";
    [Attr] public long[]? KernelShape { get; set; }
    [Attr] public long[]? Strides { get; set; }

    /// <summary>Begin of every axis, then end of every axis.</summary>
    [Attr] public long[]? Pads { get; set; }
    [Attr] public long[]? Dilations { get; set; }

    /// <summary>Checks the attributes against the number of spatial axes.</summary>
    protected void CheckWindow(InferContext c, int spatial)
    {
        if (spatial is < 1 or > 3) throw c.Error($"input 0 has {spatial} spatial dimensions; 1 to 3 are supported");
        CheckLength(c, "kernel_shape", KernelShape, spatial, 1);
        CheckLength(c, "strides", Strides, spatial, 1);
        CheckLength(c, "dilations", Dilations, spatial, 1);
        CheckLength(c, "pads", Pads, 2 * spatial, -int.MaxValue);
        if (AutoPad is not ("NOTSET" or "SAME_UPPER" or "SAME_LOWER" or "VALID" or ""))
            throw c.Error($"auto_pad is '{AutoPad}'; expected NOTSET, SAME_UPPER, SAME_LOWER or VALID");
    }

    /// <summary>Axis number <paramref name="i"/> of <paramref name="spatial"/>; <see cref="WindowAxis.Out"/> is negative when
    /// <paramref name="input"/> is not known.</summary>
    protected internal WindowAxis Axis(int i, int spatial, long input, long kernel, bool ceil = false)
    {
        long stride = Strides?[i] ?? 1, dilation = Dilations?[i] ?? 1;
        long begin = Pads?[i] ?? 0, end = Pads?[spatial + i] ?? 0;
        if (kernel < 0) return new(input, Shape.Unknown, kernel, stride, dilation, begin, end);
        long extent = (kernel - 1) * dilation + 1;
        bool same = AutoPad is "SAME_UPPER" or "SAME_LOWER";
        if (AutoPad == "VALID") begin = end = 0;
        if (input < 0)
        {
            bool unchanged = stride == 1 && (same || begin + end == extent - 1);
            return new(input, unchanged ? input : Shape.Unknown, kernel, stride, dilation, begin, end);
        }

        long output;
        if (same)
        {
            output = (input + stride - 1) / stride;
            long total = Math.Max((output - 1) * stride + extent - input, 0);
            begin = AutoPad == "SAME_UPPER" ? total / 2 : total - total / 2;
            end = total - begin;
        }
        else
        {
            long room = input + begin + end - extent + (ceil ? stride - 1 : 0);
            output = room < 0 ? 0 : room / stride + 1;
            // A last window that would start in the padding behind the input is dropped.
            if (ceil && output > 0 && (output - 1) * stride >= input + begin) output--;
        }
        return new(input, output, kernel, stride, dilation, begin, end);
    }

    /// <summary>Checks that kernel_shape, where given, is that of the weight.</summary>
    protected void CheckKernel(InferContext c, Shape weight)
    {
        for (int i = 0; KernelShape != null && i < KernelShape.Length; i++)
            if (weight[i + 2] >= 0 && KernelShape[i] != weight[i + 2])
                throw c.Error($"kernel_shape is [{string.Join(',', KernelShape)}], the weight has shape {weight}");
    }

    /// <summary>With numbers of 32 bits no position of a window overflows 64.</summary>
    protected static void CheckLength(InferContext c, string name, long[]? values, int expected, long least)
    {
        if (values == null) return;
        if (values.Length != expected) throw c.Error($"{name} has {values.Length} values; expected {expected}");
        foreach (long value in values)
            if (value < least || value > int.MaxValue) throw c.Error($"{name} holds {value}; expected {least} to {int.MaxValue}");
    }
}
