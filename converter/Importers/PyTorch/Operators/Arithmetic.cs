using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>Operators of two operands, on tensors (with PyTorch's type promotion) and on Python numbers, known or not.</summary>
internal static class Arithmetic
{
    [Torch("add", "__add__", "__radd__", "__iadd__")]
    private static object? Add(TorchCall c) => (c.Arg(0), c.Arg(1)) switch
    {
        (TorchList a, TorchList b) => new TorchList(a.Items.Concat(b.Items)),
        (TorchTuple a, TorchTuple b) => new TorchTuple([.. a.Items, .. b.Items]),
        (string a, string b) => a + b,
        _ => Binary(c, "Add", Alpha(c), (a, b) => a + b, (a, b) => a + b),
    };

    [Torch("sub", "__sub__")] private static object? Sub(TorchCall c) => Binary(c, "Sub", Alpha(c), (a, b) => a - b, (a, b) => a - b);

    [Torch("rsub")]
    private static object? ReverseSub(TorchCall c) => Binary(new TorchCall(c.Interpreter, "sub", [c.Arg(1), c.Arg(0)], []), "Sub", null, (a, b) => a - b, (a, b) => a - b);

    [Torch("mul", "__mul__", "multiply")]
    private static object? Mul(TorchCall c) => (c.Arg(0), c.Arg(1)) switch
    {
        (TorchList a, long n) => new TorchList(Enumerable.Repeat(a.Items, (int)Math.Clamp(n, 0, 4096)).SelectMany(i => i)),
        _ => Binary(c, "Mul", null, (a, b) => a * b, (a, b) => a * b),
    };

    /// <summary>True division; with rounding_mode "floor" or "trunc" the quotient is rounded.</summary>
    [Torch("div", "divide", "true_divide", "__truediv__")]
    private static object? Div(TorchCall c)
    {
        string? rounding = c.Option("rounding_mode") as string;
        if (rounding == "floor") return FloorDiv(c);
        object? a = Simple(c.Arg(0), c.Arg(1)), b = Simple(c.Arg(1), c.Arg(0));
        if (TorchCall.IsNumber(a) && TorchCall.IsNumber(b))
        {
            if (rounding == "trunc") return Scalars(c, "Div", ScalarKind.Int, a, b, (x, y) => x / y, (x, y) => Math.Truncate(x / y));
            return Scalars(c, "Div", ScalarKind.Float, a, b, null, (x, y) => x / y);
        }
        (Value left, Value right, DType type) = Promote(c, a, b);
        bool truncates = rounding == "trunc";
        if (!type.IsFloat() && !truncates) (left, right) = (c.Cast(left, DType.Float32), c.Cast(right, DType.Float32));
        Value y = c.Emit("Div", [left, right]);
        return TorchCall.Box(truncates && type.IsFloat() ? c.Emit("Mul", [c.Emit("Sign", [y]), c.Emit("Floor", [c.Emit("Abs", [y])])]) : y);
    }

    [Torch("floordiv", "floor_divide", "__floordiv__")]
    private static object? FloorDiv(TorchCall c)
    {
        object? a = Simple(c.Arg(0), c.Arg(1)), b = Simple(c.Arg(1), c.Arg(0));
        if (TorchCall.IsNumber(a) && TorchCall.IsNumber(b))
        {
            if (Kind(a, b) == ScalarKind.Float)
            {
                object? quotient = Scalars(c, "Div", ScalarKind.Float, a, b, null, (x, y) => Math.Round((x - FloorMod(x, y)) / y));
                return quotient is TorchScalar open ? new TorchScalar(c.Emit("Floor", [open.Value]), ScalarKind.Float) : quotient;
            }
            if (a is not TorchScalar && b is not TorchScalar) return FloorDivide(ToLong(a), ToLong(b));
            Value n = c.Interpreter.ScalarValue(a, ScalarKind.Int), d = c.Interpreter.ScalarValue(b, ScalarKind.Int);
            return new TorchScalar(c.Emit("Div", [c.Emit("Sub", [n, c.Emit("Mod", [n, d])]), d]), ScalarKind.Int);
        }
        (Value left, Value right, DType type) = Promote(c, a, b);
        if (type == DType.Bool) (left, right) = (c.Cast(left, DType.Int64), c.Cast(right, DType.Int64));
        if (!type.IsFloat()) return TorchCall.Box(c.Emit("Div", [c.Emit("Sub", [left, c.Emit("Mod", [left, right])]), right]));
        // The quotient itself may be rounded up to the next integer; over a power of two it is exact.
        if (right.Constant is { Count: 1 } known && double.IsPow2(Math.Abs(known.GetDouble(0)))) return TorchCall.Box(c.Emit("Floor", [c.Emit("Div", [left, right])]));
        return TorchCall.Box(c.Emit("Round", [c.Emit("Div", [c.Emit("Sub", [left, FloorMod(c, left, right)]), right])]));
    }

    /// <summary>The remainder of floats: C's fmod, moved by the divisor where their signs differ (c10::div_mod in c10/util/generic_math.h).</summary>
    private static Value FloorMod(TorchCall c, Value a, Value b)
    {
        Value r = c.Emit("Mod", [a, b], ("fmod", 1)), zero = c.Scalar(r.DType, 0);
        Value differ = c.Emit("Less", [c.Emit("Mul", [c.Emit("Sign", [r]), c.Emit("Sign", [b])]), zero]);
        return c.Emit("Where", [differ, c.Emit("Add", [r, b]), r]);
    }

    private static double FloorMod(double a, double b) => a % b is var r && r * b < 0 ? r + b : r;

    private static long FloorDivide(long a, long b) => a / b - (a % b != 0 && a % b < 0 != b < 0 ? 1 : 0);

    /// <summary>The remainder with the sign of the divisor, as Python's %.</summary>
    [Torch("remainder", "__mod__")]
    private static object? Remainder(TorchCall c)
    {
        object? a = Simple(c.Arg(0), c.Arg(1)), b = Simple(c.Arg(1), c.Arg(0));
        if (TorchCall.IsNumber(a) && TorchCall.IsNumber(b)) return Scalars(c, "Mod", Kind(a, b), a, b, (x, y) => x - FloorDivide(x, y) * y, FloorMod);
        (Value left, Value right, DType type) = Promote(c, a, b);
        return TorchCall.Box(type.IsFloat() ? FloorMod(c, left, right) : c.Emit("Mod", [left, right]));
    }

    [Torch("fmod")]
    private static object? Fmod(TorchCall c)
    {
        (Value left, Value right, _) = Promote(c, c.Arg(0), c.Arg(1));
        return TorchCall.Box(c.Emit("Mod", [left, right], ("fmod", 1)));
    }

    [Torch("pow", "__pow__")]
    private static object? Pow(TorchCall c)
    {
        object? a = c.Arg(0), b = Simple(c.Arg(1), c.Arg(0));
        if (TorchCall.IsNumber(a) && TorchCall.IsNumber(b)) return Scalars(c, "Pow", Kind(a, b), a, b, (x, y) => (long)Math.Pow(x, y), Math.Pow);
        (Value left, Value right, _) = Promote(c, a, b);
        if (b is 2L or 2.0) return TorchCall.Box(c.Emit("Mul", [left, left]));
        if (b is 0.5) return TorchCall.Box(c.Emit("Sqrt", [left]));
        return TorchCall.Box(c.Emit("Pow", [left, right]));
    }

    [Torch("square")]
    private static object? Square(TorchCall c)
    {
        Value x = c.Tensor(0);
        return TorchCall.Box(c.Emit("Mul", [x, x]));
    }

    /// <summary>The angle of (x, y): atan(y / x), moved by pi to the left half plane, 0 at the origin.</summary>
    [Torch("atan2")]
    private static object? Atan2(TorchCall c)
    {
        (Value y, Value x, DType type) = Promote(c, c.Arg(0), c.Arg(1));
        if (!type.IsFloat()) (y, x) = (c.Cast(y, DType.Float32), c.Cast(x, DType.Float32));
        Value zero = c.Scalar(y.DType, 0);
        Value below = c.Emit("Less", [y, zero]), left = c.Emit("Less", [x, zero]);
        Value turn = c.Emit("Where", [left, c.Emit("Where", [below, c.Scalar(y.DType, -Math.PI), c.Scalar(y.DType, Math.PI)]), zero]);
        Value origin = c.Emit("And", [c.Emit("Equal", [y, zero]), c.Emit("Equal", [x, zero])]);
        return TorchCall.Box(c.Emit("Where", [origin, zero, c.Emit("Add", [c.Emit("Atan", [c.Emit("Div", [y, x])]), turn])]));
    }

    /// <summary>input + value * a * b, input + value * a / b</summary>
    [Torch("addcmul", "addcdiv")]
    private static object? AddC(TorchCall c)
    {
        Value p = c.Emit(c.PlainName == "addcmul" ? "Mul" : "Div", [c.Tensor(1), c.Tensor(2)]);
        if (c.Arg(3, "value") is { } factor and not 1L) p = c.Emit("Mul", [p, c.Interpreter.ScalarLike(factor, p.DType)]);
        return TorchCall.Box(c.Emit("Add", [c.Tensor(0), p]));
    }

    [Torch("eq", "__eq__")]
    private static object? Eq(TorchCall c) => Plain(c, out object? equal) ? equal : Compare(c, "Equal", (a, b) => a == b);

    [Torch("ne", "__ne__")]
    private static object? Ne(TorchCall c)
    {
        if (Plain(c, out object? equal)) return Not(c, equal);
        return Not(c, Compare(c, "Equal", (a, b) => a == b));
    }

    [Torch("lt")] private static object? Lt(TorchCall c) => Compare(c, "Less", (a, b) => a < b);
    [Torch("le")] private static object? Le(TorchCall c) => Compare(c, "LessOrEqual", (a, b) => a <= b);
    [Torch("gt")] private static object? Gt(TorchCall c) => Compare(c, "Greater", (a, b) => a > b);
    [Torch("ge")] private static object? Ge(TorchCall c) => Compare(c, "GreaterOrEqual", (a, b) => a >= b);

    /// <summary>Comparison of strings, None, lists and the like; of lists of numbers that are known only when the model runs one of their elements.</summary>
    private static bool Plain(TorchCall c, out object? equal)
    {
        object? a = c.Arg(0), b = c.Arg(1);
        equal = false;
        if (a is TorchBox || b is TorchBox || TorchCall.IsNumber(a) && TorchCall.IsNumber(b)) return false;
        IReadOnlyList<object?>? x = (a as TorchList)?.Items ?? (IReadOnlyList<object?>?)(a as TorchTuple)?.Items, y = (b as TorchList)?.Items ?? (IReadOnlyList<object?>?)(b as TorchTuple)?.Items;
        if (x != null && y != null)
        {
            if (x.Concat(y).Any(i => i is TorchBox)) throw c.Error("lists of tensors are compared, which is not supported");
            if (x.Count != y.Count || x.Zip(y).Any(p => p is { First: long, Second: long } && !Equals(p.First, p.Second))) return true;
            object?[] open = [.. x.Zip(y).Where(p => p.First is TorchScalar || p.Second is TorchScalar).Select(p => c.Interpreter.Apply("eq", [p.First, p.Second], []))];
            equal = open.Length > 0 ? open.Aggregate((a, b) => c.Interpreter.Apply("__and__", [a, b], [])) : x.SequenceEqual(y);
        }
        else equal = Equals(a, b);
        return true;
    }

    private static object? Not(TorchCall c, object? value) => value switch
    {
        bool b => !b,
        TorchScalar s => new TorchScalar(c.Emit("Not", [s.Value]), ScalarKind.Bool),
        TorchBox b => TorchCall.Box(c.Emit("Not", [b.Value])),
        _ => throw c.Error($"{TorchInterpreter.Describe(value)} is negated"),
    };

    [Torch("__not__", "logical_not")]
    private static object? LogicalNot(TorchCall c) => c.Arg(0) switch
    {
        TorchBox => TorchCall.Box(c.Emit("Not", [c.Cast(c.Tensor(0), DType.Bool)])),
        TorchScalar => Not(c, c.Interpreter.ToScalar(c.Arg(0), ScalarKind.Bool)),
        var v => Not(c, c.Interpreter.ToScalar(v, ScalarKind.Bool)),
    };

    [Torch("bitwise_not")] private static object? BitwiseNot(TorchCall c) => TorchCall.Box(c.Emit(c.Tensor(0).DType == DType.Bool ? "Not" : "BitwiseNot", [c.Tensor(0)]));
    [Torch("bitwise_left_shift", "__lshift__")] private static object? LeftShift(TorchCall c) => Shift(c, "mul");
    [Torch("bitwise_right_shift", "__rshift__")] private static object? RightShift(TorchCall c) => Shift(c, "floordiv");

    /// <summary>Integers times or over a power of two, over rounded down: ONNX's BitShift has no signed ones.</summary>
    private static object? Shift(TorchCall c, string with)
    {
        object? factor = c.Interpreter.Apply("pow", [2L, c.Arg(1)], []);
        if (c.Arg(1) is TorchBox) factor = c.Interpreter.Apply("type_as", [factor, c.Arg(1)], []);
        return c.Interpreter.Apply(with, [c.Arg(0), factor], []);
    }

    [Torch("__and__", "bitwise_and", "logical_and")] private static object? And(TorchCall c) => Logic(c, "And");
    [Torch("__or__", "bitwise_or", "logical_or")] private static object? Or(TorchCall c) => Logic(c, "Or");
    [Torch("__xor__", "bitwise_xor", "logical_xor")] private static object? Xor(TorchCall c) => Logic(c, "Xor");

    private static object? Logic(TorchCall c, string opType)
    {
        object? a = c.Arg(0), b = c.Arg(1);
        if (a is bool x && b is bool y) return opType switch { "And" => x && y, "Or" => x || y, _ => x ^ y };
        if (TorchCall.IsNumber(a) && TorchCall.IsNumber(b))
        {
            bool isInt = !c.Name.StartsWith("logical", StringComparison.Ordinal) && Kind(a, b) == ScalarKind.Int;
            if (isInt && a is not TorchScalar && b is not TorchScalar) return opType switch { "And" => ToLong(a) & ToLong(b), "Or" => ToLong(a) | ToLong(b), _ => ToLong(a) ^ ToLong(b) };
            ScalarKind kind = isInt ? ScalarKind.Int : ScalarKind.Bool;
            return new TorchScalar(c.Emit(isInt ? "Bitwise" + opType : opType, [c.Interpreter.ScalarValue(a, kind), c.Interpreter.ScalarValue(b, kind)]), kind);
        }
        (Value left, Value right, DType type) = Promote(c, a, b);
        if (c.Name.StartsWith("logical", StringComparison.Ordinal)) (left, right, type) = (c.Cast(left, DType.Bool), c.Cast(right, DType.Bool), DType.Bool);
        return TorchCall.Box(c.Emit(type == DType.Bool ? opType : "Bitwise" + opType, [left, right]));
    }

    private static object? Compare(TorchCall c, string opType, Func<double, double, bool> known)
    {
        object? a = Simple(c.Arg(0), c.Arg(1)), b = Simple(c.Arg(1), c.Arg(0));
        if (TorchCall.IsNumber(a) && TorchCall.IsNumber(b))
        {
            ScalarKind kind = Kind(a, b);
            if (kind == ScalarKind.Bool) kind = ScalarKind.Int;
            (a, b) = (c.Interpreter.ToScalar(a, kind), c.Interpreter.ToScalar(b, kind));
            if (a is not TorchScalar && b is not TorchScalar) return known(ToDouble(a), ToDouble(b));
            return new TorchScalar(c.Emit(opType, [c.Interpreter.ScalarValue(a, kind), c.Interpreter.ScalarValue(b, kind)]), ScalarKind.Bool);
        }
        (Value left, Value right, DType type) = Promote(c, a, b);
        if (type == DType.Bool && opType != "Equal") (left, right) = (c.Cast(left, DType.Int32), c.Cast(right, DType.Int32));
        return TorchCall.Box(c.Emit(opType, [left, right]));
    }

    private static object? Alpha(TorchCall c) => c.Option("alpha") ?? c.Arg(2) switch { 1L or 1.0 => null, var a => a };

    private static object? Binary(TorchCall c, string opType, object? alpha, Func<long, long, long> ints, Func<double, double, double> floats)
    {
        object? a = Simple(c.Arg(0), c.Arg(1)), b = Simple(c.Arg(1), c.Arg(0));
        if (alpha is 1L or 1.0) alpha = null;
        if (TorchCall.IsNumber(a) && TorchCall.IsNumber(b))
        {
            if (alpha != null) b = Scalars(c, "Mul", Kind(alpha, b), alpha, b, (x, y) => x * y, (x, y) => x * y);
            ScalarKind kind = Kind(a, b) == ScalarKind.Bool ? ScalarKind.Int : Kind(a, b);
            return Scalars(c, opType, kind, a, b, ints, floats);
        }
        (Value left, Value right, DType type) = Promote(c, a, b);
        if (alpha != null) right = c.Emit("Mul", [right, c.Interpreter.ScalarLike(alpha, type)]);
        if (type == DType.Bool && opType is "Add" or "Mul" && type == DType.Bool) return TorchCall.Box(c.Emit(opType == "Add" ? "Or" : "And", [left, right]));
        return TorchCall.Box(c.Emit(opType, [left, right]));
    }

    private static object Scalars(TorchCall c, string opType, ScalarKind kind, object? a, object? b, Func<long, long, long>? ints, Func<double, double, double> floats)
    {
        (a, b) = (c.Interpreter.ToScalar(a, kind), c.Interpreter.ToScalar(b, kind));
        if (a is not TorchScalar && b is not TorchScalar)
            return kind == ScalarKind.Float || ints == null ? floats(ToDouble(a), ToDouble(b)) : (object)ints(ToLong(a), ToLong(b));
        return new TorchScalar(c.Emit(opType, [c.Interpreter.ScalarValue(a, kind), c.Interpreter.ScalarValue(b, kind)]), kind);
    }

    /// <summary>A constant tensor without dimensions is a number where the other operand is one.</summary>
    private static object? Simple(object? value, object? other) =>
        value is TorchBox { Value: { Constant: { Count: 1 } t, Shape.Rank: 0 } } && TorchCall.IsNumber(other) ? t.DType.IsFloat() ? t.GetDouble(0) : (object)t.GetInt64(0) : value;

    private static ScalarKind Kind(object? a, object? b)
    {
        ScalarKind x = TorchInterpreter.KindOf(a), y = TorchInterpreter.KindOf(b);
        return x == ScalarKind.Float || y == ScalarKind.Float ? ScalarKind.Float : x == ScalarKind.Int || y == ScalarKind.Int ? ScalarKind.Int : ScalarKind.Bool;
    }

    private static double ToDouble(object? v) => v switch { bool b => b ? 1 : 0, long n => n, double d => d, _ => throw TorchInterpreter.NotANumber(v) };
    private static long ToLong(object? v) => v switch { bool b => b ? 1 : 0, long n => n, double d => (long)d, _ => throw TorchInterpreter.NotANumber(v) };

    /// <summary>Both operands in one element type: a number takes that of the tensor unless it is of a higher kind (bool, integer,
    /// float); of two tensors the wider one wins, one without dimensions counts as a number.</summary>
    internal static (Value A, Value B, DType Type) Promote(TorchCall c, object? a, object? b)
    {
        if (a is TorchBox && b is TorchBox)
        {
            Value x = c.AsTensor(a, "the first operand"), y = c.AsTensor(b, "the second operand");
            if (x.DType == y.DType) return (x, y, x.DType);
            bool xIsNumber = x.Shape is { IsRanked: true, Rank: 0 }, yIsNumber = y.Shape is { IsRanked: true, Rank: 0 };
            DType type = xIsNumber != yIsNumber && Level(x.DType) == Level(y.DType) ? (xIsNumber ? y.DType : x.DType) : Wider(x.DType, y.DType);
            return (c.Cast(x, type), c.Cast(y, type), type);
        }
        if (a is TorchBox t)
        {
            Value x = c.AsTensor(t, "the first operand");
            DType type = WithNumber(x.DType, b);
            return (c.Cast(x, type), c.Interpreter.ScalarLike(b, type), type);
        }
        if (b is TorchBox)
        {
            (Value y, Value x, DType type) = Promote(c, b, a);
            return (x, y, type);
        }
        throw c.Error($"{TorchInterpreter.Describe(a)} and {TorchInterpreter.Describe(b)} are combined");
    }

    internal static DType WithNumber(DType type, object? number) => TorchInterpreter.KindOf(number) switch
    {
        ScalarKind.Float when !type.IsFloat() => DType.Float32,
        ScalarKind.Int when type == DType.Bool => DType.Int64,
        _ => type,
    };

    private static int Level(DType type) => type == DType.Bool ? 0 : type.IsFloat() ? 2 : 1;

    internal static DType Wider(DType a, DType b)
    {
        if (Level(a) != Level(b)) return Level(a) > Level(b) ? a : b;
        if (a.Size() != b.Size()) return a.Size() > b.Size() ? a : b;
        return a == b ? a : a.IsFloat() ? DType.Float32 : DType.Int16;
    }
}
