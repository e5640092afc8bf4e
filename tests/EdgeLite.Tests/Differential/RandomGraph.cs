using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Tests.Importers;
using EdgeLite.Tests.Ops;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Differential;

/// <summary>
/// A random model of several operators: chains, values read more than once, several outputs, shapes with dimensions of 0 and 1, and
/// (RandomGraph.Patterns.cs) the patterns that passes look for, at times with a detail that makes them something else. Each node is
/// run as it is added, so that the next one knows shapes and values; what an operator refuses is taken back. A wide one
/// (RandomGraph.Wide.cs) has more nodes, other operators and sizes around those of registers, tiles and shares of threads.
/// </summary>
internal sealed partial class RandomGraph
{
    private const long OperatorSet = 21;

    /// <summary>A value; exact where every float of it is a small multiple of 1/64, however it was computed, so that it can be compared and rounded.</summary>
    private sealed record Known(string Name, Tensor Value, bool IsExact)
    {
        public int Rank => Value.Shape.Rank;
        public long[] Dims => Value.Shape.AsSpan().ToArray();
        public bool IsFloat => Value.DType == DType.Float32;
    }

    /// <summary>Operators whose result is exact where their operands are, in any order of summation.</summary>
    private static readonly HashSet<string> s_exact =
    [
        "Add", "Sub", "Mul", "Neg", "Abs", "Relu", "Max", "Min", "Clip", "Identity", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile", "Concat",
        "Split", "Slice", "Pad", "Gather", "Where", "MatMul", "ReduceSum", "ReduceMax", "ReduceMin", "MaxPool", "GlobalMaxPool", "DepthToSpace", "SpaceToDepth", "Floor", "Ceil", "Round",
        "Sign", "Cast", "CumSum", "If", "Compress", "GatherElements", "GatherND", "Unique", "OneHot", "SplitToSequence", "SequenceConstruct", "SequenceAt", "ConcatFromSequence", "SequenceInsert", "SequenceErase",
    ];

    private readonly EdgeShapes _r;
    private readonly List<Known> _values = [];
    private readonly List<(string Name, Tensor Value, bool IsConstant)> _inputs = [];
    private readonly List<NodeProto> _nodes = [];
    private readonly HashSet<string> _read = [];
    private int _names;

    public RandomGraph(int seed, bool isWide = false)
    {
        Seed = seed;
        _r = new EdgeShapes(seed) { IsWide = isWide };
        _isLarge = isWide && _r.Chance(0.1);
        Action[] steps = [Unary, Unary, Binary, Binary, Movement, Movement, Movement, Movement, Reduction, Layer, Layer, Branch, Integers, .. Dynamic, Quantized, Quantized, .. Patterns, .. Patterns];
        if (isWide) steps = _r.Int(0, 7) switch { 0 or 1 => Vision, 2 => [Quantized], _ => [.. steps, .. Wide, .. Wide] };
        for (int wanted = _isLarge ? _r.Int(1, 6) : isWide ? _r.One(_r.Int(2, 6), _r.Int(4, 12), _r.Int(10, 25)) : _r.Int(1, 6), tries = 0; wanted > 0 && tries < 60; tries++)
        {
            int values = _values.Count, inputs = _inputs.Count, nodes = _nodes.Count;
            try
            {
                _r.One<Action>(steps)();
                wanted--;
            }
            catch (EdgeLiteException)
            {
                _values.RemoveRange(values, _values.Count - values);
                _inputs.RemoveRange(inputs, _inputs.Count - inputs);
                _nodes.RemoveRange(nodes, _nodes.Count - nodes);
            }
        }
    }

    public int Seed { get; }

    /// <summary>Every value that is no input, in the order in which they are computed.</summary>
    public IReadOnlyList<string> Computed => [.. _nodes.SelectMany(n => n.Output).Where(o => o.StartsWith('v'))];

    /// <summary>What nobody reads, and now and then a value in between.</summary>
    public string[] ChooseOutputs()
    {
        foreach (NodeProto node in _nodes) _read.UnionWith(node.Input.Concat(Captured(node)));
        return [.. Computed.Where(name => !_read.Contains(name) || _r.Chance(_r.IsWide ? 0.12 : 0.08))];
    }

