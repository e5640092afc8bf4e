using Google.FlatBuffers;

namespace EdgeLite.Tests.Importers;

/// <summary>Writes small .tflite files with Google's FlatBuffers library; numbers of fields are those of TFLite's schema.fbs.</summary>
internal sealed class TfliteFileBuilder
{
    private sealed record TensorSpec(string Name, int Type, int[] Shape, int Buffer, float Scale, long ZeroPoint, Func<FlatBufferBuilder, int>? Sparsity, bool IsVariable = false, (int Scales, int Zeros, int Size)? Blocks = null);

    private sealed record OpSpec(int Code, string? Custom, int[] Inputs, int[] Outputs, Func<FlatBufferBuilder, int>? Options, byte[]? CustomOptions, byte OptionsType = 1, int OptionsField = 3, int[]? Intermediates = null);

    private sealed class GraphSpec
    {
        public List<TensorSpec> Tensors { get; } = [];
        public List<OpSpec> Ops { get; } = [];
        public int[] Inputs { get; set; } = [];
        public int[] Outputs { get; set; } = [];
    }

    public const int Float32 = 0, Float16 = 1, Int32 = 2, UInt8 = 3, Int64 = 4, Text = 5, Bool = 6, Int16 = 7, Complex64 = 8, Int8 = 9, Resource = 13, Int4 = 17, Int2 = 19;

    /// <summary>The version of the operators, which the interpreter asks for.</summary>
    public int Version { get; set; } = 1;

    private readonly List<byte[]> _buffers = [[]];
    private readonly Dictionary<int, (ulong Offset, ulong Size)> _outside = [];
    private readonly List<(string Name, int Buffer)> _metadata = [];
    private readonly List<GraphSpec> _graphs = [new()];
    private readonly List<(string Key, (string, int)[] Inputs, (string, int)[] Outputs, uint Subgraph)> _signatures = [];

    private GraphSpec Current => _graphs[^1];

    /// <summary>Starts the next subgraph.</summary>
    public void NextSubgraph() => _graphs.Add(new GraphSpec());

    public int Tensor(string name, int type, int[] shape, float scale = 0, long zeroPoint = 0)
    {
        Current.Tensors.Add(new TensorSpec(name, type, shape, 0, scale, zeroPoint, null));
        return Current.Tensors.Count - 1;
    }

    /// <summary>A tensor that keeps its value from run to run; zeros before the first.</summary>
    public int Variable(string name, int type, int[] shape, float scale = 0, long zeroPoint = 0)
    {
        Current.Tensors.Add(new TensorSpec(name, type, shape, 0, scale, zeroPoint, null, true));
        return Current.Tensors.Count - 1;
    }

    public int Constant<T>(string name, int type, int[] shape, T[] values, float scale = 0, long zeroPoint = 0, Func<FlatBufferBuilder, int>? sparsity = null)
        where T : unmanaged
    {
        _buffers.Add(System.Runtime.InteropServices.MemoryMarshal.AsBytes<T>(values).ToArray());
        Current.Tensors.Add(new TensorSpec(name, type, shape, _buffers.Count - 1, scale, zeroPoint, sparsity));
        return Current.Tensors.Count - 1;
    }

    /// <summary>A constant that is quantized in blocks of its rows; scales and zero points (-1: none) are other tensors.</summary>
    public int Blockwise(string name, int type, int[] shape, byte[] values, int scales, int zeros, int size)
    {
        int tensor = Constant(name, type, shape, values);
        Current.Tensors[tensor] = Current.Tensors[tensor] with { Blocks = (scales, zeros, size) };
        return tensor;
    }

    /// <summary>Strings: their count, where each begins and the last ends, their characters.</summary>
    public int Strings(string name, params string[] values)
    {
        byte[][] texts = [.. values.Select(System.Text.Encoding.UTF8.GetBytes)];
        int[] head = [values.Length, .. Enumerable.Range(0, values.Length + 1).Select(i => 4 * (values.Length + 2) + texts[..i].Sum(t => t.Length))];
        return Constant<byte>(name, Text, [values.Length], [.. System.Runtime.InteropServices.MemoryMarshal.AsBytes<int>(head), .. texts.SelectMany(t => t)]);
    }

    /// <summary>A constant whose bytes lie at a place of the file behind the FlatBuffer.</summary>
    public int Outside(string name, int type, int[] shape, ulong offset, ulong size)
    {
        int tensor = Constant<byte>(name, type, shape, []);
        _outside[_buffers.Count - 1] = (offset, size);
        return tensor;
    }

    public void Metadata(string name, byte[] content)
    {
        _buffers.Add(content);
        _metadata.Add((name, _buffers.Count - 1));
    }

    public int TypeOf(int tensor) => Current.Tensors[tensor].Type;
    public int RankOf(int tensor) => Current.Tensors[tensor].Shape.Length;
    public int Ints(params int[] values) => Constant($"c{Current.Tensors.Count}", Int32, [values.Length], values);
    public int Scalar(int value) => Constant<int>($"c{Current.Tensors.Count}", Int32, [], [value]);

