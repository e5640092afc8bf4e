using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow.Operators;

/// <summary>Fourier transforms, and what comes with complex numbers.</summary>
internal static class Spectral
{
    /// <summary>Of the last axis, cut or filled with zeros to fft_length.</summary>
    [TensorFlow("RFFT", Notes = "complex numbers may go on to ComplexAbs, Real, Imag, Conj, FFT and IFFT")]
    private static void RealTransform(TfNode n)
    {
        Value x = n.In(0);
        n.Set(new TfComplexItem(Transform(n, n.Unsqueeze(x, -1), n.Emit("Reshape", [n.Int64(1), n.Vector()]), ("onesided", 1))));
    }

    [TensorFlow("FFT")] private static void Transform(TfNode n) => n.Set(new TfComplexItem(Transform(n, n.Complex(0), null)));
    [TensorFlow("IFFT")] private static void Inverse(TfNode n) => n.Set(new TfComplexItem(Transform(n, n.Complex(0), null, ("inverse", 1))));

    private static Value Transform(TfNode n, Value x, Value? length, params ReadOnlySpan<(string, Ops.AttributeValue)> attributes) =>
        n.Emit("DFT", [x, length, n.Scalar(DType.Int64, -2)], attributes);

    [TensorFlow("ComplexAbs")] private static void Magnitude(TfNode n) => n.Set(n.Reduce("ReduceL2", n.Complex(0), false, -1));
    [TensorFlow("Real")] private static void Real(TfNode n) => n.Set(Part(n, 0));
    [TensorFlow("Imag")] private static void Imaginary(TfNode n) => n.Set(Part(n, 1));

    private static Value Part(TfNode n, long part) => n.Emit("Gather", [n.Complex(0), n.Scalar(DType.Int64, part)], ("axis", -1));

    [TensorFlow("Complex")]
    private static void Make(TfNode n)
    {
        Value re = n.In(0), im = n.In(1);
        if (re.Shape != im.Shape) (re, im) = (n.Add(re, n.Mul(im, n.Number(im, 0))), n.Add(im, n.Mul(re, n.Number(re, 0))));
        n.Set(new TfComplexItem(n.Concat(-1, n.Unsqueeze(re, -1), n.Unsqueeze(im, -1))));
    }

    [TensorFlow("Conj")]
    private static void Conjugate(TfNode n) => n.Set(n.Item(0) is TfComplexItem
        ? new TfComplexItem(n.Mul(n.Complex(0), n.Const(Tensor.FromArray<float>([1, -1], new Shape(2))))) : n.Item(0));
}