    /// <summary>The values of the inputs that <see cref="Model"/> with these outputs has.</summary>
    public Tensor[] Inputs(string[] outputs)
    {
        HashSet<string> needed = Needed(outputs);
        return [.. _inputs.Where(i => !i.IsConstant && needed.Contains(i.Name)).Select(i => i.Value)];
    }

    /// <summary>The model of what these outputs depend on. <paramref name="free"/>: dimensions of inputs are free, those of equal size by one name.</summary>
    public ModelProto Model(string[] outputs, bool free)
    {
        HashSet<string> needed = Needed(outputs);
        ModelProto model = Importers.OnnxModels.Model(OperatorSet, [.. Computing(needed)]);
        model.IrVersion = 10;
        foreach (var (name, value, isConstant) in _inputs)
            if (!needed.Contains(name)) continue;
            else if (isConstant) model.Const(Raw(name, value.DType, value.Shape.AsSpan().ToArray(), value.Bytes.ToArray()));
            else model.In(name, value.DType, [.. value.Shape.AsSpan().ToArray().Select(d => free ? -(d + 1) : d)]);
        return model.Out(outputs);
    }

    public string Describe(string[] outputs)
    {
        HashSet<string> needed = Needed(outputs);
        string inputs = string.Concat(_inputs.Where(i => needed.Contains(i.Name)).Select(i => $"  {i.Name}: {(i.IsConstant ? "constant " : "")}{i.Value}{(i.Value.Count is > 0 and <= 8 ? $" = {string.Join(' ', Enumerable.Range(0, (int)i.Value.Count).Select(k => i.Value.GetDouble(k)))}" : "")}\n"));
        return inputs + string.Concat(Computing(needed).Select(n => $"  {string.Join(", ", n.Output)} = {n.OpType}({string.Join(", ", n.Input)}) {string.Join(' ', n.Attribute.Select(a => a.ToString()))} : {string.Join(' ', n.Output.Select(o => _values.FirstOrDefault(v => v.Name == o)?.Value))}\n")) + $"  outputs {string.Join(", ", outputs)}";
    }

    /// <summary>Whether outputs change a little where values do: nothing that they depend on compares, rounds or chooses.</summary>
    public bool IsSmooth(string[] outputs) => !Computing(Needed(outputs)).Any(n => s_steep.Contains(n.OpType) || n.Attribute.Any(a => a.G != null)
        || n.OpType == "Cast" && n.Attribute[0].I is not ((long)DType.Float32 or (long)DType.Float16 or (long)DType.Float64));

    private static readonly HashSet<string> s_steep =
    [
        "Floor", "Ceil", "Round", "Sign", "Mod", "ArgMax", "ArgMin", "TopK", "NonZero", "Unique", "Compress", "Hardmax", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "IsNaN",
        "QuantizeLinear", "DynamicQuantizeLinear", "OneHot", "NonMaxSuppression", "ThresholdedRelu", "GridSample", "Reciprocal", "Log",
    ];

    private IEnumerable<NodeProto> Computing(HashSet<string> needed) => _nodes.Where(n => n.Output.Any(o => needed.Contains(o) && !_cut.Contains(o)));

    /// <summary>The largest number of what an output depends on, itself included: sums round in proportion to it.</summary>
    public double Magnitude(string output)
    {
        HashSet<string> needed = Needed([output]);
        return _inputs.Select(i => (i.Name, i.Value)).Concat(_values.Select(v => (v.Name, v.Value))).Where(v => needed.Contains(v.Name) && v.Value.DType.IsFloat())
            .Select(v => OrtComparison.Largest(v.Value)).DefaultIfEmpty().Max();
    }

    /// <summary>Makes a computed value an input, with the numbers that were computed, so that what it comes from is not needed.</summary>
    public bool Cut(string name, bool isCut)
    {
        if (!isCut)
        {
            _inputs.RemoveAll(i => i.Name == name);
            return _cut.Remove(name);
        }
        Known known = _values.First(v => v.Name == name);
        _inputs.Add((name, known.Value, false));
        return _cut.Add(name);
    }

    private readonly HashSet<string> _cut = [];

    private HashSet<string> Needed(string[] outputs)
    {
        HashSet<string> needed = [.. outputs];
        foreach (NodeProto node in _nodes.AsEnumerable().Reverse())
            if (node.Output.Any(o => needed.Contains(o) && !_cut.Contains(o))) needed.UnionWith(node.Input.Concat(Captured(node)));
        return needed;
    }

