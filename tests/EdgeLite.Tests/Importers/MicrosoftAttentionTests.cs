using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Ir;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Importers;

/// <summary>The attention operators of com.microsoft, with their caches, masks and rotations, against ONNX Runtime.</summary>
public class MicrosoftAttentionTests() : SeededTests(100)
{
    /// <summary>Blocks of 16 keys in two layouts, as prompt and as one new token; q, k and v apart or in one, turned or not.</summary>
    [Theory]
    [InlineData(true, false, false)]
    [InlineData(true, true, true)]
    [InlineData(false, false, true)]
    [InlineData(false, true, false)]
    public void SparseAttention(bool prompt, bool packed, bool rotates)
    {
        const int Batch = 2, Heads = 4, KeyHeads = 2, Size = 16, Block = 16, Blocks = 4, Cache = Block * Blocks;
        int length = prompt ? 50 : 1, queryWidth = (packed ? Heads + 2 * KeyHeads : Heads) * Size;
        int total = prompt ? 50 : 62; // of both samples: ONNX Runtime reads the weights of shorter ones from where it did not write them
        // Layout 0: the own block and the first one; layout 1: the own block and the one before.
        int[] rows = [0, 1, 3, 5, 7, 0, 1, 3, 5, 7], columns = [0, 0, 1, 0, 2, 0, 3, 0, 0, 1, 1, 2, 2, 3];
        ModelProto model = Contrib("SparseAttention", $"q {(packed ? "- -" : "k v")} pk pv rows columns total lengths {(rotates ? "cos sin" : "- -")}", "y nk nv", Attr("num_heads", (long)Heads), Attr("kv_num_heads", (long)KeyHeads), Attr("sparse_block_size", (long)Block), Attr("do_rotary", rotates ? 1L : 0))
            .In("q", DType.Float32, Batch, length, queryWidth).Out("y").Const(Raw("rows", DType.Int32, [2, Blocks + 1], Bytes(rows))).Const(Raw("columns", DType.Int32, [2, 7], Bytes(columns))).Const(Raw("total", DType.Int32, [1], Bytes(total)));
        List<Tensor> inputs = [Random(Batch, length, queryWidth)];
        foreach (string name in packed ? Array.Empty<string>() : ["k", "v"])
        {
            model.In(name, DType.Float32, Batch, length, KeyHeads * Size);
            inputs.Add(Random(Batch, length, KeyHeads * Size));
        }
        foreach (string name in new[] { "pk", "pv" })
        {
            model.In(name, DType.Float32, Batch, KeyHeads, Cache, Size);
            inputs.Add(Random(Batch, KeyHeads, Cache, Size));
        }
        model.Out("nk", "nv").Const(Raw("lengths", DType.Int32, [Batch], Bytes(total, total)));
        foreach (string name in rotates ? ["cos", "sin"] : Array.Empty<string>()) model.Const(Floats(name, [Cache, Size / 2], Random(Cache, Size / 2).ToArray<float>()));

        // ONNX Runtime writes the new entries where the old ones are.
        using var ort = new InferenceSession(model.ToByteArray());
        using OrtIoBinding binding = ort.CreateIoBinding();
        float[][] given = [.. inputs.Select(t => t.ToArray<float>())];
        OrtValue[] values = [.. inputs.Select((t, i) => OrtValue.CreateTensorValueFromMemory(given[i], t.Shape.AsSpan().ToArray()))];
        for (int i = 0; i < values.Length; i++) binding.BindInput(model.Graph.Input[i].Name, values[i]);
        float[] y = new float[Batch * length * Heads * Size];
        using OrtValue result = OrtValue.CreateTensorValueFromMemory(y, [Batch, length, Heads * Size]);
        binding.BindOutput("y", result);
        binding.BindOutput("nk", values[^2]);
        binding.BindOutput("nv", values[^1]);
        using (var run = new RunOptions()) ort.RunWithBinding(run, binding);
        Tensor[] expected = [Tensor.FromArray<float>(y, new Shape(Batch, length, Heads * Size)), .. given[^2..].Select(c => Tensor.FromArray<float>(c, new Shape(Batch, KeyHeads, Cache, Size)))];
        foreach ((string where, Tensor[] got) in new[] { ("interpreter", OnnxModels.Run(model, [.. inputs])), ("session", OrtComparison.RunSession(model, [.. inputs])) })
            for (int k = 0; k < expected.Length; k++) TensorAssert.Close(expected[k], got[k], 1e-4, 1e-5, $"output {k} of the {where}");
        foreach (OrtValue value in values) value.Dispose();

        static byte[] Bytes(params int[] values) => [.. values.SelectMany(BitConverter.GetBytes)];
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(0, 2)]
    [InlineData(1, 2)]
    [InlineData(0, 3)]
    [InlineData(0, 4)]
    public void Attention(int unidirectional, int mask)
    {
        ModelProto model = Contrib("Attention", mask > 0 ? "x w b m" : "x w b", "y", Attr("num_heads", 2L), Attr("unidirectional", (long)unidirectional))
            .In("x", DType.Float32, 2, 4, 8).In("w", DType.Float32, 8, 24).In("b", DType.Float32, 24).Out("y");
        Tensor[] inputs = [Random(2, 4, 8), Random(8, 24), Random(24)];
        Tensor? given = mask switch
        {
            1 => Ints([4, 2], 2),
            2 => Ints([1, 1, 1, 0, 0, 1, 1, 1], 2, 4),
            3 => Ints([.. Enumerable.Range(0, 32).Select(i => i % 3 == 0 ? 0 : 1)], 2, 4, 4),
            4 => Ints([4, 3, 1, 0], 4),
            _ => null,
        };
        if (given != null) model.In("m", DType.Int32, given.Shape.AsSpan().ToArray());
        OrtComparison.Check(model, 1e-4, given == null ? inputs : [.. inputs, given]);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(1, true)]
    public void Attention_with_past(int unidirectional, bool masked)
    {
        ModelProto model = Contrib("Attention", masked ? "x w b m p" : "x w b - p", "y present", Attr("num_heads", 2L), Attr("unidirectional", (long)unidirectional))
            .In("x", DType.Float32, 2, 3, 8).In("w", DType.Float32, 8, 24).In("b", DType.Float32, 24).In("p", DType.Float32, 2, 2, 2, 5, 4).Out("y", "present");
        Tensor[] inputs = [Random(2, 3, 8), Random(8, 24), Random(24), Random(2, 2, 2, 5, 4)];
        if (masked) model.In("m", DType.Int32, 2, 8);
        OrtComparison.Check(model, 1e-4, masked ? [.. inputs, Ints([1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1], 2, 8)] : inputs);
    }

