namespace EdgeLite.Ops;

/// <summary>Normally distributed numbers in the shape of the input.</summary>
[Operator("RandomNormalLike", "input", "output")]
public sealed partial class RandomNormalLike : RandomFill
{
    [Attr] public float Mean { get; set; }
    [Attr] public float Scale { get; set; } = 1;

    private protected override double Next(ref RandomSource random) => Mean + Scale * random.NextNormal();
}
