using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>A value given by one of the attributes.</summary>
[Operator("Constant", "", "output")]
public sealed partial class Constant : Operator
{
    [Attr] public Tensor? Value { get; set; }
    [Attr] public float? ValueFloat { get; set; }
    [Attr] public float[]? ValueFloats { get; set; }
    [Attr] public long? ValueInt { get; set; }
    [Attr] public long[]? ValueInts { get; set; }
    [Attr] public string? ValueString { get; set; }
    [Attr] public string[]? ValueStrings { get; set; }

    /// <summary>The value as a tensor, whichever attribute holds it; null when none does.</summary>
    public Tensor? ToTensor() =>
        Value ?? (ValueFloat is { } f ? Tensor.FromScalar(f)
        : ValueFloats is { } fs ? Tensor.FromArray<float>(fs, new Shape(fs.Length))
        : ValueInt is { } i ? Tensor.FromScalar(i)
        : ValueInts is { } ints ? Tensor.FromArray<long>(ints, new Shape(ints.Length))
        : ValueString is { } s ? Tensor.FromStrings([s], Shape.Scalar)
        : ValueStrings is { } ss ? Tensor.FromStrings(ss, new Shape(ss.Length))
        : null);

    public override void Infer(InferContext context)
    {
        Tensor value = ToTensor() ?? throw context.Error("no attribute gives the value");
        context.SetOutput(0, value.DType, value.Shape);
    }

    public override void Compute(ComputeContext context) => Elements.CopyAll(ToTensor()!, context.Output(0));
}
