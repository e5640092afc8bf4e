using System.Text;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Format;

/// <summary>Turns a verified description into graph definitions. Every index, offset and length is checked here, once; what
/// comes out can be trusted. Constants point into the data section, or into the unpacked near constants.</summary>
internal sealed unsafe class ModelReader(string file, byte* data, long dataLength, byte* near, long nearLength)
{
    /// <summary>A graph that another refers to by number; an executor replaces it.</summary>
    internal sealed class GraphReference(GraphDefinition definition) : ISubgraph
    {
        public GraphDefinition Definition { get; } = definition;
        public string Name => Definition.Name;
        public int InputCount => Definition.Inputs.Length;
        public int OutputCount => Definition.Outputs.Length;

        public void Infer(ReadOnlySpan<TensorType> inputs, Span<TensorType> outputs) => throw NotInstantiated();
        public ReadOnlySpan<Tensor> Run(ReadOnlySpan<Tensor> inputs) => throw NotInstantiated();

        private EdgeLiteException NotInstantiated() => new(Status.InvalidState, $"Subgraph '{Name}' runs only inside a session.");
    }

    private const int MaxSymbols = 1 << 20;

    /// <summary>The last text of each hash: operators, attributes and their values are the same few words again and again.</summary>
    private readonly string?[] _shared = new string?[256];

    public GraphDefinition[] ReadGraphs(FlatTable model)
    {
        FlatVector tables = model.Vector(Schema.Model.Graphs);
        if (tables.Count == 0) throw Corrupt("it holds no graph");
        var graphs = new GraphDefinition[tables.Count];
        for (int g = graphs.Length - 1; g >= 0; g--) graphs[g] = ReadGraph(tables.Table(g), g, graphs);
        return graphs;
    }

    /// <summary>The samples of a self-test for <paramref name="graph"/>, whose tensors are in this reader's data.</summary>
    public SelfTestSample[] ReadSelfTest(FlatTable test, GraphDefinition graph)
    {
        FlatVector tables = test.Vector(Schema.SelfTest.Samples);
        if (tables.Count is 0 or > SelfTestSample.MaxCount) throw Corrupt($"its self-test has {tables.Count} samples");
        var samples = new SelfTestSample[tables.Count];
        for (int s = 0; s < samples.Length; s++)
        {
            FlatTable table = tables.Table(s);
            SelfTestSample sample = samples[s] = new SelfTestSample
            {
                Inputs = ReadValues(table.Vector(Schema.SelfTestSample.Inputs)),
                Outputs = ReadValues(table.Vector(Schema.SelfTestSample.Outputs)),
                MinSqnr = table.Scalars<float>(Schema.SelfTestSample.MinSqnr).ToArray(),
            };
            if (sample.Inputs.Length != graph.Inputs.Length || sample.Outputs.Length != graph.Outputs.Length || sample.MinSqnr.Length != graph.Outputs.Length)
                throw Corrupt($"sample {s} of its self-test has {sample.Inputs.Length} inputs, {sample.Outputs.Length} outputs and {sample.MinSqnr.Length} limits; the model has {graph.Inputs.Length} and {graph.Outputs.Length}");
            for (int i = 0; i < sample.Inputs.Length; i++)
                if (!sample.Inputs[i].Type.IsKnown || sample.Inputs[i].Constant == null && !graph.IsState(i))
                    throw Corrupt($"sample {s} of its self-test has no data for input '{graph.Values[graph.Inputs[i]].Name}'");
            for (int i = 0; i < sample.Outputs.Length; i++)
                if (sample.Outputs[i].Constant == null || !(sample.MinSqnr[i] >= 0))
                    throw Corrupt($"sample {s} of its self-test has no result for output '{graph.Values[graph.Outputs[i]].Name}'");
        }
        return samples;
    }

    private ValueDefinition[] ReadValues(FlatVector tables)
    {
        var values = new ValueDefinition[tables.Count];
        for (int v = 0; v < values.Length; v++) values[v] = ReadValue(tables.Table(v), 0);
        return values;
    }

    private GraphDefinition ReadGraph(FlatTable table, int index, GraphDefinition[] graphs)
    {
        FlatVector valueTables = table.Vector(Schema.Graph.Values), nodeTables = table.Vector(Schema.Graph.Nodes);
        string[] symbols = ReadStrings(table, Schema.Graph.Symbols);
        if (symbols.Length > MaxSymbols) throw Corrupt("too many symbols");
        var values = new ValueDefinition[valueTables.Count];
        for (int v = 0; v < values.Length; v++) values[v] = ReadValue(valueTables.Table(v), symbols.Length);
        var nodes = new NodeDefinition[nodeTables.Count];
        for (int n = 0; n < nodes.Length; n++) nodes[n] = ReadNode(nodeTables.Table(n), index, graphs, symbols.Length);
        var graph = new GraphDefinition
        {
            Name = table.String(Schema.Graph.Name) ?? "",
            Values = values,
            Nodes = nodes,
            Inputs = table.Scalars<int>(Schema.Graph.Inputs).ToArray(),
            Outputs = table.Scalars<int>(Schema.Graph.Outputs).ToArray(),
            Symbols = symbols,
            ArenaBytes = table.Int64(Schema.Graph.ArenaBytes, -1),
        };
        VerifyOrder(graph);
        VerifyPlan(graph);
        // What applications ask for stays readable when the model is gone.
        foreach (int v in graph.Inputs) _ = values[v].Name;
        foreach (int v in graph.Outputs) _ = values[v].Name;
        return graph;
    }

