using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Core;
using EdgeLite.Ops;
using Kind = EdgeLite.Converter.Importers.Onnx.Proto.AttributeProto.Types.AttributeType;

namespace EdgeLite.Converter.Importers.Onnx;

/// <summary>Attribute values of the file as attribute values of the graph. Graph attributes are not handled here.</summary>
internal static class OnnxAttributes
{
    /// <summary>The attribute's kind; files older than IR version 3 do not say it, the one field that is set does.</summary>
    public static Kind KindOf(AttributeProto a)
    {
        if (a.Type != Kind.Undefined) return a.Type;
        if (a.HasF) return Kind.Float;
        if (a.HasI) return Kind.Int;
        if (a.HasS) return Kind.String;
        if (a.T != null) return Kind.Tensor;
        if (a.G != null) return Kind.Graph;
        if (a.SparseTensor != null) return Kind.SparseTensor;
        if (a.Floats.Count > 0) return Kind.Floats;
        if (a.Strings.Count > 0) return Kind.Strings;
        return Kind.Ints;
    }

    public static AttributeValue Read(AttributeProto a, string? folder, string where)
    {
        Kind kind = KindOf(a);
        switch (kind)
        {
            case Kind.Float: return a.F;
            case Kind.Int: return a.I;
            case Kind.String: return a.S.ToStringUtf8();
            case Kind.Floats: return a.Floats.ToArray();
            case Kind.Ints: return a.Ints.ToArray();
            case Kind.Strings: return a.Strings.Select(s => s.ToStringUtf8()).ToArray();
            case Kind.Tensor when a.T != null: return OnnxTensor.Read(a.T, folder);
            case Kind.SparseTensor when a.SparseTensor != null: return OnnxTensor.ReadSparse(a.SparseTensor, folder);
            case Kind.Tensor or Kind.SparseTensor:
                throw new EdgeLiteException(Status.Corrupt, $"{where}: attribute '{OnnxTensor.Clean(a.Name)}' holds no value.");
            // The type of an empty optional value: element type and kind.
            case Kind.TypeProto when a.Tp != null:
                TensorType type = OnnxModelContext.Type(a.Tp, null, a.Name);
                return new long[] { (long)type.DType, (long)type.Kind };
            default:
                throw new EdgeLiteException(Status.Unsupported, $"{where}: attribute '{OnnxTensor.Clean(a.Name)}' is of kind {kind}, which is not supported.");
        }
    }
}
