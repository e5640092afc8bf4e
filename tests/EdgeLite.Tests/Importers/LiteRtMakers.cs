using System.Runtime.InteropServices;
using static EdgeLite.Tests.Importers.TfliteFileBuilder;

namespace EdgeLite.Tests.Importers;

/// <summary>Operators and forms of weights that TFLite got after 2022, for LiteRT's interpreter. Numbers of operators and of their tables are those of
/// TFLite's schema.</summary>
internal static class LiteRtMakers
{
    private const int I32 = TfliteFileBuilder.Int32;

    public static SortedDictionary<string, Func<TfliteCaseMaker, TfliteCase>> All { get; } = Make();

    private static SortedDictionary<string, Func<TfliteCaseMaker, TfliteCase>> Make()
    {
        var makers = new SortedDictionary<string, Func<TfliteCaseMaker, TfliteCase>>(StringComparer.Ordinal);
        void Add(string op, Func<TfliteCaseMaker, TfliteCase> make) => makers.Add(op, make);

        // The interpreter rounds each row of the input to 8 bits: rows of integers from -128 to 127 with both ends stay what they are.
        Add("FULLY_CONNECTED_blocks", m =>
        {
            (int rows, int inputs, int outputs) = (m.R.Int(1, 4), 32 * m.R.Int(1, 4), m.R.Int(1, 9));
            Tensor x = m.Value(Float32, [rows, inputs], -8, 7);
            for (int r = 0; r < rows; r++)
            {
                for (int k = 0; k < inputs; k++) x.SetDouble(r * inputs + k, m.R.Int(-128, 127));
                x.SetDouble(r * inputs + m.R.Int(0, 15), -128);
                x.SetDouble(r * inputs + m.R.Int(16, 31), 127);
            }
            int bias = m.R.Chance() ? m.File.Constant("bias", Float32, [outputs], m.Value(Float32, [outputs], -9, 9).ToArray<float>()) : -1;
            m.File.TypedOp(9, 8, [m.Given(x, Float32), Blocks(m, 4, outputs, inputs, 32), bias], [m.OutOf(Float32, [rows, outputs])], (sbyte)0, (sbyte)0, false);
            return m.Done();
        });
        foreach (int bits in new[] { 4, 2 })
            Add($"EMBEDDING_LOOKUP_blocks_of_{bits}_bits", m =>
            {
                (int count, int rows, int size) = (m.R.Int(1, 5), m.R.Int(1, 9), m.R.One(4, 8, 32));
                int width = size * m.R.Int(1, 4), y = m.OutOf(Float32, [count, width]);
                m.File.TypedOp(7, 0, [m.In(I32, [count], low: 0, high: rows - 1), Blocks(m, bits, rows, width, size)], [y]);
                return m.Done();
            });
        Add("DILATE", m =>
        {
            int[] shape = m.Shape(), steps = [.. shape.Select(_ => m.R.Int(1, 3))];
            m.File.NewerOp(203, 18, [m.In(Float32, shape), m.File.Ints(steps), m.File.Constant<float>("filler", Float32, [], [-1.5f])], [m.OutOf(Float32, [.. shape.Zip(steps, (d, s) => (d - 1) * s + 1)])], []);
            return m.Done();
        });
        foreach ((string op, int code) in new[] { ("ADD", 163), ("MULTIPLY", 165), ("MAXIMUM", 166), ("MINIMUM", 181) })
            foreach (int type in new[] { Float32, I32 })
                Add($"STABLEHLO_{op}{(type == I32 ? "_int32" : "")}", m =>
                {
                    int[] shape = m.Shape();
                    m.File.NewerOp(code, 0, [m.In(type, shape), m.In(type, shape)], [m.OutOf(type, shape)]);
                    return m.Done();
                });
        Add("STABLEHLO_SHIFT_LEFT", m =>
        {
            int[] shape = m.Shape();
            m.File.NewerOp(207, 22, [m.In(I32, shape, low: -900, high: 900), m.In(I32, shape, low: 0, high: 20)], [m.OutOf(I32, shape)], []);
            return m.Done();
        });
        Add("STABLEHLO_PAD", m =>
        {
            int[] shape = [.. m.Shape().Select(d => d + 2)];
            long[] low = [.. shape.Select(_ => (long)m.R.Int(-1, 2))], high = [.. shape.Select(_ => (long)m.R.Int(-1, 2))], between = [.. shape.Select(_ => (long)m.R.Int(0, 2))];
            int[] result = [.. shape.Select((d, i) => (int)(low[i] + high[i] + (d - 1) * (between[i] + 1) + 1))];
            m.File.NewerOp(195, 10, [m.In(Float32, shape), m.File.Constant<float>("filler", Float32, [], [2.5f])], [m.OutOf(Float32, result)], low, high, between);
            return m.Done();
        });
        foreach ((string name, int code, byte table, float initial) in new[] { ("sum", 0, (byte)11, 0f), ("product", 18, (byte)21, 1f), ("largest", 55, (byte)39, -1000f), ("least", 57, (byte)39, 1000f) })
            Add("STABLEHLO_REDUCE_WINDOW_" + name, m =>
            {
                int[] shape = [.. m.Shape(1, 3).Select(d => d + 2)];
                long[] window = Each(1, 2), strides = Each(1, 2), between = Each(1, 2), dilations = Each(1, 2), padding = [.. shape.SelectMany(_ => new long[] { m.R.Int(0, 2), m.R.Int(0, 2) })];
                int[] result = [.. shape.Select((d, i) => (int)(((d - 1) * between[i] + 1 + padding[2 * i] + padding[2 * i + 1] - ((window[i] - 1) * dilations[i] + 1)) / strides[i] + 1))];
                m.File.NewerOp(198, 13, [m.In(Float32, shape), m.File.Constant<float>("initial", Float32, [], [initial])], [m.OutOf(Float32, result)], window, strides, between, dilations, padding, 1);
                return m.Done(1, () => Body(m, Float32, code, table));

                long[] Each(int low, int high) => [.. shape.Select(_ => (long)m.R.Int(low, high))];
            });
        Add("STABLEHLO_GATHER", m =>
        {
            // Places in dimensions 0 and 2 of four, of which 0 goes.
            int[] shape = [.. m.Shape(4).Select(d => d + 1)], batch = m.Shape(1, 2);
            long[] sizes = [1, m.R.Int(1, shape[1]), m.R.Int(1, shape[2]), shape[3]];
            bool first = m.R.Chance();
            int vector = first ? 0 : batch.Length;
            int[] indices = first ? [2, .. batch] : [.. batch, 2];
            long[] offset = m.R.Chance() ? [0, 1, 2] : [batch.Length, batch.Length + 1, batch.Length + 2];
            int[] window = [(int)sizes[1], (int)sizes[2], (int)sizes[3]];
            m.File.NewerOp(201, 16, [m.In(Float32, shape), m.In(I32, indices, low: -1, high: 4)], [m.OutOf(Float32, offset[0] == 0 ? [.. window, .. batch] : [.. batch, .. window])],
                offset, new long[] { 0 }, new long[] { 0, 2 }, (long)vector, sizes, false);
            return m.Done();
        });
        foreach ((string name, int code, byte table) in new[] { ("", -1, (byte)0), ("_sum", 163, (byte)0), ("_product", 165, (byte)0), ("_largest", 166, (byte)0), ("_least", 181, (byte)0) })
            Add("STABLEHLO_SCATTER" + name, m =>
            {
                int[] shape = [.. m.Shape(3, 3).Select(d => d + 1)];
                int count = m.R.Int(1, 4), width = m.R.Int(1, shape[2]);
                m.File.NewerOp(190, 7, [m.In(Float32, shape), m.In(I32, [count, 2], low: -1, high: 3), m.In(Float32, [count, shape[1], width])], [m.OutOf(Float32, shape)],
                    false, new long[] { 1, 2 }, new long[] { 0 }, new long[] { 0, 2 }, 1L, false, 1);
                return m.Done(1, () => Body(m, Float32, code, table));
            });
        Add("STABLEHLO_CASE", m =>
        {
            int[] shape = m.Shape();
            m.File.NewerOp(209, 23, [m.In(I32, [], low: -1, high: 4), m.In(Float32, shape)], [m.OutOf(Float32, shape)], new[] { 1, 2, 3 });
            return m.Done(4, () =>
            {
                foreach ((int code, byte table) in new[] { (101, (byte)78), (59, (byte)42), (92, (byte)66) })
                {
                    m.File.NextSubgraph();
                    int x = m.File.Tensor("x", Float32, shape), y = m.File.Tensor("y", Float32, shape);
                    m.File.TypedOp(code, table, [x], [y]);
                    m.File.Border([x], [y]);
                }
            });
        });
        Add("STABLEHLO_COMPOSITE", m =>
        {
            int[] shape = m.Shape();
            m.File.NewerOp(206, 21, [m.In(Float32, shape), m.In(Float32, shape)], [m.OutOf(Float32, shape)], "test.sum", 1, new byte[] { 0, 0, 1 });
            return m.Done(1, () => Body(m, Float32, 0, 11, shape));
        });
        return makers;
    }

