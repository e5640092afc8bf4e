using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Writer;
using EdgeLite.Tests.Passes;

namespace EdgeLite.Tests.Sessions;

/// <summary>Values between layers in float16 (SessionOptions.AllowHalf), against the processor in float32: every kernel over float16, and
/// which nodes take part. Under emulation on the device with matrix instructions.</summary>
public class CudaHalfTests
{
    /// <summary>Float16 has 11 bits: half a unit in the last place, of inputs and of results.</summary>
    private const double Tolerance = 3e-3;

    private const string Rows = "input %x : float32[20,48] const %w : float32[48,40] = seeded(3) %a = MatMul(%x, %w) ";
    private const string Image = "input %x : float32[1,8,9,8] const %w : float32[16,8,1,1] = seeded(3) %a = Conv(%x, %w) ";

    /// <summary>Queries, keys and values made by products of the input; d wide, values e wide.</summary>
    private static string Attention(int batch, int s, int t, int heads, int d, int e, int shared = 1, string mask = ", %mask", string more = "") => $$"""
        input %x : float32[{{batch}},{{t}},16]
        const %wq : float32[16,{{heads * d}}] = seeded(1)
        const %wk : float32[16,{{heads / shared * d}}] = seeded(2)
        const %wv : float32[16,{{heads / shared * e}}] = seeded(3)
        const %begin : int64[1] = [0]
        const %end : int64[1] = [{{s}}]
        const %axis : int64[1] = [1]
        const %mask : float32[{{s}},{{t}}] = seeded(4)
        %r = Slice(%x, %begin, %end, %axis)
        %q = MatMul(%r, %wq)
        %k = MatMul(%x, %wk)
        %v = MatMul(%x, %wv)
        %y = Attention(%q, %k, %v{{mask}}) {q_num_heads={{heads}}, kv_num_heads={{heads / shared}}{{more}}}
        output %y
        """;

    /// <summary>Products with weights of few bits in blocks.</summary>
    internal static string Block(int m, int k, int bits, int block, bool zeros = true, bool halfScales = false, int columns = 21)
    {
        int rows = bits == 3 ? 32 : 32 / bits, units = (k + rows - 1) / rows, blocks = (k + block - 1) / block, panels = (columns + 15) / 16;
        return $$"""
            input %x : float32[{{m}},{{k}}] const %w : uint8[{{panels * units * (bits == 3 ? 192 : 64)}}] = seeded(1) const %b : float32[{{columns}}] = seeded(4)
            const %s : {{(halfScales ? "float16" : "float32")}}[{{panels * blocks * 16}}] = seeded(2) {{(zeros ? $"const %z : uint8[{panels * blocks * 16}] = seeded(3)" : "")}}
            %y = edgelite.BlockGemm(%x, %w, %s, {{(zeros ? "%z" : "_")}}, %b) {out_features={{columns}}, bits={{bits}}, block_size={{block}}, int8=0} output %y
            """;
    }