    private static IEnumerable<string> Captured(NodeProto node) => node.Attribute.Where(a => a.G != null).SelectMany(a => a.G.Node.SelectMany(n => n.Input));

    // Values.

    private Known Add(Tensor value, bool isConstant)
    {
        string name = $"i{_names++}";
        _inputs.Add((name, value, isConstant));
        var known = new Known(name, value, true);
        if (!isConstant) _values.Add(known);
        return known;
    }

    /// <summary>A new input or constant; floats are multiples of 1/4 in [-2, 2].</summary>
    private Known New(DType type, long[] shape, double constant = 0.3)
    {
        var tensor = new Tensor(type, new Shape(shape));
        for (long i = 0; i < tensor.Count; i++)
            if (type.IsFloat()) tensor.SetDouble(i, _r.Int(-8, 8) / 4.0);
            else tensor.SetInt64(i, type == DType.Bool ? _r.Int(0, 1) : _r.Int(type is DType.UInt8 or DType.UInt32 ? 0 : -5, 5));
        return Add(tensor, _r.Chance(constant));
    }

    private Known Constant(DType type, long[] shape) => New(type, shape, 1);

    private Known Positive(long[] shape)
    {
        Known made = Constant(DType.Float32, shape);
        for (long i = 0; i < made.Value.Count; i++) made.Value.SetDouble(i, _r.Int(1, 8) / 4.0);
        return made;
    }

    /// <summary>A number of rank 0, at times of a higher rank.</summary>
    private Known Number(double value)
    {
        var tensor = new Tensor(DType.Float32, _r.Chance(0.7) ? Shape.Scalar : _r.Chance(0.6) ? new Shape(1) : new Shape([.. Enumerable.Repeat(1L, _r.Int(2, 5))]));
        tensor.SetDouble(0, value);
        return Add(tensor, true);
    }

    /// <summary>The number, or now and then another one.</summary>
    private Known Nearly(double value) => Number(_r.Chance(0.9) ? value : value * 1.25 + 0.5);

    private Known Ints(params long[] values) => Add(Tensor.FromArray<long>(values, new Shape(values.Length)), _r.Chance(_r.IsWide ? 0.98 : 0.9));

    private Known Any(Func<Known, bool> wanted, Func<Known> otherwise)
    {
        Known[] fit = [.. _values.Where(wanted)];
        if (fit.Length == 0 || _r.Chance(0.12)) return otherwise();
        // Mostly what came last, so that chains grow.
        return _r.Chance(0.6) ? fit[^1] : _r.One<Known>(fit);
    }

    private Known Float(int least = 0, int most = 5, bool zero = true) =>
        Any(v => v.IsFloat && v.Rank >= least && v.Rank <= most && (zero || v.Value.Count > 0), () => New(DType.Float32, _r.Shape(least, Math.Min(most, 4), zero), 0));

    private Known Exact(int least = 0, bool zero = true) =>
        Any(v => v.IsFloat && v.IsExact && v.Rank >= least && (zero || v.Value.Count > 0), () => New(DType.Float32, _r.Shape(least, 4, zero), 0));

    private Known Emit(string op, Known?[] inputs, params AttributeProto[] attributes) => EmitMany(op, inputs, 1, attributes)[0];

    private Known[] EmitMany(string op, Known?[] inputs, int outputs, params AttributeProto[] attributes)
    {
        string[] names = [.. Enumerable.Range(0, outputs).Select(_ => $"v{_names++}")];
        NodeProto node = Node(op, string.Join(' ', inputs.Select(i => i?.Name ?? "-")), string.Join(' ', names), attributes);
        return Emit(node, [.. inputs.Where(i => i != null).Select(i => i!)]);
    }

    private Known[] Emit(NodeProto node, Known[] reads) => EmitGroup([node], reads);

    /// <summary>Nodes that go together; the outputs of the last one are values.</summary>
    private Known[] EmitGroup(List<NodeProto> nodes, Known[] reads)
    {
        ModelProto model = Importers.OnnxModels.Model(OperatorSet, [.. nodes]);
        Known[] operands = [.. reads.Distinct()];
        foreach (Known k in operands) model.In(k.Name, k.Value.DType, k.Dims);
        NodeProto last = nodes[^1];
        Tensor[] results = Run(model.Out([.. last.Output]), [.. operands.Select(k => k.Value)]);
        bool exact = nodes.All(n => s_exact.Contains(n.OpType)) && operands.All(k => k.IsExact);
        Known[] known = [.. results.Select((t, i) => new Known(last.Output[i], t, IsExact(t, exact)))];
        _nodes.AddRange(nodes);
        _values.AddRange(known);
        return known;
    }