    /// <summary>A subgraph of one operator of two operands, or that gives the second one.</summary>
    private static void Body(TfliteCaseMaker m, int type, int code, byte table, params int[] shape)
    {
        m.File.NextSubgraph();
        int a = m.File.Tensor("a", type, shape), b = m.File.Tensor("b", type, shape), y = code < 0 ? b : m.File.Tensor("y", type, shape);
        if (code >= 0) m.File.TypedOp(code, table, [a, b], [y], (sbyte)0);
        m.File.Border([a, b], [y]);
    }

    /// <summary>A matrix in blocks along its rows with scales of float16, which are powers of two.</summary>
    private static int Blocks(TfliteCaseMaker m, int bits, int rows, int columns, int size)
    {
        Half[] scales = [.. Enumerable.Range(0, rows * columns / size).Select(_ => (Half)Math.Pow(2, m.R.Int(-6, 1)))];
        int scale = m.File.Constant("scales", Float16, [rows, columns / size], MemoryMarshal.Cast<Half, ushort>(scales).ToArray());
        return m.File.Blockwise("weights", bits == 4 ? Int4 : Int2, [rows, columns], [.. Enumerable.Range(0, rows * columns * bits / 8).Select(_ => (byte)m.R.Int(0, 255))], scale, -1, size);
    }
}
