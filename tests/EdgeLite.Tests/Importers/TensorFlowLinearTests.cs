using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using static EdgeLite.Tests.Importers.TensorFlowControlFlowTests;

namespace EdgeLite.Tests.Importers;

/// <summary>Equations of matrices: what is found solves them.</summary>
public class TensorFlowLinearTests
{
    private const int Batch = 3, N = 5, Columns = 2;

    private static Tensor Run(string op, string attributes, params Tensor[] inputs) => TemporaryFolder.Use(folder =>
    {
        string Input(int i) => Node($"x{i}", "Placeholder", "", Type("dtype", "DT_FLOAT") + $"attr {{ key: 'shape' value {{ shape {{ {string.Concat(inputs[i].Shape.AsSpan().ToArray().Select(d => $"dim {{ size: {d} }} "))} }} }} }}");
        string path = Path.Combine(folder, "graph.pbtxt");
        File.WriteAllText(path, GraphOf([.. inputs.Select((_, i) => Input(i)), Node("y", op, string.Join(' ', inputs.Select((_, i) => $"x{i}")), Type("T", "DT_FLOAT") + attributes)]));
        Graph graph = Pipeline.Import(path, new ConversionOptions()).Graph;
        return ImportedRun.Run(graph, [.. graph.Inputs.Select(g => inputs[g.Name[1] - '0'])])[0];
    });

    /// <summary>Of the first matrix the element in the corner is 0, so that rows must change places.</summary>
    private static Tensor Matrices(int columns)
    {
        var random = new Random(columns);
        var a = new Tensor(DType.Float32, new Shape(Batch, N, columns));
        for (long i = 0; i < a.Count; i++) a.SetDouble(i, i == 0 ? 0 : random.NextDouble() * 4 - 2);
        return a;
    }

    private static Tensor Product(Tensor a, Tensor b, bool transposes = false, Func<int, int, bool>? counts = null)
    {
        int columns = (int)b.Shape[2];
        var y = new Tensor(DType.Float32, new Shape(Batch, N, columns));
        for (int m = 0; m < Batch; m++)
            for (int i = 0; i < N; i++)
                for (int j = 0; j < columns; j++)
                {
                    double sum = 0;
                    for (int k = 0; k < N; k++)
                    {
                        (int row, int column) = transposes ? (k, i) : (i, k);
                        if (counts?.Invoke(row, column) != false) sum += a.GetDouble((m * N + row) * N + column) * b.GetDouble((m * N + k) * columns + j);
                    }
                    y.SetDouble((m * N + i) * columns + j, sum);
                }
        return y;
    }

    private static string True(string key) => $"attr {{ key: '{key}' value {{ b: true }} }} ";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Equations_are_solved(bool isAdjoint)
    {
        Tensor a = Matrices(N), b = Matrices(Columns);
        TensorAssert.Close(b, Product(a, Run("MatrixSolve", isAdjoint ? True("adjoint") : "", a, b), isAdjoint), 1e-3, 1e-3, "A X");
    }

    [Fact]
    public void An_inverse_times_its_matrix_is_the_identity()
    {
        Tensor a = Matrices(N), identity = new(DType.Float32, a.Shape);
        for (int i = 0; i < Batch * N; i++) identity.SetDouble(i * N + i % N, 1);
        TensorAssert.Close(identity, Product(a, Run("MatrixInverse", "", a)), 1e-3, 1e-3, "A X");
        // A single matrix, worked out by hand.
        Tensor y = Run("MatrixInverse", "", Tensor.FromArray<float>([0, 2, 4, 0], new Shape(2, 2)));
        Assert.Equal([0f, 0.25f, 0.5f, 0], y.ToArray<float>());
    }

    /// <summary>The other triangle is not read.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Triangles_are_solved(bool isLower)
    {
        Tensor a = Matrices(N), b = Matrices(Columns);
        for (int i = 0; i < Batch * N; i++) a.SetDouble(i * N + i % N, 3);
        Tensor x = Run("MatrixTriangularSolve", $"attr {{ key: 'lower' value {{ b: {(isLower ? "true" : "false")} }} }}", a, b);
        TensorAssert.Close(b, Product(a, x, counts: (r, c) => isLower ? c <= r : c >= r), 1e-4, 1e-4, "A X");
    }

    [Fact]
    public void A_factor_times_itself_is_the_matrix()
    {
        Tensor l = Matrices(N), a = new(DType.Float32, l.Shape);
        for (int m = 0; m < Batch; m++)
            for (int i = 0; i < N; i++)
                for (int j = 0; j < N; j++)
                {
                    double sum = 0;
                    double L(int r, int c) => c > r ? 0 : c == r ? 2 : l.GetDouble((m * N + r) * N + c);
                    for (int k = 0; k < N; k++) sum += L(i, k) * L(j, k);
                    a.SetDouble((m * N + i) * N + j, sum);
                }
        Tensor expected = new(DType.Float32, l.Shape);
        for (int i = 0; i < Batch * N * N; i++) expected.SetDouble(i, i % N > i / N % N ? 0 : i % N == i / N % N ? 2 : l.GetDouble(i));
        TensorAssert.Close(expected, Run("Cholesky", "", a), 1e-3, 1e-3, "L");
    }
}
