using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Writer;
using EdgeLite.Tests.Architecture;
using EdgeLite.Tests.Passes;
using System.Text.RegularExpressions;

namespace EdgeLite.Tests.Sessions;

/// <summary>Every CUDA kernel against the processor's kernels: graphs in text form, lowered, written and run on both; integers to the bit.
/// Each case names the entries that it must launch, and together they name all of them.</summary>
public partial class CudaKernelTests
{
    internal const string Scales = """
        const %sx : float32[] = 0.05
        const %zx : int8[] = -3
        const %sy : float32[] = 0.1
        const %zy : int8[] = 5
        const %sw : float32[] = 0.01

        """;

    /// <summary>Entries that a case must launch (kernels joined with a comma), then the graph.</summary>
    private static readonly (string Entries, string Body)[] s_cases =
    [
        ("unary_f32", "input %x : float32[2,33] %y = Exp(%x) output %y"),
        ("unary_f32", "input %x : float32[2,33] %a = Abs(%x) %b = Sqrt(%a) %c = Log(%a) %d = Erf(%b) output %b output %c output %d"),
        ("unary_f32", "input %x : float32[700] %a = Sin(%x) %b = Cos(%x) %c = Floor(%x) %d = Ceil(%x) %e = Round(%x) %f = Sign(%x) %g = Neg(%x) %h = Reciprocal(%x) output %a output %b output %c output %d output %e output %f output %g output %h"),
        ("unary_f32", "input %x : float32[700] %a = Sigmoid(%x) %b = Tanh(%x) %c = Elu(%x) {alpha=0.7} %d = Softplus(%x) %e = Mish(%x) %f = HardSwish(%x) %g = Gelu(%x) %h = Gelu(%x) {approximate=\"tanh\"} output %a output %b output %c output %d output %e output %f output %g output %h"),
        ("unary_f32", "input %x : float32[700] %a = Relu(%x) %b = LeakyRelu(%x) {alpha=0.2} %c = HardSigmoid(%x) %d = Swish(%x) output %a output %b output %c output %d"),
        ("binary_f32_dense", "input %x : float32[5,7] input %z : float32[5,7] %a = Add(%x, %z) %b = Sub(%x, %z) %c = Mul(%a, %b) %d = Div(%a, %b) output %c output %d"),
        ("binary_f32", "input %x : float32[5,1,7] input %z : float32[3,1] %a = Max(%x, %z) %b = Min(%x, %z) %c = Pow(%x, %z) %d = PRelu(%a, %z) output %a output %b output %c output %d"),
        ("binary_f32", "input %x : float32[2,3,5,3] input %z : float32[3,1,3] input %s : float32[1] %a = Add(%x, %z) %b = Sub(%s, %a) output %a output %b"),
        ("binary_f32", "input %x : float32[1001] input %z : float32[1] %a = Mul(%x, %z) output %a"),
        ("binary_f32", "input %x : float32[7,41,31] input %z : float32[41,1] %a = Div(%x, %z) output %a"),
        ("where_f32", "input %x : float32[5,7] input %z : float32[7] input %c : bool[5,1] %y = Where(%c, %x, %z) output %y"),
        ("rotary_f32", "input %x : float32[2,3,5,8] input %c : float32[2,5,4] input %s : float32[2,5,4] %y = RotaryEmbedding(%x, %c, %s) output %y"),
        ("rotary_f32", "input %x : float32[2,5,21] input %c : float32[9,2] input %s : float32[9,2] const %p : int64[2,5] = [0,1,2,3,4,8,7,6,9,-1] %y = RotaryEmbedding(%x, %c, %s, %p) {num_heads=3, rotary_embedding_dim=4, interleaved=1} output %y"),
        ("transpose_b4", "input %x : float32[2,3,5,7] %y = Transpose(%x) {perm=[3,1,0,2]} output %y"),
        ("transpose_b1", "input %x : int8[2,3,5,7] %y = Transpose(%x) {perm=[0,2,3,1]} output %y"),
        ("transpose_b1", "input %x : int8[3,5,7,12] %y = Transpose(%x) {perm=[1,0,2,3]} output %y"),
        ("transpose_b1", "input %x : int8[9,5,12] const %b : int64[2] = [1,0] const %e : int64[2] = [9,4] const %s : int64[2] = [2,1] const %a : int64[2] = [0,1] %y = Slice(%x, %b, %e, %a, %s) output %y"),
        ("transpose_b1", "input %x : int8[9,13] const %b : int64[2] = [1,1] const %e : int64[2] = [9,9] const %s : int64[2] = [2,1] const %a : int64[2] = [0,1] %y = Slice(%x, %b, %e, %a, %s) output %y"),
        ("transpose_b1", "input %x : int8[9,12] const %b : int64[2] = [1,1] const %e : int64[2] = [9,9] const %s : int64[2] = [2,1] const %a : int64[2] = [0,1] %y = Slice(%x, %b, %e, %a, %s) output %y"),
        ("transpose_b4", "input %x : float32[37] const %b : int64[1] = [36] const %e : int64[1] = [-40] const %s : int64[1] = [-3] const %a : int64[1] = [0] %y = Slice(%x, %b, %e, %a, %s) output %y"),
        ("transpose_b1", "input %x : int8[2,3,61,63] %y = Transpose(%x) {perm=[0,2,3,1]} output %y"), // more than run at a time on any emulated device
        ("transpose_b8", "input %x : int64[3,4] %y = Transpose(%x) output %y"),
        ("transpose_b2", "input %x : float16[3,4] %y = Transpose(%x) output %y"),
        ("copy2d_b1", "input %x : float32[3,5] input %z : float32[3,2] %y = Concat(%x, %z) {axis=1} output %y"),
        ("copy2d_b1", "input %x : float32[3,8] input %z : float32[3,4] %y = Concat(%x, %z) {axis=1} output %y"),
        ("copy2d_b1", "input %x : int8[3,5] input %z : int8[3,2] %y = Concat(%x, %z) {axis=1} output %y"),
        ("scatter_b1_copy", "input %x : float32[5,4,3] const %i : int64[2,2] = [1,-1,4,0] input %u : float32[2,3] %a = ScatterND(%x, %i, %u) %y = Neg(%a) output %a output %y"),
        ("scatter_b1_copy", "input %x : int8[3,5] const %i : int64[2,2] = [0,-1,2,1] input %u : int8[2,2] %y = ScatterElements(%x, %i, %u) {axis=1} output %y"),
        ("f16_to_f32,f32_to_f16", "input %x : float32[3,33] %a = Cast(%x) {to=10} %b = Cast(%a) {to=1} %y = Neg(%b) output %a output %y"),
        ("interleave_b4", "input %x : float32[2,3,8] input %z : float32[2,3,8] %a, %b = edgelite.Interleave(%x, %z) output %a output %b"),
        ("interleave_b1", "input %x : int8[2,3,7] input %z : int8[2,3,7] %a = edgelite.Interleave(%x, %z) output %a"),
        ("pad_b4", "input %x : float32[3,5] const %p : int64[4] = [1,2,0,3] %y = Pad(%x, %p) output %y"),
        ("pad_b1", "input %x : int8[3,5] const %p : int64[4] = [1,2,0,3] const %v : int8[] = -7 %y = Pad(%x, %p, %v) output %y"),
        ("pad_b8", "input %x : int64[3,5] const %p : int64[4] = [1,2,0,3] %y = Pad(%x, %p) output %y"),
        ("pad_b2", "input %x : float16[3,5] const %p : int64[4] = [1,2,0,3] %y = Pad(%x, %p) output %y"),
        ("gather_b1", "input %x : float32[3,5,2] const %i : int64[4] = [1,-1,0,4] %y = Gather(%x, %i) {axis=1} output %y"),
        ("gather_b1", "input %x : int8[3,5,3] const %i : int64[4] = [1,-1,0,4] %y = Gather(%x, %i) {axis=1} output %y"),
        ("reduce_f32_rows", "input %x : float32[9,301] const %i : int64[1] = [1] %a = ReduceSum(%x, %i) %b = ReduceMax(%x, %i) %c = ReduceL2(%x, %i) %d = ReduceMean(%x, %i) output %a output %b output %c output %d"),
        ("reduce_f32_columns", "input %x : float32[3,21,37] const %i : int64[1] = [1] %a = ReduceMin(%x, %i) %b = ReduceProd(%x, %i) %c = ReduceL1(%x, %i) %d = ReduceSumSquare(%x, %i) output %a output %b output %c output %d"),
        ("topk_f32", "input %x : float32[3,21,37] const %k : int64[1] = [5] const %n : int64[1] = [37] %a, %i = TopK(%x, %k) {axis=1} %b, %j = TopK(%x, %k) {largest=0} %c, _ = TopK(%x, %n) _, %l = TopK(%x, %n) {largest=0} output %a output %i output %b output %j output %c output %l"),
        ("topk_f32", "input %x : float32[2,1500,2] const %k : int64[1] = [7] %a, %i = TopK(%x, %k) {axis=1} %r = Round(%x) %b, %j = TopK(%r, %k) {axis=1, largest=0} output %a output %i output %b output %j"),
        ("topk_f32", "input %x : float32[3,2500] const %k : int64[1] = [1100] const %n : int64[1] = [2500] %r = Round(%x) %a, %i = TopK(%r, %k) %b, %j = TopK(%x, %n) {largest=0} output %a output %i output %b output %j"),
        ("softmax_f32", "input %x : float32[5,700] %a = Softmax(%x) %b = LogSoftmax(%x) output %a output %b"),
        ("softmax_f32", "input %x : float32[5,10] %a = Softmax(%x) output %a"),
        ("layer_norm_f32", "input %x : float32[5,201] const %s : float32[201] = seeded(1) const %c : float32[201] = seeded(2) %a = LayerNormalization(%x, %s, %c) %b = RMSNormalization(%x, %s) output %a output %b"),
        ("layer_norm_f32", "input %x : float32[5,1200] const %s : float32[1200] = seeded(1) %a = LayerNormalization(%x, %s) output %a"),
        ("layer_norm_f32_warp", "input %x : float32[5,200] const %s : float32[200] = seeded(1) const %c : float32[200] = seeded(2) %a = LayerNormalization(%x, %s, %c) %b = RMSNormalization(%x, %s) output %a output %b"),
        ("affine_f32", "input %x : float32[2,5,7,8] const %s : float32[8] = seeded(1) const %v : float32[8] = [1,2,3,4,5,6,7,8] %y = BatchNormalization(%x, %s, %s, %s, %v) {channels_last=1} output %y"),
        ("resize_f32", "input %x : float32[1,3,5,7] const %s : float32[4] = [1,1,2,2] %y = Resize(%x, _, %s) {mode=\"linear\"} output %y"),
        ("resize_nearest_b1", "input %x : float32[1,3,5,7] const %s : float32[4] = [1,1,2,2] %y = Resize(%x, _, %s) {mode=\"nearest\"} output %y"),
        ("conv_f32_32x32_any", "input %x : float32[2,3,9,8] const %w : float32[5,3,3,3] = seeded(3) const %b : float32[5] = seeded(2) %y = Conv(%x, %w, %b) {pads=[1,1,1,1], strides=[2,1]} output %y"),
        ("conv_f32_64x64_any", "input %x : float32[1,3,60,64] const %w : float32[48,3,3,3] = seeded(3) const %b : float32[48] = seeded(2) %a = Conv(%x, %w, %b) {pads=[1,1,1,1]} %y = Sigmoid(%a) output %y"),
        ("conv_f32_32x32", "input %x : float32[1,8,9,8] const %w : float32[12,4,3,3] = seeded(3) %y = Conv(%x, %w) {pads=[2,2,2,2], dilations=[2,2], group=2} output %y"),
        ("conv_f32_64x64", "input %x : float32[1,8,16,16] const %w : float32[128,8,1,1] = seeded(3) const %b : float32[128] = seeded(2) %a = Conv(%x, %w, %b) %y = Relu(%a) output %y"),
        ("conv_f32_128x64", "input %x : float32[1,4,40,40] const %w : float32[80,4,3,3] = seeded(3) const %b : float32[80] = seeded(2) %y = Conv(%x, %w, %b) {pads=[1,1,1,1]} output %y"),
        ("conv_f32_32x32,conv_f32_join", "input %x : float32[1,300,5,5] const %w : float32[20,300,3,3] = seeded(3) const %b : float32[20] = seeded(2) const %s : float32[20,1,1] = seeded(5) %a = Conv(%x, %w, %b) %y = PRelu(%a, %s) output %y"),
        ("dwconv_f32_4", "input %x : float32[1,8,9,8] const %w : float32[8,1,3,3] = seeded(3) const %b : float32[8] = seeded(2) %a = Conv(%x, %w, %b) {pads=[1,1,1,1], group=8} %y = Clip(%a) output %y"),
        ("dwconv_f32_1", "input %x : float32[1,19,9,8] const %w : float32[19,1,5,3] = seeded(3) %y = Conv(%x, %w) {strides=[2,2], group=19} output %y"),
        ("conv_transpose_f32", "input %x : float32[1,6,5,4] const %w : float32[6,4,3,3] = seeded(3) const %b : float32[8] = seeded(2) %y = ConvTranspose(%x, %w, %b) {strides=[2,2], pads=[1,1,1,1], group=2} output %y"),
        ("gemm_f32_row", "input %x : float32[3,50] const %w : float32[50,21] = seeded(3) const %b : float32[21] = seeded(2) %y = Gemm(%x, %w, %b) output %y"),
        ("gemm_f32_32x32", "input %x : float32[21,48] const %w : float32[48,21] = seeded(3) const %b : float32[21] = seeded(2) %a = MatMul(%x, %w) %c = Add(%a, %b) %y = Gelu(%c) output %y"),
        ("gemm_f32_32x32_any", "input %x : float32[21,50] const %w : float32[50,21] = seeded(3) %y = MatMul(%x, %w) output %y"),
        ("gemm_f32_64x64", "input %x : float32[250,20] const %w : float32[20,70] = seeded(3) %y = MatMul(%x, %w) output %y"),
        ("gemm_f32_128x64", "input %x : float32[1000,20] const %w : float32[20,70] = seeded(3) %y = MatMul(%x, %w) output %y"),
        ("block_gemm_f32_row", Block(3, 4, 1152)),
        ("block_gemm_f32_row", Block(8, 8, 2304, ", zeros")),
        ("block_gemm_f32_row", Block(1, 3, 1152, ", zeros")),
        ("block_gemm_f32_row", Block(2, 2, 640)),
        ("block_gemm_f32_64x64", Block(70, 4, 1152, ", zeros")),
        ("block_gemm_f32_64x64", Block(9, 3, 1152)),
        ("block_gemm_s8_round,block_gemm_s8_row", Block(3, 4, 1152, ", zeros", "int8=1")),
        ("block_gemm_s8_round,block_gemm_s8_row", Block(12, 8, 2304, "", "int8=1")),
        ("block_gemm_s8_round,block_gemm_s8_row", Block(1, 3, 1152, ", zeros", "int8=1")),
        ("block_gemm_s8_round,block_gemm_s8_row", Block(2, 2, 640, "", "int8=1")),
        ("block_gemm_s8_range", """
            input %x : float32[3,70] const %w : uint8[2304] = seeded(1) const %s : float32[32] = seeded(2) const %b : float32[21] = seeded(4) const %t : int32[21] = seeded(5)
            %y = edgelite.BlockGemm(%x, %w, %s, _, %b, %t) {out_features=21, bits=8, block_size=96, int8=1, per_tensor=1} output %y
            """),
        ("matmul_f32_32x32", "input %x : float32[2,3,11,13] input %z : float32[3,13,5] %y = MatMul(%x, %z) output %y"),
        ("matmul_f32_64x64", "input %x : float32[4,1,70,13] input %z : float32[4,3,13,70] %y = MatMul(%x, %z) output %y"),
        ("pool_f32_4", "input %x : float32[1,5,9,8] const %w : float32[8,5,1,1] = seeded(3) %a = Conv(%x, %w) %y = MaxPool(%a) {kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]} output %y"),
        ("pool_f32_4", "input %x : float32[1,5,9,8] const %w : float32[8,5,1,1] = seeded(3) %a = Conv(%x, %w) %y = AveragePool(%a) {kernel_shape=[3,2], strides=[2,2], pads=[1,1,1,1], count_include_pad=1} output %y"),
        ("pool_f32", "input %x : float32[2,5,9,8] const %w : float32[7,5,1,1] = seeded(3) %a = Conv(%x, %w) %b = MaxPool(%a) {kernel_shape=[3,3], strides=[2,2], dilations=[2,1], pads=[1,1,1,1]} %c = AveragePool(%a) {kernel_shape=[3,2], strides=[2,2], pads=[1,0,1,1], ceil_mode=1} output %b output %c"),
        ("reduce_f32_columns", "input %x : float32[1,5,9,8] const %w : float32[40,5,1,1] = seeded(3) %a = Conv(%x, %w) %y = GlobalAveragePool(%a) output %y"),
        ("dequantize_s8_f32,quantize_f32_s8", Scales + "input %x : int8[3,41] %a = DequantizeLinear(%x, %sx, %zx) %b = Exp(%a) %c = Neg(%b) %y = QuantizeLinear(%c, %sy, %zy) output %c output %y"),
        ("qconv_s8_32x32_any,qconv_s8_64x64_matrix_any", Scales + "input %x : int8[1,3,9,8] const %w : int8[20,3,3,3] = seeded(1) " + QConv("pads=[1,1,1,1], strides=[2,1]")),
        ("qconv_s8_32x32,qconv_s8_64x64_matrix_any", Scales + "input %x : int8[1,8,9,8] const %w : int8[20,4,3,3] = seeded(1) " + QConv("pads=[1,1,1,1], group=2")),
        ("qconv_s8_64x64,qconv_s8_64x64_matrix", Scales + "input %x : int8[1,16,24,24] const %w : int8[96,16,1,1] = seeded(1) " + QConv("strides=[1,1]")),
        ("qconv_s8_64x64_matrix", Scales + "input %x : int8[2,96,7,6] const %w : int8[44,48,3,3] = seeded(1) " + QConv("pads=[1,1,1,1], group=2")),
        ("qconv_s8_64x64_matrix", Scales + "input %x : int8[1,208,5,5] const %w : int8[20,208,3,3] = seeded(1) " + QConv("strides=[1,1]")),
        ("qconv_s8_128x64_matrix", Scales + "input %x : int8[1,16,64,63] const %w : int8[64,16,3,3] = seeded(1) " + QConv("pads=[1,1,1,1]")),
        ("qconv_s8_128x128_matrix", Scales + "input %x : int8[1,16,64,63] const %w : int8[120,16,3,3] = seeded(1) " + QConv("pads=[1,1,1,1]")),
        ("qdwconv_s8", Scales + "input %x : int8[1,19,9,8] const %w : int8[19,1,5,3] = seeded(1) " + QConv("pads=[2,1,2,1], strides=[2,1], group=19")),
        ("qdwconv_s8_4", Scales + "input %x : int8[2,20,9,8] const %w : int8[20,1,5,5] = seeded(1) " + QConv("pads=[2,2,2,2], group=20")),
        ("qdwconv_s8_4", Scales + "input %x : int8[1,20,9,8] const %w : int8[20,1,3,3] = seeded(1) " + QConv("pads=[2,2,2,2], dilations=[2,2], group=20")),
        ("qdwconv_s8_line,qdwconv_s8_4", Scales + "input %x : int8[2,20,9,8] const %w : int8[20,1,3,3] = seeded(1) " + QConv("pads=[1,1,1,1], group=20")),
        ("qdwconv_s8_line", Scales + "input %x : int8[1,36,9,11] const %w : int8[36,1,4,3] = seeded(1) " + QConv("pads=[1,2,0,2], strides=[2,1], group=36")),
        ("qdwconv_s8_line_halved", Scales + "input %x : int8[2,20,9,8] const %w : int8[20,1,3,3] = seeded(1) " + QConv("pads=[0,0,1,1], strides=[2,2], group=20")),
        ("qdwconv_s8_line_halved", Scales + "input %x : int8[1,36,9,9] const %w : int8[36,1,3,3] = seeded(1) " + QConv("pads=[1,1,1,1], strides=[1,2], group=36")),
        ("qconv_transpose_s8", Scales + "input %x : int8[1,6,5,4] const %w : int8[6,4,3,3] = seeded(1) %xr = DequantizeLinear(%x, %sx, %zx) %wr = DequantizeLinear(%w, %sw) %a = ConvTranspose(%xr, %wr) {strides=[2,2], pads=[1,1,1,1]} %y = QuantizeLinear(%a, %sy, %zy) output %y"),
        ("qgemm_s8_row", Scales + "input %x : int8[2,50] const %w : int8[50,21] = seeded(1) " + QMatMul),
        ("qgemm_s8_32x32,qgemm_s8_64x64_matrix", Scales + "input %x : int8[20,48] const %w : int8[48,21] = seeded(1) " + QMatMul),
        ("qgemm_s8_32x32_any,qgemm_s8_64x64_matrix_any", Scales + "input %x : int8[20,50] const %w : int8[50,21] = seeded(1) " + QMatMul),
        ("qgemm_s8_64x64,qgemm_s8_64x64_matrix_any", Scales + "input %x : int8[500,20] const %w : int8[20,70] = seeded(1) " + QMatMul),
        ("qgemm_s8_128x64_matrix", Scales + "input %x : int8[1500,32] const %w : int8[32,60] = seeded(1) " + QMatMul),
        ("qgemm_s8_128x128_matrix", Scales + "input %x : int8[1500,32] const %w : int8[32,120] = seeded(1) " + QMatMul),
        ("qadd_s8", Scales + "input %x : int8[3,40] input %z : int8[40] " + QBinary("Add")),
        ("qadd_s8", Scales + "input %x : int8[3,37] input %z : int8[37] " + QBinary("Add")),
        ("qadd_s8", Scales + "input %x : int8[3,37] input %z : int8[3,37] " + QBinary("Sub")),
        ("qmul_s8", Scales + "input %x : int8[3,40] input %z : int8[3,40] " + QBinary("Mul")),
        ("qmul_s8", Scales + "input %x : int8[3,3] input %z : int8[1] " + QBinary("Mul")),
        ("lut_s8", Scales + "input %x : int8[3,401] %a = DequantizeLinear(%x, %sx, %zx) %b = Sigmoid(%a) %y = QuantizeLinear(%b, %sy, %zy) output %y"),
        ("requantize_s8", Scales + "input %x : int8[3,401] %a = DequantizeLinear(%x, %sx, %zx) %y = QuantizeLinear(%a, %sy, %zy) output %y"),
        ("qsoftmax_s8", Scales + "const %st : float32[] = 0.00390625 const %zt : int8[] = -128 input %x : int8[9,40] %a = DequantizeLinear(%x, %sx, %zx) %b = Softmax(%a) %y = QuantizeLinear(%b, %st, %zt) output %y"),
        ("qpool_s8_4", Scales + "input %x : int8[1,8,9,8] const %w : int8[8,8,1,1] = seeded(1) %xr = DequantizeLinear(%x, %sx, %zx) %wr = DequantizeLinear(%w, %sw) %a = Conv(%xr, %wr) %q = QuantizeLinear(%a, %sy, %zy) %r = DequantizeLinear(%q, %sy, %zy) %m = MaxPool(%r) {kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]} %y = QuantizeLinear(%m, %sy, %zy) output %y"),
        ("qpool_s8_4", Scales + "input %x : int8[1,8,9,8] const %w : int8[8,8,1,1] = seeded(1) %xr = DequantizeLinear(%x, %sx, %zx) %wr = DequantizeLinear(%w, %sw) %a = Conv(%xr, %wr) %q = QuantizeLinear(%a, %sy, %zy) %r = DequantizeLinear(%q, %sy, %zy) %m = AveragePool(%r) {kernel_shape=[3,3], strides=[2,2]} %y = QuantizeLinear(%m, %sy, %zy) output %y"),
        ("qpool_s8", Scales + "input %x : int8[1,8,9,8] const %w : int8[7,8,1,1] = seeded(1) %xr = DequantizeLinear(%x, %sx, %zx) %wr = DequantizeLinear(%w, %sw) %a = Conv(%xr, %wr) %q = QuantizeLinear(%a, %sy, %zy) %r = DequantizeLinear(%q, %sy, %zy) %m = MaxPool(%r) {kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]} %y = QuantizeLinear(%m, %sy, %zy) output %y"),
        ("qpool_s8", Scales + "input %x : int8[1,8,9,8] const %w : int8[7,8,1,1] = seeded(1) %xr = DequantizeLinear(%x, %sx, %zx) %wr = DequantizeLinear(%w, %sw) %a = Conv(%xr, %wr) %q = QuantizeLinear(%a, %sy, %zy) %r = DequantizeLinear(%q, %sy, %zy) %m = AveragePool(%r) {kernel_shape=[3,3], strides=[2,2], pads=[1,0,0,1]} %y = QuantizeLinear(%m, %sy, %zy) output %y"),
        ("qmean_s8", Scales + "input %x : int8[2,40,9,8] const %w : int8[40,40,1,1] = seeded(1) %xr = DequantizeLinear(%x, %sx, %zx) %wr = DequantizeLinear(%w, %sw) %a = Conv(%xr, %wr) %q = QuantizeLinear(%a, %sy, %zy) %r = DequantizeLinear(%q, %sy, %zy) %m = GlobalAveragePool(%r) %y = QuantizeLinear(%m, %sx, %zx) output %y"),
    ];

