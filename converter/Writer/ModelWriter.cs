using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Format;
using EdgeLite.Ops;
using EdgeLite.Sessions;
using Google.FlatBuffers;

namespace EdgeLite.Converter.Writer;

/// <summary>Writes a lowered graph as an .edgl file: plans the arena, lays out the constants (each content once, 64-byte aligned),
/// encodes the description; of a small model, description and small constants are packed. The file appears whole or not at all: a
/// temporary file is renamed.</summary>
public sealed class ModelWriter
{
    private readonly List<GraphDefinition> _graphs = [];
    private readonly Dictionary<Graph, int> _indices = [];
    private readonly ConstantLayout _constants = new();
    private readonly NearConstants _near = new();
    private readonly FlatBufferBuilder _builder = new(1 << 16);
    private readonly Dictionary<(string Key, string Content), int> _attributes = [];
    private readonly Dictionary<(int Size, string Content), int> _vectors = [];

    /// <summary>Characters of a constant's name that are kept.</summary>
    private const int LongName = 16;

    /// <summary>Most bytes of description and near constants that are packed: start time is worth more than some percent of a larger file.</summary>
    private const long MaxFront = 48 << 10;

    public static void Write(Graph graph, string path, string target = "") =>
        WholeFile.Write(path, stream => WriteTo(stream, graph, target, pack: true));

    /// <param name="graph">lowered</param>
    /// <param name="target">the profile that is recorded; empty: any processor</param>
    /// <param name="pack">false: never packed, as format version 1</param>
    public static byte[] ToBytes(Graph graph, string target = "", bool pack = true)
    {
        using var stream = new MemoryStream();
        WriteTo(stream, graph, target, pack);
        return stream.ToArray();
    }

    private static void WriteTo(Stream stream, Graph graph, string target, bool pack)
    {
        if (!pack || !new ModelWriter().TryWritePacked(stream, graph, target)) new ModelWriter().WritePlain(stream, graph, target);
    }

    /// <summary>False, and nothing written, where description and small constants are too large for it, or packing saves nothing.</summary>
    private bool TryWritePacked(Stream stream, Graph graph, string target)
    {
        Plan(graph);
        foreach (GraphDefinition definition in _graphs)
        {
            foreach (ValueDefinition value in definition.Values)
                if (value.Constant is { } constant) _near.Add(constant);
            foreach (NodeDefinition node in definition.Nodes)
                foreach ((string _, AttributeValue value) in node.Attributes.Items)
                    if (value.Kind == AttributeKind.Tensor) _near.Add(value.Tensor);
        }
        if (_near.Length > MaxFront) return false;
        byte[] description = Encode(graph, target);
        long unpacked = Align(description.Length, FileHeader.Alignment);
        if (unpacked + _near.Length > MaxFront) return false;
        using var front = new MemoryStream();
        front.Write(description);
        Fill(front, unpacked - description.Length);
        _near.WriteTo(front);
        byte[] packed = NearConstants.PackFront(front.GetBuffer().AsSpan(0, (int)front.Length), (int)unpacked);
        if (packed.Length >= front.Length) return false;
        Write(stream, packed, FileHeader.CurrentMajor);
        return true;
    }

    private void WritePlain(Stream stream, Graph graph, string target)
    {
        Plan(graph);
        Write(stream, Encode(graph, target), 1);
    }

    /// <summary>Writes the section of a self-test: length of its description (8), 8 zero bytes, the description, padding, its tensors.</summary>
    internal static void WriteSelfTest(Stream stream, IReadOnlyList<SelfTestSample> samples)
    {
        var writer = new ModelWriter();
        byte[] description = writer.Encode(samples);
        Span<byte> head = stackalloc byte[FileSeal.SelfTestHead];
        head.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(head, description.Length);
        stream.Write(head);
        stream.Write(description);
        long length = head.Length + description.Length;
        Fill(stream, Align(length, FileHeader.Alignment) - length);
        writer._constants.WriteTo(stream);
    }

    private void Plan(Graph graph)
    {
        AddGraph(graph);
        GraphDefinition main = _graphs[0];
        main.States = StateBinding.Parse(graph.Metadata.GetValueOrDefault(StateBinding.MetadataKey), main);
        StorePlan(main);
    }

