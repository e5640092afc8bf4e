using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Uniformly distributed numbers in a given shape.</summary>
[Operator("RandomUniform", "", "output")]
public sealed partial class RandomUniform : RandomFill
{
    [Attr] public float Low { get; set; }
    [Attr] public float High { get; set; } = 1;
    [Attr("shape", Required = true)] public long[] Dims { get; set; } = [];

    private protected override Shape ResultShape(InferContext context) => new(Dims);

    private protected override double Next(ref RandomSource random) => Low + ((double)High - Low) * random.NextUniform();
}