    private bool IsExact(Tensor t, bool exact)
    {
        if (t.Count > (_isLarge ? 400_000 : _r.IsWide ? 40_000 : 6000)) throw new EdgeLiteException(Status.InvalidArgument, "too large for a test");
        if (t.DType != DType.Float32) return true;
        foreach (float v in t.Span<float>())
        {
            // Where numbers grow or vanish, small differences do too.
            if (!float.IsFinite(v) || Math.Abs(v) > 1e4) throw new EdgeLiteException(Status.InvalidArgument, "too large for a test");
            exact &= Math.Abs(v) <= 512 && v * 64 == MathF.Round(v * 64);
        }
        return exact;
    }

    // Single operators.

    private void Unary()
    {
        string op = _r.One("Abs", "Neg", "Relu", "Identity", "Sigmoid", "Tanh", "Erf", "Softplus", "HardSwish", "HardSigmoid", "LeakyRelu", "Elu", "Gelu", "Mish", "Floor", "Round", "Ceil", "Sign", "Clip", "Exp", "Sqrt", "Dropout");
        if (op is "Floor" or "Round" or "Ceil" or "Sign") Emit(op, [Exact()]);
        else if (op == "Clip") Emit(op, [Float(), _r.Chance() ? null : Scalar(_r.Int(-4, 2) / 2.0), Scalar(_r.Int(3, 6) / 2.0)]);
        else if (op == "Sqrt") Emit(op, [Emit("Abs", [Exact()])]); // of little, differences grow
        else Emit(op, [Float()]);
    }

    private Known Scalar(double value)
    {
        var tensor = new Tensor(DType.Float32, Shape.Scalar);
        tensor.SetDouble(0, value);
        return Add(tensor, _r.Chance(0.9));
    }

    private Known Operand(long[] shape)
    {
        Known[] same = [.. _values.Where(v => v.IsFloat && v.Value.Shape == new Shape(shape))];
        if (same.Length > 0 && _r.Chance(0.4)) return _r.One<Known>(same);
        return New(DType.Float32, _r.Broadcast(shape), 0.5);
    }

    private void Binary()
    {
        string op = _r.One("Add", "Mul", "Sub", "Div", "Max", "Min", "Where", "PRelu", "Pow", "Greater", "Sum");
        if (op is "Greater")
        {
            Known a = Exact();
            Known condition = Emit(op, [a, _r.Chance() ? Number(0.25) : New(DType.Float32, _r.Broadcast(a.Dims))]);
            if (_r.Chance()) Emit("Not", [condition]);
            else Emit("Cast", [condition], Attr("to", (long)_r.One(DType.Float32, DType.Int32)));
            return;
        }
        Known x = Float(), y = Operand(x.Dims);
        if (op == "Where") Emit(op, [Any(v => v.Value.DType == DType.Bool, () => New(DType.Bool, _r.Broadcast(x.Dims))), .. _r.Chance() ? new[] { x, y } : [y, x]]);
        else if (op == "Div") Emit(op, [x, Positive(_r.Broadcast(x.Dims))]);
        else if (op == "Pow") Emit(op, [x, Number(_r.One(1.0, 2, 3))]);
        else if (op == "PRelu") Emit(op, [x, Constant(DType.Float32, _r.Broadcast(x.Dims, false))]);
        else if (op == "Sum") Emit(op, [x, y, Operand(x.Dims)]);
        else Emit(op, _r.Chance() ? [x, y] : [y, x]);
    }

    private void Integers()
    {
        Known x = Any(v => v.Value.DType is DType.Int64 or DType.Int32 or DType.Bool, () => New(_r.One(DType.Int64, DType.Int32, DType.Bool), _r.Shape()));
        if (x.Value.DType == DType.Bool) Emit("Where", [x, New(DType.Float32, _r.Broadcast(x.Dims)), New(DType.Float32, _r.Broadcast(x.Dims))]);
        else if (_r.Chance()) Emit(_r.One("Add", "Mul", "Sub", "Max"), [x, New(x.Value.DType, _r.Broadcast(x.Dims))]);
        else if (_r.Chance()) Emit("Cast", [x], Attr("to", (long)_r.One(DType.Float32, DType.Int64, DType.Bool)));
        else if (x.Rank > 0) Emit("Gather", [Float(1, 4, false), Emit("Mod", [x, Add(Tensor.FromArray(x.Value.DType == DType.Int64 ? new long[] { 1 } : [1], new Shape(1)), true)])], Attr("axis", -1));
    }