    /// <summary>Header, description as it lies in the file, data.</summary>
    private void Write(Stream stream, byte[] description, ushort major)
    {
        long dataOffset = Align(FileHeader.Size + description.Length, FileHeader.Alignment);
        // Without a data section the file ends with its description.
        long end = _constants.Length > 0 ? dataOffset + _constants.Length : FileHeader.Size + description.Length;
        if (_constants.Length == 0) dataOffset = FileHeader.Size;
        var header = new FileHeader(major, FileHeader.CurrentMinor, Crc32.Compute(description), FileHeader.Size, description.Length, dataOffset, _constants.Length, end);
        Span<byte> start = stackalloc byte[FileHeader.Size];
        header.Write(start);
        stream.Write(start);
        stream.Write(description);
        if (_constants.Length == 0) return;
        Fill(stream, dataOffset - FileHeader.Size - description.Length);
        _constants.WriteTo(stream);
    }

    /// <summary>Numbers graphs so that a subgraph's number is higher than that of every graph that uses it.</summary>
    private void AddGraph(Graph graph)
    {
        var queue = new List<Graph> { graph };
        for (int i = 0; i < queue.Count; i++)
        {
            _indices[queue[i]] = i;
            foreach (Node node in queue[i].Nodes)
                foreach (Graph sub in Graph.Subgraphs(node))
                {
                    queue.Remove(sub);
                    queue.Add(sub);
                }
        }
        for (int i = 0; i < queue.Count; i++) _indices[queue[i]] = i;
        _graphs.AddRange(queue.Select(Define));
    }

    /// <summary>The definition that the runtime will read: also the input of its own typing and planning.</summary>
    public static GraphDefinition Define(Graph graph)
    {
        graph.Sort();
        Value[] values =
        [
            .. graph.Inputs,
            .. graph.Values.Where(v => v.IsConstant && (v.Consumers.Count > 0 || graph.Outputs.Contains(v))),
            .. graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>(),
        ];
        var index = new Dictionary<Value, int>();
        for (int v = 0; v < values.Length; v++) index[values[v]] = v;
        var symbols = new List<string>();
        foreach (Value value in graph.Inputs.Concat(graph.Outputs)) Named(graph, value.Type, symbols, isNew: true);
        return new GraphDefinition
        {
            Name = graph.Name,
            Values = [.. values.Select(v => new ValueDefinition { Name = v.Name, Type = Named(graph, v.Type, symbols, isNew: false), Constant = v.Constant, SourceName = v.SourceName == v.Name ? null : v.SourceName })],
            Nodes = [.. graph.Nodes.Select(n => new NodeDefinition
            {
                Domain = n.Domain,
                OpType = n.OpType,
                Name = n.Name,
                Inputs = [.. n.Inputs.Select(v => v == null ? -1 : index[v])],
                Outputs = [.. n.Outputs.Select(v => v == null ? -1 : index[v])],
                Attributes = n.Attributes,
            })],
            Inputs = [.. graph.Inputs.Select(v => index[v])],
            Outputs = [.. graph.Outputs.Select(v => index[v])],
            Symbols = [.. symbols],
        };
    }

    /// <summary>The type with the file's numbers of symbols: those of inputs and outputs, by name.</summary>
    private static TensorType Named(Graph graph, TensorType type, List<string> symbols, bool isNew)
    {
        for (int d = 0; type.Shape.IsRanked && d < type.Shape.Rank; d++)
        {
            if (type.Shape[d] >= Shape.Unknown) continue;
            string? name = graph.Sizes.Name(type.Shape[d]);
            if (isNew && name != null && !symbols.Contains(name)) symbols.Add(name);
            int index = name == null ? -1 : symbols.IndexOf(name);
            type = type with { Shape = type.Shape.With(d, index < 0 ? Shape.Unknown : Shape.Symbol(index)) };
        }
        return type;
    }

