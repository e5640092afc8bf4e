using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Einstein summation: labels shared by inputs are multiplied along, labels absent from the output are summed. An
/// ellipsis stands for broadcast dimensions; without "->" the output has the labels that occur once, in alphabetical order.</summary>
[Operator("Einsum", "Inputs*", "Output")]
public sealed partial class Einsum : Operator
{
    private const int MaxLabels = 64;
    private const long Absent = long.MinValue;

    [Attr(Required = true)] public string Equation { get; set; } = "";

    public override void Infer(InferContext context)
    {
        DType type = context.DType(0);
        context.ExpectType(0, type.IsFloat() || type.IsInteger(), "a number");
        var shapes = new Shape[context.InputCount];
        for (int i = 0; i < shapes.Length; i++)
        {
            shapes[i] = context.Shape(i);
            if (shapes[i].IsRanked) continue;
            context.SetOutput(0, type, Equation.Contains('.') ? Shape.Unranked
                : Shape.OfRank(ResultLabels(Equation.Replace(" ", ""), 0).Length));
            return;
        }
        Plan plan = Parse(shapes, context.Error);
        Span<long> dims = stackalloc long[Shape.MaxRank];
        if (plan.Result.Length > Shape.MaxRank) throw context.Error($"the result would have {plan.Result.Length} dimensions");
        for (int d = 0; d < plan.Result.Length; d++) dims[d] = plan.Sizes[plan.Result[d]];
        context.SetOutput(0, type, new Shape(dims[..plan.Result.Length]));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor y = context.Output(0);
        int count = context.InputCount;
        var shapes = new Shape[count];
        for (int i = 0; i < count; i++) shapes[i] = context.Input(i).Shape;
        Plan plan = Parse(shapes, context.Error);

        // Labels in loop order: those of the result, then those that are summed.
        var order = new List<int>();
        foreach (char label in plan.Result) order.Add(label);
        foreach (string term in plan.Terms)
            foreach (char label in term)
                if (!order.Contains(label)) order.Add(label);
        int labels = order.Count;
        var sizes = new long[labels];
        var strides = new long[count, labels];
        Span<long> own = stackalloc long[Shape.MaxRank];
        for (int l = 0; l < labels; l++) sizes[l] = plan.Sizes[(char)order[l]];
        for (int i = 0; i < count; i++)
        {
            StridedCursor.RowMajor(shapes[i].AsSpan(), own);
            for (int d = 0; d < shapes[i].Rank; d++)
                if (shapes[i][d] != 1) strides[i, order.IndexOf(plan.Terms[i][d])] += own[d];
        }

        long summed = 1;
        for (int l = plan.Result.Length; l < labels; l++) summed *= sizes[l];
        var index = new long[labels];
        var offsets = new long[count];
        bool isFloat = y.DType.IsFloat();
        for (long k = 0, n = y.Count; k < n; k++)
        {
            double real = 0;
            long integer = 0;
            for (long s = 0; s < summed; s++)
            {
                double realProduct = 1;
                long integerProduct = 1;
                for (int i = 0; i < count; i++)
                {
                    if (isFloat) realProduct *= context.Input(i).GetDouble(offsets[i]);
                    else integerProduct *= context.Input(i).GetInt64(offsets[i]);
                }
                real += realProduct;
                integer += integerProduct;
                Advance(index, sizes, strides, offsets);
            }
            if (summed == 0) Advance(index.AsSpan(0, plan.Result.Length), sizes, strides, offsets);
            if (isFloat) y.SetDouble(k, real);
            else y.SetInt64(k, integer);
        }
    }

    private static void Advance(Span<long> index, long[] sizes, long[,] strides, long[] offsets)
    {
        for (int l = index.Length - 1; l >= 0; l--)
        {
            for (int i = 0; i < offsets.Length; i++) offsets[i] += strides[i, l];
            if (++index[l] < sizes[l]) return;
            for (int i = 0; i < offsets.Length; i++) offsets[i] -= strides[i, l] * sizes[l];
            index[l] = 0;
        }
    }

    private sealed class Plan(string[] terms, string result, long[] sizes)
    {
        public readonly string[] Terms = terms;
        public readonly string Result = result;

        /// <summary>By label; <see cref="Absent"/> of one that is in no term.</summary>
        public readonly long[] Sizes = sizes;
    }

    /// <summary>Splits the equation. The dimensions of an ellipsis become the labels '0', '1' ..., counted from the last one.</summary>
    private Plan Parse(Shape[] shapes, Func<string, EdgeLiteException> error)
    {
        string equation = Equation.Replace(" ", "");
        int arrow = equation.AsSpan().IndexOf("->");
        string[] terms = (arrow >= 0 ? equation[..arrow] : equation).Split(',');
        if (terms.Length != shapes.Length) throw error($"equation '{Equation}' has {terms.Length} terms for {shapes.Length} inputs");
        int widest = 0;
        var sizes = new long[128];
        Array.Fill(sizes, Absent);
        int labels = 0;
        for (int i = 0; i < terms.Length; i++)
        {
            int hidden = shapes[i].Rank - terms[i].Replace("...", "").Length;
            if (hidden < 0 || (hidden > 0 && terms[i].AsSpan().IndexOf("...") < 0))
                throw error($"term '{terms[i]}' does not fit input {i} of shape {shapes[i]}");
            widest = Math.Max(widest, hidden);
            terms[i] = terms[i].Replace("...", Ellipsis(hidden));
            for (int d = 0; d < terms[i].Length; d++)
            {
                char label = terms[i][d];
                if (label >= sizes.Length) throw error($"equation '{Equation}' has the label '{label}': letters are expected");
                if (sizes[label] == Absent) (sizes[label], labels) = (1, labels + 1);
                long dim = shapes[i][d], known = sizes[label];
                if (known > 1 && dim > 1 && known != dim) throw error($"label '{label}' has sizes {known} and {dim}");
                sizes[label] = known == 1 ? dim : dim == 1 || dim < 0 ? known : known < 0 ? dim : Math.Min(known, dim);
            }
        }
        if (labels > MaxLabels) throw error($"more than {MaxLabels} labels");
        string result = ResultLabels(equation, widest);
        foreach (char label in result)
            if (label >= sizes.Length || sizes[label] == Absent) throw error($"label '{label}' of the result is in no input");
        return new Plan(terms, result, sizes);
    }

    private static string ResultLabels(string equation, int ellipsis)
    {
        int arrow = equation.AsSpan().IndexOf("->");
        if (arrow >= 0) return equation[(arrow + 2)..].Replace("...", Ellipsis(ellipsis));
        string labels = Ellipsis(ellipsis);
        for (char c = 'A'; c <= 'z'; c++)
            if (char.IsAsciiLetter(c) && equation.Contains(c) && equation.IndexOf(c) == equation.LastIndexOf(c)) labels += c;
        return labels;
    }

    private static string Ellipsis(int dims)
    {
        string labels = "";
        for (int d = dims - 1; d >= 0; d--) labels += (char)('0' + d);
        return labels;
    }
}
