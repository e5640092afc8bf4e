using EdgeLite.Core;

namespace EdgeLite.Ops.Ml;

/// <summary>Divides each row by its maximum (MAX), sum of magnitudes (L1) or Euclidean norm (L2); rows of zeros stay.</summary>
[Operator("Normalizer", "X", "Y", Domain = "ai.onnx.ml")]
public sealed partial class Normalizer : Operator
{
    [Attr] public string Norm { get; set; } = "MAX";

    public override void Infer(InferContext c)
    {
        if (Norm is not ("MAX" or "L1" or "L2")) throw c.Error($"norm is '{Norm}'; expected MAX, L1 or L2");
        c.SetOutput(0, DType.Float32, c.Shape(0));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        long width = x.Shape.Rank == 0 ? 1 : x.Shape[x.Shape.Rank - 1];
        for (long first = 0; first < x.Count; first += width)
        {
            double norm = Norm == "MAX" ? double.NegativeInfinity : 0;
            for (long i = first; i < first + width; i++)
            {
                double v = x.GetDouble(i);
                norm = Norm == "MAX" ? Math.Max(norm, v) : norm + (Norm == "L1" ? Math.Abs(v) : v * v);
            }
            if (Norm == "L2") norm = Math.Sqrt(norm);
            for (long i = first; i < first + width; i++) y.SetDouble(i, norm == 0 ? x.GetDouble(i) : x.GetDouble(i) / norm);
        }
    }
}
