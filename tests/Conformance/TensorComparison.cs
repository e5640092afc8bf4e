using System.Runtime.InteropServices;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Core;

namespace EdgeLite.Conformance;

/// <summary>Allowed difference of floats: |expected - got| at most Absolute + Relative * |expected|.</summary>
internal readonly record struct Tolerance(double Relative, double Absolute)
{
    /// <summary>rtol 1e-3 and atol 1e-5; Fourier transforms sum many terms that cancel: atol 1e-3.</summary>
    public static Tolerance For(ModelProto model) =>
        new(1e-3, model.Graph.Node.Any(n => n.OpType is "DFT" or "STFT" or "MelWeightMatrix") ? 1e-3 : 1e-5);
}

internal static class TensorComparison
{
    /// <summary>What differs, in one sentence; null when nothing does. Integers, booleans and strings must be equal, NaN equals NaN.</summary>
    public static string? Difference(Tensor expected, Tensor got, Tolerance tolerance, bool shapesOnly)
    {
        if (expected.IsList && expected.Type == got.Type)
        {
            if (expected.Elements.Length != got.Elements.Length) return $"expected {expected.Elements.Length} elements, got {got.Elements.Length}";
            return expected.Elements.Select((e, i) => Difference(e, got.Elements[i], tolerance, shapesOnly) is { } d ? $"element {i}: {d}" : null).FirstOrDefault(d => d != null);
        }
        if (expected.Type != got.Type) return $"expected {expected}, got {got}";
        if (shapesOnly) return null;
        long count = expected.Count, wrong = 0, first = -1;
        double worst = 0;
        for (long i = 0; i < count; i++)
        {
            if (IsEqual(expected, got, i, tolerance, out double error)) continue;
            if (first < 0) first = i;
            wrong++;
            worst = Math.Max(worst, error);
        }
        return wrong == 0 ? null : $"{wrong} of {count} elements of {got} differ, first at {first}: expected {Text(expected, first)}, got {Text(got, first)} (largest difference {worst:g4})";
    }

    private static bool IsEqual(Tensor expected, Tensor got, long i, Tolerance tolerance, out double error)
    {
        error = 0;
        if (expected.Strings != null) return expected.Strings[i] == got.Strings![i];
        if (expected.DType.IsComplex())
        {
            var (er, ei) = Complex(expected, i);
            var (gr, gi) = Complex(got, i);
            error = Math.Max(Math.Abs(er - gr), Math.Abs(ei - gi));
            return IsClose(er, gr, tolerance) && IsClose(ei, gi, tolerance);
        }
        if (!expected.DType.IsFloat())
        {
            error = Math.Abs((double)expected.GetInt64(i) - got.GetInt64(i));
            return expected.GetInt64(i) == got.GetInt64(i);
        }
        double e = expected.GetDouble(i), g = got.GetDouble(i);
        error = Math.Abs(e - g);
        return IsClose(e, g, tolerance);
    }

    private static bool IsClose(double expected, double got, Tolerance tolerance)
    {
        if (double.IsNaN(expected) || double.IsNaN(got)) return double.IsNaN(expected) && double.IsNaN(got);
        if (double.IsInfinity(expected) || double.IsInfinity(got)) return expected.Equals(got);
        return Math.Abs(expected - got) <= tolerance.Absolute + tolerance.Relative * Math.Abs(expected);
    }

    private static (double Real, double Imaginary) Complex(Tensor t, long i)
    {
        if (t.DType == DType.Complex64)
        {
            ReadOnlySpan<float> pair = MemoryMarshal.Cast<byte, float>(t.Bytes).Slice((int)(2 * i), 2);
            return (pair[0], pair[1]);
        }
        ReadOnlySpan<double> wide = MemoryMarshal.Cast<byte, double>(t.Bytes).Slice((int)(2 * i), 2);
        return (wide[0], wide[1]);
    }

    private static string Text(Tensor t, long i) =>
        t.Strings != null ? $"\"{t.Strings[i]}\""
        : t.DType.IsComplex() ? Complex(t, i).ToString()
        : t.DType.IsFloat() ? t.GetDouble(i).ToString("g9", null) : t.GetInt64(i).ToString((IFormatProvider?)null);
}
