using System.Buffers.Binary;
using System.Text;
using EdgeLite.Core;
using EdgeLite.Format;
using Field = EdgeLite.Converter.Importers.Tflite.TfliteField;

namespace EdgeLite.Converter.Importers.Tflite;

/// <summary>Turns buffers into tensors: plain, strings, and sparse ones, which become dense.</summary>
internal static class TfliteConstants
{
    private const long LargestDense = 1L << 30;

    /// <summary>The constant value of a tensor, or null when it has no data in the file.</summary>
    public static Tensor? Read(TfliteModel model, int subgraph, TfliteTensor tensor)
    {
        ReadOnlySpan<byte> data = model.Buffer(tensor.Buffer);
        bool isEmpty = tensor.Dims != null && tensor.Dims.Contains(0) && tensor.Buffer != 0;
        if (data.IsEmpty && !isEmpty) return null;
        if (tensor.QuantizationProblem != null) throw new EdgeLiteException(Status.Unsupported, $"Tensor '{tensor.Name}': {tensor.QuantizationProblem}.");
        if (tensor.DType == DType.Undefined) return null;
        long[] dims = tensor.Dims ?? [];
        if (dims.Any(d => d < 0)) throw TfliteModel.Corrupt($"constant '{tensor.Name}' has a dimension that is not known");
        var shape = new Shape(dims);
        if (tensor.DType == DType.String) return Strings(data, shape, tensor.Name);
        if (tensor.IsSparse) return Dense(model.Sparsity(subgraph, tensor.Index), data, tensor, shape);
        long expected;
        try
        {
            expected = tensor.DType.ByteLength(shape.Count);
        }
        catch (EdgeLiteException e)
        {
            throw new EdgeLiteException(Status.Corrupt, $"The TFLite file is damaged: constant '{tensor.Name}' has shape {shape}.", e);
        }
        if (data.Length != expected)
            throw TfliteModel.Corrupt($"constant '{tensor.Name}' of type {tensor.DType.Name()} and shape {shape} has {data.Length} bytes, expected {expected}");
        var value = new Tensor(tensor.DType, shape);
        data.CopyTo(value.Bytes);
        return value;
    }

    /// <summary>Strings: int32 count, count + 1 int32 offsets from the start of the buffer, then the characters.</summary>
    private static Tensor Strings(ReadOnlySpan<byte> data, Shape shape, string name)
    {
        int count = data.Length >= 4 ? BinaryPrimitives.ReadInt32LittleEndian(data) : -1;
        if (count < 0 || count != shape.Count || data.Length < 4 + 4 * (count + 1L)) throw TfliteModel.Corrupt($"the strings of '{name}' do not fill {shape}");
        var strings = new string[count];
        for (int i = 0; i < count; i++)
        {
            int start = BinaryPrimitives.ReadInt32LittleEndian(data[(4 + 4 * i)..]), end = BinaryPrimitives.ReadInt32LittleEndian(data[(8 + 4 * i)..]);
            if (start < 0 || end < start || end > data.Length) throw TfliteModel.Corrupt($"string {i} of '{name}' lies outside its buffer");
            strings[i] = Encoding.UTF8.GetString(data[start..end]);
        }
        return Tensor.FromStrings(strings, shape);
    }

    /// <summary>One level of a sparse tensor: all of 0 .. Size-1, or for each parent p the Indices[Segments[p] .. Segments[p+1]).</summary>
    private readonly record struct Level(int Size, int[]? Segments, int[]? Indices);

