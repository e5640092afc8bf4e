using EdgeLite.Core;
using EdgeLite.Format;
using Field = EdgeLite.Converter.Importers.Tflite.TfliteField;

namespace EdgeLite.Converter.Importers.Tflite;

/// <summary>scale and zero point per tensor, or per index of one axis: real = scale * (q - zero point).</summary>
internal sealed record TfliteQuantization(float[] Scales, long[] ZeroPoints, int Axis)
{
    public bool IsPerAxis => Scales.Length > 1;
    public float Scale => Scales[0];
    public int ZeroPoint => (int)ZeroPoints[0];

    public bool SameAs(TfliteQuantization? other) =>
        other != null && Scales.AsSpan().SequenceEqual(other.Scales) && ZeroPoints.AsSpan().SequenceEqual(other.ZeroPoints);
}

/// <summary>Scales, and zero points unless -1, in tensors of their own: one for every <paramref name="Size"/> numbers of a row.</summary>
internal sealed record TfliteBlocks(int Scales, int ZeroPoints, int Size);

/// <summary>One tensor of a subgraph as the file describes it. Dims are -1 where the file leaves them open; null: rank unknown.</summary>
internal sealed record TfliteTensor(
    int Index, string Name, int TypeCode, DType DType, long[]? Dims, uint Buffer, TfliteQuantization? Quantization, string? QuantizationProblem,
    bool IsVariable, bool IsSparse)
{
    public int Rank => Dims?.Length ?? throw new EdgeLiteException(Status.Unsupported, $"The rank of tensor '{Name}' is not known.");

    /// <summary>How a matrix is quantized in blocks; then <see cref="Quantization"/> is null.</summary>
    public TfliteBlocks? Blocks { get; init; }

    public bool IsQuantized => Quantization != null && DType is DType.Int8 or DType.UInt8 or DType.Int16 or DType.Int32 or DType.Int64 or DType.Int4 or DType.Int2 or DType.UInt4;

    /// <summary>Quantized to the small integers that activations and weights have (biases and indices are not meant).</summary>
    public bool IsQuantizedActivation => IsQuantized && DType is DType.Int8 or DType.UInt8 or DType.Int16 or DType.Int4 or DType.Int2 or DType.UInt4;

    public Shape Shape => Dims == null ? Shape.Unranked : new Shape([.. Dims.Select(d => d < 0 ? Shape.Unknown : d)]);
}

internal sealed record TfliteOperator(int Subgraph, int Index, TfliteOp Op, string? CustomCode, int[] Inputs, int[] Outputs, int[] Intermediates);

internal sealed record TfliteSubgraph(int Index, string Name, TfliteTensor[] Tensors, int[] Inputs, int[] Outputs, TfliteOperator[] Operators);

internal sealed record TfliteSignature(string Key, int Subgraph, (string Name, int Tensor)[] Inputs, (string Name, int Tensor)[] Outputs);

/// <summary>A .tflite file: its structure as checked records, its bytes for constants and operators' options.</summary>
internal sealed class TfliteModel
{
    private readonly byte[] _file;
    private readonly string? _path;

    /// <param name="file">the file, or of a larger one its beginning, in which all but buffers with an offset lies</param>
    /// <param name="path">where buffers are that lie beyond; null: there are none</param>
    public TfliteModel(byte[] file, string? path = null)
    {
        _file = file;
        _path = path;
        FlatTable root = FlatTable.Root(file, "TFL3"u8);
        uint version = root.UInt32(Field.Model.Version);
        if (version != 3) throw new EdgeLiteException(Status.NewerVersion, $"The TFLite file has schema version {version}; version 3 is known.");
        Description = root.String(Field.Model.Description) ?? "";
        BufferCount = root.Vector(Field.Model.Buffers).Count;
        FlatVector subgraphs = root.Vector(Field.Model.Subgraphs);
        if (subgraphs.Count == 0) throw Corrupt("it has no subgraph");
        Subgraphs = new TfliteSubgraph[subgraphs.Count];
        for (int s = 0; s < subgraphs.Count; s++) Subgraphs[s] = ReadSubgraph(root, subgraphs.Table(s), s);
        Signatures = ReadSignatures(root);
    }

