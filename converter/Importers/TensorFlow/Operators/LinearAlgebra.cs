using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.TensorFlow.Operators;

/// <summary>Equations and factors of square matrices, [.., n, n]: a Loop of n rounds (Golub and Van Loan, Matrix Computations, 3.4 and 4.2).</summary>
internal static class LinearAlgebra
{
    [TensorFlow("MatrixInverse", "BatchMatrixInverse", Notes = "of a matrix that has none not an error but numbers that are not finite")]
    private static void Inverse(TfNode n) => n.Set(Solution(n, Adjoint(n, n.In(0)), null));

    [TensorFlow("MatrixSolve", "BatchMatrixSolve", Notes = "as MatrixInverse")]
    private static void Solve(TfNode n) => n.Set(Solution(n, Adjoint(n, n.In(0)), n.In(1)));

    [TensorFlow("MatrixTriangularSolve", "BatchMatrixTriangularSolve", Notes = "as MatrixInverse", Limits = "matrices and right sides with other batches")]
    private static void TriangularSolve(TfNode n)
    {
        Value a = n.Emit("Trilu", [n.In(0)], ("upper", n.Bool("lower", true) ? 0 : 1));
        n.Set(Solution(n, Adjoint(n, a), n.In(1)));
    }

    /// <summary>L of A = L L^T, lower triangular.</summary>
    [TensorFlow("Cholesky", "BatchCholesky")]
    private static void Cholesky(TfNode n)
    {
        Value a = n.In(0), flat = Flat(n, a);
        // Of A the lower triangle alone is read.
        Value lower = n.Emit("Trilu", [flat], ("upper", 0)), strict = n.Emit("Trilu", [flat, n.Scalar(DType.Int64, -1)], ("upper", 0));
        Value whole = n.Add(lower, n.Transpose(strict, 0, 2, 1)), zero = n.Sub(flat, flat);
        Value l = n.EmitMany("Loop", 2, [Size(n, flat), null, whole, zero], ("body", AttributeValue.OfGraph(CholeskyStep(a.DType))))[1];
        n.Set(n.Emit("Reshape", [l, n.ShapeOf(a)]));
    }

    private static Value Adjoint(TfNode n, Value a)
    {
        int rank = n.RankOf(a);
        if (!n.Bool("adjoint")) return a;
        return n.Transpose(a, [.. Enumerable.Range(0, rank - 2).Select(d => (long)d), rank - 1, rank - 2]);
    }

    private static Value Flat(TfNode n, Value a)
    {
        int rank = n.RankOf(a);
        if (rank < 2) throw n.InputError($"a matrix is expected, not {a.Shape}");
        return n.ReshapeTo(a, n.Concat(0, n.Vector(-1), n.Slice(n.ShapeOf(a), 0, rank - 2, rank)));
    }

    /// <summary>The size of matrices [B, n, n], a scalar.</summary>
    private static Value Size(TfNode n, Value flat) => n.Squeeze(n.Slice(n.ShapeOf(flat), 0, 1, 2), 0);

    /// <summary>X of A X = B; without B the inverse. The matrix beside B becomes the identity beside X.</summary>
    private static Value Solution(TfNode n, Value a, Value? b)
    {
        if (!a.DType.IsFloat()) throw n.InputError($"matrices of {a.DType.Name()} are not supported");
        if (b != null && (n.RankOf(b) != n.RankOf(a) || b.Shape.AsSpan()[..^2].ToArray().Zip(a.Shape.AsSpan()[..^2].ToArray()).Any(d => d.First != d.Second && d.First >= 0 && d.Second >= 0)))
            throw n.InputError($"matrices {a.Shape} and right sides {b.Shape} with other batches are not supported");
        Value flat = Flat(n, a), size = Size(n, flat), right;
        if (b == null)
        {
            Value rows = n.Emit("Range", [n.Scalar(DType.Int64, 0), size, n.Scalar(DType.Int64, 1)]);
            right = n.Emit("Expand", [n.Cast(n.Emit("Equal", [n.Unsqueeze(rows, 0), n.Unsqueeze(rows, 1)]), a.DType), n.ShapeOf(flat)]);
        }
        else right = Flat(n, b);
        Value both = n.EmitMany("Loop", 1, [size, null, n.Concat(2, flat, right)], ("body", AttributeValue.OfGraph(EliminationStep(a.DType))))[0];
        Value x = n.Emit("Slice", [both, n.Unsqueeze(size, 0), n.Vector(long.MaxValue), n.Vector(2)]);
        return n.Emit("Reshape", [x, n.ShapeOf(b ?? a)]);
    }