    /// <summary>
    /// Sparse tensors (schema.fbs, SparsityParameters): the dimensions d0..dn-1, then block dimensions dn..dn+k-1, are walked in
    /// traversal order, each stored dense or compressed (CSR); values follow in that order. Block dimension n+b belongs to
    /// dimension block_map[b], so index = outer * block size + inner.
    /// </summary>
    private static Tensor Dense(FlatTable sparsity, ReadOnlySpan<byte> data, TfliteTensor tensor, Shape shape)
    {
        int[] order = sparsity.Scalars<int>(Field.Sparsity.TraversalOrder).ToArray(), blockMap = sparsity.Scalars<int>(Field.Sparsity.BlockMap).ToArray();
        FlatVector metadata = sparsity.Vector(Field.Sparsity.DimMetadata);
        int n = shape.Rank, levels = n + blockMap.Length;
        string where = $"the sparse tensor '{tensor.Name}'";
        if (order.Length != levels || metadata.Count != levels || !order.Order().SequenceEqual(Enumerable.Range(0, levels)))
            throw TfliteModel.Corrupt($"{where} of {n} dimensions and {blockMap.Length} block dimensions describes {order.Length} and {metadata.Count} levels");
        if (tensor.DType.Bits() < 8) throw new EdgeLiteException(Status.Unsupported, $"Tensor '{tensor.Name}': sparse {tensor.DType.Name()} is not supported.");
        foreach (int dim in blockMap)
            if (dim < 0 || dim >= n) throw TfliteModel.Corrupt($"{where} maps a block to dimension {dim}");
        if (shape.Product(0, n) > LargestDense) throw TfliteModel.Corrupt($"{where} has shape {shape}");

        var level = new Level[levels];
        var blockSize = new long[blockMap.Length];
        for (int i = 0; i < levels; i++)
        {
            FlatTable m = metadata.Table(i);
            level[i] = m.Int8(Field.Dimension.Format) == 0
                ? new Level(m.Int32(Field.Dimension.DenseSize), null, null)
                : new Level(0, Indices(m, Field.Dimension.SegmentsType, where), Indices(m, Field.Dimension.IndicesType, where));
            if (order[i] < n) continue;
            if (level[i].Segments != null || level[i].Size < 1) throw TfliteModel.Corrupt($"{where} has a block that is not dense");
            blockSize[order[i] - n] = level[i].Size;
        }

        var dense = new Tensor(tensor.DType, shape);
        int size = tensor.DType.Size(), values = data.Length / size, next = 0;
        var index = new long[levels];
        ReadOnlySpan<byte> source = data;
        Walk(0, 0, source);
        if (next != values) throw TfliteModel.Corrupt($"{where} has {values} values, {next} were expected");
        return dense;

        void Walk(int depth, long parent, ReadOnlySpan<byte> bytes)
        {
            if (depth == levels)
            {
                long at = 0;
                for (int d = 0; d < n; d++)
                {
                    long i = index[d];
                    for (int b = 0; b < blockMap.Length; b++)
                        if (blockMap[b] == d) i = i * blockSize[b] + index[n + b];
                    if (i < 0 || i >= shape[d]) throw TfliteModel.Corrupt($"{where} has an element at index {i} of {shape[d]}");
                    at = at * shape[d] + i;
                }
                if (next >= values) throw TfliteModel.Corrupt($"{where} has only {values} values");
                bytes.Slice(next++ * size, size).CopyTo(dense.Bytes[(int)(at * size)..]);
                return;
            }
            Level l = level[depth];
            if (l.Segments == null)
            {
                for (int i = 0; i < l.Size; i++)
                {
                    index[order[depth]] = i;
                    Walk(depth + 1, parent * l.Size + i, bytes);
                }
                return;
            }
            if (parent + 1 >= l.Segments.Length) throw TfliteModel.Corrupt($"{where} lacks segment {parent}");
            for (int k = l.Segments[parent]; k < l.Segments[parent + 1]; k++)
            {
                if ((uint)k >= (uint)l.Indices!.Length) throw TfliteModel.Corrupt($"{where} lacks index {k}");
                index[order[depth]] = l.Indices[k];
                Walk(depth + 1, k, bytes);
            }
        }
    }

    /// <summary>A SparseIndexVector union: vectors of int32 (1), uint16 (2) or uint8 (3).</summary>
    private static int[] Indices(FlatTable metadata, int typeField, string where)
    {
        FlatTable vector = metadata.Table(typeField + 1);
        switch (metadata.UInt8(typeField))
        {
            case 1: return vector.Scalars<int>(0).ToArray();
            case 2: return [.. vector.Scalars<ushort>(0).ToArray().Select(v => (int)v)];
            case 3: return [.. vector.Bytes(0).ToArray().Select(v => (int)v)];
            default: throw TfliteModel.Corrupt($"{where} has indices of an unknown kind");
        }
    }
}