    private ValueDefinition ReadValue(FlatTable table, int symbols)
    {
        var name = new StoredText(table.Bytes(Schema.Value.Name));
        var dtype = (DType)table.UInt8(Schema.Value.DType);
        if (dtype > DType.Int2) throw Corrupt($"value '{name}' has unknown element type {(int)dtype}");
        var kind = (ValueKind)table.UInt8(Schema.Value.ValueKind);
        if (kind > ValueKind.OptionalSequence) throw Corrupt($"value '{name}' is of unknown kind {(int)kind}");
        Shape shape = Shape.Unranked;
        if (table.Bool(Schema.Value.Ranked, true))
        {
            ReadOnlySpan<long> dims = table.Scalars<long>(Schema.Value.Shape);
            if (dims.Length > Shape.MaxRank) throw Corrupt($"value '{name}' has {dims.Length} dimensions");
            foreach (long dim in dims)
                if (dim < -1 - (long)symbols || dim > int.MaxValue * 1024L) throw Corrupt($"value '{name}' has a dimension of {dim}");
            shape = new Shape(dims);
        }
        return new ValueDefinition
        {
            StoredName = name,
            Type = new TensorType(dtype, shape, kind),
            Constant = table.Bool(Schema.Value.Constant) ? ReadConstant(table, name, new TensorType(dtype, shape, kind)) : null,
            DefaultShape = ReadDefaultShape(table, name, kind == ValueKind.Tensor ? shape : Shape.Unranked),
            StoredSourceName = table.Has(Schema.Value.SourceName) ? new StoredText(table.Bytes(Schema.Value.SourceName)) : null,
            ArenaOffset = table.Int64(Schema.Value.ArenaOffset, -1),
        };
    }

    private Shape ReadDefaultShape(FlatTable table, StoredText name, Shape shape)
    {
        if (!table.Has(Schema.Value.DefaultShape)) return Shape.Unranked;
        ReadOnlySpan<long> dims = table.Scalars<long>(Schema.Value.DefaultShape);
        bool fits = shape.IsRanked && dims.Length == shape.Rank;
        for (int i = 0; fits && i < dims.Length; i++) fits = dims[i] >= 0 && (shape[i] < 0 || shape[i] == dims[i]);
        return fits ? new Shape(dims) : throw Corrupt($"value '{name}' of shape {shape} has another default shape");
    }

    private Tensor ReadConstant(FlatTable table, StoredText name, TensorType type)
    {
        if (!type.IsKnown) throw Corrupt($"constant '{name}' has type {type}");
        (DType dtype, Shape shape) = (type.DType, type.Shape);
        long count = CheckedCount(shape, name);
        if (dtype == DType.String)
        {
            string[] strings = ReadStrings(table, Schema.Value.Strings);
            if (strings.Length != count) throw Corrupt($"constant '{name}' of shape {shape} has {strings.Length} strings");
            return Tensor.FromStrings(strings, shape);
        }
        ulong offset = table.UInt64(Schema.Value.DataOffset), length = table.UInt64(Schema.Value.DataLength);
        bool isNear = table.Bool(Schema.Value.Near);
        ulong section = (ulong)(isNear ? nearLength : dataLength);
        if (offset % FileHeader.Alignment != 0 || offset > section || length > section - offset)
            throw Corrupt($"constant '{name}' lies outside the {(isNear ? "near constants" : "data section")}");
        if ((long)length != dtype.ByteLength(count))
            throw Corrupt($"constant '{name}' of type {dtype.Name()}{shape} has {length} bytes, {dtype.ByteLength(count)} expected");
        return new Tensor(dtype, shape, (isNear ? near : data) + offset);
    }

    private long CheckedCount(Shape shape, StoredText name)
    {
        long count = 1;
        foreach (long dim in shape.AsSpan())
            if (dim != 0 && count > (1L << 50) / dim) throw Corrupt($"constant '{name}' of shape {shape} is too large");
            else count *= dim;
        return count;
    }

