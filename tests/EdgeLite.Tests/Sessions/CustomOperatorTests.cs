using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Ops;
using Google.Protobuf;

namespace EdgeLite.Tests.Sessions;

/// <summary>Operators that the application registers, in models that were converted without them.</summary>
public sealed class CustomOperatorTests
{
    /// <summary>Y = X * factor.</summary>
    private sealed class Scale : CustomOperator
    {
        public override void Infer(InferContext context) => context.SetOutput(0, context.Input(0));

        public override void Compute(ComputeContext context)
        {
            Tensor x = context.Input(0), y = context.Output(0);
            for (long i = 0; i < x.Count; i++) y.SetDouble(i, x.GetDouble(i) * Attributes.Float("factor", 1));
        }
    }

    private static ModelProto Model(string domain, params string[] operators)
    {
        var model = new ModelProto { IrVersion = 10, Graph = new GraphProto { Name = "custom" } };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = 21 });
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = domain, Version = 3 });
        var type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = 1, Shape = new TensorShapeProto() } };
        type.TensorType.Shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = 4 });
        model.Graph.Input.Add(new ValueInfoProto { Name = "x", Type = type });
        string value = "x";
        foreach (string op in operators)
        {
            var node = new NodeProto { OpType = op, Domain = domain, Name = $"{op}_node" };
            node.Input.Add(value);
            node.Output.Add(value = $"{op}_result");
            node.Attribute.Add(new AttributeProto { Name = "factor", F = 3, Type = AttributeProto.Types.AttributeType.Float });
            model.Graph.Node.Add(node);
        }
        var relu = new NodeProto { OpType = "Relu", Name = "relu" };
        relu.Input.Add(value);
        relu.Output.Add("y");
        model.Graph.Node.Add(relu);
        model.Graph.Output.Add(new ValueInfoProto { Name = "y" });
        return model;
    }

    private static Graph Import(ModelProto model, bool allowCustom)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, model.ToByteArray());
            var options = new ConversionOptions { AllowCustom = allowCustom };
            Graph graph = Pipeline.Import(path, options).Graph;
            Pipeline.Optimize(graph, options);
            Pipeline.Lower(graph, options);
            return graph;
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_model_is_converted_without_the_operator_and_runs_with_it()
    {
        byte[] bytes = ModelWriter.ToBytes(Import(Model("test.custom", "Scale"), allowCustom: true));
        using Model model = EdgeLite.Model.Load(bytes);
        OperatorTable.Register("test.custom", "Scale", "X", "Y", () => new Scale());
        using Session session = model.CreateSession();
        Assert.True(session.IsStatic);
        session.SetInput(0, Tensor.FromArray<float>([1, -2, 3, 4], new Shape(4)));
        session.Run();
        Assert.Equal([3, 0, 9, 12], session.Output(0).ToArray<float>());
    }

    [Fact]
    public void A_session_names_every_operator_that_nobody_registered()
    {
        byte[] bytes = ModelWriter.ToBytes(Import(Model("test.absent", "First", "Second"), allowCustom: true));
        using Model model = EdgeLite.Model.Load(bytes);
        var error = Assert.Throws<EdgeLiteException>(() => model.CreateSession());
        Assert.Equal(Status.UnknownOperator, error.Status);
        foreach (string name in new[] { "test.absent.First", "First_node", "test.absent.Second", "Second_node" }) Assert.Contains(name, error.Message);
    }

    [Fact]
    public void Without_leave_the_converter_refuses_and_says_how()
    {
        var error = Assert.Throws<EdgeLiteException>(() => Import(Model("test.absent", "First"), allowCustom: false));
        Assert.Contains("test.absent.First", error.Message);
        Assert.Contains("--allow-custom", error.Message);
    }

    [Fact]
    public void A_missing_input_of_a_registered_operator_is_found()
    {
        OperatorTable.Register("test.custom", "Two", "A, B", "Y", () => new Scale());
        var error = Assert.Throws<EdgeLiteException>(() => Import(Model("test.custom", "Two"), allowCustom: true));
        Assert.Contains("required input 1 (B)", error.Message);
    }

    [Fact]
    public void Built_in_operators_are_not_replaced() =>
        Assert.Contains("built in", Assert.Throws<EdgeLiteException>(() => OperatorTable.Register("", "Relu", "X", "Y", () => new Scale())).Message);
}