    public string Description { get; }
    public int BufferCount { get; }
    public TfliteSubgraph[] Subgraphs { get; }
    public TfliteSignature[] Signatures { get; }

    public TfliteSubgraph Subgraph(long index) => index >= 0 && index < Subgraphs.Length
        ? Subgraphs[index]
        : throw Corrupt($"subgraph {index} of {Subgraphs.Length} is referred to");

    /// <summary>The option table of an operator; a table without fields (all defaults) where the file has none.</summary>
    public FlatTable Options(TfliteOperator op)
    {
        FlatTable table = Table(op);
        return table.TryTable(Field.Operator.Options, out FlatTable options) ? options : default;
    }

    /// <summary>The second option table, which newer operators use.</summary>
    public FlatTable Options2(TfliteOperator op) => Table(op).TryTable(Field.Operator.Options2, out FlatTable options) ? options : default;

    public ReadOnlySpan<byte> CustomOptions(TfliteOperator op)
    {
        FlatTable table = Table(op);
        ulong offset = table.UInt64(Field.Operator.LargeCustomOptionsOffset), size = table.UInt64(Field.Operator.LargeCustomOptionsSize);
        return offset > 1 ? Outside(offset, size) : table.Bytes(Field.Operator.CustomOptions);
    }

    /// <summary>The bytes of a buffer, inside the FlatBuffer or behind it; empty for buffer 0 and buffers without data.</summary>
    public ReadOnlySpan<byte> Buffer(uint index)
    {
        if (index == 0) return default;
        FlatTable buffer = FlatTable.Root(_file).Vector(Field.Model.Buffers).Table(index);
        ulong offset = buffer.UInt64(Field.Buffer.Offset), size = buffer.UInt64(Field.Buffer.Size);
        return offset > 1 ? Outside(offset, size) : buffer.Bytes(Field.Buffer.Data);
    }

    /// <summary>The sparsity table of a tensor that has one.</summary>
    public FlatTable Sparsity(int subgraph, int tensor) =>
        FlatTable.Root(_file).Vector(Field.Model.Subgraphs).Table(subgraph).Vector(Field.SubGraph.Tensors).Table(tensor).Table(Field.Tensor.Sparsity);

    public static EdgeLiteException Corrupt(string what) => new(Status.Corrupt, $"The TFLite file is damaged: {what}.");

    private FlatTable Table(TfliteOperator op) =>
        FlatTable.Root(_file).Vector(Field.Model.Subgraphs).Table(op.Subgraph).Vector(Field.SubGraph.Operators).Table(op.Index);

    /// <summary>The bytes of a metadata entry; null where there is none of the name.</summary>
    public byte[]? Metadata(string name)
    {
        FlatVector entries = FlatTable.Root(_file).Vector(Field.Model.Metadata);
        for (int i = 0; i < entries.Count; i++)
            if (entries.Table(i).String(Field.Metadata.Name) == name && entries.Table(i).UInt32(Field.Metadata.Buffer) is var buffer && buffer < BufferCount) return Buffer(buffer).ToArray();
        return null;
    }

    /// <summary>Bytes by their place in the file, which may lie beyond 2 GB.</summary>
    private ReadOnlySpan<byte> Outside(ulong offset, ulong size)
    {
        if (offset <= (ulong)_file.Length && size <= (ulong)_file.Length - offset) return _file.AsSpan((int)offset, (int)size);
        using FileStream? stream = _path == null ? null : File.OpenRead(_path);
        ulong length = (ulong)(stream?.Length ?? _file.Length);
        if (stream == null || offset > length || size > length - offset)
            throw new EdgeLiteException(Status.Truncated, $"The TFLite file is cut off: {size} bytes at {offset} lie past its end.");
        if (size > (ulong)Array.MaxLength) throw new EdgeLiteException(Status.Unsupported, $"The TFLite file has a buffer of {size} bytes; at most {Array.MaxLength} can be read.");
        var bytes = new byte[size];
        stream.Position = (long)offset;
        stream.ReadExactly(bytes);
        return bytes;
    }

