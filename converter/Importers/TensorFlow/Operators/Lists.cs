using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow.Operators;

/// <summary>TensorArray (version 3: its state is the flow) and TensorList.</summary>
internal static class Lists
{
    [TensorFlow("TensorArrayV3")]
    private static void TensorArray(TfNode n)
    {
        var list = new TfListItem(n.Type("dtype"), n.Cast(n.In(0), DType.Int32), null, n.Dims("element_shape"));
        n.Set(0, list);
        n.Set(1, list);
    }

    [TensorFlow("TensorArrayReadV3")]
    private static void ArrayRead(TfNode n) => n.Set(TfLists.Read(n, n.List(2), n.In(1)));

    [TensorFlow("TensorArrayWriteV3")]
    private static void ArrayWrite(TfNode n) => n.Set(TfLists.Write(n, n.List(3), n.In(1), n.In(2)));

    [TensorFlow("TensorArrayGatherV3")]
    private static void ArrayGather(TfNode n) => n.Set(Gather(n, n.List(2), n.In(1)));

    [TensorFlow("TensorArrayScatterV3")]
    private static void ArrayScatter(TfNode n) => n.Set(Scatter(n, n.List(3), n.In(1), n.In(2)));

    [TensorFlow("TensorArraySizeV3")]
    private static void ArraySize(TfNode n) => n.Set(TfLists.Size(n, n.List(1)));

    [TensorFlow("TensorArrayCloseV3")]
    private static void Close(TfNode n) { }

    /// <summary>Elements of equal size, one after the other.</summary>
    [TensorFlow("TensorArrayConcatV3")]
    private static void ArrayConcat(TfNode n) => Concat(n, n.List(1));

    [TensorFlow("TensorArraySplitV3")]
    private static void ArraySplit(TfNode n)
    {
        long[] lengths = n.RequiredInts(2, "the lengths");
        if (lengths.Distinct().Count() > 1) throw n.InputError("parts of different lengths are not supported");
        Value x = n.In(1);
        n.Set(n.List(3) with { DType = x.DType, Stacked = n.Emit("Reshape", [x, n.Concat(0, n.Vector(lengths.Length, lengths.FirstOrDefault()), n.Emit("Shape", [x], ("start", 1)))]), Writes = null });
    }

    [TensorFlow("TensorListReserve")]
    private static void Reserve(TfNode n)
    {
        bool sized = n.ConstantInts(1) is not { } count || count[0] >= 0;
        n.Set(new TfListItem(n.Type("element_dtype"), sized ? n.Cast(n.In(1), DType.Int32) : null, null, ElementDims(n, 0)));
    }

    [TensorFlow("EmptyTensorList")]
    private static void Empty(TfNode n) => n.Set(new TfListItem(n.Type("element_dtype"), null, null, ElementDims(n, 0)));

    [TensorFlow("TensorListFromTensor")]
    private static void FromTensor(TfNode n)
    {
        Value x = n.In(0);
        n.Set(new TfListItem(x.DType, null, x, null));
    }

    [TensorFlow("TensorListGetItem")]
    private static void GetItem(TfNode n) => n.Set(TfLists.Read(n, n.List(0), n.In(1)));

    [TensorFlow("TensorListSetItem")]
    private static void SetItem(TfNode n) => n.Set(TfLists.Write(n, n.List(0), n.In(1), n.In(2)));

    /// <summary>In the body of a loop the element goes where the iteration is; outside it is appended.</summary>
    [TensorFlow("TensorListPushBack")]
    private static void PushBack(TfNode n)
    {
        TfListItem list = n.List(0);
        Value element = n.In(1);
        if (list.Writes != null) n.Set(TfLists.Write(n, list, n.Graph.Inputs[0], element));
        else n.Set(list with { Stacked = list.Stacked == null ? n.Unsqueeze(element, 0) : n.Concat(0, list.Stacked, n.Unsqueeze(element, 0)), Size = null });
    }

