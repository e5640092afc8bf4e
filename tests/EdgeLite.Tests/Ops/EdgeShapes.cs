using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Tests.Importers;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Ops;

/// <summary>One operator with the inputs of a random case.</summary>
internal sealed record EdgeCase(NodeProto Node, IReadOnlyList<(string Name, Tensor Value, bool IsConstant)> Inputs)
{
    public override string ToString() =>
        $"{Node.OpType}({string.Join(", ", Inputs.Select(i => i.Value.Count <= 8 && i.Value.DType == DType.Int64 ? $"{i.Name} {i.Value} = {string.Join(' ', i.Value.ToInt64Array())}" : $"{i.Name} {i.Value}"))})"
        + $" {{{string.Join(", ", Node.Attribute.Select(a => $"{a.Name}={Text(a)}"))}}}";

    private static string Text(AttributeProto a) => a.Type switch
    {
        AttributeProto.Types.AttributeType.Ints => string.Join(' ', a.Ints),
        AttributeProto.Types.AttributeType.Floats => string.Join(' ', a.Floats),
        AttributeProto.Types.AttributeType.Strings => string.Join(' ', a.Strings.Select(s => s.ToStringUtf8())),
        AttributeProto.Types.AttributeType.String => a.S.ToStringUtf8(),
        AttributeProto.Types.AttributeType.Float => a.F.ToString(),
        _ => a.I.ToString(),
    };

    /// <summary>The case with input <paramref name="k"/> a bit larger or smaller along each axis, with an axis more and with one less.</summary>
    public IEnumerable<EdgeCase> WithOtherShapes(int k)
    {
        Shape shape = Inputs[k].Value.Shape;
        for (int axis = 0; axis < shape.Rank; axis++)
        {
            yield return WithShape(k, shape.With(axis, shape[axis] + 1));
            if (shape[axis] > 0) yield return WithShape(k, shape.With(axis, shape[axis] - 1));
        }
        if (shape.Rank is > 0 and < Shape.MaxRank) yield return WithShape(k, new Shape([.. shape.AsSpan(), 2]));
        if (shape.Rank > 0) yield return WithShape(k, new Shape(shape.AsSpan()[1..]));
    }

    private EdgeCase WithShape(int k, Shape shape)
    {
        (string name, Tensor old, bool isConstant) = Inputs[k];
        var value = new Tensor(old.DType, shape);
        for (int i = 0; i < value.Bytes.Length && old.ByteLength > 0; i++) value.Bytes[i] = old.Bytes[i % old.Bytes.Length];
        return this with { Inputs = [.. Inputs.Select((input, i) => i == k ? (name, value, isConstant) : input)] };
    }

    /// <summary>The model; with <paramref name="free"/> every dimension of its inputs is free.</summary>
    public ModelProto Model(long opset, bool free)
    {
        ModelProto model = OnnxModels.Model(opset, Node);
        model.IrVersion = 10;
        if (Node.Domain.Length > 0) model.OpsetImport.Add(new OperatorSetIdProto { Domain = Node.Domain, Version = Node.Domain == "ai.onnx.ml" ? 3 : 1 });
        int symbol = 0;
        foreach (var (name, value, isConstant) in Inputs)
            if (isConstant) model.Const(Raw(name, value.DType, value.Shape.AsSpan().ToArray(), value.Bytes.ToArray()));
            else model.In(name, value.DType, [.. value.Shape.AsSpan().ToArray().Select(d => free ? --symbol : d)]);
        return model.Out([.. Node.Output.Where(o => o.Length > 0)]);
    }
}

/// <summary>Makes cases whose shapes lie at the edge of what the specification allows: rank 0, dimensions of 0 and 1, broadcasting,
/// axes counted from the end, attributes left out.</summary>
internal sealed class EdgeShapes(int seed)
{
    private readonly Random _random = new(seed);
    private readonly List<(string Name, Tensor Value, bool IsConstant)> _inputs = [];
    private readonly List<AttributeProto> _attributes = [];

    public int Int(int low, int high) => _random.Next(low, high + 1);
    public bool Chance(double p = 0.5) => _random.NextDouble() < p;
    public T One<T>(params ReadOnlySpan<T> choices) => choices[_random.Next(choices.Length)];

    public void Shuffle<T>(List<T> list) => _random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(list));

    /// <summary>Sizes lie around those of registers and tiles, too.</summary>
    public bool IsWide { get; init; }

    /// <summary>A size: mostly small, at times 0, 1 or longer than a vector.</summary>
    public long Size(bool zero = true) => IsWide && Chance(0.4) ? One(7L, 8, 15, 16, 17, 33, 64, 65) : Int(0, 9) switch { 0 => zero ? 0 : 2, 1 or 2 => 1, 9 => Int(8, 35), _ => Int(2, 5) };

    public long[] Shape(int least = 0, int most = 4, bool zero = true)
    {
        var shape = new long[Int(least, most)];
        for (int i = 0; i < shape.Length; i++) shape[i] = shape.Count(d => d > 5) > 1 ? Int(1, 3) : Size(zero && Chance(0.3));
        return shape;
    }

    /// <summary>A shape that broadcasts with another: some leading dimensions fewer, some dimensions 1.</summary>
    public long[] Broadcast(long[] shape, bool wider = true)
    {
        long[] other = [.. shape.Select(d => Chance(0.3) ? 1 : d)];
        if (Chance(0.4)) other = other[Int(0, other.Length)..];
        return wider && other.Length == shape.Length && other.Length < 4 && Chance(0.2) ? [Size(false), .. other] : other;
    }

    /// <summary>An axis of a rank, from either end.</summary>
    public long Axis(int rank, int extra = 0) => rank + extra == 0 ? 0 : Int(-(rank + extra), rank + extra - 1);

    /// <summary>Different axes of a rank in any order, each from either end.</summary>
    public long[] Axes(int rank, int least = 0)
    {
        int[] order = [.. Enumerable.Range(0, rank)];
        _random.Shuffle(order);
        return [.. order[..Int(Math.Min(least, rank), rank)].Select(a => (long)(Chance() ? a : a - rank))];
    }

    public int[] Permutation(int rank)
    {
        int[] order = [.. Enumerable.Range(0, rank)];
        _random.Shuffle(order);
        return order;
    }

    /// <summary>Adds an input and returns its name: floats in [-2, 2), integers in [low, high], bool.</summary>
    public string In(DType type, long[] shape, int low = -5, int high = 5)
    {
        var tensor = new Tensor(type, new Shape(shape));
        for (long i = 0; i < tensor.Count; i++)
            if (type == DType.Float32) tensor.SetDouble(i, Math.Round(4 * _random.NextDouble() - 2, 3));
            else tensor.SetInt64(i, type == DType.Bool ? Int(0, 1) : Int(low, high));
        return Add(tensor, false);
    }

    /// <summary>Adds int64 values, at times as a constant of the model.</summary>
    public string Ints(params long[] values) => Add(Tensor.FromArray<long>(values, new Shape(values.Length)), Chance());

    public string Add(Tensor value, bool isConstant)
    {
        string name = ((char)('a' + _inputs.Count)).ToString();
        _inputs.Add((name, value, isConstant));
        return name;
    }

    public EdgeShapes With(AttributeProto attribute)
    {
        _attributes.Add(attribute);
        return this;
    }

    public EdgeCase Case(string op, string inputs, string outputs = "y") => new(Node(op, inputs, outputs, [.. _attributes]), _inputs);
}
