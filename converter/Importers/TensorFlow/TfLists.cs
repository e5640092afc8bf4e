using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>Reading and writing lists of tensors that are kept as one tensor [size, element..].</summary>
internal static class TfLists
{
    /// <summary>A list of zeros whose elements are as large as <paramref name="like"/>.</summary>
    public static TfListItem Allocate(TfNode n, TfContext context, TfListItem list, Value like)
    {
        if (list.Size == null) throw n.InputError("a list without a declared size is written out of order");
        Value zero = context.Graph.AddConstant(n.Name + "/zero", new Tensor(like.DType, Shape.Scalar));
        Value size = Emit("Reshape", Emit1("Cast", list.Size, ("to", (long)DType.Int64)), context.Graph.AddConstant(n.Name + "/one", Tensor.FromArray<long>([1], new Shape(1))));
        Value element = like.Shape.IsKnown ? context.Graph.AddConstant(n.Name + "/element", Tensor.FromArray<long>(like.Shape.AsSpan(), new Shape(like.Shape.Rank))) : Emit1("Shape", like);
        Value shape = context.Emit(n.Name + "/shape", "Concat", [size, element], AttributeSet.Of(("axis", 0)));
        return list with { DType = like.DType, Stacked = Emit("Expand", zero, shape), Writes = null };

        Value Emit(string op, Value a, Value b) => context.Emit(n.Name + "/zeros", op, [a, b], new AttributeSet());
        Value Emit1(string op, Value a, params ReadOnlySpan<(string, AttributeValue)> attributes) => context.Emit(n.Name + "/zeros", op, [a], AttributeSet.Of(attributes));
    }

    public static TfListItem Write(TfNode n, TfListItem list, Value index, Value element)
    {
        if (list.Writes != null)
        {
            list.Writes.Made.Add((index, element));
            return list;
        }
        if (list.Stacked == null) list = Allocate(n, n.Context, list, element);
        if (index.Constant is { } known) list = Grown(n, list, known.GetInt64(0) + 1);
        Value at = n.Reshape(n.Cast(index, DType.Int64), 1, 1);
        return list with { Stacked = n.Emit("ScatterND", [list.Stacked, at, n.Unsqueeze(element, 0)]) };
    }

    /// <summary>A list of at least that many elements; new ones are 0.</summary>
    public static TfListItem Grown(TfNode n, TfListItem list, long size)
    {
        Shape shape = list.Stacked!.Shape;
        if (!shape.IsRanked || shape[0] < 0 || shape[0] >= size) return list;
        if (size > 1 << 20) throw n.Damaged($"an element {size} is written");
        var pads = new long[2 * shape.Rank];
        pads[shape.Rank] = size - shape[0];
        return list with { Stacked = n.Emit("Pad", [list.Stacked, n.Vector(pads)]), Size = n.Scalar(DType.Int32, size) };
    }

    public static Value Read(TfNode n, TfListItem list, Value index)
    {
        Value x = Elements(n, list);
        return n.Emit("Gather", [x, n.Cast(index, DType.Int64)], ("axis", 0));
    }

    /// <summary>All elements, stacked.</summary>
    public static Value Elements(TfNode n, TfListItem list)
    {
        if (list.Writes is { } writes)
        {
            writes.IsRead = true;
            // The body is built again with the list carried; until then one element stands for all.
            if (writes.Made.Count > 0) return n.Unsqueeze(writes.Made[0].Element, 0);
        }
        if (list.Stacked != null) return list.Stacked;
        if (list.Element is { } element && element.All(d => d >= 0) && list.Size != null)
            return Allocate(n, n.Context, list, n.Const(new Tensor(list.DType, new Shape(element)))).Stacked!;
        throw n.InputError("a list is read before anything is written to it");
    }

    /// <summary>Number of elements, an int32 scalar.</summary>
    public static Value Size(TfNode n, TfListItem list)
    {
        if (list.Size != null) return list.Size;
        if (list.Stacked == null) return n.Scalar(DType.Int32, 0);
        return n.Cast(n.Emit("Gather", [n.ShapeOf(list.Stacked), n.Scalar(DType.Int64, 0)], ("axis", 0)), DType.Int32);
    }
}