    /// <summary>An operator; options are the fields of its table: int, bool, float, float[], string, an sbyte for an enumeration, null for one
    /// that is left out. The importer knows the table by the operator.</summary>
    public void Op(int code, int[] inputs, int[] outputs, params object?[] options) => TypedOp(code, 1, inputs, outputs, options);

    /// <summary>An operator with the number of its table among TFLite's BuiltinOptions, which the interpreter asks for.</summary>
    public void TypedOp(int code, byte optionsType, int[] inputs, int[] outputs, params object?[] options) =>
        Current.Ops.Add(new OpSpec(code, null, inputs, outputs, options.Length == 0 ? null : b => Options(b, options), null, optionsType));

    /// <summary>An operator with tensors between its steps, of which only the scales count.</summary>
    public void IntermediateOp(int code, byte optionsType, int[] inputs, int[] outputs, int[] intermediates, params object?[] options) =>
        Current.Ops.Add(new OpSpec(code, null, inputs, outputs, b => Options(b, options), null, optionsType, Intermediates: intermediates));

    /// <summary>An operator whose options are in the second union, which newer ones use, with the number of its table there.</summary>
    public void NewerOp(int code, byte optionsType, int[] inputs, int[] outputs, params object?[] options) =>
        Current.Ops.Add(new OpSpec(code, null, inputs, outputs, b => Options(b, options), null, optionsType, 11));

    public void CustomOp(string name, int[] inputs, int[] outputs, byte[] options) =>
        Current.Ops.Add(new OpSpec(32, name, inputs, outputs, null, options));

    public void Border(int[] inputs, int[] outputs)
    {
        Current.Inputs = inputs;
        Current.Outputs = outputs;
    }

    public void Signature(string key, (string, int)[] inputs, (string, int)[] outputs, int subgraph = 0) => _signatures.Add((key, inputs, outputs, (uint)subgraph));

    public byte[] Finish()
    {
        var b = new FlatBufferBuilder(1024);
        int buffers = Tables(b, [.. _buffers.Select((data, i) =>
        {
            int bytes = Bytes(b, data);
            b.StartTable(3);
            if (data.Length > 0) b.AddOffset(0, bytes, 0);
            if (_outside.TryGetValue(i, out (ulong Offset, ulong Size) place))
            {
                b.AddUlong(1, place.Offset, 0);
                b.AddUlong(2, place.Size, 0);
            }
            return b.EndTable();
        })]);
        var codes = _graphs.SelectMany(g => g.Ops).Select(o => (o.Code, o.Custom)).Distinct().ToList();
        int opCodes = Tables(b, [.. codes.Select(c =>
        {
            int custom = c.Custom == null ? 0 : b.CreateString(c.Custom).Value;
            b.StartTable(4);
            b.AddSbyte(0, (sbyte)Math.Min(c.Code, 127), 0);
            if (custom != 0) b.AddOffset(1, custom, 0);
            b.AddInt(2, Version, 1);
            b.AddInt(3, c.Code, 0);
            return b.EndTable();
        })]);
        int graphs = Tables(b, [.. _graphs.Select(g => Graph(b, g, codes))]);
        int signatures = Tables(b, [.. _signatures.Select(s =>
        {
            int inputs = Map(b, s.Inputs), outputs = Map(b, s.Outputs), key = b.CreateString(s.Key).Value;
            b.StartTable(5);
            b.AddOffset(0, inputs, 0);
            b.AddOffset(1, outputs, 0);
            b.AddOffset(2, key, 0);
            b.AddUint(4, s.Subgraph, 0);
            return b.EndTable();
        })]);
        int metadata = Tables(b, [.. _metadata.Select(m =>
        {
            int name = b.CreateString(m.Name).Value;
            b.StartTable(2);
            b.AddOffset(0, name, 0);
            b.AddUint(1, (uint)m.Buffer, 0);
            return b.EndTable();
        })]);
        b.StartTable(8);
        b.AddUint(0, 3, 0);
        b.AddOffset(1, opCodes, 0);
        b.AddOffset(2, graphs, 0);
        b.AddOffset(4, buffers, 0);
        b.AddOffset(6, metadata, 0);
        b.AddOffset(7, signatures, 0);
        b.Finish(b.EndTable(), "TFL3");
        return b.SizedByteArray();
    }

    /// <summary>A vector of int32.</summary>
    public static int IntVector(FlatBufferBuilder b, params int[] values)
    {
        b.StartVector(4, values.Length, 4);
        for (int i = values.Length - 1; i >= 0; i--) b.AddInt(values[i]);
        return b.EndVector().Value;
    }

    /// <summary>A vector of tables.</summary>
    public static int Tables(FlatBufferBuilder b, params int[] tables)
    {
        b.StartVector(4, tables.Length, 4);
        for (int i = tables.Length - 1; i >= 0; i--) b.AddOffset(tables[i]);
        return b.EndVector().Value;
    }