    /// <summary>Entries that a case must launch (joined with a comma), then the graph.</summary>
    private static readonly (string Entries, string Body)[] s_cases =
    [
        ("conv_f16_64x64_any", "input %x : float32[1,3,19,18] const %w : float32[20,3,3,3] = seeded(3) const %b : float32[20] = seeded(2) %a = Conv(%x, %w, %b) {pads=[1,1,1,1], strides=[2,1]} %y = Relu(%a) output %y"),
        ("conv_f16_64x64", "input %x : float32[1,16,9,8] const %w : float32[24,8,3,3] = seeded(3) %y = Conv(%x, %w) {pads=[2,2,2,2], dilations=[2,2], group=2} output %y"),
        ("conv_f16_64x64", "input %x : float32[2,40,9,8] const %w : float32[21,40,3,3] = seeded(3) const %b : float32[21] = seeded(2) %a = Conv(%x, %w, %b) {pads=[1,1,1,1]} %y = Sigmoid(%a) output %y"),
        ("conv_f16_64x64", "input %x : float32[1,304,5,5] const %w : float32[20,304,3,3] = seeded(3) const %b : float32[20] = seeded(2) const %s : float32[20,1,1] = seeded(5) %a = Conv(%x, %w, %b) %y = PRelu(%a, %s) output %y"),
        ("conv_f16_64x64_1x1", "input %x : float32[1,16,9,8] const %w : float32[24,16,1,1] = seeded(3) const %b : float32[24] = seeded(2) %y = Conv(%x, %w, %b) output %y"),
        ("conv_f16_128x64", "input %x : float32[1,8,64,63] const %w : float32[64,8,3,3] = seeded(3) %y = Conv(%x, %w) {pads=[1,1,1,1]} output %y"),
        ("conv_f16_128x128", "input %x : float32[1,8,64,63] const %w : float32[120,8,3,3] = seeded(3) %y = Conv(%x, %w) {pads=[1,1,1,1]} output %y"),
        ("conv_f16_128x64_1x1", "input %x : float32[1,40,64,63] const %w : float32[60,40,1,1] = seeded(3) %y = Conv(%x, %w) output %y"),
        ("conv_f16_128x128_1x1", "input %x : float32[1,40,64,63] const %w : float32[120,40,1,1] = seeded(3) %y = Conv(%x, %w) output %y"),
        ("gemm_f16_row", "input %x : float32[3,50] const %w : float32[50,21] = seeded(3) const %b : float32[21] = seeded(2) %y = Gemm(%x, %w, %b) output %y"),
        ("gemm_f16_64x64", "input %x : float32[21,48] const %w : float32[48,21] = seeded(3) const %b : float32[21] = seeded(2) %a = MatMul(%x, %w) %c = Add(%a, %b) %y = Gelu(%c) output %y"),
        ("gemm_f16_64x64", "input %x : float32[21,1000] const %w : float32[1000,24] = seeded(3) %y = MatMul(%x, %w) output %y"),
        ("gemm_f16_64x64_any", "input %x : float32[21,50] const %w : float32[50,21] = seeded(3) %y = MatMul(%x, %w) output %y"),
        ("gemm_f16_128x64", "input %x : float32[1500,24] const %w : float32[24,60] = seeded(3) %y = MatMul(%x, %w) output %y"),
        ("gemm_f16_128x128", "input %x : float32[3000,24] const %w : float32[24,120] = seeded(3) %y = MatMul(%x, %w) output %y"),
        ("transpose_b2,conv_f16_64x64", "input %x : float32[2,3,17,24] const %w : float32[21,3,4,8] = seeded(3) const %b : float32[21] = seeded(2) %y = Conv(%x, %w, %b) {strides=[2,8], pads=[1,0,1,0]} output %y"),
        ("gemm_f16_192x128", "input %x : float32[700,40] const %w : float32[40,120] = seeded(3) const %b : float32[120] = seeded(2) %a = MatMul(%x, %w) %c = Add(%a, %b) %y = Gelu(%c) output %y"),
        ("conv_f16_192x128_1x1", "input %x : float32[1,40,28,25] const %w : float32[120,40,1,1] = seeded(3) const %b : float32[120] = seeded(2) %a = Conv(%x, %w, %b) %c = Sigmoid(%a) %y = Mul(%a, %c) output %y"),
        ("conv_f16_64x64,conv_f16_64x64_1x1", "input %x : float32[1,16,9,8] const %w : float32[16,16,3,3] = seeded(3) const %v : float32[16,16,1,1] = seeded(4) %a = Conv(%x, %w) {pads=[1,1,1,1]} %b = Conv(%a, %v) %c = Add(%b, %a) %y = Relu(%c) output %y"),
        ("conv_transpose_f16_64x64", "input %x : float32[2,16,5,4] const %w : float32[16,12,3,3] = seeded(3) const %b : float32[24] = seeded(2) %a = ConvTranspose(%x, %w, %b) {strides=[2,2], pads=[1,1,1,1], output_padding=[1,0], group=2} %y = Relu(%a) output %y"),
        ("conv_transpose_f16_64x64", "input %x : float32[1,40,6,5] const %w : float32[40,21,2,4] = seeded(3) %y = ConvTranspose(%x, %w) {strides=[3,1], pads=[0,2,0,1]} output %y"),
        ("conv_transpose_f16_64x64", "input %x : float32[1,24,6,5] const %w : float32[24,24,4,3] = seeded(3) %a = ConvTranspose(%x, %w) {strides=[4,2], dilations=[2,3], pads=[1,0,2,1]} %y = Sigmoid(%a) output %y"),
        ("conv_transpose_f16_64x64_any", "input %x : float32[1,6,5,4] const %w : float32[6,4,3,3] = seeded(3) const %b : float32[8] = seeded(2) %y = ConvTranspose(%x, %w, %b) {strides=[2,3], pads=[1,1,1,1], group=2} output %y"),
        ("conv_transpose_f16_128x64", "input %x : float32[1,8,64,63] const %w : float32[8,60,2,2] = seeded(3) %y = ConvTranspose(%x, %w) {strides=[2,2]} output %y"),
        ("matmul_f16_64x64", "input %x : float32[2,3,11,16] input %z : float32[3,16,24] %y = MatMul(%x, %z) output %y"),
        ("matmul_f16_64x64", "input %x : float32[2,70,520] input %z : float32[1,520,40] %y = MatMul(%x, %z) output %y"),
        ("matmul_f16_64x64_any", "input %x : float32[2,1,11,13] input %z : float32[3,13,5] %y = MatMul(%x, %z) output %y"),
        ("matmul_f16_64x64_any", "input %x : float32[72,11] input %z : float32[5,72] %y = Gemm(%x, %z) {transA=1, transB=1, alpha=0.5} output %y"),
        ("matmul_f16_128x128", "input %x : float32[2,1500,24] input %z : float32[24,120] %y = MatMul(%x, %z) output %y"),
        ("block_gemm_f16_row", Block(3, 70, 4, 32)),
        ("block_gemm_f16_row", Block(1, 96, 8, 32, zeros: false)),
        ("block_gemm_f16_row", Block(2, 96, 3, 32, halfScales: true)),
        ("block_gemm_f16_row", Block(8, 96, 2, 32)),
        ("block_gemm_f16_4_64x64", Block(3, 200, 4, 64)),
        ("block_gemm_f16_4_64x64", Block(70, 328, 4, 32, zeros: false, halfScales: true)),
        ("block_gemm_f16_4_128x64", Block(1500, 40, 4, 40)),
        ("block_gemm_f16_8_64x64", Block(2, 200, 8, 96)),
        ("block_gemm_f16_8_64x64", Block(70, 328, 8, 328, zeros: false, halfScales: true)),
        ("block_gemm_f16_8_128x64", Block(1500, 40, 8, 32, halfScales: true)),
        ("lstm_f16", """
            input %x : float32[7,2,5]
            const %w : float32[1,84,5] = seeded(1)
            const %r : float32[1,84,21] = seeded(2)
            const %b : float32[1,168] = seeded(3)
            %y, %h, %c = LSTM(%x, %w, %r, %b) {hidden_size=21}
            output %y
            output %h
            output %c
            """),
        ("lstm_f16", """
            input %x : float32[4,18,6]
            input %h0 : float32[2,18,150]
            input %c0 : float32[2,18,150]
            const %w : float32[2,600,6] = seeded(1)
            const %r : float32[2,600,150] = seeded(2, -0.2, 0.2)
            %y, %h, %c = LSTM(%x, %w, %r, _, _, %h0, %c0) {hidden_size=150, direction="bidirectional"}
            output %y
            output %h
            output %c
            """),
        ("lstm_f16", """
            input %x : float32[9,2,5]
            const %w : float32[4,21,5] = seeded(1)
            const %r : float32[4,21,21] = seeded(2)
            const %b : float32[4,21] = seeded(3)
            %y, %h, %c = edgelite.SequenceLstm(%x, %w, %r, %b) {time_major=1, cell_clip=0.25}
            output %c
            output %h
            """),
        ("gru_f16", """
            input %x : float32[6,17,5]
            input %h0 : float32[1,17,38]
            const %w : float32[1,114,5] = seeded(1)
            const %r : float32[1,114,38] = seeded(2)
            const %b : float32[1,228] = seeded(3)
            %y, %h = GRU(%x, %w, %r, %b, _, %h0) {hidden_size=38, linear_before_reset=1, direction="reverse"}
            output %y
            output %h
            """),
        ("dwconv_f16_8", Image + "const %v : float32[16,1,5,5] = seeded(5) %c = Conv(%a, %v) {pads=[2,2,2,2], group=16} %y = Sigmoid(%c) output %y"),
        ("dwconv_f16_line_halved", Image + "const %v : float32[16,1,3,3] = seeded(5) const %b : float32[16] = seeded(2) %c = Conv(%a, %v, %b) {pads=[1,1,1,1], strides=[2,2], group=16} %y = LeakyRelu(%c) {alpha=0.3} output %y"),
        ("dwconv_f16_line", "input %x : float32[2,8,9,9] const %w : float32[20,8,1,1] = seeded(3) %a = Conv(%x, %w) const %v : float32[20,1,3,3] = seeded(5) %c = Conv(%a, %v) {pads=[1,1,1,1], group=20} %d = Add(%c, %a) %y = Swish(%d) output %y"),
        ("dwconv_f16_line", Image + "const %v : float32[16,1,3,3] = seeded(5) const %b : float32[16] = seeded(2) %c = Conv(%a, %v, %b) {pads=[1,1,1,1], group=16} %y = Clip(%c) output %y"),
        ("dwconv_f16_1", "input %x : float32[1,8,9,8] const %w : float32[19,8,1,1] = seeded(3) %a = Conv(%x, %w) const %v : float32[19,1,5,3] = seeded(5) %y = Conv(%a, %v) {strides=[2,2], group=19} output %y"),
        ("pool_f16", "input %x : float32[1,8,9,8] const %w : float32[19,8,1,1] = seeded(3) %a = Conv(%x, %w) %y = MaxPool(%a) {kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]} output %y"),
        ("pool_f16_8", Image + "%y = MaxPool(%a) {kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]} output %y"),
        ("pool_f16_8", Image + "%y = AveragePool(%a) {kernel_shape=[3,2], strides=[2,2], pads=[1,1,1,1], count_include_pad=1} output %y"),
        ("reduce_f16_columns", Image + "%y = GlobalAveragePool(%a) output %y"),
        ("resize_f16", Image + "const %s : float32[4] = [1,1,2,2] %y = Resize(%a, _, %s) {mode=\"linear\"} output %y"),
        ("resize_nearest_f16", Image + "const %s : float32[4] = [1,1,2,2] %y = Resize(%a, _, %s) {mode=\"nearest\"} output %y"),
        ("pad_f16", Image + "const %p : int64[8] = [0,0,1,2,0,0,0,1] const %v : float32[] = 0.5 %y = Pad(%a, %p, %v) output %y"),
        ("rotary_f16", "input %x : float32[2,5,16] const %w : float32[16,24] = seeded(3) %a = MatMul(%x, %w) const %c : float32[2,5,4] = seeded(1) const %s : float32[2,5,4] = seeded(2) %y = RotaryEmbedding(%a, %c, %s) {num_heads=3} output %y"),
        ("where_f16", Rows + "const %c : bool[20,1] = [1,0,1,0,0,1,1,0,1,0,1,0,0,1,1,0,1,1,0,0] const %b : float32[40] = seeded(8) %y = Where(%c, %a, %b) output %y"),
        ("interleave_b2", Rows + "%b = Tanh(%a) %y = edgelite.Interleave(%a, %b) output %y"),
        ("reduce_f16_rows", Rows + "const %i : int64[1] = [1] %b = ReduceMax(%a, %i) output %b"),
        ("unary_f16", Rows + "%b = Exp(%a) %c = Abs(%b) %y = Sqrt(%c) output %y"),
        ("binary_f16_dense", Rows + "%b = Exp(%a) %y = Mul(%a, %b) output %y"),
        ("binary_f16", Rows + "const %b : float32[20,1] = seeded(8) %y = Mul(%a, %b) output %y"),
        ("topk_f16", Rows + "const %k : int64[1] = [2] %b, %i = TopK(%a, %k) output %b output %i"),
        ("softmax_f16", Rows + "%y = Softmax(%a) output %y"),
        ("softmax_f16", "input %x : float32[20,48] const %w : float32[48,600] = seeded(3) %a = MatMul(%x, %w) %y = Softmax(%a) output %y"),
        ("layer_norm_f16", "input %x : float32[20,48] const %w : float32[48,42] = seeded(3) %a = MatMul(%x, %w) const %s : float32[42] = seeded(1) const %c : float32[42] = seeded(2) %y = LayerNormalization(%a, %s, %c) output %y"),
        ("layer_norm_f16_warp", Rows + "const %s : float32[40] = seeded(1) const %c : float32[40] = seeded(2) %y = LayerNormalization(%a, %s, %c) output %y"),
        ("affine_f16", Rows + "const %s : float32[40] = seeded(1) const %b : float32[40] = seeded(2) const %v : float32[40] = seeded(4, 0.5, 1.5) %y = BatchNormalization(%a, %s, %b, %b, %v) {channels_last=1} output %y"),
        ("attention_f16_64", Attention(2, 7, 9, 3, 24, 16)),
        ("attention_f16_64", Attention(1, 70, 150, 2, 64, 64)),
        ("attention_f16_64", Attention(2, 150, 150, 4, 32, 64, shared: 2, mask: "", more: ", is_causal=1")),
        ("attention_f16_128", Attention(1, 66, 66, 2, 72, 72, more: ", softcap=0.5")),
        ("attention_f16_128", Attention(1, 66, 70, 2, 96, 128)),
        ("transpose_b2", Rows + "%b = Transpose(%a) %y = Exp(%b) output %y"),
        ("copy2d_f16", Rows + "const %b : float32[20,3] = seeded(8) %c = Concat(%a, %b) {axis=1} %y = Exp(%c) output %y"),
        ("copy2d_f16", Rows + "const %b : float32[20,8] = seeded(8) %c = Concat(%a, %b) {axis=1} %y = Exp(%c) output %y"),
        ("gather_f16", Rows + "const %i : int64[4] = [1,-1,0,4] %b = Gather(%a, %i) %y = Exp(%b) output %y"),
    ];

