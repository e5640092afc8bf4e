using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using Google.Protobuf;

namespace EdgeLite.Tests.Importers;

/// <summary>Makes small ONNX models for tests.</summary>
internal static class OnnxModels
{
    public static ModelProto Model(long opset, params NodeProto[] nodes)
    {
        var model = new ModelProto { IrVersion = 8, Graph = new GraphProto { Name = "g" } };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = opset });
        model.Graph.Node.AddRange(nodes);
        return model;
    }

    /// <summary>A model of one operator of com.microsoft.</summary>
    public static ModelProto Contrib(string op, string inputs, string outputs, params AttributeProto[] attributes)
    {
        NodeProto node = Node(op, inputs, outputs, attributes);
        node.Domain = "com.microsoft";
        ModelProto model = Model(21, node);
        model.IrVersion = 10;
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
        return model;
    }

    /// <summary>The outputs by the reference loops.</summary>
    public static Tensor[] Run(ModelProto model, params Tensor[] inputs) => new GraphInterpreter(OnnxImporter.Import(model, null)).Run(inputs);

    public static NodeProto Node(string opType, string inputs, string outputs, params AttributeProto[] attributes)
    {
        var node = new NodeProto { OpType = opType, Name = outputs.Split(' ')[0] + "_node" };
        if (inputs.Length > 0) node.Input.AddRange(inputs.Split(' ').Select(NoName));
        node.Output.AddRange(outputs.Split(' ').Select(NoName));
        node.Attribute.AddRange(attributes);
        return node;
    }

    public static ModelProto In(this ModelProto model, string name, DType type, params long[] dims)
    {
        model.Graph.Input.Add(Info(name, type, dims));
        return model;
    }

    public static ModelProto Out(this ModelProto model, params string[] names)
    {
        foreach (string name in names) model.Graph.Output.Add(new ValueInfoProto { Name = name });
        return model;
    }

    public static ModelProto Const(this ModelProto model, TensorProto tensor)
    {
        model.Graph.Initializer.Add(tensor);
        return model;
    }

    /// <summary>A tensor's name and type; dimension -k is free and called nk.</summary>
    public static ValueInfoProto Info(string name, DType type, params long[] dims)
    {
        var shape = new TensorShapeProto();
        foreach (long dim in dims) shape.Dim.Add(dim >= 0 ? new TensorShapeProto.Types.Dimension { DimValue = dim } : new TensorShapeProto.Types.Dimension { DimParam = $"n{-dim}" });
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = shape } } };
    }

    public static TensorProto Floats(string name, long[] dims, params float[] values)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)DType.Float32 };
        tensor.Dims.AddRange(dims);
        tensor.FloatData.AddRange(values);
        return tensor;
    }

    public static TensorProto Longs(string name, long[] dims, params long[] values)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)DType.Int64 };
        tensor.Dims.AddRange(dims);
        tensor.Int64Data.AddRange(values);
        return tensor;
    }

    public static TensorProto Raw(string name, DType type, long[] dims, params byte[] bytes)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)type, RawData = ByteString.CopyFrom(bytes) };
        tensor.Dims.AddRange(dims);
        return tensor;
    }

    public static AttributeProto Attr(string name, long value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = value };

    public static AttributeProto Attr(string name, float value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = value };

    public static AttributeProto Attr(string name, string value) =>
        new() { Name = name, Type = AttributeProto.Types.AttributeType.String, S = ByteString.CopyFromUtf8(value) };

    public static AttributeProto Attr(string name, params long[] values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
        attribute.Ints.AddRange(values);
        return attribute;
    }

    public static AttributeProto Attr(string name, params float[] values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Floats };
        attribute.Floats.AddRange(values);
        return attribute;
    }

    public static AttributeProto Attr(string name, params string[] values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Strings };
        attribute.Strings.AddRange(values.Select(ByteString.CopyFromUtf8));
        return attribute;
    }

    public static AttributeProto Attr(string name, GraphProto graph) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Graph, G = graph };

    public static AttributeProto Ref(string name, string of, AttributeProto.Types.AttributeType type) => new() { Name = name, RefAttrName = of, Type = type };

    private static string NoName(string name) => name == "-" ? "" : name;
}
