using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Caffe2.Operators;

/// <summary>Numbers for each row of two blobs, and sums of whole ones (distance_op.cc, reduction_ops.cc).</summary>
internal static class Distances
{
    [Caffe2("DotProduct")] private static void DotProduct(Caffe2Operator o) => o.SetOutput(0, Rows(o, o.Emit("Mul", [o.Input(), o.Input(1)])));

    /// <summary>x y / (|x| |y|), squares of lengths being at least 1e-12.</summary>
    [Caffe2("CosineSimilarity")]
    private static void CosineSimilarity(Caffe2Operator o)
    {
        Value x = o.Input(), y = o.Input(1);
        Value Length(Value v) => o.Emit("Sqrt", [o.Emit("Max", [Rows(o, o.Emit("Mul", [v, v])), o.Scalar(1e-12)])]);
        o.SetOutput(0, o.Emit("Div", [Rows(o, o.Emit("Mul", [x, y])), o.Emit("Mul", [Length(x), Length(y)])]));
    }

    [Caffe2("SquaredL2Distance", Notes = "half of the sum of squares, as there")]
    private static void SquaredDistance(Caffe2Operator o)
    {
        Value d = o.Emit("Sub", [o.Input(), o.Input(1)]);
        o.SetOutput(0, o.Emit("Mul", [Rows(o, o.Emit("Mul", [d, d])), o.Scalar(0.5)]));
    }

    [Caffe2("L1Distance")] private static void AbsoluteDistance(Caffe2Operator o) => o.SetOutput(0, Rows(o, o.Emit("Abs", [o.Emit("Sub", [o.Input(), o.Input(1)])])));

    /// <summary>The sum over all axes but the first.</summary>
    private static Value Rows(Caffe2Operator o, Value x)
    {
        int rank = o.RankOf(x);
        return rank < 2 ? x : o.Emit("ReduceSum", [x, o.Ints([.. Enumerable.Range(1, rank - 1).Select(d => (long)d)])], ("keepdims", 0));
    }

    [Caffe2("SumElements")] private static void SumElements(Caffe2Operator o) => All(o, o.Input());
    [Caffe2("SumSqrElements")] private static void SumSquares(Caffe2Operator o) => All(o, o.Emit("Mul", [o.Input(), o.Input()]));

    private static void All(Caffe2Operator o, Value x) => o.SetOutput(0, o.Emit(o.Int("average", 0) != 0 ? "ReduceMean" : "ReduceSum", [x], ("keepdims", 0)));

    /// <summary>x w + b, both along the axes from "axis" on.</summary>
    [Caffe2("ElementwiseLinear")]
    private static void Linear(Caffe2Operator o)
    {
        int axis = o.Axis(o.Input(), o.Int("axis", 1));
        bool isLast = axis == o.RankOf(o.Input()) - 1;
        Value Along(int i) => isLast ? o.Input(i) : o.Emit("Reshape", [o.Input(i), o.Emit("Shape", [o.Input()], ("start", axis))]);
        o.SetOutput(0, o.Emit("Add", [o.Emit("Mul", [o.Input(), Along(1)]), Along(2)]));
    }

    /// <summary>The first two axes as one.</summary>
    [Caffe2("MergeDim")]
    private static void MergeDim(Caffe2Operator o)
    {
        Value rest = o.Emit("Shape", [o.Input()], ("start", 2));
        o.SetOutput(0, o.Emit("Reshape", [o.Input(), o.Emit("Concat", [o.Ints(-1), rest], ("axis", 0))]));
    }
}
