using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The K largest (or smallest) elements along an axis and their indices; of equals the lower index first.</summary>
[Operator("TopK", "X, K", "Values, Indices")]
public sealed partial class TopK : Operator
{
    [Attr] public long Axis { get; set; } = -1;
    [Attr] public bool Largest { get; set; } = true;

    /// <summary>The result is sorted in any case.</summary>
    [Attr] public bool Sorted { get; set; } = true;

    private Ranking? _ranking;

    public override void Infer(InferContext context)
    {
        context.ExpectType(0, context.DType(0).IsFloat() || context.DType(0).IsInteger(), "numbers that have an order");
        context.ExpectType(1, context.DType(1) == DType.Int64, "int64");
        Shape result = context.Shape(0);
        if (result.IsRanked)
        {
            int axis = context.Axis(Axis, result.Rank);
            long k = context.ConstantInts(1) is { Length: 1 } count ? count[0] : Shape.Unknown;
            if (context.Constant(1) != null && k < 0) throw context.Error("K must be one number that is not negative");
            if (result[axis] >= 0 && k > result[axis]) throw context.Error($"K is {k}, dimension {axis} of {result} has fewer elements");
            result = result.With(axis, k);
        }
        context.SetOutput(0, context.DType(0), result);
        context.SetOutput(1, DType.Int64, result);
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0);
        int axis = context.Axis(Axis, x.Shape.Rank);
        long k = context.Input(1).GetInt64(0);
        long outer = x.Shape.Product(0, axis), dim = x.Shape[axis], inner = x.Shape.Product(axis + 1, x.Shape.Rank);
        _ranking ??= new Ranking(Largest);
        for (long o = 0; o < outer; o++)
            for (long i = 0; i < inner; i++)
            {
                long start = o * dim * inner + i;
                ReadOnlySpan<long> order = _ranking.Rank(x, start, inner, checked((int)dim));
                for (long d = 0; d < k; d++)
                {
                    long to = (o * k + d) * inner + i;
                    if (context.HasOutput(0)) Elements.Copy(x, start + order[(int)d] * inner, context.Output(0), to);
                    if (context.HasOutput(1)) context.Output(1).SetInt64(to, order[(int)d]);
                }
            }
    }

    /// <summary>Orders the elements of one line of a tensor; its memory is kept from run to run.</summary>
    private sealed class Ranking
    {
        private readonly Comparison<long> _compare;
        private long[] _order = [];
        private Tensor? _x;
        private long _start, _step;

        public Ranking(bool largest) => _compare = (a, b) =>
        {
            int sign = Order(_x!, _start + a * _step, _start + b * _step);
            return sign != 0 ? largest ? -sign : sign : a.CompareTo(b);
        };

        /// <summary>Numbers of the elements x[start + n * step], n below <paramref name="count"/>, first the one that ranks first.</summary>
        public ReadOnlySpan<long> Rank(Tensor x, long start, long step, int count)
        {
            if (_order.Length < count) _order = new long[count];
            (_x, _start, _step) = (x, start, step);
            Span<long> order = _order.AsSpan(0, count);
            for (int n = 0; n < count; n++) order[n] = n;
            order.Sort(_compare);
            return order;
        }

        /// <summary>A total order: NaN above every number.</summary>
        private static int Order(Tensor x, long i, long j) =>
            Elements.Compare(x, i, x, j) ?? double.IsNaN(x.GetDouble(i)).CompareTo(double.IsNaN(x.GetDouble(j)));
    }
}
