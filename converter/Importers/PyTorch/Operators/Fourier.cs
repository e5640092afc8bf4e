using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>
/// Fourier transforms (torch.fft, torch.stft, torch.istft). Those of a moderate length are products with a table of sines and cosines, short-time ones
/// convolutions with it, as there are fast kernels for both; longer ones are ONNX's DFT and STFT.
/// </summary>
internal static class Fourier
{
    /// <summary>Elements of a table: a transform of 1024 fits.</summary>
    private const long MaxTable = 1 << 21;

    [Torch("fft_fft")] private static object? Forward(TorchCall c) => Along(c, [c.Int(2, -1)], Sizes(c.Arg(1)), false, c.Arg(3) as string);
    [Torch("fft_ifft")] private static object? Inverse(TorchCall c) => Along(c, [c.Int(2, -1)], Sizes(c.Arg(1)), true, c.Arg(3) as string);
    [Torch("fft_fft", Form = TorchForm.Complex)] private static object? ForwardComplex(TorchCall c) => Forward(c);
    [Torch("fft_ifft", Form = TorchForm.Complex)] private static object? InverseComplex(TorchCall c) => Inverse(c);
    [Torch("fft_rfft")] private static object? Real(TorchCall c) => Half(c, c.Tensor(0), c.Int(2, -1), c.Arg(1), c.Arg(3) as string);
    [Torch("fft_irfft", Form = TorchForm.Complex)] private static object? InverseReal(TorchCall c) => Whole(c, (TorchComplex)c.Arg(0)!, c.Int(2, -1), c.Arg(1), c.Arg(3) as string);
    [Torch("fft_fft2", "fft_fftn")] private static object? ForwardAxes(TorchCall c) => Along(c, Axes(c), c.Items(1), false, c.Arg(3) as string);
    [Torch("fft_ifft2", "fft_ifftn")] private static object? InverseAxes(TorchCall c) => Along(c, Axes(c), c.Items(1), true, c.Arg(3) as string);
    [Torch("fft_fft2", "fft_fftn", Form = TorchForm.Complex)] private static object? ForwardAxesComplex(TorchCall c) => ForwardAxes(c);
    [Torch("fft_ifft2", "fft_ifftn", Form = TorchForm.Complex)] private static object? InverseAxesComplex(TorchCall c) => InverseAxes(c);

    /// <summary>(input, sizes, axes, norm): the last axis becomes half of it, the others are transformed then.</summary>
    [Torch("fft_rfft2", "fft_rfftn")]
    private static object? RealAxes(TorchCall c)
    {
        long[] axes = Axes(c);
        IReadOnlyList<object?> sizes = c.Items(1);
        TorchComplex z = Half(c, c.Tensor(0), axes[^1], sizes.Count > 0 ? sizes[^1] : null, c.Arg(3) as string);
        return Each(c, z, axes[..^1], [.. sizes.SkipLast(1)], false, c.Arg(3) as string);
    }

    [Torch("fft_irfft2", "fft_irfftn", Form = TorchForm.Complex)]
    private static object? InverseRealAxes(TorchCall c)
    {
        long[] axes = Axes(c);
        IReadOnlyList<object?> sizes = c.Items(1);
        TorchComplex z = Each(c, (TorchComplex)c.Arg(0)!, axes[..^1], [.. sizes.SkipLast(1)], true, c.Arg(3) as string);
        return Whole(c, z, axes[^1], sizes.Count > 0 ? sizes[^1] : null, c.Arg(3) as string);
    }

    /// <summary>(input, axes, normalization, onesided), (input, axes, normalization, size of the last axis), (input, axes, normalization, forward): what
    /// decompositions leave. Normalization 0 is none, 1 by the root of the length, 2 by the length.</summary>
    [Torch("_fft_r2c")] private static object? RealCore(TorchCall c) => c.Interpreter.Apply(c.Bool(3, true) ? "fft_rfftn" : "fft_fftn", [c.Arg(0), null, c.Arg(1), Norm(c, false)], []);
    [Torch("_fft_c2c", Form = TorchForm.Complex)] private static object? ComplexCore(TorchCall c) => c.Interpreter.Apply(c.Bool(3, true) ? "fft_fftn" : "fft_ifftn", [c.Arg(0), null, c.Arg(1), Norm(c, !c.Bool(3, true))], []);

    [Torch("_fft_c2r", Form = TorchForm.Complex)]
    private static object? InverseRealCore(TorchCall c)
    {
        Value x = c.Interpreter.Read(((TorchComplex)c.Arg(0)!).Real);
        object?[] sizes = [.. c.Ints(1).SkipLast(1).Select(a => (object?)Size(c, x, a)), c.Int(3)];
        return c.Interpreter.Apply("fft_irfftn", [c.Arg(0), new TorchList(sizes), c.Arg(1), Norm(c, true)], []);
    }