    /// <summary>Plans the arena for the declared inputs, a free batch being 1, when every shape then is known.</summary>
    private static void StorePlan(GraphDefinition graph)
    {
        foreach (int v in graph.Inputs) graph.Values[v].DefaultShape = DefaultShape(graph.Values[v].Type);
        TensorType[] inputs = [.. graph.Inputs.Select(v => graph.Values[v].DefaultType)];
        if (!inputs.All(t => t.IsKnown) || graph.Nodes.Any(n => OperatorTable.Find(n.Domain, n.OpType) == null)) return;
        TypedGraph typed;
        try
        {
            typed = TypedGraph.Create(graph, TypedGraph.CreateOperators(graph), inputs);
        }
        catch (EdgeLiteException) when (graph.Inputs.Any(v => graph.Values[v].DefaultShape.IsRanked))
        {
            // The graph does not allow a batch of 1: the size has to be chosen.
            foreach (int v in graph.Inputs) graph.Values[v].DefaultShape = Shape.Unranked;
            return;
        }
        if (!typed.IsStatic) return;
        (long[] offsets, graph.ArenaBytes) = ArenaPlanner.Plan(typed);
        for (int v = 0; v < offsets.Length; v++) graph.Values[v].ArenaOffset = offsets[v];
    }

    /// <summary>A free batch is 1 until another is chosen; other free dimensions have no natural size.</summary>
    private static Shape DefaultShape(TensorType type)
    {
        Shape shape = type.Shape;
        if (type.IsList || !shape.IsRanked || shape.IsKnown || shape.Rank == 0) return Shape.Unranked;
        Shape one = shape[0] < 0 ? shape.With(0, 1) : shape;
        return one.IsKnown ? one : Shape.Unranked;
    }

    private byte[] Encode(Graph graph, string target)
    {
        int graphs = Tables([.. _graphs.Select(Encode)]);
        int metadata = Tables([.. graph.Metadata.Select(pair =>
        {
            int key = Text(pair.Key), value = Text(pair.Value);
            _builder.StartTable(Schema.KeyValue.Count);
            _builder.AddOffset(Schema.KeyValue.Key, key, 0);
            _builder.AddOffset(Schema.KeyValue.Value, value, 0);
            return _builder.EndTable();
        })]);
        int producer = Text($"edgelite {typeof(ModelWriter).Assembly.GetName().Version!.ToString(3)}"), targetText = Text(target);
        _builder.StartTable(Schema.Model.Count);
        _builder.AddOffset(Schema.Model.Producer, producer, 0);
        _builder.AddOffset(Schema.Model.Target, targetText, 0);
        _builder.AddOffset(Schema.Model.Graphs, graphs, 0);
        _builder.AddOffset(Schema.Model.Metadata, metadata, 0);
        _builder.AddUint(Schema.Model.NearWords, (uint)_near.Words, 0);
        _builder.Finish(_builder.EndTable(), "EDGL");
        return _builder.SizedByteArray();
    }

    private byte[] Encode(IReadOnlyList<SelfTestSample> samples)
    {
        int tables = Tables([.. samples.Select(sample =>
        {
            int inputs = Tables([.. sample.Inputs.Select(v => Encode(v, ""))]), outputs = Tables([.. sample.Outputs.Select(v => Encode(v, ""))]);
            int limits = Numbers<float>(sample.MinSqnr);
            _builder.StartTable(Schema.SelfTestSample.Count);
            _builder.AddOffset(Schema.SelfTestSample.Inputs, inputs, 0);
            _builder.AddOffset(Schema.SelfTestSample.Outputs, outputs, 0);
            _builder.AddOffset(Schema.SelfTestSample.MinSqnr, limits, 0);
            return _builder.EndTable();
        })]);
        _builder.StartTable(Schema.SelfTest.Count);
        _builder.AddOffset(Schema.SelfTest.Samples, tables, 0);
        _builder.Finish(_builder.EndTable(), "EDGT");
        return _builder.SizedByteArray();
    }