    internal const string QMatMul = "%xr = DequantizeLinear(%x, %sx, %zx) %wr = DequantizeLinear(%w, %sw) %a = MatMul(%xr, %wr) %y = QuantizeLinear(%a, %sy, %zy) output %y";

    /// <summary>Products with weights of few bits, 70 x 21 in blocks of 32.</summary>
    private static string Block(int m, int bits, int bytes, string zeros = "", string int8 = "int8=0") => $$"""
        input %x : float32[{{m}},70] const %w : uint8[{{bytes}}] = seeded(1) const %s : float32[96] = seeded(2) const %b : float32[21] = seeded(4)
        {{(zeros.Length > 0 ? "const %z : uint8[96] = seeded(3)" : "")}}
        %y = edgelite.BlockGemm(%x, %w, %s, {{(zeros.Length > 0 ? "%z" : "_")}}, %b) {out_features=21, bits={{bits}}, block_size=32, {{int8}}} output %y
        """;

    internal static string QConv(string attributes) =>
        $"%xr = DequantizeLinear(%x, %sx, %zx) %wr = DequantizeLinear(%w, %sw) %a = Conv(%xr, %wr) {{{attributes}}} %y = QuantizeLinear(%a, %sy, %zy) output %y";

    private static string QBinary(string op) =>
        $"%xr = DequantizeLinear(%x, %sx, %zx) %zr = DequantizeLinear(%z, %sy, %zy) %a = {op}(%xr, %zr) %y = QuantizeLinear(%a, %sy, %zy) output %y";