    [TensorFlow("TensorListPopBack")]
    private static void PopBack(TfNode n)
    {
        TfListItem list = n.List(0);
        Value x = TfLists.Elements(n, list);
        n.Set(0, list with { Stacked = n.Slice(x, 0, 0, -1), Size = null });
        n.Set(1, n.Emit("Gather", [x, n.Scalar(DType.Int64, -1)], ("axis", 0)));
    }

    [TensorFlow("TensorListLength")]
    private static void Length(TfNode n) => n.Set(TfLists.Size(n, n.List(0)));

    [TensorFlow("TensorListStack")]
    private static void Stack(TfNode n) => n.Set(TfLists.Elements(n, n.List(0)));

    [TensorFlow("TensorListGather")]
    private static void ListGather(TfNode n) => n.Set(Gather(n, n.List(0), n.In(1)));

    [TensorFlow("TensorListScatter", "TensorListScatterV2")]
    private static void ListScatter(TfNode n)
    {
        Value x = n.In(0);
        Value size = n.HasInput(3) && n.ConstantInts(3) is { } given && given[0] >= 0 ? n.Cast(n.In(3), DType.Int32)
            : n.Cast(n.Emit("Gather", [n.ShapeOf(x), n.Scalar(DType.Int64, 0)], ("axis", 0)), DType.Int32);
        n.Set(Scatter(n, new TfListItem(x.DType, size, null, null), n.In(1), x));
    }

    [TensorFlow("TensorListConcat", "TensorListConcatV2")]
    private static void ListConcat(TfNode n) => Concat(n, n.List(0));

    private static void Concat(TfNode n, TfListItem list)
    {
        Value x = TfLists.Elements(n, list);
        int rank = n.RankOf(x);
        if (rank < 2) throw n.InputError("elements without dimensions cannot be joined");
        Value shape = rank == 2 ? n.Vector(-1) : n.Concat(0, n.Vector(-1), n.Emit("Shape", [x], ("start", 2)));
        n.Set(0, n.Emit("Reshape", [x, shape]));
        n.Set(1, n.Emit("Expand", [n.Emit("Gather", [n.ShapeOf(x), n.Vector(1)], ("axis", 0)), n.Emit("Shape", [x], ("start", 0), ("end", 1))]));
    }

    private static Value Gather(TfNode n, TfListItem list, Value indices)
    {
        Value x = TfLists.Elements(n, list);
        return IsWhole(indices, list, x) ? x : n.Emit("Gather", [x, n.Cast(indices, DType.Int64)], ("axis", 0));
    }

    private static TfListItem Scatter(TfNode n, TfListItem list, Value indices, Value values)
    {
        if (IsWhole(indices, list, values)) return list with { DType = values.DType, Stacked = values, Writes = null };
        Value sample = n.Emit("Gather", [values, n.Scalar(DType.Int64, 0)], ("axis", 0));
        if (list.Stacked == null) list = TfLists.Allocate(n, n.Context, list, sample);
        if (indices.Constant is { Count: > 0 } known) list = TfLists.Grown(n, list, known.ToInt64Array().Max() + 1);
        return list with { Stacked = n.Emit("ScatterND", [list.Stacked, n.Unsqueeze(n.Cast(indices, DType.Int64), -1), values]), Writes = null };
    }

    /// <summary>Whether indices are 0 .. size-1: a Range from 0 by 1 up to the size of the list.</summary>
    private static bool IsWhole(Value indices, TfListItem list, Value stacked)
    {
        if (indices.Constant is { } c)
            return c.ToInt64Array().Select((v, i) => v == i).All(b => b) && (list.Size == null || list.Size.Constant is { } size && size.GetInt64(0) == c.Count)
                && (!stacked.Shape.IsRanked || stacked.Shape[0] < 0 || stacked.Shape[0] == c.Count);
        Value at = indices.Producer is { OpType: "Cast" } cast ? cast.Inputs[0]! : indices;
        return at.Producer is { OpType: "Range" } range && range.Inputs[0]!.Constant?.GetInt64(0) == 0 && range.Inputs[2]!.Constant?.GetInt64(0) == 1;
    }

    private static long[]? ElementDims(TfNode n, int input) =>
        n.In(input).Constant is { } c && c.Shape.Rank == 1 ? c.ToInt64Array() : null;
}