    private static (Graph Body, NodeBuilder Step, Value Round, Value Going, Value[] States) Begin(string name, DType type, int states)
    {
        var body = new Graph(name);
        Value round = body.AddInput("round", new TensorType(DType.Int64, Shape.Scalar)), going = body.AddInput("going", new TensorType(DType.Bool, Shape.Scalar));
        return (body, new NodeBuilder(body, "step", name), round, going, [.. Enumerable.Range(0, states).Select(i => body.AddInput($"state{i}", new TensorType(type, Shape.OfRank(3))))]);
    }

    private static Graph End(Graph body, Value going, params Value[] next)
    {
        NodeBuilder.AddOutput(body, going, "goes on");
        for (int i = 0; i < next.Length; i++) NodeBuilder.AddOutput(body, next[i], $"next{i}");
        return body;
    }

    /// <summary>0, 1 .. n - 1 for matrices [B, n, ..].</summary>
    private static Value Rows(NodeBuilder s, Value m) => s.Emit("Range", [s.Constant("zero", Tensor.FromScalar(0L)), s.Emit("Squeeze", [s.Emit("Shape", [m], ("start", 1), ("end", 2)), s.Ints(0)]), s.Constant("one", Tensor.FromScalar(1L))]);

    /// <summary>Round k of Gauss-Jordan elimination on [B, n, m]: of the rows from k on that with the largest element in column k changes places with
    /// row k, is divided by that element and taken from all others.</summary>
    private static Graph EliminationStep(DType type)
    {
        (Graph body, NodeBuilder s, Value k, Value going, Value[] states) = Begin("elimination", type, 1);
        Value m = states[0], rows = Rows(s, m), isK = s.Emit("Equal", [rows, k]); // [n]
        Value column = s.Emit("Abs", [s.Emit("Gather", [m, k], ("axis", 2))]); // [B, n]
        Value open = s.Emit("Where", [s.Emit("GreaterOrEqual", [rows, k]), column, s.Cast(s.Scalar(-1), type)]);
        Value best = s.Emit("ArgMax", [open], ("axis", 1), ("keepdims", 1)); // [B, 1]
        Value chosen = s.Emit("GatherND", [m, best], ("batch_dims", 1)); // [B, m]
        Value row = s.Emit("Unsqueeze", [s.Emit("Gather", [m, k], ("axis", 1)), s.Ints(1)]); // [B, 1, m]
        Value swapped = s.Emit("Where", [s.Emit("Unsqueeze", [s.Emit("Equal", [rows, best]), s.Ints(2)]), row, m]);
        Value pivot = s.Emit("Unsqueeze", [s.Emit("Gather", [chosen, k], ("axis", 1)), s.Ints(1)]); // [B, 1]
        Value scaled = s.Emit("Unsqueeze", [s.Emit("Div", [chosen, pivot]), s.Ints(1)]); // [B, 1, m]
        Value factors = s.Emit("Unsqueeze", [s.Emit("Gather", [swapped, k], ("axis", 2)), s.Ints(2)]); // [B, n, 1]
        Value rest = s.Emit("Sub", [swapped, s.Emit("Mul", [factors, scaled])]);
        return End(body, going, s.Emit("Where", [s.Emit("Unsqueeze", [isK, s.Ints(1)]), scaled, rest]));
    }

    /// <summary>Round k on what is left of A and on L, [B, n, n]: column k of L is that of A over the root of its diagonal element, and its square is
    /// taken from A.</summary>
    private static Graph CholeskyStep(DType type)
    {
        (Graph body, NodeBuilder s, Value k, Value going, Value[] states) = Begin("cholesky", type, 2);
        Value rows = Rows(s, states[0]), column = s.Emit("Gather", [states[0], k], ("axis", 2)); // [B, n]
        Value root = s.Emit("Unsqueeze", [s.Emit("Sqrt", [s.Emit("Gather", [column, k], ("axis", 1))]), s.Ints(1)]);
        Value c = s.Emit("Where", [s.Emit("GreaterOrEqual", [rows, k]), s.Emit("Div", [column, root]), s.Cast(s.Scalar(0), type)]);
        Value down = s.Emit("Unsqueeze", [c, s.Ints(2)]), across = s.Emit("Unsqueeze", [c, s.Ints(1)]);
        return End(body, going, s.Emit("Sub", [states[0], s.Emit("Mul", [down, across])]), s.Emit("Where", [s.Emit("Equal", [rows, k]), down, states[1]]));
    }
}