    public static TheoryData<int, string> Cases
    {
        get
        {
            var data = new TheoryData<int, string>();
            for (int i = 0; i < s_cases.Length; i++) data.Add(i, s_cases[i].Entries);
            return data;
        }
    }

    /// <summary>Entries that a case here launches.</summary>
    internal static IEnumerable<string> Entries => s_cases.SelectMany(c => c.Entries.Split(','));

    internal static Model Make(string body)
    {
        Graph graph = GraphText.Parse("graph \"g\" {\n" + body + "\n}");
        if (!body.Contains("BatchNormalization", StringComparison.Ordinal)) PassList.Optimize(graph); // which would make products and sums of it
        CpuLowering.Run(graph);
        return Model.Load(ModelWriter.ToBytes(graph), "g");
    }

    internal static Session Compare(Model model, SessionOptions options)
    {
        using Session expected = model.CreateSession(new SessionOptions { Threads = 1 });
        Session half = model.CreateSession(options with { Threads = 1, Device = CudaRun.Device, AllowHalf = true });
        for (int i = 0; i < expected.InputCount; i++)
        {
            SeededFill.Fill(expected.Input(i), (ulong)(3 + i));
            expected.Input(i).CopyTo(half.Input(i));
        }
        expected.Run();
        half.Run();
        half.Run(); // from the same inputs again: nothing of the first run may be left in the way
        for (int o = 0; o < expected.OutputCount; o++) Equivalence.Same(expected.Output(o), half.Output(o), Tolerance, 0, expected.OutputName(o));
        return half;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_kernel_over_float16_is_near_the_processor_in_float32(int number, string entries)
    {
        using Model model = Make(s_cases[number].Body);
        using Session half = Compare(model, new SessionOptions());
        if (!CudaRun.IsEmulated) return; // which kernels are chosen depends on the GPU
        string[] kernels = [.. half.Profile(1).Select(s => s.Kernel)];
        foreach (string entry in entries.Split(',')) Assert.Contains(entry + "/cuda", kernels);
        // There, and once back.
        Assert.InRange(kernels.Count(k => k == "copy/to_half"), 1, entries.StartsWith("attention", StringComparison.Ordinal) ? 2 : half.InputCount);
        Assert.InRange(kernels.Count(k => k == "copy/from_half"), 1, half.OutputCount);
    }

    /// <summary>Rows, columns of three layers, whether something is between the first two, and how many are left to the launch of another.</summary>
    [Theory]
    [InlineData(70, 48, 32, 24, false, 2)]
    [InlineData(300, 144, 144, 136, false, 2)]
    [InlineData(3, 48, 32, 24, false, 2)]
    [InlineData(70, 48, 24, 32, false, 1)] // the columns of the second are no whole panels
    [InlineData(70, 48, 32, 24, true, 1)]
    [InlineData(70, 21, 32, 21, false, 0)]
    public void Dense_layers_of_the_same_rows_are_one_launch(int rows, int first, int second, int third, bool isApart, int joined)
    {
        Graph graph = GraphText.Parse($$"""
            graph "g" {
            input %x : float32[{{rows}},40]
            const %wq : float32[40,{{first}}] = seeded(1)
            const %wk : float32[40,{{second}}] = seeded(2)
            const %wv : float32[40,{{third}}] = seeded(3)
            const %bq : float32[{{first}}] = seeded(4)
            const %bk : float32[{{second}}] = seeded(5)
            const %bv : float32[{{third}}] = seeded(6)
            const %shape : int64[3] = [0,-1,1]
            %q = Gemm(%x, %wq, %bq)
            %r = {{(isApart ? "Exp(%q)" : "Reshape(%q, %shape)")}}
            %k = Gemm(%x, %wk, %bk)
            %v = Gemm(%x, %wv, %bv)
            output %r
            output %k
            output %v
            }
            """);
        PassList.Optimize(graph);
        CpuLowering.Run(graph);
        using Model model = Model.Load(ModelWriter.ToBytes(graph), "g");
        foreach (bool keepAll in new[] { false, true })
        {
            using Session half = Compare(model, new SessionOptions { KeepAllValues = keepAll });
            if (CudaRun.IsEmulated) Assert.Equal(joined, half.Profile(1).Count(s => s.Kernel == "joined/cuda"));
            Assert.All(half.Profile(1).Where(s => s.Operator == "edgelite.Gemm" && !s.Kernel.StartsWith("copy", StringComparison.Ordinal)), s => Assert.Equal(2.0 * 40 * s.Output.Shape.Count, s.Operations));
        }
        // A file of float16 layers.
        HalfLayers.Run(graph);
        using Model file = Model.Load(ModelWriter.ToBytes(graph), "g");
        using Session expected = model.CreateSession(new SessionOptions { Threads = 1 });
        using Session actual = file.CreateSession(new SessionOptions { Threads = 1, Device = CudaRun.Device });
        SeededFill.Fill(expected.Input(0), 3);
        expected.Input(0).CopyTo(actual.Input(0));
        expected.Run();
        actual.Run();
        for (int o = 0; o < 3; o++) Equivalence.Same(expected.Output(o), actual.Output(o), Tolerance, 0, expected.OutputName(o));
        if (CudaRun.IsEmulated) Assert.Equal(joined, actual.Profile(1).Count(s => s.Kernel == "joined/cuda"));
    }

    public static TheoryData<string> Devices => [.. CudaRun.AllDevices];

    /// <summary>Layers that the file itself has in float16 (<c>--quantize half</c>): on the GPU from end to end where it has them, on the processor elsewhere.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void A_file_of_float16_layers_runs_on_the_GPU(string device)
    {
        Graph graph = GraphText.Parse("""
            graph "g" {
            input %x : float32[1,3,9,16]
            const %w1 : float32[24,3,3,3] = seeded(1)
            const %b1 : float32[24] = seeded(2)
            const %w2 : float32[24,1,3,3] = seeded(3)
            const %w3 : float32[24,24,1,1] = seeded(4)
            const %w5 : float32[24,1,5,5] = seeded(5)
            const %w4 : float32[24,7] = seeded(6)
            %a = Conv(%x, %w1, %b1) {pads=[1,1,1,1], strides=[2,1]}
            %b = HardSwish(%a)
            %c = Conv(%b, %w2) {pads=[1,1,1,1], group=24}
            %d = Conv(%c, %w5) {pads=[2,2,2,2], group=24}
            %e = Conv(%d, %w3)
            %f = Add(%e, %b)
            %s = GlobalAveragePool(%f)
            %u = Sigmoid(%s)
            %v = Mul(%f, %u)
            %n = Neg(%v)
            %p = MaxPool(%n) {kernel_shape=[2,2]}
            %q = AveragePool(%v) {kernel_shape=[2,2]}
            %m = Concat(%p, %q) {axis=2}
            %g = GlobalAveragePool(%m)
            %h = Flatten(%g)
            %y = Gemm(%h, %w4)
            output %y
            }
            """);
        PassList.Optimize(graph);
        CpuLowering.Run(graph);
        using Model whole = Model.Load(ModelWriter.ToBytes(graph), "g");
        HalfLayers.Run(graph);
        using Model half = Model.Load(ModelWriter.ToBytes(graph), "g");
        using Session expected = whole.CreateSession(new SessionOptions { Threads = 1 });
        using Session actual = half.CreateSession(new SessionOptions { Threads = 1, Device = device });
        SeededFill.Fill(expected.Input(0), 3);
        expected.Input(0).CopyTo(actual.Input(0));
        expected.Run();
        actual.Run();
        Equivalence.Same(expected.Output(0), actual.Output(0), Tolerance, 0, device);
        if (device != CudaRun.Device) return; // without matrix instructions layers of float16 are the processor's
        Assert.All(actual.Profile(1), s => Assert.True(s.Kernel.EndsWith("/cuda", StringComparison.Ordinal) || s.Kernel is "copy/to_gpu" or "copy/from_gpu", s.Kernel));
    }

    /// <summary>An operator in the middle that has float32 only, a view, an output that is used again, and a sum that is needed in both forms.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Values_change_their_form_where_they_must(bool keepAll)
    {
        using Model model = Make("""
            input %x : float32[16,24]
            const %w : float32[24,32] = seeded(1)
            const %v : float32[32,32] = seeded(2)
            const %axis : int64[] = 1
            const %shape : int64[2] = [32,16]
            const %back : int64[2] = [16,32]
            %a = MatMul(%x, %w)
            %b = CumSum(%a, %axis)
            %c = MatMul(%b, %v)
            %d = Reshape(%c, %shape)
            %e = Tanh(%d)
            %f = Reshape(%e, %back)
            %g = Add(%f, %a)
            %h = Mul(%g, %g)
            output %c
            output %g
            output %h
            """);
        using Session half = Compare(model, new SessionOptions { KeepAllValues = keepAll });
        string[] kernels = [.. half.Profile(1).Select(s => s.Kernel)];
        Assert.Contains("reference", kernels);
        Assert.True(!CudaRun.IsEmulated || kernels.Contains("copy/to_half"));
    }

    /// <summary>Published models against the reference outputs of an independent engine; without that of melspectrograms, whose squares of 16-bit samples
    /// are beyond 65,504, the largest float16.</summary>
    public static TheoryData<string> Models => [.. ConvertedModels.All.Where(m => m != "onnx/openwakeword_melspectrogram")];

    [SharedTheory("zoo")]
    [MemberData(nameof(Models))]
    public void Published_models_in_float16_are_near_their_reference_outputs(string name)
    {
        using Model model = ConvertedModels.Load(name);
        using Session half = model.CreateSession(new SessionOptions { Threads = 1, Device = CudaRun.Device, AllowHalf = true });
        ConvertedModels.Fill(half, name);
        half.Run();
        for (int o = 0; o < half.OutputCount; o++)
        {
            string file = Path.Combine(ConvertedModels.FolderOf(name), $"output_{o}.npy");
            Tensor got = half.Output(o);
            if (!File.Exists(file) || got.DType != DType.Float32) continue;
            Tensor expected = NpyFile.Read(file);
            double error = 0, size = 0;
            for (long i = 0; i < expected.Count; i++)
            {
                error += Math.Pow(expected.GetDouble(i) - got.GetDouble(i), 2);
                size += Math.Pow(expected.GetDouble(i), 2);
            }
            Assert.True(Math.Sqrt(error) <= 0.02 * Math.Sqrt(size), $"{half.OutputName(o)}: off by {Math.Sqrt(error / size)}");
        }
    }

    [Fact]
    public void Nothing_is_float16_without_being_asked_for_and_on_older_devices()
    {
        using Model model = Make(Rows + "output %a");
        foreach (string device in CudaRun.AllDevices)
            foreach (bool allowed in new[] { false, true })
            {
                using Session session = model.CreateSession(new SessionOptions { Threads = 1, Device = device, AllowHalf = allowed });
                bool isHalf = session.Profile(1).Any(s => s.Kernel.Contains("f16", StringComparison.Ordinal));
                if (CudaRun.IsEmulated) Assert.Equal(allowed && device == "cuda:0", isHalf);
            }
    }

    /// <summary>Keys that are masked by -inf, in front and whole groups of them, have no weight.</summary>
    [Fact]
    public void Masked_keys_have_no_weight()
    {
        using Model model = Make("""
            input %q : float32[1,9,32]
            input %k : float32[1,150,32]
            input %v : float32[1,150,32]
            input %mask : float32[9,150]
            %y = Attention(%q, %k, %v, %mask) {q_num_heads=2, kv_num_heads=2}
            output %y
            """);
        using Session expected = model.CreateSession(new SessionOptions { Threads = 1, Device = "reference" });
        for (int i = 0; i < 4; i++) SeededFill.Fill(expected.Input(i), (ulong)i);
        Span<float> mask = expected.Input(3).Span<float>();
        for (int i = 0; i < mask.Length; i++)
            if (i % 150 < 100) mask[i] = float.NegativeInfinity;
        expected.Run();
        foreach (string device in (string[])["cpu", .. CudaRun.AllDevices])
            foreach (bool half in new[] { false, true })
            {
                using Session actual = model.CreateSession(new SessionOptions { Threads = 1, Device = device, AllowHalf = half });
                for (int i = 0; i < 4; i++) expected.Input(i).CopyTo(actual.Input(i));
                actual.Run();
                Equivalence.Same(expected.Output(0), actual.Output(0), half ? Tolerance : 1e-5, 0, device);
            }
    }

    [Fact]
    public void Memory_is_about_half()
    {
        using Model model = Make("input %x : float32[64,64] const %w : float32[64,2048] = seeded(1) const %v : float32[2048,64] = seeded(2) %a = MatMul(%x, %w) %b = Exp(%a) %y = MatMul(%b, %v) output %y");
        using Session whole = model.CreateSession(new SessionOptions { Threads = 1, Device = CudaRun.Device });
        using Session half = model.CreateSession(new SessionOptions { Threads = 1, Device = CudaRun.Device, AllowHalf = true });
        if (CudaRun.IsEmulated) Assert.InRange(half.ArenaBytes, whole.ArenaBytes / 2, whole.ArenaBytes * 2 / 3);
    }
}