    public static TheoryData<int, string> Cases
    {
        get
        {
            var data = new TheoryData<int, string>();
            for (int i = 0; i < s_cases.Length; i++) data.Add(i, s_cases[i].Entries);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_kernel_computes_what_the_processor_computes(int number, string entries)
    {
        Graph graph = GraphText.Parse("graph \"g\" {\n" + s_cases[number].Body + "\n}");
        if (entries != "affine_f32") // which the passes make products and sums of, where they can
        {
            PassList.Optimize(graph);
            CpuLowering.Run(graph);
        }
        using Model model = Model.Load(ModelWriter.ToBytes(graph), entries);
        using Session expected = model.CreateSession(new SessionOptions { Threads = 1 });
        var launched = new HashSet<string>();
        foreach (string device in CudaRun.AllDevices)
        {
            using Session actual = model.CreateSession(new SessionOptions { Threads = 1, Device = device });
            for (int i = 0; i < expected.InputCount; i++)
            {
                SeededFill.Fill(expected.Input(i), (ulong)(100 + i));
                expected.Input(i).CopyTo(actual.Input(i));
            }
            expected.Run();
            actual.Run();
            actual.Run(); // from the same inputs again: nothing of the first run may be left in the way
            for (int o = 0; o < expected.OutputCount; o++)
                Equivalence.Same(expected.Output(o), actual.Output(o), 2e-6, 0, $"{device}: {expected.OutputName(o)}");
            launched.UnionWith(actual.Profile(1).Select(s => s.Kernel));
        }
        if (!CudaRun.IsEmulated) return; // which tiles are chosen depends on the GPU
        foreach (string entry in entries.Split(','))
            if (Array.IndexOf(s_later, entry) < 0) Assert.Contains(entry + "/cuda", launched);
    }

    [Fact]
    public void Every_entry_has_a_case()
    {
        string[] sources = [.. SourceTree.Files("kernels-native/cuda", ".cu")];
        Assert.NotEmpty(sources);
        string[] declared = [.. sources.SelectMany(f => Entry().Matches(SourceTree.Read(f)).Select(m => m.Groups[1].Value))];
        Assert.True(declared.Length > 60, $"Only {declared.Length} entries were found.");
        Assert.Equal([], declared.Except(s_cases.SelectMany(c => c.Entries.Split(','))).Except(s_elsewhere));
    }

    /// <summary>Not the first launch of a call, by which profiles name it.</summary>
    private static readonly string[] s_later = ["conv_f32_join", "block_gemm_s8_row", "scatter_b1"];

    /// <summary>Checked by AttentionLoweringTests and RecurrentLoweringTests, whose LoweredRun runs on the device as well, and by CudaSessionTests.</summary>
    private static readonly string[] s_elsewhere = [.. CudaHalfTests.Entries, .. s_later, "attention_f32", "lstm_f32", "gru_f32"];

    [GeneratedRegex(@"^EL_CUDA_ENTRY\((\w+),", RegexOptions.Multiline)]
    private static partial Regex Entry();
}