    [Fact]
    public void Attention_with_a_bias_and_sizes() => OrtComparison.Check(
        Contrib("Attention", "x w b - - a", "y", Attr("num_heads", 2L), Attr("qkv_hidden_sizes", 8, 8, 12), Attr("scale", 0.3f))
            .In("x", DType.Float32, 2, 4, 6).In("w", DType.Float32, 6, 28).In("b", DType.Float32, 28).In("a", DType.Float32, 2, 2, 4, 4).Out("y"),
        1e-4, Random(2, 4, 6), Random(6, 28), Random(28), Random(2, 2, 4, 4));

    [Fact]
    public void Attention_rotates_queries_and_keys()
    {
        // Compared with the same attention on projections rotated by RotaryEmbedding.
        Tensor x = Random(2, 3, 8), w = Random(8, 24), past = Random(2, 2, 2, 5, 4);
        ModelProto rotated = Contrib("Attention", "x w - - p", "y present", Attr("num_heads", 2L), Attr("unidirectional", 1L), Attr("do_rotary", 1L))
            .In("x", DType.Float32, 2, 3, 8).In("w", DType.Float32, 8, 24).In("p", DType.Float32, 2, 2, 2, 5, 4).Out("y", "present");
        var cos = new float[16];
        var sin = new float[16];
        for (int place = 0; place < 8; place++)
            for (int i = 0; i < 2; i++) (sin[place * 2 + i], cos[place * 2 + i]) = ((float, float))Math.SinCos(place * Math.Pow(10000, -i / 2.0));
        NodeProto Rotation(string input, string output)
        {
            NodeProto node = Node("RotaryEmbedding", $"{input} first cos sin", output);
            node.Domain = "com.microsoft";
            return node;
        }
        ModelProto spelled = Contrib("MultiHeadAttention", "qr kr v - - - pk pv", "y key value", Attr("num_heads", 2L), Attr("unidirectional", 1L))
            .In("x", DType.Float32, 2, 3, 8).In("w", DType.Float32, 8, 24).In("pk", DType.Float32, 2, 2, 5, 4).In("pv", DType.Float32, 2, 2, 5, 4).Out("y", "key", "value")
            .Const(Floats("cos", [8, 2], cos)).Const(Floats("sin", [8, 2], sin)).Const(Raw("first", DType.Int64, [1], 5, 0, 0, 0, 0, 0, 0, 0));
        NodeProto[] before = [Node("MatMul", "x w", "all"), Node("Split", "all", "q k v", Attr("axis", 2L), Attr("num_outputs", 3L)), Rotation("q", "qr"), Rotation("k", "kr")];
        for (int i = 0; i < before.Length; i++) spelled.Graph.Node.Insert(i, before[i]);
        Tensor key = Half(past, 0), value = Half(past, 1);
        OrtComparison.Check(spelled, 1e-4, x, w, key, value);
        Tensor[] got = Run(rotated, x, w, past), expected = Run(spelled, x, w, key, value);
        TensorAssert.Close(expected[0], got[0], 0, 1e-5, "y");
        TensorAssert.Close(expected[1], Half(got[1], 0), 0, 1e-5, "keys");
        TensorAssert.Close(expected[2], Half(got[1], 1), 0, 1e-5, "values");
    }

