using System.Runtime.InteropServices;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Tests.Importers;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Passes;

/// <summary>Models of 16 bits are computed in float32, where there are kernels.</summary>
public class HalfPromotionTests
{
    // A rounding to float16 is 2^-11 of a number, to bfloat16 2^-8; the source rounds each value on its way.
    private static Graph Optimize(string body, string operators, double tolerance)
    {
        Graph graph = Equivalence.Check("graph \"g\" {\n" + body + "\n}", g => PassList.Optimize(g), tolerance);
        Assert.Equal(operators, Equivalence.Operators(graph));
        return graph;
    }

    [Theory]
    [InlineData("float16", 2e-3)]
    [InlineData("bfloat16", 2e-2)]
    public void Layers_compute_in_float32_between_inputs_and_outputs_of_16_bits(string type, double tolerance)
    {
        Graph graph = Optimize($$"""
            input %x : {{type}}[1,4,8,8]
            const %w : {{type}}[6,4,3,3] = seeded(1)
            const %b : {{type}}[6] = seeded(2)
            %c = Conv(%x, %w, %b) {pads=[1,1,1,1]}
            %r = Relu(%c)
            %p, %i = MaxPool(%r) {kernel_shape=[2,2], strides=[2,2]}
            output %p
            output %i
            """, "Cast Conv Relu MaxPool Cast", tolerance);
        Assert.Equal(DType.Float32, Equivalence.Only(graph, "Conv").Output.DType);
        Assert.Equal("c", Equivalence.Only(graph, "Conv").Output.SourceName);
    }

    [Fact]
    public void Casts_between_parts_of_16_and_32_bits_go() => Optimize("""
        input %x : float32[2,8]
        const %w : float16[8,8] = seeded(1)
        %h = Cast(%x) {to=10}
        %a = MatMul(%h, %w)
        %f = Cast(%a) {to=1}
        %s = Exp(%f)
        %g = Cast(%s) {to=10}
        %m = Mul(%g, %a)
        %y = Cast(%m) {to=1}
        output %y
        """, "MatMul Exp Mul", 5e-3);

    [Fact]
    public void Rounding_on_purpose_stays() => Optimize("""
        input %x : float32[2,8]
        %h = Cast(%x) {to=10}
        %f = Cast(%h) {to=1}
        %y = Mul(%f, %f)
        output %y
        """, "Cast Cast Mul", 1e-6);

    [Fact]
    public void What_only_moves_stays_until_something_computes()
    {
        const string Text = """
            input %x : float16[1,4,6]
            %t = Transpose(%x) {perm=[0,2,1]}
            """;
        Optimize(Text + "\noutput %t", "Transpose", 0);
        Optimize(Text + "\n%e = Exp(%t)\n%s = Squeeze(%e)\noutput %s", "Transpose Cast Exp Squeeze Cast", 2e-3);
    }

    [Fact]
    public void Casts_to_other_types_and_bits_of_numbers_stay()
    {
        Optimize("""
            input %x : float16[2,8]
            %i = Cast(%x) {to=6}
            output %i
            """, "Cast", 0);
        Optimize("""
            input %x : float16[2,8]
            %i = BitCast(%x) {to=5}
            output %i
            """, "BitCast", 0);
    }

    [Fact]
    public void Weights_that_came_in_16_bits_are_stored_in_16_bits()
    {
        const string Text = """
            graph "g" {
              input %x : float32[2,32]
              const %w : float16[32,32] = seeded(1)
              const %v : float32[32,32] = seeded(2)
              %h = Cast(%x) {to=10}
              %a = MatMul(%h, %w)
              %f = Cast(%a) {to=1}
              %y = MatMul(%f, %v)
              output %y
            }
            """;
        Graph graph = GraphText.Parse(Text);
        Assert.Equal(DType.Float16, Quantizer.HalfType(graph));
        PassList.Optimize(graph);
        Assert.Null(Quantizer.HalfType(graph));
        HalfResult result = Quantizer.HalfAgain(graph, DType.Float16);
        Assert.Equal((1, 4096, 2048), (result.Constants, result.BytesBefore, result.BytesAfter)); // not v, which would lose bits
        Equivalence.Check(GraphText.Parse(Text), graph, _ => { }, 2e-3);
    }

    /// <summary>However large they are: a layer takes its weights as a constant.</summary>
    [Theory]
    [InlineData("float16")]
    [InlineData("bfloat16")]
    public void Large_weights_of_16_bits_become_those_of_a_layer(string type)
    {
        string text = $$"""
            graph "g" {
              input %x : float32[1,64,5,5]
              const %w : {{type}}[64,64,3,3] = seeded(1)
              %h = Cast(%x) {to={{(type == "float16" ? 10 : 16)}}}
              %a = Conv(%h, %w) {pads=[1,1,1,1]}
              %y = Cast(%a) {to=1}
              output %y
            }
            """;
        Graph graph = Equivalence.Check(text, g =>
        {
            PassList.Optimize(g);
            CpuLowering.Run(g);
        }, 2e-2);
        Assert.Equal("Transpose edgelite.Conv Transpose", Equivalence.Operators(graph));
    }

    [Fact]
    public void As_ONNX_Runtime_computes_them() => OrtComparison.Check(
        Model(21, Node("Cast", "x", "h", Attr("to", (long)DType.Float16)), Node("MatMul", "h w", "a"), Node("Softmax", "a", "s"), Node("LayerNormalization", "s g", "n"),
            Node("Add", "n a", "m"), Node("Cast", "m", "y", Attr("to", (long)DType.Float32)))
            .In("x", DType.Float32, 5, 16).Const(Half("w", 16, 16)).Const(Half("g", 16)).Out("y"),
        4e-3, Random(DType.Float32, 5, 16));

    private static TensorProto Half(string name, params long[] dims)
    {
        Tensor t = Random(DType.Float16, dims);
        return Raw(name, DType.Float16, dims, MemoryMarshal.AsBytes(t.Span<Half>()).ToArray());
    }

    private static Tensor Random(DType type, params long[] dims) => Equivalence.Random(new Graph("g").AddInput("x", new TensorType(type, new Shape(dims))), (int)dims[0]);
}