    private TfliteSubgraph ReadSubgraph(FlatTable root, FlatTable table, int index)
    {
        FlatVector tensors = table.Vector(Field.SubGraph.Tensors), operators = table.Vector(Field.SubGraph.Operators);
        var tensorList = new TfliteTensor[tensors.Count];
        for (int t = 0; t < tensors.Count; t++) tensorList[t] = ReadTensor(tensors.Table(t), t, tensors.Count);
        FlatVector codes = root.Vector(Field.Model.OperatorCodes);
        var operatorList = new TfliteOperator[operators.Count];
        for (int o = 0; o < operators.Count; o++)
        {
            FlatTable op = operators.Table(o), code = codes.Table(op.UInt32(Field.Operator.OpcodeIndex));
            // Older files number the operator in one byte; newer ones use both fields, the larger counts.
            int number = Math.Max(code.Int8(Field.OperatorCode.DeprecatedBuiltinCode), code.Int32(Field.OperatorCode.BuiltinCode));
            operatorList[o] = new TfliteOperator(index, o, (TfliteOp)number, code.String(Field.OperatorCode.CustomCode),
                Indices(op.Scalars<int>(Field.Operator.Inputs), tensors.Count, optional: true),
                Indices(op.Scalars<int>(Field.Operator.Outputs), tensors.Count, optional: true),
                Indices(op.Scalars<int>(Field.Operator.Intermediates), tensors.Count, optional: true));
        }
        return new TfliteSubgraph(index, table.String(Field.SubGraph.Name) is { Length: > 0 } name ? name : index == 0 ? "main" : $"subgraph{index}", tensorList,
            Indices(table.Scalars<int>(Field.SubGraph.Inputs), tensors.Count, optional: false),
            Indices(table.Scalars<int>(Field.SubGraph.Outputs), tensors.Count, optional: false), operatorList);
    }