    [Fact]
    public void QAttention() => OrtComparison.Check(
        Contrib("QAttention", "x w b xs ws - xz wz", "y", Attr("num_heads", 2L)).In("x", DType.UInt8, 2, 4, 8).In("w", DType.UInt8, 8, 24)
            .Const(Floats("b", [24], Random(24).ToArray<float>())).Const(Floats("xs", [], 0.01f)).Const(Floats("ws", [], 0.02f))
            .Const(Raw("xz", DType.UInt8, [], 128)).Const(Raw("wz", DType.UInt8, [], 120)).Out("y"),
        1e-4, Random(DType.UInt8, 2, 4, 8), Random(DType.UInt8, 8, 24));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void QAttention_with_past(int unidirectional) => OrtComparison.Check(
        Contrib("QAttention", "x w b xs ws m xz wz p", "y present", Attr("num_heads", 2L), Attr("unidirectional", (long)unidirectional)).In("x", DType.UInt8, 2, 3, 8).In("w", DType.Int8, 8, 24)
            .In("m", DType.Int32, 2, 8).In("p", DType.Float32, 2, 2, 2, 5, 4)
            .Const(Floats("b", [24], Random(24).ToArray<float>())).Const(Floats("xs", [], 0.01f))
            .Const(Floats("ws", [24], [.. Enumerable.Range(0, 24).Select(i => 0.01f + 0.001f * i)]))
            .Const(Raw("xz", DType.UInt8, [], 128)).Const(Raw("wz", DType.Int8, [24], new byte[24])).Out("y", "present"),
        1e-4, Random(DType.UInt8, 2, 3, 8), Random(DType.Int8, 8, 24), Ints([1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1], 2, 8), Random(2, 2, 2, 5, 4));

