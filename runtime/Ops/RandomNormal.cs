using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Normally distributed numbers in a given shape.</summary>
[Operator("RandomNormal", "", "output")]
public sealed partial class RandomNormal : RandomFill
{
    [Attr] public float Mean { get; set; }
    [Attr] public float Scale { get; set; } = 1;
    [Attr("shape", Required = true)] public long[] Dims { get; set; } = [];

    private protected override Shape ResultShape(InferContext context) => new(Dims);

    private protected override double Next(ref RandomSource random) => Mean + Scale * random.NextNormal();
}