    private TfliteTensor ReadTensor(FlatTable table, int index, int count)
    {
        ReadOnlySpan<int> shape = table.Scalars<int>(Field.Tensor.Shape), signature = table.Scalars<int>(Field.Tensor.ShapeSignature);
        string name = table.String(Field.Tensor.Name) is { Length: > 0 } given ? given : $"tensor{index}";
        var dims = new long[shape.Length];
        for (int i = 0; i < dims.Length; i++)
        {
            dims[i] = signature.Length == shape.Length && signature[i] < 0 ? -1 : shape[i];
            if (dims[i] < -1) throw Corrupt($"tensor '{name}' has a dimension of {dims[i]}");
        }
        if (dims.Length > Shape.MaxRank) throw new EdgeLiteException(Status.Unsupported, $"Tensor '{name}' has {dims.Length} dimensions; at most {Shape.MaxRank} are supported.");
        uint buffer = table.UInt32(Field.Tensor.Buffer);
        if (buffer >= BufferCount && buffer != 0) throw Corrupt($"tensor '{name}' refers to buffer {buffer} of {BufferCount}");
        int type = table.Int8(Field.Tensor.Type);
        DType dtype = TfliteType.ToDType(type);
        string? problem = table.UInt32(Field.Tensor.ExternalBuffer) != 0 ? "its data lies in another file, which is not supported" : null;
        TfliteQuantization? quantization = null;
        TfliteBlocks? blocks = null;
        if (table.TryTable(Field.Tensor.Quantization, out FlatTable q))
        {
            float[] scales = q.Scalars<float>(Field.Quantization.Scale).ToArray();
            long[] zeros = q.Scalars<long>(Field.Quantization.ZeroPoint).ToArray();
            byte details = q.UInt8(Field.Quantization.DetailsType);
            if (details > 2) problem ??= "quantization along several axes is not supported";
            if (details == 2) blocks = ReadBlocks(q.Table(Field.Quantization.Details), name, dims, count);
            else if (scales.Length > 0)
            {
                if (zeros.Length == 0) zeros = new long[scales.Length];
                if (zeros.Length == 1 && scales.Length > 1) zeros = [.. Enumerable.Repeat(zeros[0], scales.Length)];
                int axis = q.Int32(Field.Quantization.QuantizedDimension);
                if (zeros.Length != scales.Length) throw Corrupt($"tensor '{name}' has {scales.Length} scales and {zeros.Length} zero points");
                if (scales.Length > 1 && (axis < 0 || axis >= dims.Length || dims[axis] != scales.Length))
                    throw Corrupt($"tensor '{name}' has {scales.Length} scales for axis {axis} of [{string.Join(',', dims)}]");
                bool none = scales.Length == 1 && scales[0] == 0;
                foreach (float scale in scales)
                    if (!none && !(scale > 0 && float.IsFinite(scale))) throw Corrupt($"tensor '{name}' has a scale of {scale}");
                if (!none) quantization = new TfliteQuantization(scales, zeros, axis);
            }
        }
        bool unranked = dims.Length == 0 && signature.Length == 0 && table.Has(Field.Tensor.HasRank) && !table.Bool(Field.Tensor.HasRank);
        return new TfliteTensor(index, name, type, dtype, unranked ? null : dims, buffer, quantization, problem,
            table.Bool(Field.Tensor.IsVariable), table.Has(Field.Tensor.Sparsity)) { Blocks = blocks };
    }

    private static TfliteBlocks ReadBlocks(FlatTable table, string name, long[] dims, int tensors)
    {
        // An index that is left out is 0, a tensor; of zero points, -1 says that there are none.
        var blocks = new TfliteBlocks(table.Int32(Field.Blockwise.Scales), table.Int32(Field.Blockwise.ZeroPoints), table.Int32(Field.Blockwise.BlockSize));
        Indices([blocks.Scales], tensors, optional: false);
        Indices([blocks.ZeroPoints], tensors, optional: true);
        if (dims.Length == 0 || blocks.Size < 1 || dims[^1] % blocks.Size != 0) throw Corrupt($"tensor '{name}' of [{string.Join(',', dims)}] has blocks of {blocks.Size}");
        return blocks;
    }

    private static TfliteSignature[] ReadSignatures(FlatTable root)
    {
        FlatVector signatures = root.Vector(Field.Model.SignatureDefs);
        var list = new TfliteSignature[signatures.Count];
        for (int i = 0; i < list.Length; i++)
        {
            FlatTable table = signatures.Table(i);
            list[i] = new TfliteSignature(table.String(Field.Signature.Key) ?? "", (int)Math.Min(table.UInt32(Field.Signature.Subgraph), int.MaxValue),
                ReadMap(table.Vector(Field.Signature.Inputs)), ReadMap(table.Vector(Field.Signature.Outputs)));
        }
        return list;
    }

    private static (string, int)[] ReadMap(FlatVector map)
    {
        var list = new (string, int)[map.Count];
        for (int i = 0; i < list.Length; i++)
            list[i] = (map.Table(i).String(Field.TensorMap.Name) ?? "", (int)Math.Min(map.Table(i).UInt32(Field.TensorMap.Tensor), int.MaxValue));
        return list;
    }

    private static int[] Indices(ReadOnlySpan<int> indices, int count, bool optional)
    {
        foreach (int i in indices)
            if (i >= count || i < (optional ? -1 : 0)) throw Corrupt($"tensor {i} of {count} is referred to");
        return indices.ToArray();
    }
}