    [Theory]
    [InlineData("plain")]
    [InlineData("bias")]
    [InlineData("causal")]
    [InlineData("heads apart")]
    [InlineData("lengths")]
    [InlineData("padding")]
    [InlineData("mask of queries")]
    [InlineData("attention bias")]
    [InlineData("past")]
    [InlineData("past, causal, padding")]
    public void MultiHeadAttention(string kind)
    {
        const int B = 2, S = 3, T = 5, H = 2, D = 4, P = 4;
        bool same = kind.Contains("causal", StringComparison.Ordinal) || kind.StartsWith("past", StringComparison.Ordinal);
        int keys = same ? S : T, past = kind.StartsWith("past", StringComparison.Ordinal) ? P : 0;
        string[] names = ["q", "k", "v", "-", "-", "-", "-", "-"];
        var shapes = new List<(string Name, long[] Shape)> { ("q", [B, S, H * D]), ("k", [B, keys, H * D]), ("v", [B, keys, H * D]) };
        var ints = new List<(string Name, Tensor Value)>();
        if (kind == "heads apart") shapes = [("q", [B, S, H * D]), ("k", [B, H, T, D]), ("v", [B, H, T, D])];
        if (kind is "bias" or "lengths" or "padding") Add(3, "b", [3 * H * D]);
        if (kind == "lengths") AddMask(Ints([5, 2], B));
        if (kind.Contains("padding", StringComparison.Ordinal)) AddMask(Ints([.. Enumerable.Range(0, B * (keys + past)).Select(i => i % 4 == 1 ? 0 : 1)], B, keys + past));
        if (kind == "mask of queries") AddMask(Ints([.. Enumerable.Range(0, B * S * keys).Select(i => i % 4 == 1 ? 0 : 1)], B, S, keys));
        if (kind == "attention bias") Add(5, "a", [1, H, S, keys]);
        if (past > 0)
        {
            Add(6, "pk", [B, H, P, D]);
            Add(7, "pv", [B, H, P, D]);
        }
        ModelProto model = Contrib("MultiHeadAttention", string.Join(' ', names), past > 0 ? "y keys values" : "y",
            Attr("num_heads", H), Attr("unidirectional", kind.Contains("causal", StringComparison.Ordinal) ? 1L : 0L));
        foreach (var (name, shape) in shapes) model.In(name, DType.Float32, shape);
        foreach (var (name, value) in ints) model.In(name, DType.Int32, value.Shape.AsSpan().ToArray());
        OrtComparison.Check(model.Out(past > 0 ? ["y", "keys", "values"] : ["y"]), 1e-4, [.. shapes.Select(s => Random(s.Shape)), .. ints.Select(i => i.Value)]);

        void Add(int input, string name, long[] shape)
        {
            names[input] = name;
            shapes.Add((name, shape));
        }

        void AddMask(Tensor mask)
        {
            names[4] = "m";
            ints.Add(("m", mask));
        }
    }

    [Fact]
    public void MultiHeadAttention_takes_packed_projections()
    {
        // ONNX Runtime has no CPU kernel for the packed layouts: compared with the same numbers apart, which it has.
        const int B = 2, S = 3, H = 2, D = 4;
        Tensor all = Random(B, S, H, 3, D), keys = new(DType.Float32, new Shape(B, S, H, 2, D));
        Tensor[] apart = [.. Enumerable.Range(0, 3).Select(_ => new Tensor(DType.Float32, new Shape(B, S, H * D)))];
        for (int row = 0; row < B * S * H; row++)
            for (int part = 0; part < 3; part++)
                for (int i = 0; i < D; i++)
                {
                    double value = all.GetDouble((row * 3 + part) * D + i);
                    apart[part].SetDouble(row * D + i, value);
                    if (part > 0) keys.SetDouble((row * 2 + part - 1) * D + i, value);
                }
        ModelProto plain = Contrib("MultiHeadAttention", "q k v", "y", Attr("num_heads", H)).In("q", DType.Float32, B, S, H * D).In("k", DType.Float32, B, S, H * D).In("v", DType.Float32, B, S, H * D).Out("y");
        OrtComparison.Check(plain, 1e-4, apart);
        Tensor expected = Run(plain, apart)[0];
        TensorAssert.Close(expected, Run(Contrib("MultiHeadAttention", "q", "y", Attr("num_heads", H)).In("q", DType.Float32, B, S, H, 3, D).Out("y"), all)[0], 0, 0, "all packed");
        TensorAssert.Close(expected, Run(Contrib("MultiHeadAttention", "q k", "y", Attr("num_heads", H)).In("q", DType.Float32, B, S, H * D).In("k", DType.Float32, B, S, H, 2, D).Out("y"), apart[0], keys)[0],
            0, 0, "keys and values packed");
    }

