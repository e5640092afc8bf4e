using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Ops;
using Google.Protobuf;

namespace EdgeLite.Tests.Importers;

/// <summary>Writes a graph of ONNX operators as an ONNX file, for ONNX Runtime to be compared with.</summary>
internal static class OnnxFile
{
    /// <summary>The set before QuantizeLinear got output_dtype, which ONNX Runtime 1.31 mistakes in some of its own rewriting. It has no
    /// Swish yet: that is written as the product that it is. Nor Attention: graphs of that take the first set that has it.</summary>
    private const int OperatorSet = 20, AttentionSet = 23;

    public static void Write(Graph graph, string path)
    {
        var model = new ModelProto { IrVersion = 10, ProducerName = "edgelite tests", Graph = new GraphProto { Name = graph.Name } };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = graph.Nodes.Any(n => n.Is("Attention")) ? AttentionSet : OperatorSet });
        foreach (Value input in graph.Inputs) model.Graph.Input.Add(Describe(input));
        foreach (Value output in graph.Outputs) model.Graph.Output.Add(Describe(output));
        foreach (Value value in graph.Values)
            if (value is { Constant: { } constant } && (value.Consumers.Count > 0 || graph.Outputs.Contains(value))) model.Graph.Initializer.Add(Encode(value.Name, constant));
        foreach (Node node in graph.Nodes)
        {
            if (node.Domain.Length > 0) throw new EdgeLiteException(Status.Unsupported, $"{node}: only operators of ONNX itself are written.");
            if (node.Is("Swish") && node.Attributes.Float("alpha", 1) == 1)
            {
                string x = node.Inputs[0]!.Name, sigmoid = node.Output.Name + ".sigmoid";
                model.Graph.Node.Add(new NodeProto { OpType = "Sigmoid", Name = sigmoid, Input = { x }, Output = { sigmoid } });
                model.Graph.Node.Add(new NodeProto { OpType = "Mul", Name = node.Name, Input = { x, sigmoid }, Output = { node.Output.Name } });
                continue;
            }
            var proto = new NodeProto { OpType = node.OpType, Name = node.Name };
            proto.Input.AddRange(node.Inputs.Select(v => v?.Name ?? ""));
            proto.Output.AddRange(node.Outputs.Select(v => v?.Name ?? ""));
            proto.Attribute.AddRange(node.Attributes.Items.Where(a => node.OpType != "QuantizeLinear" || a.Key != "output_dtype").Select(a => Encode(a.Key, a.Value)));
            if (node.Is("Resize") && node.Output is { Shape.IsKnown: true } resized && node.Attributes.Has("axes"))
            {
                // ONNX Runtime 1.31 refuses sizes for some axes ("Number of elements of input 'sizes' (0)"); it takes all of them.
                string sizes = resized.Name + ".sizes";
                model.Graph.Initializer.Add(Encode(sizes, Tensor.FromArray<long>(resized.Shape.AsSpan(), new Shape(resized.Shape.Rank))));
                proto.Input[3] = sizes;
                proto.Attribute.Remove(proto.Attribute.Single(a => a.Name == "axes"));
            }
            if (node.Is("Pad") && node.Input(1)?.Constant is { } some && node.Input(3)?.Constant is { } axes)
            {
                // ONNX Runtime 1.31 loses axes when it changes the layout ("indices element out of data bounds"); it takes pads of all of them.
                int rank = node.Inputs[0]!.Shape.Rank, count = (int)axes.Count;
                var all = new long[2 * rank];
                for (int i = 0; i < count; i++)
                {
                    long axis = axes.GetInt64(i) < 0 ? axes.GetInt64(i) + rank : axes.GetInt64(i);
                    (all[axis], all[rank + axis]) = (some.GetInt64(i), some.GetInt64(count + i));
                }
                string pads = node.Output.Name + ".all_pads";
                model.Graph.Initializer.Add(Encode(pads, Tensor.FromArray<long>(all, new Shape(all.Length))));
                proto.Input[1] = pads;
                proto.Input.RemoveAt(3);
            }
            model.Graph.Node.Add(proto);
        }
        string partial = path + ".partial";
        using (FileStream stream = File.Create(partial)) model.WriteTo(stream);
        File.Move(partial, path, overwrite: true);
    }

    private static ValueInfoProto Describe(Value value)
    {
        var shape = new TensorShapeProto();
        foreach (long dim in value.Shape.AsSpan()) shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = dim });
        var type = new TypeProto.Types.Tensor { ElemType = TypeNumber(value.DType), Shape = shape };
        return new ValueInfoProto { Name = value.Name, Type = new TypeProto { TensorType = type } };
    }

    private static TensorProto Encode(string name, Tensor tensor)
    {
        var proto = new TensorProto { Name = name, DataType = TypeNumber(tensor.DType), RawData = ByteString.CopyFrom(tensor.Bytes) };
        proto.Dims.AddRange(tensor.Shape.AsSpan().ToArray());
        return proto;
    }

    private static AttributeProto Encode(string name, AttributeValue value)
    {
        var proto = new AttributeProto { Name = name };
        switch (value.Kind)
        {
            case AttributeKind.Int: (proto.Type, proto.I) = (AttributeProto.Types.AttributeType.Int, value.Int); break;
            case AttributeKind.Float: (proto.Type, proto.F) = (AttributeProto.Types.AttributeType.Float, value.Float); break;
            case AttributeKind.String: (proto.Type, proto.S) = (AttributeProto.Types.AttributeType.String, ByteString.CopyFromUtf8(value.String)); break;
            case AttributeKind.Ints:
                proto.Type = AttributeProto.Types.AttributeType.Ints;
                proto.Ints.AddRange(value.Ints);
                break;
            default: throw new EdgeLiteException(Status.Unsupported, $"Attribute '{name}' of kind {value.Kind} is not written.");
        }
        return proto;
    }

    /// <summary>TensorProto.DataType.</summary>
    private static int TypeNumber(DType type) => type switch
    {
        DType.Float32 => 1,
        DType.UInt8 => 2,
        DType.Int8 => 3,
        DType.Int32 => 6,
        DType.Int64 => 7,
        DType.Bool => 9,
        DType.Float16 => 10,
        _ => throw new EdgeLiteException(Status.Unsupported, $"Tensors of type {type.Name()} are not written."),
    };
}