    private int Encode(GraphDefinition graph)
    {
        var names = new HashSet<string>(graph.Values.Select(v => v.Name));
        var results = new HashSet<int>(graph.Outputs);
        int values = Tables([.. graph.Values.Select((v, i) => Encode(v, results.Contains(i) ? v.Name : ShortName(names, v, i)))]);
        int nodes = Tables([.. graph.Nodes.Select(Encode)]);
        int inputs = Numbers<int>(graph.Inputs), outputs = Numbers<int>(graph.Outputs), symbols = Texts(graph.Symbols), name = Text(graph.Name);
        _builder.StartTable(Schema.Graph.Count);
        _builder.AddOffset(Schema.Graph.Name, name, 0);
        _builder.AddOffset(Schema.Graph.Values, values, 0);
        _builder.AddOffset(Schema.Graph.Nodes, nodes, 0);
        _builder.AddOffset(Schema.Graph.Inputs, inputs, 0);
        _builder.AddOffset(Schema.Graph.Outputs, outputs, 0);
        _builder.AddOffset(Schema.Graph.Symbols, symbols, 0);
        _builder.AddLong(Schema.Graph.ArenaBytes, graph.ArenaBytes, -1);
        return _builder.EndTable();
    }

    /// <summary>Nobody asks for a constant by its name: long ones are numbers in the file.</summary>
    private static string ShortName(HashSet<string> names, ValueDefinition value, int index)
    {
        if (value.Constant == null || value.Name.Length <= LongName) return value.Name;
        string name = string.Create(CultureInfo.InvariantCulture, $"w{index}");
        return names.Contains(name) ? value.Name : name;
    }

    private int Encode(ValueDefinition value, string storedName)
    {
        int name = Text(storedName), shape = Numbers(value.Type.Shape.AsSpan());
        int strings = value.Constant?.Strings is { } texts ? Texts(texts) : 0;
        int defaultShape = value.DefaultShape.IsRanked ? Numbers(value.DefaultShape.AsSpan()) : 0;
        int sourceName = value.SourceName != null && value.Constant == null ? Text(value.SourceName) : 0;
        _builder.StartTable(Schema.Value.Count);
        _builder.AddOffset(Schema.Value.Name, name, 0);
        _builder.AddByte(Schema.Value.DType, (byte)value.Type.DType, 0);
        _builder.AddBool(Schema.Value.Ranked, value.Type.Shape.IsRanked, true);
        _builder.AddOffset(Schema.Value.Shape, shape, 0);
        if (value.Constant is { } constant)
        {
            _builder.AddBool(Schema.Value.Constant, true, false);
            if (strings != 0)
            {
                _builder.AddOffset(Schema.Value.Strings, strings, 0);
            }
            else
            {
                long? near = _near.Offset(constant);
                _builder.AddUlong(Schema.Value.DataOffset, (ulong)(near ?? _constants.Add(constant)), 0);
                _builder.AddUlong(Schema.Value.DataLength, (ulong)constant.ByteLength, 0);
                _builder.AddBool(Schema.Value.Near, near != null, false);
            }
        }
        _builder.AddLong(Schema.Value.ArenaOffset, value.ArenaOffset, -1);
        _builder.AddOffset(Schema.Value.SourceName, sourceName, 0);
        _builder.AddOffset(Schema.Value.DefaultShape, defaultShape, 0);
        _builder.AddByte(Schema.Value.ValueKind, (byte)value.Type.Kind, 0);
        return _builder.EndTable();
    }

    private int Encode(NodeDefinition node)
    {
        int attributes = Tables([.. node.Attributes.Items.Select(a => Encode(a.Key, a.Value))]);
        int domain = Text(node.Domain), op = Text(node.OpType), name = Text(node.Name);
        int inputs = Numbers<int>(node.Inputs), outputs = Numbers<int>(node.Outputs);
        _builder.StartTable(Schema.Node.Count);
        _builder.AddOffset(Schema.Node.Domain, domain, 0);
        _builder.AddOffset(Schema.Node.OpType, op, 0);
        _builder.AddOffset(Schema.Node.Name, name, 0);
        _builder.AddOffset(Schema.Node.Inputs, inputs, 0);
        _builder.AddOffset(Schema.Node.Outputs, outputs, 0);
        _builder.AddOffset(Schema.Node.Attributes, attributes, 0);
        return _builder.EndTable();
    }

