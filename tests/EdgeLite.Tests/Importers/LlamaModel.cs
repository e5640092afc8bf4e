using EdgeLite.Converter.Importers.Onnx.Proto;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Importers;

/// <summary>
/// A Llama (arXiv 2302.13971) of random weights in the form that onnxruntime-genai's model builder writes for the CPU: names and shapes of inputs
/// and outputs, GroupQueryAttention with the rotation inside, MatMulNBits of 4 bits, SkipSimplifiedLayerNormalization, and the numbers of
/// valid keys from the attention mask.
/// </summary>
internal sealed record LlamaModel(int Layers = 2, int Hidden = 128, int Heads = 8, int KeyHeads = 2, int Intermediate = 256, int Vocabulary = 320, int Places = 128)
{
    private const int Block = 32;

    public int HeadSize => Hidden / Heads;

    /// <summary>Whether Q, K and V come from one product, as the builder does where their widths allow it.</summary>
    public bool IsPacked { get; init; }

    /// <summary>Bits of the cache of keys and values: 32 float32, else 8 or 4, one scale for each channel.</summary>
    public int CacheBits { get; init; } = 32;

    public static string PastName(int layer, bool isValue) => $"past_key_values.{layer}.{(isValue ? "value" : "key")}";
    public static string PresentName(int layer, bool isValue) => $"present.{layer}.{(isValue ? "value" : "key")}";

    /// <summary>Which output goes to which input at the next run, as metadata of a converted model have it.</summary>
    public string States => string.Join('\n', Enumerable.Range(0, 2 * Layers).Select(i => $"{PastName(i / 2, i % 2 == 1)}={PresentName(i / 2, i % 2 == 1)}"));