    private static string Norm(TorchCall c, bool inverse) => c.Int(2) switch { 0 => inverse ? "forward" : "backward", 1 => "ortho", _ => inverse ? "backward" : "forward" };

    /// <summary>(n, d = 1): the frequencies of a transform.</summary>
    [Torch("fft_fftfreq", "fft_rfftfreq")]
    private static object? Frequencies(TorchCall c)
    {
        long n = c.Int(0);
        if (n is < 1 or > 1 << 24) throw c.Error($"a transform of {n}");
        double step = 1 / (n * c.Number(1, 1));
        bool half = c.Name == "fft_rfftfreq";
        return TorchCall.Box(c.Floats([.. Enumerable.Range(0, (int)(half ? n / 2 + 1 : n)).Select(k => (float)((half || k < (n + 1) / 2 ? k : k - n) * step))]));
    }

    [Torch("fft_fftshift", "fft_ifftshift", OnParts = true)]
    private static object? Shift(TorchCall c)
    {
        Value x = c.Tensor(0);
        int rank = c.Rank(x);
        long[] axes = c.Arg(1) is null ? [.. Enumerable.Range(0, rank).Select(d => (long)d)] : c.Ints(1);
        IEnumerable<object?> shifts = axes.Select(a => (object?)(Size(c, x, a) is var n && c.Name == "fft_fftshift" ? n / 2 : (n + 1) / 2));
        return c.Interpreter.Apply("roll", [c.Arg(0), new TorchList(shifts), new TorchList(axes.Select(a => (object?)a))], []);
    }

    private static long[] Axes(TorchCall c)
    {
        if (c.Arg(2) is not null) return c.Ints(2);
        if (c.Name.EndsWith('2')) return [-2, -1];
        int rank = c.Rank(c.Arg(0) is TorchComplex z ? c.Interpreter.Read(z.Real) : c.Tensor(0));
        return [.. Enumerable.Range(0, rank).Select(d => (long)d)];
    }

    private static object?[] Sizes(object? n) => n == null ? [] : [n];

    private static long Size(TorchCall c, Value x, long axis)
    {
        long n = x.Shape[c.Axis(axis, c.Rank(x))];
        return n >= 0 ? n : throw c.Error("the length of a transform must be known; give the inputs a size with --shape");
    }

    private static long Length(TorchCall c, long n) => n is >= 1 and <= 1 << 20 ? n : throw c.Error($"a transform of {n}");

    private static double Scale(TorchCall c, long n, bool inverse, string? norm) => norm switch
    {
        null or "backward" => inverse ? 1.0 / n : 1,
        "ortho" => 1 / Math.Sqrt(n),
        "forward" => inverse ? 1 : 1.0 / n,
        _ => throw c.Error($"norm '{norm}' is not known"),
    };

    private static TorchComplex Along(TorchCall c, long[] axes, IReadOnlyList<object?> sizes, bool inverse, string? norm)
    {
        TorchComplex z = c.Arg(0) is TorchComplex given ? given : new TorchComplex(TorchCall.Box(AsFloat(c, c.Tensor(0))), null!);
        return Each(c, z, axes, sizes, inverse, norm);
    }

    private static Value AsFloat(TorchCall c, Value x) => x.DType.IsFloat() ? x : c.Cast(x, DType.Float32);

    /// <summary>Complex transforms of one axis after another. A first one of a real tensor has no imaginary part yet.</summary>
    private static TorchComplex Each(TorchCall c, TorchComplex z, long[] axes, IReadOnlyList<object?> sizes, bool inverse, string? norm)
    {
        Value re = c.Interpreter.Read(z.Real);
        Value? im = z.Imaginary == null ? null : c.Interpreter.Read(z.Imaginary);
        for (int i = 0; i < axes.Length; i++)
        {
            int rank = c.Rank(re), axis = c.Axis(axes[i], rank);
            long n = Length(c, sizes.Count > i ? c.Known(sizes[i], "the length") : Size(c, re, axis));
            (re, im) = (Resized(c, Last(c, re, axis), n), im == null ? null : Resized(c, Last(c, im, axis), n));
            (re, im) = Transformed(c, re, im, n, n, inverse, Scale(c, n, inverse, norm));
            (re, im) = (Last(c, re, axis), Last(c, im, axis));
        }
        return new TorchComplex(TorchCall.Box(re), TorchCall.Box(im!));
    }