    private static int Graph(FlatBufferBuilder b, GraphSpec g, List<(int, string?)> codes)
    {
        int tensors = Tables(b, [.. g.Tensors.Select(t =>
        {
            int shape = IntVector(b, t.Shape), name = b.CreateString(t.Name).Value, quantization = 0, sparsity = t.Sparsity?.Invoke(b) ?? 0;
            if (t.Scale != 0)
            {
                b.StartVector(4, 1, 4);
                b.AddFloat(t.Scale);
                int scale = b.EndVector().Value;
                b.StartVector(8, 1, 8);
                b.AddLong(t.ZeroPoint);
                int zero = b.EndVector().Value;
                b.StartTable(7);
                b.AddOffset(2, scale, 0);
                b.AddOffset(3, zero, 0);
                quantization = b.EndTable();
            }
            if (t.Blocks is { } blocks)
            {
                b.StartTable(3);
                b.AddInt(0, blocks.Scales, 0);
                b.AddInt(1, blocks.Zeros, 0);
                b.AddInt(2, blocks.Size, 0);
                int details = b.EndTable();
                b.StartTable(7);
                b.AddByte(4, 2, 0);
                b.AddOffset(5, details, 0);
                quantization = b.EndTable();
            }
            b.StartTable(8);
            b.AddOffset(0, shape, 0);
            b.AddSbyte(1, (sbyte)t.Type, 0);
            b.AddUint(2, (uint)t.Buffer, 0);
            b.AddOffset(3, name, 0);
            if (quantization != 0) b.AddOffset(4, quantization, 0);
            if (t.IsVariable) b.AddBool(5, true, false);
            if (sparsity != 0) b.AddOffset(6, sparsity, 0);
            return b.EndTable();
        })]);
        int ops = Tables(b, [.. g.Ops.Select(o =>
        {
            int inputs = IntVector(b, o.Inputs), outputs = IntVector(b, o.Outputs), options = o.Options?.Invoke(b) ?? 0;
            int custom = o.CustomOptions == null ? 0 : Bytes(b, o.CustomOptions), intermediates = o.Intermediates == null ? 0 : IntVector(b, o.Intermediates);
            b.StartTable(13);
            b.AddUint(0, (uint)codes.IndexOf((o.Code, o.Custom)), 0);
            b.AddOffset(1, inputs, 0);
            b.AddOffset(2, outputs, 0);
            if (options != 0) b.AddByte(o.OptionsField, o.OptionsType, 0);
            if (options != 0) b.AddOffset(o.OptionsField + 1, options, 0);
            if (custom != 0) b.AddOffset(5, custom, 0);
            if (intermediates != 0) b.AddOffset(8, intermediates, 0);
            return b.EndTable();
        })]);
        int graphInputs = IntVector(b, g.Inputs), graphOutputs = IntVector(b, g.Outputs);
        b.StartTable(5);
        b.AddOffset(0, tensors, 0);
        b.AddOffset(1, graphInputs, 0);
        b.AddOffset(2, graphOutputs, 0);
        b.AddOffset(3, ops, 0);
        return b.EndTable();
    }

    private static int Options(FlatBufferBuilder b, object?[] fields)
    {
        int[] strings = [.. fields.Select(f => f is string s ? b.CreateString(s).Value : f is float[] v ? Floats(b, v) : f is int[] n ? IntVector(b, n) : f is long[] l ? Longs(b, l) : f is byte[] y ? Bytes(b, y) : 0)];
        b.StartTable(fields.Length);
        for (int i = 0; i < fields.Length; i++)
            switch (fields[i])
            {
                case uint v: b.AddUint(i, v, uint.MaxValue); break;
                case long v: b.AddLong(i, v, long.MinValue); break;
                case int v: b.AddInt(i, v, int.MinValue); break;
                case sbyte v: b.AddSbyte(i, v, sbyte.MinValue); break;
                case float v: b.AddFloat(i, v, float.NaN); break;
                case bool v: b.AddBool(i, v, !v); break;
                case string or float[] or int[] or long[] or byte[]: b.AddOffset(i, strings[i], 0); break;
            }
        return b.EndTable();
    }

    private static int Longs(FlatBufferBuilder b, long[] values)
    {
        b.StartVector(8, values.Length, 8);
        for (int i = values.Length - 1; i >= 0; i--) b.AddLong(values[i]);
        return b.EndVector().Value;
    }

    private static int Floats(FlatBufferBuilder b, float[] values)
    {
        b.StartVector(4, values.Length, 4);
        for (int i = values.Length - 1; i >= 0; i--) b.AddFloat(values[i]);
        return b.EndVector().Value;
    }

    private static int Map(FlatBufferBuilder b, (string Name, int Tensor)[] map) => Tables(b, [.. map.Select(m =>
    {
        int name = b.CreateString(m.Name).Value;
        b.StartTable(2);
        b.AddOffset(0, name, 0);
        b.AddUint(1, (uint)m.Tensor, 0);
        return b.EndTable();
    })]);

    private static int Bytes(FlatBufferBuilder b, byte[] data)
    {
        b.StartVector(1, data.Length, 16);
        for (int i = data.Length - 1; i >= 0; i--) b.AddByte(data[i]);
        return b.EndVector().Value;
    }
}
