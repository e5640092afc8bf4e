using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow.Operators;

/// <summary>Fourier transforms, and what comes with complex numbers.</summary>
internal static class Spectral
{
    /// <summary>Of the last axes (of RFFT2D two), cut or filled with zeros to fft_length; the last one gives length / 2 + 1 numbers.</summary>
    [TensorFlow("RFFT", "RFFT2D", Notes = "complex numbers may go on to ComplexAbs, Angle, Real, Imag, Conj and the other transforms")]
    private static void RealTransform(TfNode n)
    {
        int axes = n.Op == "RFFT" ? 1 : 2;
        Value y = Along(n, n.Unsqueeze(n.In(0), -1), -2, Length(n, axes - 1), ("onesided", 1));
        n.Set(new TfComplexItem(axes == 1 ? y : Along(n, y, -3, Length(n, 0))));
    }

    /// <summary>The inverse: of length / 2 + 1 numbers along the last axis, length ones that are real.</summary>
    [TensorFlow("IRFFT", "IRFFT2D")]
    private static void InverseOfReal(TfNode n)
    {
        int axes = n.Op == "IRFFT" ? 1 : 2;
        Value x = n.Complex(0);
        if (axes == 2) x = Along(n, x, -3, Length(n, 0), ("inverse", 1));
        Value length = Length(n, axes - 1);
        // Coefficients beyond those that the length needs are left out.
        Value needed = n.Reshape(n.Add(n.Div(length, n.Scalar(DType.Int64, 2)), n.Scalar(DType.Int64, 1)), 1);
        x = n.Emit("Slice", [x, n.Vector(0), needed, n.Vector(-2)]);
        n.Set(n.Squeeze(Along(n, x, -2, length, ("inverse", 1), ("onesided", 1)), -1));
    }

    [TensorFlow("FFT", "IFFT", "FFT2D", "IFFT2D")]
    private static void Transform(TfNode n)
    {
        long inverse = n.Op[0] == 'I' ? 1 : 0;
        Value y = Along(n, n.Complex(0), -2, null, ("inverse", inverse));
        n.Set(new TfComplexItem(n.Op.EndsWith("2D", StringComparison.Ordinal) ? Along(n, y, -3, null, ("inverse", inverse)) : y));
    }

    private static Value Length(TfNode n, int axis) => n.Emit("Gather", [n.Int64(1), n.Scalar(DType.Int64, axis)], ("axis", 0));

    private static Value Along(TfNode n, Value x, long axis, Value? length, params ReadOnlySpan<(string, Ops.AttributeValue)> attributes) =>
        n.Emit("DFT", [x, length, n.Scalar(DType.Int64, axis)], attributes);

    [TensorFlow("ComplexAbs")] private static void Magnitude(TfNode n) => n.Set(n.Reduce("ReduceL2", n.Complex(0), false, -1));
    [TensorFlow("Real")] private static void Real(TfNode n) => n.Set(Part(n, 0));
    [TensorFlow("Imag")] private static void Imaginary(TfNode n) => n.Set(Part(n, 1));

    private static Value Part(TfNode n, long part) => n.Emit("Gather", [n.Complex(0), n.Scalar(DType.Int64, part)], ("axis", -1));

    [TensorFlow("Angle")] private static void Angle(TfNode n) => n.Set(Elementwise.Atan2(n, Part(n, 1), Part(n, 0)));

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