    public ModelProto Build()
    {
        var random = new Random(11);
        ModelProto model = Model(21);
        model.IrVersion = 10;
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
        model.In("input_ids", DType.Int64, -1, -2).In("attention_mask", DType.Int64, -1, -3);

        Add("Gather", "model.embed_tokens.weight input_ids", "/model/embed_tokens/Gather/output_0");
        Constant("model.embed_tokens.weight", [Vocabulary, Hidden], 1);
        Add("ReduceSum", "attention_mask one", "/model/attn_mask_reformat/ReduceSum/output_0", Attr("keepdims", 1L));
        Add("Sub", "/model/attn_mask_reformat/ReduceSum/output_0 one", "/model/attn_mask_reformat/Sub/output_0");
        Add("Cast", "/model/attn_mask_reformat/Sub/output_0", "seqlens_k", Attr("to", (long)DType.Int32));
        Add("Shape", "attention_mask", "/model/attn_mask_reformat/Shape/output_0");
        Add("Gather", "/model/attn_mask_reformat/Shape/output_0 index_one", "/model/attn_mask_reformat/Gather/output_0", Attr("axis", 0L));
        Add("Cast", "/model/attn_mask_reformat/Gather/output_0", "total_seq_len", Attr("to", (long)DType.Int32));
        model.Const(Raw("one", DType.Int64, [1], BitConverter.GetBytes(1L))).Const(Raw("index_one", DType.Int64, [], BitConverter.GetBytes(1L)));
        model.Const(Table("cos_cache", Math.Cos)).Const(Table("sin_cache", Math.Sin));

        string residual = "/model/embed_tokens/Gather/output_0", normed = "/model/layers.0/input_layernorm/output_0";
        Constant("model.layers.0.input_layernorm.weight", [Hidden], 1);
        Add("SimplifiedLayerNormalization", $"{residual} model.layers.0.input_layernorm.weight", normed, Attr("epsilon", 1e-5f), Attr("axis", -1L), Attr("stash_type", 1L));
        for (int l = 0; l < Layers; l++)
        {
            string at = $"/model/layers.{l}", keys = PastName(l, false), values = PastName(l, true);
            int width = CacheBits == 4 ? HeadSize / 2 : HeadSize;
            DType type = CacheBits switch { 32 => DType.Float32, 8 => DType.Int8, _ => DType.UInt8 };
            model.In(keys, type, -1, KeyHeads, -4, width).In(values, type, -1, KeyHeads, -4, width);
            int q = Hidden, kv = KeyHeads * HeadSize;
            string qkv;
            if (IsPacked) qkv = $"{Product($"{at}/attn/qkv_proj/MatMul", normed, Hidden, q + 2 * kv)} - -";
            else qkv = $"{Product($"{at}/attn/q_proj/MatMul", normed, Hidden, q)} {Product($"{at}/attn/k_proj/MatMul", normed, Hidden, kv)} {Product($"{at}/attn/v_proj/MatMul", normed, Hidden, kv)}";
            List<AttributeProto> options = [Attr("num_heads", (long)Heads), Attr("kv_num_heads", (long)KeyHeads), Attr("scale", (float)(1 / Math.Sqrt(HeadSize))), Attr("local_window_size", -1L), Attr("softcap", 0f), Attr("do_rotary", 1L), Attr("rotary_interleaved", 0L)];
            string scales = "";
            if (CacheBits != 32)
            {
                options.AddRange([Attr("kv_cache_bit_width", (long)CacheBits), Attr("k_quant_type", "PER_CHANNEL"), Attr("v_quant_type", "PER_CHANNEL")]);
                scales = $" - - - {at}/k_scale {at}/v_scale";
                foreach (string name in new[] { "k_scale", "v_scale" }) Constant($"{at}/{name}", [1, KeyHeads, 1, HeadSize], 0.02f, CacheBits == 8 ? 0.03f : 0.4f);
            }
            AddMicrosoft("GroupQueryAttention", $"{qkv} {keys} {values} seqlens_k total_seq_len cos_cache sin_cache{scales}", $"{at}/attn/GroupQueryAttention/output_0 {PresentName(l, false)} {PresentName(l, true)}", [.. options]);
            string attended = Product($"{at}/attn/o_proj/MatMul", $"{at}/attn/GroupQueryAttention/output_0", Hidden, Hidden);
            (residual, normed) = Skip($"{at}/post_attention_layernorm", residual, attended);
            string gate = Product($"{at}/mlp/gate_proj/MatMul", normed, Hidden, Intermediate), up = Product($"{at}/mlp/up_proj/MatMul", normed, Hidden, Intermediate);
            Add("Sigmoid", gate, $"{at}/mlp/act_fn/Sigmoid/output_0");
            Add("Mul", $"{gate} {at}/mlp/act_fn/Sigmoid/output_0", $"{at}/mlp/act_fn/Mul/output_0");
            Add("Mul", $"{at}/mlp/act_fn/Mul/output_0 {up}", $"{at}/mlp/Mul/output_0");
            string down = Product($"{at}/mlp/down_proj/MatMul", $"{at}/mlp/Mul/output_0", Intermediate, Hidden);
            (residual, normed) = Skip(l + 1 < Layers ? $"/model/layers.{l + 1}/input_layernorm" : $"{at}/final_norm_layernorm", residual, down);
        }
        Product("/lm_head/MatMul", normed, Hidden, Vocabulary, "logits");
        model.Out("logits");
        for (int l = 0; l < Layers; l++) model.Out(PresentName(l, false), PresentName(l, true));
        return model;

        NodeProto Add(string op, string inputs, string outputs, params AttributeProto[] attributes)
        {
            NodeProto node = Node(op, inputs, outputs, attributes);
            model.Graph.Node.Add(node);
            return node;
        }

        void AddMicrosoft(string op, string inputs, string outputs, params AttributeProto[] attributes) => Add(op, inputs, outputs, attributes).Domain = "com.microsoft";

        void Constant(string name, long[] dims, float middle, float spread = 0.5f)
        {
            long count = dims.Aggregate(1L, (a, b) => a * b);
            model.Const(Floats(name, dims, [.. Enumerable.Range(0, (int)count).Select(_ => middle + spread * (float)(random.NextDouble() - (middle == 0.02f ? 0 : 0.5)))]));
        }

        // MatMulNBits: [outputs][blocks][16 bytes], a scale for each block.
        string Product(string name, string x, int inputs, int outputs, string? y = null)
        {
            y ??= name + "/output_0";
            int blocks = inputs / Block;
            var packed = new byte[outputs * blocks * Block / 2];
            random.NextBytes(packed);
            model.Const(Raw(name + ".qweight", DType.UInt8, [outputs, blocks, Block / 2], packed));
            model.Const(Floats(name + ".scales", [outputs * blocks], [.. Enumerable.Range(0, outputs * blocks).Select(_ => (float)(0.2 + random.NextDouble()) / (4 * MathF.Sqrt(inputs)))]));
            AddMicrosoft("MatMulNBits", $"{x} {name}.qweight {name}.scales", y, Attr("K", (long)inputs), Attr("N", (long)outputs), Attr("bits", 4L), Attr("block_size", (long)Block), Attr("accuracy_level", 0L));
            return y;
        }

        (string Sum, string Normed) Skip(string name, string residual, string x)
        {
            Constant($"{name[1..].Replace('/', '.')}.weight", [Hidden], 1);
            AddMicrosoft("SkipSimplifiedLayerNormalization", $"{residual} {x} {name[1..].Replace('/', '.')}.weight", $"{name}/output_0 - - {name}/output_3", Attr("epsilon", 1e-5f));
            return ($"{name}/output_3", $"{name}/output_0");
        }

        TensorProto Table(string name, Func<double, double> f) => Floats(name, [Places, HeadSize / 2],
            [.. Enumerable.Range(0, Places * HeadSize / 2).Select(i => (float)f(i / (HeadSize / 2) * Math.Pow(10000, -2.0 * (i % (HeadSize / 2)) / HeadSize)))]);
    }
}
