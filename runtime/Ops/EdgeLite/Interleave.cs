using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>The elements of two tensors in turn along the last axis: z[.., 2i] = A[.., i], z[.., 2i+1] = B[.., i]. With two outputs they
/// are the first and the second half of z along that axis (which is even in A), with one it is z: a channel shuffle of two groups.</summary>
[Operator("Interleave", "A, B", "Y0, Y1?", Domain = "edgelite")]
public sealed partial class Interleave : Operator
{
    public override void Infer(InferContext c)
    {
        DType type = c.SameType(0, 1);
        Shape a = c.Shape(0), b = c.Shape(1);
        if (type != DType.Undefined && type.Size() == 0) throw c.Error($"A is {type.Name()}, expected a type of whole bytes");
        if (!a.IsRanked) a = b;
        if (a.IsRanked && a.Rank == 0) throw c.Error("A is a scalar, expected at least one axis");
        if (a.IsRanked && b.IsRanked)
        {
            if (a.Rank != b.Rank) throw c.Error($"A has shape {a}, B has shape {b}; expected them equal");
            for (int d = 0; d < a.Rank; d++) a = a.With(d, c.Unify(a[d], b[d], $"dimension {d} of B"));
        }
        bool halves = c.OutputCount > 1;
        long width = a.IsRanked ? a[a.Rank - 1] : Shape.Unknown;
        if (halves && width >= 0 && width % 2 != 0) throw c.Error($"the last axis of A has {width} elements, expected an even number for two outputs");
        Shape y = !a.IsRanked || halves ? a : a.With(a.Rank - 1, width < 0 ? Shape.Unknown : checked(2 * width));
        for (int i = 0; i < c.OutputCount; i++) c.SetOutput(i, type, y);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor a = c.Input(0), b = c.Input(1);
        long width = a.Shape[a.Shape.Rank - 1], half = c.OutputCount > 1 ? width / 2 : width;
        for (long at = 0, count = a.Count; at < count; at++)
        {
            long row = at / width, i = at % width;
            int part = i < half ? 0 : 1;
            if (!c.HasOutput(part)) continue;
            long to = row * 2 * half + 2 * (i - part * half);
            Elements.Copy(a, at, c.Output(part), to, 1);
            Elements.Copy(b, at, c.Output(part), to + 1, 1);
        }
    }
}
