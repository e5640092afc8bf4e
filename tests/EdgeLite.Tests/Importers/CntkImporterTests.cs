using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Cntk;
using EdgeLite.Converter.Importers.Cntk.Proto;
using Google.Protobuf;
using static EdgeLite.Tests.Importers.CntkFile;

namespace EdgeLite.Tests.Importers;

/// <summary>CNTK's models: a genuine one, single functions against numbers worked out by hand, hostile files.</summary>
public class CntkImporterTests
{
    [SharedTheory("zoo/cntk")]
    [InlineData("cntk/mnist_conv_v2")]
    public void Results_are_those_of_the_rebuild(string model) => new ZooModel(model).Check("model.cmf");

    [SharedTheory("zoo/cntk")]
    [InlineData("cntk/v1_01_OneHidden")]
    public void Version_1_is_refused_with_what_to_do(string model)
    {
        var e = Assert.Throws<EdgeLiteException>(() => Pipeline.Import(new ZooModel(model).PathOf("model.dnn"), new ConversionOptions()));
        Assert.Contains("version 1", e.Message, StringComparison.Ordinal);
        Assert.Contains(".save(", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_matrix_of_columns_times_a_vector()
    {
        // W is 2 x 3, stored column by column: (1,2) (3,4) (5,6); x = (0,1,2): W x = (13, 16).
        Tensor y = Run(Net(CntkOp.Times, [3], ([2, 3], [1, 2, 3, 4, 5, 6]), ["w", "x"], ("outputRank", N(1))), 1, 3);
        Assert.Equal([13f, 16], y.ToArray<float>());
    }

    /// <summary>The order of too few axes, behind a refused function, only follows.</summary>
    [Fact]
    public void Refused_attributes_are_named_all_at_once()
    {
        DictionaryValue Function(string uid, CntkOp op, string input, params (string, DictionaryValue)[] attributes) =>
            D(("uid", S(uid)), ("op", N((ulong)op)), ("inputs", V(S(input))), ("attributes", D(attributes)));
        byte[] net = Net([3, 2], null, Function("a", CntkOp.ReduceElements, "x", ("reductionOpName", S("Odd")), ("axis", A(0))),
            Function("b", CntkOp.TransposeAxes, "a_Output_0", ("axis1", A(0)), ("axis2", A(7))),
            Function("f", CntkOp.ReduceElements, "b_Output_0", ("reductionOpName", S("Odder")), ("axis", A(0))));
        RefusedSettingTests.Check(Assert.Throws<EdgeLiteException>(() => Run(net, 1, 2, 3)), "2 layers", "Function 'a' (ReduceElements): reduction 'Odd'", "Function 'f' (ReduceElements): reduction 'Odder'");
    }

    [Fact]
    public void Operands_of_lower_rank_broadcast_from_the_fastest_axis()
    {
        // x (2), w (2,2) = rows (10,20) (30,40): both rows get x, the batch stays in front.
        Tensor y = Run(Net(CntkOp.Plus, [2], ([2, 2], [10, 20, 30, 40]), ["x", "w"]), 2, 2);
        Assert.Equal(new Shape(2, 2, 2), y.Shape);
        Assert.Equal([10f, 21, 30, 41, 12, 23, 32, 43], y.ToArray<float>());
    }

    [Fact]
    public void Strided_windows_are_centred()
    {
        // 5 wide, window 3, stride 2, padded: 3 windows around 0, 2, 4. 6 wide: around 0, 2, 4 as well, for extra / 2 = 0.
        (string, DictionaryValue)[] pooling = [("poolingType", N(0)), ("poolingWindowShape", Sh(3, 1)), ("strides", Sh(2, 1)), ("autoPadding", V(new DictionaryValue { ValueType = 1, BoolValue = true }, new DictionaryValue { ValueType = 1 }))];
        Assert.Equal([1f, 3, 4], Run(Net(CntkOp.Pooling, [5, 1, 1], null, ["x"], pooling), 1, 1, 1, 5).ToArray<float>());
        Assert.Equal([1f, 3, 5], Run(Net(CntkOp.Pooling, [6, 1, 1], null, ["x"], pooling), 1, 1, 1, 6).ToArray<float>());
    }

    [Fact]
    public void Axes_count_from_the_fastest()
    {
        Assert.Equal([1f, 5, 9], Run(Net(CntkOp.ReduceElements, [2, 3], null, ["x"], ("reductionOpName", S("Sum")), ("axis", A(0))), 1, 3, 2).ToArray<float>());
        Assert.Equal([6f, 9], Run(Net(CntkOp.ReduceElements, [2, 3], null, ["x"], ("reductionOpName", S("Sum")), ("axis", A(-1))), 1, 3, 2).ToArray<float>());
        Assert.Equal([0f, 2, 4, 1, 3, 5], Run(Net(CntkOp.TransposeAxes, [2, 3], null, ["x"], ("axis1", A(0)), ("axis2", A(1))), 1, 3, 2).ToArray<float>());
        Assert.Equal([2f, 3, 4, 5], Run(Net(CntkOp.Slice, [2, 3], null, ["x"], ("axis", A(1)), ("beginIndex", I(1)), ("endIndex", I(0))), 1, 3, 2).ToArray<float>());
    }

    [Fact]
    public void Functions_without_conversion_are_named()
    {
        var e = Assert.Throws<EdgeLiteException>(() => Run(Net(CntkOp.LambdaRank, [2], null, ["x"]), 1, 2));
        foreach (string text in new[] { "LambdaRank", "'f'", "ONNX" }) Assert.Contains(text, e.Message, StringComparison.Ordinal);
        Assert.Contains("batch", Assert.Throws<EdgeLiteException>(() => Run(Net(CntkOp.ReduceElements, [2], null, ["x"], ("reductionOpName", S("Sum")), ("axis", new DictionaryValue { ValueType = 8, AxisValue = new Axis { StaticAxisIdx = int.MaxValue, Name = "batch" } })), 1, 2)).Message, StringComparison.Ordinal);
    }

    public static TheoryData<byte[]> Hostile => new()
    {
        Net(CntkOp.ReLU, [2], null, []),
        Net(CntkOp.ReLU, [2], null, ["nothing"]),
        Net(CntkOp.ReLU, [2], null, ["f_Output_0"]),
        Net(CntkOp.Plus, [2], ([1UL << 62, 1UL << 62], [1]), ["x", "w"]),
        Net(CntkOp.Plus, [2], ([3], [1]), ["x", "w"]),
        Net(CntkOp.Times, [2], ([2, 3], [1, 2, 3, 4, 5, 6]), ["w", "x"], ("outputRank", N(7))),
        Net(CntkOp.Pooling, [2, 2, 1], null, ["x"], ("poolingWindowShape", Sh(2, 2)), ("strides", Sh(0, 0))),
        Net(CntkOp.Reshape, [2], null, ["x"], ("newShape", Sh(0))),
        Net(CntkOp.Slice, [2], null, ["x"], ("axis", A(9))),
        Net((CntkOp)4711, [2], null, ["x"]),
        D(("uid", S("x"))).DictionaryValue_.ToByteArray(),
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Damaged_models_give_a_clear_error(byte[] file) => Assert.Throws<EdgeLiteException>(() => In(file, p => new CntkImporter().Import(p)));

    [Fact]
    public void Deep_nesting_gives_a_clear_error()
    {
        DictionaryValue nested = S("x");
        for (int i = 0; i < 200; i++) nested = D(("uid", nested));
        Assert.Throws<EdgeLiteException>(() => In(nested.DictionaryValue_.ToByteArray(), p => new CntkImporter().Import(p)));
    }

    [SharedTheory("zoo/cntk")]
    [InlineData("cntk/mnist_conv_v2")]
    public void Models_cut_anywhere_give_a_clear_error(string model)
    {
        byte[] bytes = File.ReadAllBytes(new ZooModel(model).PathOf("model.cmf"));
        for (int length = 0; length < bytes.Length - 40; length += bytes.Length / 20)
            Assert.Throws<EdgeLiteException>(() => In(bytes[..length], p => new CntkImporter().Import(p)));
    }
}