    /// <summary>How a case of grouped queries differs from the plain one.</summary>
    public sealed record Grouped(int Batch, int New, int Past, int Cache, string Options = "")
    {
        public bool Has(string option) => Options.Split(' ').Contains(option);
    }

    public static TheoryData<Grouped> GroupedCases =>
    [
        new(2, 4, 0, 0),
        new(2, 4, 0, 0, "packed"),
        new(2, 4, 0, 0, "rotary"),
        new(2, 4, 0, 0, "rotary interleaved packed"),
        new(1, 4, 0, 4, "rotary"),
        new(2, 1, 5, 5),
        new(2, 1, 5, 5, "rotary packed"),
        new(1, 3, 5, 5, "rotary"),
        new(2, 1, 5, 9, "rotary"),
        new(2, 4, 0, 9, "rotary"),
        new(2, 1, 5, 5, "rotary positions"),
        new(2, 1, 6, 6, "ragged rotary"),
        new(2, 1, 7, 7, "window"),
        new(1, 6, 0, 0, "window"),
        new(2, 1, 5, 5, "softcap"),
        new(2, 1, 5, 5, "scale"),
        new(2, 4, 0, 0, "bias"),
        new(2, 1, 5, 5, "bias"),
        new(2, 1, 5, 5, "smooth"),
        new(1, 4, 0, 0, "sink"),
        new(2, 1, 5, 5, "sink rotary"),
        new(2, 1, 5, 5, "scores"),
        new(2, 1, 5, 5, "weights"),
        new(1, 4, 0, 0, "partial rotary"),
        new(2, 1, 5, 5, "int8"),
        new(1, 3, 5, 9, "int8 channels rotary"),
        new(2, 4, 0, 9, "int8"),
        new(2, 1, 5, 5, "int4"),
        new(1, 3, 5, 9, "int4 channels rotary"),
        new(2, 1, 6, 6, "int4 window"),
    ];

    [Theory]
    [MemberData(nameof(GroupedCases))]
    public void GroupQueryAttention(Grouped c)
    {
        const int Heads = 4, KeyHeads = 2, D = 32, Places = 12;
        int total = c.Past + c.New, rotated = c.Has("partial") ? 16 : D;
        string[] names = [c.Has("packed") ? "qkv" : "q", c.Has("packed") ? "-" : "k", c.Has("packed") ? "-" : "v", c.Cache > 0 ? "pk" : "-", c.Cache > 0 ? "pv" : "-", "lengths", "total", "-", "-", "-", "-", "-"];
        var attributes = new List<AttributeProto> { Attr("num_heads", Heads), Attr("kv_num_heads", KeyHeads) };
        var inputs = new List<(string Name, Tensor Value)>();
        if (c.Has("packed")) inputs.Add(("qkv", Random(c.Batch, c.New, (Heads + 2 * KeyHeads) * D)));
        else inputs.AddRange([("q", Random(c.Batch, c.New, Heads * D)), ("k", Random(c.Batch, c.New, KeyHeads * D)), ("v", Random(c.Batch, c.New, KeyHeads * D))]);
        bool int8 = c.Has("int8"), int4 = c.Has("int4");
        if (int8 || int4) inputs.AddRange([("pk", Integers(c, KeyHeads, int4 ? D / 2 : D, int4)), ("pv", Integers(c, KeyHeads, int4 ? D / 2 : D, int4))]);
        else if (c.Cache > 0) inputs.AddRange([("pk", Cache(c, KeyHeads, D)), ("pv", Cache(c, KeyHeads, D))]);
        inputs.Add(("lengths", Ints([.. Enumerable.Range(0, c.Batch).Select(b => total - 1 - (c.Has("ragged") ? 2 * b : 0))], c.Batch)));
        inputs.Add(("total", Ints([total])));
        if (c.Has("rotary"))
        {
            attributes.Add(Attr("do_rotary", 1L));
            if (c.Has("interleaved")) attributes.Add(Attr("rotary_interleaved", 1L));
            Add(7, "cos", Random(Places, rotated / 2));
            Add(8, "sin", Random(Places, rotated / 2));
        }
        if (c.Has("positions")) Add(9, "positions", Tensor.FromArray<long>([.. Enumerable.Range(0, c.Batch * c.New).Select(i => (long)(c.Past + i % c.New - i / c.New))], new Shape(c.Batch, c.New)));
        if (c.Has("bias")) Add(10, "bias", Random(1, Heads, c.New, total));
        if (c.Has("sink")) Add(11, "sink", Random(Heads));
        if (int8 || int4)
        {
            string kind = c.Has("channels") ? "PER_CHANNEL" : "PER_TENSOR";
            attributes.AddRange([Attr("k_quant_type", kind), Attr("v_quant_type", kind), Attr("kv_cache_bit_width", int8 ? 8L : 4L)]);
            names = [.. names, "", ""];
            Add(12, "ks", Scales());
            Add(13, "vs", Scales());
        }
        if (c.Has("window")) attributes.Add(Attr("local_window_size", 3L));
        if (c.Has("softcap")) attributes.Add(Attr("softcap", 0.5f));
        if (c.Has("scale")) attributes.Add(Attr("scale", 0.7f));
        if (c.Has("smooth")) attributes.Add(Attr("smooth_softmax", 1L));
        if (c.Has("scores")) attributes.Add(Attr("qk_output", 1L));
        if (c.Has("weights")) attributes.Add(Attr("qk_output", 2L));
        bool shows = c.Has("scores") || c.Has("weights");
        ModelProto model = Contrib("GroupQueryAttention", string.Join(' ', names), shows ? "y keys values qk" : "y keys values", [.. attributes]);
        foreach (var (name, value) in inputs) model.In(name, value.DType, value.Shape.AsSpan().ToArray());
        string[] outputs = c.Has("ragged") ? ["y"] : shows ? ["y", "keys", "values", "qk"] : ["y", "keys", "values"];
        OrtComparison.Check(model.Out(outputs), 1e-4, [.. inputs.Select(i => i.Value)]);

        Tensor Scales()
        {
            Tensor scales = c.Has("channels") ? Random(KeyHeads, 1, D) : Random(1);
            for (long i = 0; i < scales.Count; i++) scales.SetDouble(i, (1 + 0.3 * scales.GetDouble(i)) / (int8 ? 100 : 6));
            return scales;
        }

        void Add(int input, string name, Tensor value)
        {
            names[input] = name;
            inputs.Add((name, value));
        }
    }

