using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>Python numbers and tensors as values of the graph being built.</summary>
internal sealed partial class TorchInterpreter
{
    public string Named(string what) => Path.Length > 0 ? $"{Path}/{what}" : what;

    /// <summary>The present content of a tensor, in the graph being built.</summary>
    public Value Read(TorchBox box)
    {
        Refresh(box);
        if (box.IsStale) throw Error($"tensor '{box.Value.Name}' is read after a view of it was changed in place, which is not supported");
        return Builder.Local(box.Value);
    }

    public static ScalarKind KindOf(object? value) => value switch
    {
        bool => ScalarKind.Bool,
        long => ScalarKind.Int,
        double => ScalarKind.Float,
        TorchScalar s => s.Kind,
        _ => throw NotANumber(value),
    };

    public static EdgeLiteException NotANumber(object? value) => new(Status.Unsupported, $"{Describe(value)} is not a number.");

    public static DType TypeOf(ScalarKind kind) => kind switch { ScalarKind.Int => DType.Int64, ScalarKind.Float => DType.Float32, _ => DType.Bool };

    /// <summary>A number (or a tensor of one element) as a scalar of a kind; one that is known stays a Python number.</summary>
    public object? ToScalar(object? value, ScalarKind kind)
    {
        if (value is TorchBox { Value.Constant: { Count: 1 } constant })
            value = constant.DType.IsFloat() ? constant.GetDouble(0) : constant.DType == DType.Bool ? constant.GetInt64(0) != 0 : (object)constant.GetInt64(0);
        switch (value)
        {
            case null: return null;
            case TorchBox b:
            {
                Value v = Read(b);
                if (v.Shape is { IsRanked: true, Rank: > 0 } or { IsRanked: false }) v = Emit("Reshape", v, Constant(new Tensor(DType.Int64, new Shape(0))));
                return new TorchScalar(CastTo(v, TypeOf(kind)), kind);
            }
            case TorchAbsent a:
                RefuseUnknown();
                throw Error($"a number is not known: {a.Reason}");
            case TorchScalar { Value.Constant: { } known }:
                return ToScalar(known.DType.IsFloat() ? known.GetDouble(0) : known.DType == DType.Bool ? known.GetInt64(0) != 0 : (object)known.GetInt64(0), kind);
            case TorchScalar s: return s.Kind == kind ? s : new TorchScalar(CastTo(s.Value, TypeOf(kind)), kind);
            case bool or long or double:
                double number = value switch { bool b => b ? 1 : 0, long n => n, var d => (double)d };
                return kind switch
                {
                    ScalarKind.Bool => number != 0,
                    ScalarKind.Int => value is long n ? n : (long)number,
                    _ => number,
                };
            default: throw NotANumber(value);
        }
    }

    /// <summary>A number as a scalar tensor.</summary>
    public Value ScalarValue(object? value, ScalarKind kind) => ToScalar(value, kind) switch
    {
        bool b => Constant(Tensor.FromScalar(b)),
        long n => Constant(Tensor.FromScalar(n)),
        double d => Constant(Tensor.FromScalar((float)d)),
        TorchScalar s => Builder.Local(s.Value),
        var v => throw NotANumber(v),
    };

    /// <summary>A number as a scalar of the element type of the tensor it is combined with.</summary>
    public Value ScalarLike(object? value, DType type)
    {
        if (value is TorchScalar s) return CastTo(s.Value, type);
        var tensor = new Tensor(type, Shape.Scalar);
        switch (value)
        {
            case bool b: tensor.SetInt64(0, b ? 1 : 0); break;
            case long n when type.IsFloat(): tensor.SetDouble(0, n); break;
            case long n: tensor.SetInt64(0, n); break;
            case double d: tensor.SetDouble(0, d); break;
            default: throw NotANumber(value);
        }
        return Constant(tensor);
    }

    public Value CastTo(Value value, DType type) =>
        value.DType == type ? Builder.Local(value) : Builder.Emit("Cast", Named("Cast"), [value], ("to", (long)type));

    private Value Emit(string opType, params ReadOnlySpan<Value?> inputs) => Builder.Emit(opType, Named(opType), inputs);

    private Value Constant(Tensor tensor) => Builder.Constant(Named("constant"), tensor);
}