    private void Movement()
    {
        string op = _r.One("Transpose", "Transpose", "Transpose", "Reshape", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile", "Concat", "Split", "Slice", "Slice", "Pad", "Gather", "CumSum");
        Known x = Any(v => v.Rank <= 5, () => New(_r.One(DType.Float32, DType.Float32, DType.Int64, DType.Int32, DType.UInt8, DType.Bool), _r.Shape(), 0));
        if (_r.IsWide && _r.Chance(0.1)) x = New(_r.One(DType.Int8, DType.Int16, DType.Float16, DType.Float64, DType.UInt32), _r.Shape(), 0);
        long[] dims = x.Dims;
        switch (op)
        {
            case "Transpose": Emit(op, [x], Attr("perm", [.. _r.Permutation(x.Rank).Select(i => (long)i)])); break;
            case "Reshape": Emit(op, [x, Ints(OtherShape(dims))]); break;
            case "Flatten": Emit(op, [x], Attr("axis", (long)_r.Int(-x.Rank, x.Rank))); break;
            case "Unsqueeze":
                int rank = x.Rank + _r.Int(1, Math.Max(1, Math.Min(2, 6 - x.Rank)));
                Emit(op, [x, Ints(_r.Axes(rank, rank - x.Rank)[..(rank - x.Rank)])]);
                break;
            case "Squeeze":
                long[] axes = [.. _r.Axes(x.Rank).Where(a => dims[a < 0 ? a + x.Rank : a] == 1)];
                if (axes.Length > 0) Emit(op, [x, Ints(axes)]);
                else Emit(op, [x]);
                break;
            case "Expand": Emit(op, [x, Ints([.. dims.Select(d => d == 1 && _r.Chance() ? _r.Size() : d)])]); break;
            case "Tile": Emit(op, [x, Ints([.. dims.Select(_ => _r.One(1L, 1, 2))])]); break;
            case "Concat" when x.Rank > 0:
                long axis = _r.Axis(x.Rank);
                Known other = _r.Chance(0.3) ? x : New(x.Value.DType, [.. dims.Select((d, i) => i == (axis < 0 ? axis + x.Rank : axis) ? _r.Size() : d)]);
                if (other.IsFloat && _r.Chance(0.2) && _inputs[^1].IsConstant && _inputs[^1].Name == other.Name) other.Value.Bytes.Clear();
                Emit(op, _r.Chance() ? [x, other] : _r.Chance() ? [other, x] : [x, other, x], Attr("axis", axis));
                break;
            case "Split" when x.Rank > 0:
                long at = _r.Axis(x.Rank), length = dims[at < 0 ? at + x.Rank : at], first = _r.Int(0, (int)length);
                EmitMany(op, [x, Ints(first, length - first)], 2, Attr("axis", at));
                break;
            case "Slice" when x.Rank > 0:
                long[] sliced = _r.Axes(x.Rank, 1), steps = [.. sliced.Select(_ => _r.One(1L, 1, 1, 2, -1, -2))];
                Emit(op, [x, Ints([.. steps.Select(s => s < 0 ? -1L : _r.Int(-4, 3))]), Ints([.. steps.Select(s => s < 0 ? -100 : _r.One(-1, 2, 3, 100, long.MaxValue))]), Ints(sliced), Ints(steps)]);
                break;
            case "Pad" when x.Value.DType == DType.Float32 && x.Rank > 0:
                bool hasAxes = _r.Chance(0.3);
                long[] padded = hasAxes ? _r.Axes(x.Rank, 1) : [.. dims];
                Emit(op, [x, Ints([.. padded.Concat(padded).Select(_ => (long)_r.One(0, 0, 1, 2, -1))]), _r.Chance(0.7) ? null : Scalar(_r.One(0, 1.5)), hasAxes ? Ints(padded) : null]);
                break;
            case "Gather" when x.Rank > 0:
                long gathered = _r.Axis(x.Rank), size = dims[gathered < 0 ? gathered + x.Rank : gathered];
                if (size == 0) break;
                var indices = new Tensor(DType.Int64, new Shape(_r.Shape(0, 2)));
                for (int i = 0; i < indices.Count; i++) indices.SetInt64(i, _r.Int((int)-size, (int)size - 1));
                Emit(op, [x, Add(indices, _r.Chance(0.7))], Attr("axis", gathered));
                break;
            case "CumSum" when x.Rank > 0: Emit(op, [x, Add(Tensor.FromScalar(_r.Axis(x.Rank)), true)]); break;
        }
    }

    /// <summary>A target for Reshape: neighbours merged, 1 put in or taken out, factors split off, 0 and -1.</summary>
    private long[] OtherShape(long[] dims)
    {
        var wanted = new List<long>();
        foreach (long d in dims)
            if (wanted.Count > 0 && _r.Chance(0.3)) wanted[^1] *= d;
            else if (d > 2 && d % 2 == 0 && _r.Chance()) wanted.AddRange(_r.Chance() ? [2, d / 2] : [d / 2, 2]);
            else if (d != 1 || _r.Chance()) wanted.Add(d);
        while (wanted.Count < 5 && _r.Chance(0.25)) wanted.Insert(_r.Int(0, wanted.Count), 1);
        if (_r.Chance(0.2)) _r.Shuffle(wanted);
        for (int i = 0; i < wanted.Count; i++)
            if (i < dims.Length && dims[i] == wanted[i] && _r.Chance(0.3)) wanted[i] = 0;
        if (wanted.Count > 0 && dims.All(d => d > 0) && _r.Chance(0.3)) wanted[_r.Int(0, wanted.Count - 1)] = -1;
        return [.. wanted];
    }

    private void Reduction()
    {
        string op = _r.One("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceSumSquare", "ArgMax", "Softmax", "LogSoftmax", "TopK");
        if (op == "ArgMax")
        {
            Known e = Exact(1, false);
            Emit(op, [e], Attr("axis", _r.Axis(e.Rank)), Attr("keepdims", _r.Int(0, 1)));
            return;
        }
        if (op == "TopK")
        {
            Known e = Exact(1, false);
            long axis = _r.Axis(e.Rank);
            EmitMany(op, [e, Ints(_r.Int(1, (int)e.Dims[axis < 0 ? axis + e.Rank : axis]))], 2, Attr("axis", axis), Attr("largest", _r.Int(0, 1)));
            return;
        }
        Known x = Float(1, 5, zero: op == "ReduceSum");
        if (op.EndsWith("oftmax", StringComparison.Ordinal)) Emit(op, [x], Attr("axis", _r.Axis(x.Rank)));
        else if (_r.Chance(0.1)) Emit(op, [x], Attr("keepdims", _r.Int(0, 1)));
        else
        {
            long[] axes = _r.Axes(x.Rank, 1);
            if (x.Value.Count == 0) axes = [.. axes.Select(a => a < 0 ? a + x.Rank : a).Order()]; // as in EdgeShapeMakers
            Emit(op, [x, Ints(axes)], Attr("keepdims", _r.Int(0, 1)));
        }
    }

    /// <summary>An If on what is known or not, over values from outside.</summary>
    private void Branch()
    {
        Known x = Float(), y = Constant(DType.Float32, _r.Broadcast(x.Dims, false)), other = Exact(0, false);
        Known condition = _r.Chance(0.3) ? New(DType.Bool, [], 0.5) : Emit("Greater", [Emit("ReduceSum", [other], Attr("keepdims", 0)), Scalar(0.125)]);
        int id = _names++;
        GraphProto Body(string name, NodeProto node)
        {
            var body = new GraphProto { Name = name };
            body.Node.Add(node);
            body.Output.Add(new ValueInfoProto { Name = node.Output[0], Type = Info("", DType.Float32, x.Dims).Type });
            body.Output[0].Type.TensorType.Shape = null;
            return body;
        }
        NodeProto choice = Node("If", condition.Name, $"v{_names++}",
            Attr("then_branch", Body("then", Node(_r.One("Add", "Mul", "Max"), $"{x.Name} {y.Name}", $"b{id}then"))),
            Attr("else_branch", Body("else", Node(_r.One("Relu", "Identity", "Sigmoid"), x.Name, $"b{id}else"))));
        Emit(choice, [condition, x, y]);
    }
}