    /// <summary>A cache of 7 places for a window of 4, steps of several lengths: what it holds, and what comes out, over several evictions.</summary>
    [Theory]
    [InlineData(false, 7)]
    [InlineData(true, 7)]
    [InlineData(false, 4)]
    public void A_sliding_cache_keeps_the_last_places(bool int8, int places)
    {
        const int Heads = 4, KeyHeads = 2, D = 16, Window = 4;
        var attributes = new List<AttributeProto> { Attr("num_heads", Heads), Attr("kv_num_heads", KeyHeads), Attr("do_rotary", 1L), Attr("local_window_size", Window), Attr("sliding_window_cache", 1L) };
        if (int8) attributes.AddRange([Attr("k_quant_type", "PER_TENSOR"), Attr("v_quant_type", "PER_TENSOR"), Attr("kv_cache_bit_width", 8L)]);
        DType type = int8 ? DType.Int8 : DType.Float32;
        ModelProto model = Contrib("GroupQueryAttention", "q k v pk pv lengths total cos sin" + (int8 ? " - - - ks vs" : ""), "y keys values", [.. attributes])
            .In("q", DType.Float32, 1, -1, Heads * D).In("k", DType.Float32, 1, -1, KeyHeads * D).In("v", DType.Float32, 1, -1, KeyHeads * D).In("pk", type, 1, KeyHeads, places, D).In("pv", type, 1, KeyHeads, places, D)
            .In("lengths", DType.Int32, 1).In("total", DType.Int32).In("cos", DType.Float32, 32, D / 2).In("sin", DType.Float32, 32, D / 2);
        if (int8) model = model.In("ks", DType.Float32, 1).In("vs", DType.Float32, 1);
        model = model.Out("y", "keys", "values");
        using var ort = new InferenceSession(model.ToByteArray());
        var graph = new GraphInterpreter(OnnxImporter.Import(model, null));
        Tensor[] caches = [new(type, new Shape(1, KeyHeads, places, D)), new(type, new Shape(1, KeyHeads, places, D))], ours = caches;
        Tensor cos = Random(32, D / 2), sin = Random(32, D / 2), scale = Tensor.FromArray<float>([0.01f], new Shape(1));
        int total = 0;
        foreach (int count in new[] { 3, 1, 2, 1, 1, 5, 1, 1, 1, 9, 1 })
        {
            total += count;
            Tensor[] step = [Random(1, count, Heads * D), Random(1, count, KeyHeads * D), Random(1, count, KeyHeads * D)], rest = [Ints([total - 1], 1), Ints([total]), cos, sin, .. int8 ? new[] { scale, scale } : []];
            Tensor[] given = [.. step, .. caches, .. rest];
            using var results = ort.Run([.. given.Select((t, i) => OrtComparison.Named(model.Graph.Input[i].Name, t))], ["y", "keys", "values"]);
            Tensor[] expected = [.. results.Select(OrtComparison.Read)], got = graph.Run([.. step, .. ours, .. rest]);
            TensorAssert.Close(expected[0], got[0], 1e-4, 1e-5, $"y of {total} tokens");
            int gap = places - Window + 1, resident = total <= places ? total : total - gap * ((total - places + gap - 1) / gap);
            for (int c = 0; c < 2; c++)
                for (int h = 0; h < KeyHeads; h++)
                    for (int i = 0; i < resident * D; i++)
                        Assert.Equal(expected[1 + c].GetDouble(h * places * D + i), got[1 + c].GetDouble(h * places * D + i), 1e-5);
            (caches, ours) = (expected[1..], got[1..]);
        }
    }

