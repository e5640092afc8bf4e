using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>Complex tensors, which ONNX's operators do not take: their real and imaginary parts go side by side.</summary>
internal static class ComplexNumbers
{
    private static object? Apply(TorchCall c, string name, params object?[] arguments) => c.Interpreter.Apply(name, arguments, []);
    private static TorchBox Part(TorchCall c, string name, params object?[] arguments) => (TorchBox)Apply(c, name, arguments)!;

    /// <summary>An argument as a complex number; a real one has no imaginary part.</summary>
    private static TorchComplex Of(TorchCall c, int i) => c.Arg(i) switch
    {
        TorchComplex z => z,
        TorchBox x => new TorchComplex(x, Part(c, "zeros_like", x)),
        var n when TorchCall.IsNumber(n) => new TorchComplex(TorchCall.Box(c.Interpreter.ScalarLike(n, DType.Float32)), TorchCall.Box(c.Scalar(DType.Float32, 0))),
        var v => throw c.Error($"argument {i} is {TorchInterpreter.Describe(v)}, expected a complex tensor"),
    };

    /// <summary>[..., 2] with the two parts along the last axis.</summary>
    [Torch("view_as_complex")] private static object? FromPairs(TorchCall c) => new TorchComplex(Part(c, "select", c.Arg(0), -1L, 0L), Part(c, "select", c.Arg(0), -1L, 1L));

    [Torch("view_as_real", Form = TorchForm.Complex)]
    private static object? ToPairs(TorchCall c)
    {
        TorchComplex z = Of(c, 0);
        return new TorchBox(Part(c, "stack", new TorchList([z.Real, z.Imaginary]), -1L).Value) { ViewOf = z.Real, Seen = z.Real.Version };
    }

    [Torch("complex")] private static object? FromParts(TorchCall c) => new TorchComplex(TorchCall.Box(c.Tensor(0)), TorchCall.Box(c.Tensor(1)));

    /// <summary>(absolute value, angle)</summary>
    [Torch("polar")] private static object? Polar(TorchCall c) => new TorchComplex(Part(c, "mul", c.Arg(0), Apply(c, "cos", c.Arg(1))), Part(c, "mul", c.Arg(0), Apply(c, "sin", c.Arg(1))));

    [Torch("real")] private static object? RealOfReal(TorchCall c) => c.Itself(c.Tensor(0));
    [Torch("real", Form = TorchForm.Complex)] private static object? Real(TorchCall c) => Of(c, 0).Real;
    [Torch("imag", Form = TorchForm.Complex)] private static object? Imaginary(TorchCall c) => Of(c, 0).Imaginary;
    [Torch("is_complex")] private static object? IsComplexReal(TorchCall c) => false;
    [Torch("is_complex", Form = TorchForm.Complex)] private static object? IsComplex(TorchCall c) => true;
    [Torch("is_floating_point", Form = TorchForm.Complex)] private static object? IsFloating(TorchCall c) => false;
    [Torch("prim.dtype", Form = TorchForm.Complex)] private static object? Dtype(TorchCall c) => 9L;
    [Torch("prim.device", "device", Form = TorchForm.Complex)] private static object? Device(TorchCall c) => "cpu";
    [Torch("is_conj", "is_neg", Form = TorchForm.Complex)] private static object? IsLazy(TorchCall c) => false;
    [Torch("conj", "_conj", "conj_physical", "_conj_physical", "resolve_conj", "resolve_neg")] private static object? ConjugateOfReal(TorchCall c) => c.Itself(c.Tensor(0));
    [Torch("resolve_conj", "resolve_neg", Form = TorchForm.Complex)] private static object? Resolved(TorchCall c) => Of(c, 0);

    [Torch("conj", "_conj", "conj_physical", "_conj_physical", Form = TorchForm.Complex)]
    private static object? Conjugate(TorchCall c) => new TorchComplex(Of(c, 0).Real, Part(c, "neg", Of(c, 0).Imaginary));

    /// <summary>to(complex, dtype): only complex types are left for it.</summary>
    [Torch("to", Form = TorchForm.Complex)]
    private static object? To(TorchCall c) => (c.Option("dtype") ?? c.Arguments.Skip(1).FirstOrDefault(a => a is long)) is null or (>= 8L and <= 10L) ? Of(c, 0) : throw c.Error("a complex tensor becomes a real one; take its real part");

    private static object? Square(TorchCall c, TorchComplex z) => Apply(c, "add", Apply(c, "mul", z.Real, z.Real), Apply(c, "mul", z.Imaginary, z.Imaginary));

    [Torch("abs", "absolute", Form = TorchForm.Complex)] private static object? Abs(TorchCall c) => Apply(c, "sqrt", Square(c, Of(c, 0)));

    [Torch("angle")]
    private static object? AngleOfReal(TorchCall c) => Apply(c, "where", Apply(c, "lt", c.Arg(0), 0L), Math.PI, Apply(c, "zeros_like", c.Arg(0)));
    [Torch("angle", Form = TorchForm.Complex)] private static object? Angle(TorchCall c) => Apply(c, "atan2", Of(c, 0).Imaginary, Of(c, 0).Real);