    /// <summary>The first n / 2 + 1 coefficients of a real tensor.</summary>
    private static TorchComplex Half(TorchCall c, Value x, long dim, object? length, string? norm)
    {
        int axis = c.Axis(dim, c.Rank(x));
        long n = Length(c, length == null ? Size(c, x, axis) : c.Known(length, "the length"));
        (Value re, Value im) = Transformed(c, Resized(c, Last(c, AsFloat(c, x), axis), n), null, n, n / 2 + 1, false, Scale(c, n, false, norm));
        return new TorchComplex(TorchCall.Box(Last(c, re, axis)), TorchCall.Box(Last(c, im, axis)));
    }

    /// <summary>The real tensor of n elements whose first n / 2 + 1 coefficients are given.</summary>
    private static TorchBox Whole(TorchCall c, TorchComplex z, long dim, object? length, string? norm)
    {
        Value re = c.Interpreter.Read(z.Real), im = c.Interpreter.Read(z.Imaginary);
        int axis = c.Axis(dim, c.Rank(re));
        long n = Length(c, length == null ? 2 * (Size(c, re, axis) - 1) : c.Known(length, "the length"));
        long half = n / 2 + 1;
        (re, im) = (Resized(c, Last(c, re, axis), half), Resized(c, Last(c, im, axis), half));
        double scale = Scale(c, n, true, norm);
        Value y = half * n <= MaxTable
            ? c.Emit("Add", [c.Emit("MatMul", [re, Table(c, half, n, (k, t) => Weight(k, n) * scale * Math.Cos(Turn(k * t, n)))]), c.Emit("MatMul", [im, Table(c, half, n, (k, t) => -Weight(k, n) * scale * Math.Sin(Turn(k * t, n)))])])
            : Dense.Scaled(c, Squeezed(c, c.Emit("DFT", [Pairs(c, re, im), c.Scalar(DType.Int64, n), c.Scalar(DType.Int64, -2)], ("inverse", 1), ("onesided", 1)), 0), scale * n);
        return TorchCall.Box(Last(c, y, axis));
    }

    /// <summary>How often coefficient k of the first half is in the whole.</summary>
    private static double Weight(long k, long n) => k == 0 || 2 * k == n ? 1 : 2;

    private static double Turn(long product, long n) => 2 * Math.PI * (product % n) / n;

    /// <summary>[.., n] to its first <paramref name="count"/> coefficients.</summary>
    private static (Value Re, Value Im) Transformed(TorchCall c, Value re, Value? im, long n, long count, bool inverse, double scale)
    {
        int sign = inverse ? 1 : -1;
        if (n * count > MaxTable)
        {
            Value x = im == null ? c.Unsqueeze(re, -1) : Pairs(c, re, im);
            Value y = c.Emit("DFT", [x, c.Scalar(DType.Int64, n), c.Scalar(DType.Int64, -2)], ("inverse", inverse ? 1 : 0), ("onesided", count < n ? 1 : 0));
            double rest = inverse ? scale * n : scale;
            return (Dense.Scaled(c, Squeezed(c, y, 0), rest), Dense.Scaled(c, Squeezed(c, y, 1), rest));
        }
        Value cos = Table(c, n, count, (t, k) => scale * Math.Cos(Turn(k * t, n))), sin = Table(c, n, count, (t, k) => sign * scale * Math.Sin(Turn(k * t, n)));
        Value a = c.Emit("MatMul", [re, cos]), b = c.Emit("MatMul", [re, sin]);
        return im == null ? (a, b) : (c.Emit("Sub", [a, c.Emit("MatMul", [im, sin])]), c.Emit("Add", [b, c.Emit("MatMul", [im, cos])]));
    }

    private static Value Table(TorchCall c, long rows, long columns, Func<long, long, double> element)
    {
        var table = new Tensor(DType.Float32, new Shape(rows, columns));
        Span<float> to = table.Span<float>();
        for (long i = 0, at = 0; i < rows; i++)
            for (long j = 0; j < columns; j++) to[(int)at++] = (float)element(i, j);
        return c.Builder.Constant(c.Interpreter.Named("transform"), table);
    }

    private static Value Pairs(TorchCall c, Value re, Value im) => c.Emit("Concat", [c.Unsqueeze(re, -1), c.Unsqueeze(im, -1)], ("axis", -1));
    private static Value Squeezed(TorchCall c, Value pairs, long part) => c.Emit("Gather", [pairs, c.Scalar(DType.Int64, part)], ("axis", -1));