    /// <summary>Equal attributes are written once.</summary>
    private int Encode(string key, AttributeValue value)
    {
        string? content = value.Kind switch
        {
            AttributeKind.Int => $"i{value.Int}",
            AttributeKind.Float => $"f{BitConverter.SingleToInt32Bits(value.Float)}",
            AttributeKind.String => $"s{value.String}",
            AttributeKind.Ints => $"I{string.Join(',', value.Ints)}",
            _ => null,
        };
        if (content == null) return EncodeNew(key, value);
        if (!_attributes.TryGetValue((key, content), out int known)) _attributes[(key, content)] = known = EncodeNew(key, value);
        return known;
    }

    private int EncodeNew(string key, AttributeValue value)
    {
        int name = Text(key);
        int payload = value.Kind switch
        {
            AttributeKind.String => Text(value.String),
            AttributeKind.Ints => Numbers<long>(value.Ints),
            AttributeKind.Floats => Numbers<float>(value.Floats),
            AttributeKind.Strings => Texts(value.Strings),
            AttributeKind.Tensor => Encode(new ValueDefinition
            {
                Name = key,
                Type = new TensorType(value.Tensor.DType, value.Tensor.Shape),
                Constant = value.Tensor,
            }, key),
            _ => 0,
        };
        _builder.StartTable(Schema.Attribute.Count);
        _builder.AddOffset(Schema.Attribute.Name, name, 0);
        _builder.AddByte(Schema.Attribute.Kind, (byte)value.Kind, 0);
        switch (value.Kind)
        {
            case AttributeKind.Int: _builder.AddLong(Schema.Attribute.I, value.Int, 0); break;
            case AttributeKind.Float: _builder.AddFloat(Schema.Attribute.F, value.Float, 0); break;
            case AttributeKind.String: _builder.AddOffset(Schema.Attribute.S, payload, 0); break;
            case AttributeKind.Ints: _builder.AddOffset(Schema.Attribute.Ints, payload, 0); break;
            case AttributeKind.Floats: _builder.AddOffset(Schema.Attribute.Floats, payload, 0); break;
            case AttributeKind.Strings: _builder.AddOffset(Schema.Attribute.Strings, payload, 0); break;
            case AttributeKind.Tensor: _builder.AddOffset(Schema.Attribute.Tensor, payload, 0); break;
            case AttributeKind.Graph: _builder.AddUint(Schema.Attribute.Graph, (uint)_indices[(Graph)value.Graph], 0); break;
        }
        return _builder.EndTable();
    }

    private int Text(string text) => _builder.CreateSharedString(text).Value;

    private int Texts(string[] texts) => Tables([.. texts.Select(Text)]);

    private int Tables(int[] offsets)
    {
        _builder.StartVector(4, offsets.Length, 4);
        for (int i = offsets.Length - 1; i >= 0; i--) _builder.AddOffset(offsets[i]);
        return _builder.EndVector().Value;
    }

    /// <summary>Equal vectors are written once.</summary>
    private unsafe int Numbers<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        var key = (sizeof(T), Convert.ToHexString(MemoryMarshal.AsBytes(values)));
        if (_vectors.TryGetValue(key, out int known)) return known;
        _builder.StartVector(sizeof(T), values.Length, sizeof(T));
        for (int i = values.Length - 1; i >= 0; i--)
        {
            T value = values[i];
            if (typeof(T) == typeof(int)) _builder.AddInt(*(int*)&value);
            else if (typeof(T) == typeof(long)) _builder.AddLong(*(long*)&value);
            else if (typeof(T) == typeof(float)) _builder.AddFloat(*(float*)&value);
        }
        return _vectors[key] = _builder.EndVector().Value;
    }

    private static long Align(long offset, long alignment) => (offset + alignment - 1) / alignment * alignment;

    internal static void Fill(Stream stream, long count)
    {
        Span<byte> zeros = stackalloc byte[256];
        zeros.Clear();
        for (; count > 0; count -= Math.Min(count, zeros.Length)) stream.Write(zeros[..(int)Math.Min(count, zeros.Length)]);
    }
}