    private NodeDefinition ReadNode(FlatTable table, int graph, GraphDefinition[] graphs, int symbols)
    {
        var name = new StoredText(table.Bytes(Schema.Node.Name));
        FlatVector attributeTables = table.Vector(Schema.Node.Attributes);
        var attributes = new AttributeSet(attributeTables.Count);
        for (int a = 0; a < attributeTables.Count; a++)
        {
            FlatTable attribute = attributeTables.Table(a);
            string key = Shared(attribute.Bytes(Schema.Attribute.Name));
            if (attributes.Has(key)) throw Corrupt($"node '{name}' has attribute '{key}' twice");
            attributes[key] = ReadAttribute(attribute, key, graph, graphs, symbols);
        }
        return new NodeDefinition
        {
            Domain = Shared(table.Bytes(Schema.Node.Domain)),
            OpType = Shared(table.Bytes(Schema.Node.OpType)),
            StoredName = name,
            Inputs = table.Scalars<int>(Schema.Node.Inputs).ToArray(),
            Outputs = table.Scalars<int>(Schema.Node.Outputs).ToArray(),
            Attributes = attributes,
        };
    }

    private AttributeValue ReadAttribute(FlatTable table, string name, int graph, GraphDefinition[] graphs, int symbols)
    {
        switch ((AttributeKind)table.UInt8(Schema.Attribute.Kind))
        {
            case AttributeKind.Int: return table.Int64(Schema.Attribute.I);
            case AttributeKind.Float: return table.Float32(Schema.Attribute.F);
            case AttributeKind.String: return Shared(table.Bytes(Schema.Attribute.S));
            case AttributeKind.Ints: return table.Scalars<long>(Schema.Attribute.Ints).ToArray();
            case AttributeKind.Floats: return table.Scalars<float>(Schema.Attribute.Floats).ToArray();
            case AttributeKind.Strings: return ReadStrings(table, Schema.Attribute.Strings);
            case AttributeKind.Tensor:
                return ReadValue(table.Table(Schema.Attribute.Tensor), symbols).Constant ?? throw Corrupt($"attribute '{name}' holds no constant");
            case AttributeKind.Graph:
                uint target = table.UInt32(Schema.Attribute.Graph);
                if (target <= graph || target >= graphs.Length) throw Corrupt($"attribute '{name}' refers to graph {target}");
                return AttributeValue.OfGraph(new GraphReference(graphs[target]));
            default: throw Corrupt($"attribute '{name}' has an unknown kind");
        }
    }

    private string Shared(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty) return "";
        ref string? known = ref _shared[(byte)(utf8.Length * 31 + utf8[0] * 7 + utf8[^1])];
        bool same = known?.Length == utf8.Length;
        for (int i = 0; same && i < utf8.Length; i++) same = utf8[i] == known![i] && utf8[i] < 0x80;
        return same ? known! : known = Encoding.UTF8.GetString(utf8);
    }

    private static string[] ReadStrings(FlatTable table, int field)
    {
        FlatVector vector = table.Vector(field);
        var strings = new string[vector.Count];
        for (int i = 0; i < strings.Length; i++) strings[i] = vector.String(i);
        return strings;
    }

    /// <summary>Every value is defined once (input, constant or one node's output) and before it is used.</summary>
    private void VerifyOrder(GraphDefinition graph)
    {
        var defined = new bool[graph.Values.Length];
        for (int v = 0; v < defined.Length; v++) defined[v] = graph.Values[v].Constant != null;
        foreach (int v in graph.Inputs) Define(v, "the graph's inputs");
        foreach (NodeDefinition node in graph.Nodes)
        {
            foreach (int v in node.Inputs)
                if (v != -1) Use(v, node);
            if (node.Outputs.Length == 0) throw Corrupt($"{node} has no output");
            foreach (int v in node.Outputs)
                if (v != -1) Define(v, node);
        }
        foreach (int v in graph.Outputs) Use(v, "the graph's outputs");

        void Define(int v, object where)
        {
            if ((uint)v >= (uint)defined.Length) throw Corrupt($"{where}: value {v} does not exist");
            if (defined[v]) throw Corrupt($"{where}: value '{graph.Values[v].Name}' is defined twice");
            defined[v] = true;
        }

        void Use(int v, object where)
        {
            if ((uint)v >= (uint)defined.Length) throw Corrupt($"{where}: value {v} does not exist");
            if (!defined[v]) throw Corrupt($"{where}: value '{graph.Values[v].Name}' is used before it is computed");
        }
    }

    private void VerifyPlan(GraphDefinition graph)
    {
        if (graph.ArenaBytes < -1 || graph.ArenaBytes > 1L << 46) throw Corrupt($"an arena of {graph.ArenaBytes} bytes");
        foreach (ValueDefinition value in graph.Values)
            if (value.ArenaOffset < -1 || value.ArenaOffset > Math.Max(0, graph.ArenaBytes) || (value.ArenaOffset > 0 && value.ArenaOffset % FileHeader.Alignment != 0))
                throw Corrupt($"value '{value.Name}' has arena offset {value.ArenaOffset}");
    }

    private EdgeLiteException Corrupt(string message) => new(Status.Corrupt, $"'{file}' is corrupt: {message}.");
}