    /// <summary>An axis exchanged with the last one.</summary>
    private static Value Last(TorchCall c, Value x, int axis)
    {
        int rank = c.Rank(x);
        if (axis == rank - 1) return x;
        long[] order = [.. Enumerable.Range(0, rank).Select(d => (long)d)];
        (order[axis], order[^1]) = (order[^1], order[axis]);
        return c.Transpose(x, order);
    }

    /// <summary>The last axis cut off or filled up with zeros.</summary>
    private static Value Resized(TorchCall c, Value x, long n)
    {
        int rank = c.Rank(x);
        long size = Size(c, x, -1);
        if (size == n) return x;
        if (size > n) return c.Emit("Slice", [x, c.IntTensor(0), c.IntTensor(n), c.IntTensor(-1)]);
        return c.Emit("Pad", [x, c.IntTensor([.. new long[2 * rank - 1], n - size])]);
    }

    /// <summary>(input [L] or [B,L], n_fft, hop_length, win_length, window, [center, pad_mode,] normalized, onesided, return_complex) -> [B, coefficients, frames]</summary>
    [Torch("stft", Limits = "a free n_fft, a complex input")]
    private static object? ShortTime(TorchCall c)
    {
        bool withCenter = c.Arg(6) is string;
        int next = withCenter ? 7 : 5;
        long n = c.Int(1), hop = c.Int(2, n / 4);
        if (n is < 1 or > 1 << 20 || hop < 1) throw c.Error($"frames of {n} every {hop}");
        Value x = AsFloat(c, c.Tensor(0));
        bool unbatched = c.Rank(x) == 1;
        if (unbatched) x = c.Unsqueeze(x, 0);
        if (withCenter && c.Bool(5, true)) x = c.Emit("Pad", [x, c.IntTensor(0, n / 2, 0, n / 2)], ("mode", c.Text(6, "reflect") switch { "constant" => "constant", "replicate" => "edge", "circular" => "wrap", _ => "reflect" }));
        double[] window = WindowOf(c, n);
        double scale = c.Bool(next, false) ? 1 / Math.Sqrt(n) : 1;
        long count = c.Bool(next + 1, true) ? n / 2 + 1 : n;
        Value re, im;
        if (2 * n * count <= MaxTable)
        {
            Value kernel = c.Reshape(Table(c, 2 * count, n, (k, t) => window[t] * scale * (k < count ? Math.Cos(Turn(k * t, n)) : -Math.Sin(Turn((k - count) * t, n)))), 2 * count, 1, n);
            Value y = c.Emit("Conv", [c.Unsqueeze(x, 1), kernel], ("strides", (long[])[hop]));
            (re, im) = (Channels(c, y, 0, count), Channels(c, y, count, 2 * count));
        }
        else
        {
            Value y = c.Emit("STFT", [c.Unsqueeze(x, -1), c.Scalar(DType.Int64, hop), c.Floats([.. window.Select(w => (float)(w * scale))])], ("onesided", count < n ? 1 : 0));
            y = c.Transpose(y, 0, 2, 1, 3);
            (re, im) = (Squeezed(c, y, 0), Squeezed(c, y, 1));
        }
        if (unbatched) (re, im) = (c.Squeeze(re, 0), c.Squeeze(im, 0));
        var result = new TorchComplex(TorchCall.Box(re), TorchCall.Box(im));
        return c.Bool(next + 2, true) ? result : c.Interpreter.Apply("view_as_real", [result], []);
    }

    private static Value Channels(TorchCall c, Value y, long from, long to) => c.Emit("Slice", [y, c.IntTensor(from), c.IntTensor(to), c.IntTensor(1)]);

    /// <summary>The window, which may be shorter than a frame and then lies in its middle.</summary>
    private static double[] WindowOf(TorchCall c, long n)
    {
        var window = new double[n];
        long length = c.Int(3, n), first = (n - length) / 2;
        if (length < 1 || length > n) throw c.Error($"a window of {length} for frames of {n}");
        if (c.Arg(4) is not null && c.Constant(4) == null) throw c.Error("its window is computed by the model, which is not supported");
        Tensor? given = c.Constant(4);
        if (given != null && given.Count != length) throw c.Error($"a window of {given.Count} elements, expected {length}");
        for (long i = 0; i < length; i++) window[first + i] = given?.GetDouble(i) ?? 1;
        return window;
    }