    [Theory]
    [InlineData("k_quant_type", "PER_TOKEN")]
    [InlineData("sliding_window_cache", 1L)]
    public void A_cache_of_an_unknown_form_is_refused_by_name(string attribute, object value)
    {
        ModelProto model = Contrib("GroupQueryAttention", "q k v pk pv l t", "y", Attr("num_heads", 2L), Attr("kv_num_heads", 2L), value is string s ? Attr(attribute, s) : Attr(attribute, (long)value))
            .In("q", DType.Float32, 1, 1, 8).In("k", DType.Float32, 1, 1, 8).In("v", DType.Float32, 1, 1, 8).In("pk", DType.Int8, 1, 2, 3, 4).In("pv", DType.Int8, 1, 2, 3, 4)
            .In("l", DType.Int32, 1).In("t", DType.Int32).Out("y");
        Assert.Contains(attribute, Assert.Throws<EdgeLiteException>(() => OnnxImporter.Import(model, null)).Message);
    }

    /// <summary>Random entries of a quantized cache in the places that are taken, of 4 bits two in a byte.</summary>
    private static Tensor Integers(Grouped c, int heads, int size, bool isPacked)
    {
        var random = new Random(31);
        var cache = new Tensor(isPacked ? DType.UInt8 : DType.Int8, new Shape(c.Batch, heads, c.Cache, size));
        for (long i = 0; i < cache.Count; i++)
            if (i / size % c.Cache < c.Past) cache.SetInt64(i, isPacked ? random.Next(256) : random.Next(-128, 128));
        return cache;
    }

    /// <summary>Random entries in the places that are taken, 0 behind.</summary>
    private Tensor Cache(Grouped c, int heads, int size)
    {
        Tensor cache = Random(c.Batch, heads, c.Cache, size);
        for (long i = 0; i < cache.Count; i++)
            if (i / size % c.Cache >= c.Past) cache.SetDouble(i, 0);
        return cache;
    }

    /// <summary>Keys or values of a past that holds both.</summary>
    private static Tensor Half(Tensor past, int i)
    {
        var half = new Tensor(past.DType, new Shape([.. past.Shape.AsSpan()[1..]]));
        past.Bytes.Slice((int)half.ByteLength * i, (int)half.ByteLength).CopyTo(half.Bytes);
        return half;
    }

    private static Tensor Ints(int[] values, params long[] shape) => Tensor.FromArray<int>(values, new Shape(shape));
}
