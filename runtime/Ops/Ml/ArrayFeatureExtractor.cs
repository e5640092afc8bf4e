using EdgeLite.Core;

namespace EdgeLite.Ops.Ml;

/// <summary>Takes the elements that Y lists from the last axis of X.</summary>
[Operator("ArrayFeatureExtractor", "X, Y", "Z", Domain = "ai.onnx.ml")]
public sealed partial class ArrayFeatureExtractor : Operator
{
    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0);
        long count = c.Shape(1).IsKnown ? c.Shape(1).Count : Shape.Unknown;
        Shape z = !x.IsRanked ? x : x.Rank == 1 ? new Shape(1, count) : x.With(x.Rank - 1, count);
        c.SetOutput(0, c.DType(0), z);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), indices = c.Input(1), z = c.Output(0);
        long width = x.Shape[x.Shape.Rank - 1], count = indices.Count;
        for (long i = 0; i < z.Count; i++)
            Elements.Copy(x, i / count * width + c.Wrap(indices.GetInt64(i % count), width), z, i);
    }
}
