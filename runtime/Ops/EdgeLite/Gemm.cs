using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>Float dense layer over the last axis: X[..][K] to Y[..][out_features]; weights in float panels of one group and one
/// tap (<see cref="PanelLayout"/>).</summary>
[Operator("Gemm", "X, W, B?, R?, S?", "Y", Domain = "edgelite")]
public sealed unsafe partial class Gemm : FusedOperator
{
    [Attr(Required = true)] public long OutFeatures { get; set; }

    private PanelLayout Layout(long k) => new(DType.Float32, 1, 1, (int)k, (int)OutFeatures);

    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0);
        if (!x.IsRanked)
        {
            InferEnd(c, x, OutFeatures);
            return;
        }
        if (x.Rank == 0) throw c.Error("X is a scalar, expected at least one dimension");
        long k = x[x.Rank - 1];
        if (k >= 0) c.ExpectCount(1, Layout(k).Count);
        InferEnd(c, x.With(x.Rank - 1, OutFeatures), OutFeatures);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = Floats(c.Input(0)), packed = Floats(c.Input(1));
        long k = x.Shape[x.Shape.Rank - 1], rows = c.Output(0).Count / OutFeatures;
        PanelLayout layout = Layout(k);
        float* data = (float*)x.Data, weights = (float*)packed.Data;
        double* sums = stackalloc double[PanelLayout.Panel];
        for (long m = 0; m < rows; m++)
            for (int first = 0; first < OutFeatures; first += PanelLayout.Panel)
            {
                new Span<double>(sums, PanelLayout.Panel).Clear();
                float* row = weights + layout.At(0, 0, 0, first);
                for (long i = 0; i < k; i++, row += PanelLayout.Panel)
                    for (int lane = 0; lane < PanelLayout.Panel; lane++) sums[lane] += (double)data[m * k + i] * row[lane];
                for (int lane = 0; lane < PanelLayout.Panel && first + lane < OutFeatures; lane++)
                    Finish(c, m * OutFeatures + first + lane, first + lane, sums[lane]);
            }
        GC.KeepAlive(x);
        GC.KeepAlive(packed);
    }
}
