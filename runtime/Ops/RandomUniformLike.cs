namespace EdgeLite.Ops;

/// <summary>Uniformly distributed numbers in the shape of the input.</summary>
[Operator("RandomUniformLike", "input", "output")]
public sealed partial class RandomUniformLike : RandomFill
{
    [Attr] public float Low { get; set; }
    [Attr] public float High { get; set; } = 1;

    private protected override double Next(ref RandomSource random) => Low + ((double)High - Low) * random.NextUniform();
}