    /// <summary>
    /// (input [coefficients, frames] or [B, ..], n_fft, hop_length, win_length, window, center, normalized, onesided, length, return_complex): frames are added
    /// up where they lie, by a transposed convolution, and divided by the sum of their squared windows.
    /// </summary>
    [Torch("istft", Form = TorchForm.Complex, Limits = "a free n_fft, a complex result")]
    private static object? InverseShortTime(TorchCall c)
    {
        long n = c.Int(1), hop = c.Int(2, n / 4), half = n / 2 + 1;
        if (n is < 1 or > 1 << 20 || hop < 1) throw c.Error($"frames of {n} every {hop}");
        if (!c.Bool(7, true) || c.Bool(9, false)) throw c.Error("a complex result is not supported");
        var z = (TorchComplex)c.Arg(0)!;
        Value re = c.Interpreter.Read(z.Real), im = c.Interpreter.Read(z.Imaginary);
        bool unbatched = c.Rank(re) == 2;
        if (unbatched) (re, im) = (c.Unsqueeze(re, 0), c.Unsqueeze(im, 0));
        double[] window = WindowOf(c, n);
        double scale = c.Bool(6, false) ? Math.Sqrt(n) : 1;
        Value sum;
        if (2 * n * half <= MaxTable)
        {
            Value kernel = c.Reshape(Table(c, 2 * half, n, (k, t) => window[t] * scale / n * (k < half ? Weight(k, n) * Math.Cos(Turn(k * t, n)) : -Weight(k - half, n) * Math.Sin(Turn((k - half) * t, n)))), 2 * half, 1, n);
            sum = c.Squeeze(c.Emit("ConvTranspose", [c.Emit("Concat", [re, im], ("axis", 1)), kernel], ("strides", (long[])[hop])), 1);
        }
        else
        {
            Value frames = c.Emit("DFT", [Pairs(c, c.Transpose(re, 0, 2, 1), c.Transpose(im, 0, 2, 1)), c.Scalar(DType.Int64, n), c.Scalar(DType.Int64, -2)], ("inverse", 1), ("onesided", 1));
            Value windowed = c.Transpose(c.Emit("Mul", [Squeezed(c, frames, 0), c.Floats([.. window.Select(w => (float)(w * scale))])]), 0, 2, 1);
            long total = (Size(c, re, 2) - 1) * hop + n;
            Value image = c.Emit("Col2Im", [windowed, c.IntTensor(1, total), c.IntTensor(1, n)], ("strides", (long[])[1, hop]));
            sum = c.Squeeze(image, 1, 2);
        }
        Value squares = c.Reshape(c.Floats([.. window.Select(w => (float)(w * w))]), 1, 1, n);
        Value ones = c.Emit("ConstantOfShape", [c.SizeTensor([1L, 1L, c.Size(re, 2)])], ("value", Tensor.FromArray<float>([1f], new Shape(1))));
        Value weights = c.Squeeze(c.Emit("ConvTranspose", [ones, squares], ("strides", (long[])[hop])), 1);
        long start = c.Bool(5, true) ? n / 2 : 0;
        object? length = c.Interpreter.ToScalar(c.Arg(8), ScalarKind.Int);
        object? end = length != null ? c.Interpreter.Apply("add", [length, start], []) : start > 0 ? -start : long.MaxValue;
        Value Part(Value x) => c.Emit("Slice", [x, c.IntTensor(start), c.SizeTensor([end]), c.IntTensor(1)]);
        Value y = c.Emit("Div", [Part(sum), Part(weights)]);
        if (length is long wanted && y.Shape[1] >= 0 && y.Shape[1] < wanted) y = c.Emit("Pad", [y, c.IntTensor(0, 0, 0, wanted - y.Shape[1])]);
        return TorchCall.Box(unbatched ? c.Squeeze(y, 0) : y);
    }

    /// <summary>(length, periodic = True): 0.5 - 0.5 cos(2 pi t / n), where n is the length, or one less.</summary>
    [Torch("hann_window")] private static object? Hann(TorchCall c) => Cosines(c, 0.5, 0.5, 0);
    [Torch("hamming_window")] private static object? Hamming(TorchCall c) => Cosines(c, c.Number(2, 0.54), c.Number(3, 0.46), 0);
    [Torch("blackman_window")] private static object? Blackman(TorchCall c) => Cosines(c, 0.42, 0.5, 0.08);

    private static TorchBox Cosines(TorchCall c, double a, double b, double twice)
    {
        long length = c.Int(0);
        if (length is < 1 or > 1 << 20) throw c.Error($"a window of {length}");
        double n = c.Bool(1, true) ? length : Math.Max(1, length - 1);
        c.Option("dtype");
        return TorchCall.Box(c.Floats([.. Enumerable.Range(0, (int)length).Select(t => (float)(a - b * Math.Cos(2 * Math.PI * t / n) + twice * Math.Cos(4 * Math.PI * t / n)))]));
    }
}
