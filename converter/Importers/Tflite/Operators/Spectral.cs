using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>The Fourier transform and what follows it. Complex numbers are pairs of real ones in a last dimension, as ONNX's DFT has them,
/// so they may go from RFFT2D to REAL, IMAG and COMPLEX_ABS only.</summary>
internal static class Spectral
{
    /// <summary>Over the last two dimensions, cut or filled with zeros to fft_length; of the last one the half that is not mirrored.</summary>
    [Tflite(TfliteOp.RFFT2D, Limits = "complex numbers as a result of the model")]
    private static void Rfft2D(TfliteNode n)
    {
        if (n.Scope.Subgraph.Outputs.Contains(n.OutputIndex(0))) throw n.Error("complex numbers as a result of the model are not supported");
        long[] length = n.RequiredInts(1, "the length of the transform");
        int rank = n.Input(0).Rank;
        if (length.Length != 2 || rank < 2) throw n.Damaged($"{length.Length} lengths for {rank} dimensions");
        Value y = n.Emit("Unsqueeze", [n.Real(0), n.Ints(-1)]);
        y = n.Emit("DFT", [y, n.Int(length[1]), n.Int(rank - 1)], ("onesided", 1));
        n.SetRaw(0, n.Emit("DFT", [y, n.Int(length[0]), n.Int(rank - 2)]));
    }

    [Tflite(TfliteOp.REAL)]
    private static void Real(TfliteNode n) => n.SetRaw(0, Part(n, 0));

    [Tflite(TfliteOp.IMAG)]
    private static void Imag(TfliteNode n) => n.SetRaw(0, Part(n, 1));

    [Tflite(TfliteOp.COMPLEX_ABS, Limits = "complex numbers that RFFT2D did not compute")]
    private static void ComplexAbs(TfliteNode n) => n.SetRaw(0, n.Emit("ReduceL2", [Pairs(n), n.Ints(-1)], ("keepdims", 0)));

    private static Value Part(TfliteNode n, long i) => n.Emit("Gather", [Pairs(n), n.Int(i)], ("axis", -1));

    private static Value Pairs(TfliteNode n) => n.Raw(0) is { Producer.OpType: "DFT" } pairs ? pairs : throw n.InputError("only complex numbers that RFFT2D computes are supported");
}