    [Torch("add", "__add__", "__radd__", "__iadd__", "sub", "__sub__", "rsub", Form = TorchForm.Complex)]
    private static object? Sum(TorchCall c)
    {
        TorchComplex a = Of(c, 0), b = Of(c, 1);
        (string, object?)[] named = c.Option("alpha") is { } alpha ? [("alpha", alpha)] : [];
        return new TorchComplex((TorchBox)c.Interpreter.Apply(c.PlainName, [a.Real, b.Real, .. c.Arguments[2..]], named)!, (TorchBox)c.Interpreter.Apply(c.PlainName, [a.Imaginary, b.Imaginary, .. c.Arguments[2..]], named)!);
    }

    /// <summary>Products: what is linear in both operands.</summary>
    [Torch("mul", "__mul__", "multiply", "matmul", "mm", "bmm", "outer", "dot", "mv", Form = TorchForm.Complex)]
    private static object? Product(TorchCall c)
    {
        string name = c.PlainName;
        // A real factor scales both parts.
        if (c.Arg(1) is not TorchComplex) return new TorchComplex(Part(c, name, Of(c, 0).Real, c.Arg(1)), Part(c, name, Of(c, 0).Imaginary, c.Arg(1)));
        if (c.Arg(0) is not TorchComplex) return new TorchComplex(Part(c, name, c.Arg(0), Of(c, 1).Real), Part(c, name, c.Arg(0), Of(c, 1).Imaginary));
        return Multiplied(c, Of(c, 0), Of(c, 1), (a, b) => Part(c, name, a, b));
    }

    /// <summary>(equation, operands)</summary>
    [Torch("einsum", Form = TorchForm.Complex)]
    private static object? Einsum(TorchCall c)
    {
        object?[] items = [.. c.Items(1)];
        if (items.Length > 2) throw c.Error("a complex einsum of more than two operands is not supported");
        TorchBox Of(params object?[] parts) => Part(c, "einsum", c.Arg(0), new TorchList(parts));
        return (items[0], items[^1]) switch
        {
            _ when items.Length == 1 => new TorchComplex(Of(((TorchComplex)items[0]!).Real), Of(((TorchComplex)items[0]!).Imaginary)),
            (TorchComplex a, TorchComplex b) => Multiplied(c, a, b, (x, y) => Of(x, y)),
            (TorchComplex a, var b) => new TorchComplex(Of(a.Real, b), Of(a.Imaginary, b)),
            (var a, var b) => new TorchComplex(Of(a, ((TorchComplex)b!).Real), Of(a, ((TorchComplex)b!).Imaginary)),
        };
    }

    private static TorchComplex Multiplied(TorchCall c, TorchComplex a, TorchComplex b, Func<TorchBox, TorchBox, TorchBox> product) => new(
        Part(c, "sub", product(a.Real, b.Real), product(a.Imaginary, b.Imaginary)),
        Part(c, "add", product(a.Real, b.Imaginary), product(a.Imaginary, b.Real)));

    [Torch("div", "divide", "true_divide", "__truediv__", Form = TorchForm.Complex)]
    private static object? Quotient(TorchCall c)
    {
        TorchComplex a = Of(c, 0);
        if (c.Arg(1) is not TorchComplex b) return new TorchComplex(Part(c, "div", a.Real, c.Arg(1)), Part(c, "div", a.Imaginary, c.Arg(1)));
        object? square = Square(c, b);
        TorchComplex product = Multiplied(c, a, new TorchComplex(b.Real, Part(c, "neg", b.Imaginary)), (x, y) => Part(c, "mul", x, y));
        return new TorchComplex(Part(c, "div", product.Real, square), Part(c, "div", product.Imaginary, square));
    }

    [Torch("reciprocal", Form = TorchForm.Complex)]
    private static object? Reciprocal(TorchCall c)
    {
        TorchComplex z = Of(c, 0);
        object? square = Square(c, z);
        return new TorchComplex(Part(c, "div", z.Real, square), Part(c, "neg", Apply(c, "div", z.Imaginary, square)));
    }

    [Torch("exp", Form = TorchForm.Complex)] private static object? Exp(TorchCall c) => Apply(c, "polar", Apply(c, "exp", Of(c, 0).Real), Of(c, 0).Imaginary);
    [Torch("square", Form = TorchForm.Complex)] private static object? Squared(TorchCall c) => Apply(c, "mul", c.Arg(0), c.Arg(0));

    /// <summary>z / |z|, 0 where that is 0.</summary>
    [Torch("sgn", Form = TorchForm.Complex)]
    private static object? Sign(TorchCall c)
    {
        object? size = Abs(c);
        return Apply(c, "div", Of(c, 0), Apply(c, "where", Apply(c, "eq", size, 0L), 1.0, size));
    }
}
