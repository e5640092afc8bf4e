using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Passes;

/// <summary>
/// Finds out whether a part of a loop's body is a cell of an LSTM, a GRU or a plain recurrent layer, by what it computes rather than by how it
/// is written: the arguments of its activations are measured at the origin and at unit vectors, which gives the weights of gates that
/// are affine in input and state; then every assignment of gates to roles is tried on random numbers against the cell's formula
/// (operators LSTM, GRU and RNN of ONNX).
/// </summary>
internal sealed class RecurrentCell
{
    private const int MaxWidth = 1024, Trials = 5;
    private const double Tolerance = 2e-5;

    /// <summary>What a cell is made of. All of it is analytic but Relu, which stands once, so that what agrees at random numbers agrees everywhere;
    /// a clipped state, which they may not reach, is not among it.</summary>
    private static readonly HashSet<string> s_operators = new(StringComparer.Ordinal)
    { "Add", "Cast", "Concat", "Gemm", "Identity", "MatMul", "Mul", "Neg", "Relu", "Reshape", "Sigmoid", "Slice", "Split", "Squeeze", "Sub", "Tanh", "Transpose", "Unsqueeze" };

    private readonly Node[] _nodes;
    private readonly Value _x, _h;
    private readonly Value? _c;
    private readonly long _inputs, _hidden, _batch;

    private RecurrentCell(Node[] nodes, Value x, Value h, Value? c, long inputs, long hidden, long batch) =>
        (_nodes, _x, _h, _c, _inputs, _hidden, _batch) = (nodes, x, h, c, inputs, hidden, batch);

    /// <summary>LSTM, GRU or RNN.</summary>
    public string OpType { get; private set; } = "";

    /// <summary>Weights in the order of the operator's gates: W [gates * hidden, inputs], R [gates * hidden, hidden], B [2 * gates * hidden].</summary>
    public double[] W { get; private set; } = [];
    public double[] R { get; private set; } = [];
    public double[] B { get; private set; } = [];
    public long Hidden => _hidden;
    public bool LinearBeforeReset { get; private set; }
    public string Activation { get; private set; } = "Tanh";

    /// <summary>The cell, or null when the nodes compute something else. <paramref name="nodes"/> are in order and lead from x [N, inputs], h and
    /// c [N, hidden] to the next states.</summary>
    public static RecurrentCell? Recognize(Node[] nodes, Value x, Value h, Value? c, Value nextH, Value? nextC, long inputs, long hidden, long batch)
    {
        if (inputs is < 1 or > MaxWidth || hidden is < 1 or > MaxWidth || nodes.Any(n => n.Domain.Length > 0 || !s_operators.Contains(n.OpType))) return null;
        var cell = new RecurrentCell(nodes, x, h, c, inputs, hidden, batch);
        try
        {
            return cell.Find(nextH, nextC) ? cell : null;
        }
        catch (Exception e) when (e is EdgeLiteException or ArgumentException or IndexOutOfRangeException or InvalidOperationException or InvalidCastException)
        {
            return null; // sizes that do not fit this guess
        }
    }

    /// <summary>A part of an activation's result, with the weights of its argument.</summary>
    private sealed record Gate(Node Activation, double[] W, double[] R, double[] B);

    private bool Find(Value nextH, Value? nextC)
    {
        Node[] sigmoids = [.. _nodes.Where(n => n.Is("Sigmoid"))], others = [.. _nodes.Where(n => n.Is("Tanh") || n.Is("Relu"))];
        if (nextC != null)
        {
            // The other activation is that of the next c.
            Node[] candidates = [.. others.Where(n => !DependsOn(n, _c!))];
            if (candidates.Length != 1 || others.Length != 2 || sigmoids.Any(n => DependsOn(n, _c!))) return false;
            Gate[] gates = Measure([.. sigmoids, candidates[0]], []);
            return FindLstm([.. gates.Where(g => g.Activation != candidates[0])], [.. gates.Where(g => g.Activation == candidates[0])], nextH, nextC);
        }
        if (sigmoids.Length > 0) return others.Length == 1 && FindGru(sigmoids, others[0], nextH);
        return others.Length == 1 && FindPlain(others[0], nextH);
    }

    private bool FindLstm(Gate[] gates, Gate[] candidate, Value nextH, Value nextC)
    {
        if (gates.Length != 3 || candidate.Length != 1) return false;
        (double[] x, double[] h, double[] c) = Sample();
        double[][] f = Evaluate([nextH, nextC], x, h, c, []);
        foreach (int[] order in new int[][] { [0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0] })
        {
            Gate[] iof = [.. order.Select(k => gates[k])];
            double[] i = Sigmoid(Affine(iof[0], x, h)), o = Sigmoid(Affine(iof[1], x, h)), forget = Sigmoid(Affine(iof[2], x, h)), g = Map(Affine(candidate[0], x, h), Act(candidate[0]));
            double[] next = [.. c.Select((v, k) => forget[k] * v + i[k] * g[k])];
            if (!Near(f[1], next) || !Near(f[0], [.. next.Select((v, k) => o[k] * Math.Tanh(v))])) continue;
            if (candidate[0].Activation.OpType != "Tanh") return false;
            return Take("LSTM", [.. iof, candidate[0]]);
        }
        return false;
    }

    private bool FindGru(Node[] sigmoids, Node candidate, Value nextH)
    {
        // The reset gate works on the candidate's state: with the sigmoids held at 1 its argument is affine, and at 0 it is what the input gives.
        Gate[] gates = Measure(sigmoids, []);
        if (gates.Length != 2 || candidate.OpType != "Tanh") return false;
        Gate[] open = Measure([candidate], sigmoids.ToDictionary(n => n.Outputs[0]!, _ => 1.0)), shut = Measure([candidate], sigmoids.ToDictionary(n => n.Outputs[0]!, _ => 0.0));
        if (open.Length != 1 || shut.Length != 1) return false;
        double[] recurrentBias = [.. open[0].B.Zip(shut[0].B, (a, b) => a - b)];
        (double[] x, double[] h, double[] c) = Sample();
        double[] f = Evaluate([nextH], x, h, c, [])[0];
        foreach (bool before in new[] { false, true })
            foreach (bool swapped in new[] { false, true })
                foreach (bool negated in new[] { false, true })
                {
                    Gate z = gates[swapped ? 1 : 0], r = gates[swapped ? 0 : 1];
                    if (negated) z = z with { W = [.. z.W.Select(v => -v)], R = [.. z.R.Select(v => -v)], B = [.. z.B.Select(v => -v)] };
                    double[] update = Sigmoid(Affine(z, x, h)), reset = Sigmoid(Affine(r, x, h)), fromX = Affine(shut[0] with { R = new double[open[0].R.Length] }, x, h);
                    double[] state = before ? Affine(open[0] with { W = new double[open[0].W.Length], B = recurrentBias }, x, h) : Affine(open[0] with { W = new double[open[0].W.Length], B = recurrentBias }, x, [.. h.Select((v, k) => v * reset[k])]);
                    double[] next = [.. h.Select((v, k) => (1 - update[k]) * Math.Tanh(fromX[k] + (before ? reset[k] * state[k] : state[k])) + update[k] * v)];
                    if (!Near(f, next)) continue;
                    LinearBeforeReset = before;
                    return Take("GRU", [z, r, open[0] with { B = shut[0].B }], recurrentBias);
                }
        return false;
    }

    private bool FindPlain(Node activation, Value nextH)
    {
        Gate[] gates = Measure([activation], []);
        if (gates.Length != 1) return false;
        (double[] x, double[] h, double[] c) = Sample();
        if (!Near(Evaluate([nextH], x, h, c, [])[0], Map(Affine(gates[0], x, h), Act(gates[0])))) return false;
        Activation = activation.OpType;
        return Take("RNN", gates);
    }

    private bool Take(string opType, Gate[] gates, double[]? lastRecurrentBias = null)
    {
        OpType = opType;
        W = [.. gates.SelectMany(g => g.W)];
        R = [.. gates.SelectMany(g => g.R)];
        double[] recurrent = new double[gates.Length * _hidden];
        lastRecurrentBias?.CopyTo(recurrent, (gates.Length - 1) * (int)_hidden);
        B = [.. gates.SelectMany(g => g.B), .. recurrent];
        return true;
    }

    /// <summary>The gates of activations of [N, k * hidden]: their arguments at the origin, and at each unit vector of x and h.</summary>
    private Gate[] Measure(Node[] activations, Dictionary<Value, double> held)
    {
        long rows = _inputs + _hidden + 1;
        double[] x = new double[rows * _inputs], h = new double[rows * _hidden], c = new double[rows * _hidden];
        for (long j = 0; j < _inputs; j++) x[(j + 1) * _inputs + j] = 1;
        for (long j = 0; j < _hidden; j++) h[(j + 1 + _inputs) * _hidden + j] = 1;
        double[][] arguments = Evaluate([.. activations.Select(n => n.Inputs[0]!)], x, h, c, held);
        return [.. activations.SelectMany((n, k) => Gates(n, arguments[k], rows))];
    }

    private Gate[] Gates(Node activation, double[] y, long rows)
    {
        long width = y.Length / rows;
        if (width % _hidden != 0) return [];
        var gates = new Gate[width / _hidden];
        for (int g = 0; g < gates.Length; g++)
        {
            double[] w = new double[_hidden * _inputs], r = new double[_hidden * _hidden], b = new double[_hidden];
            for (long u = 0; u < _hidden; u++)
            {
                long at = g * _hidden + u;
                b[u] = y[at];
                for (long j = 0; j < _inputs; j++) w[u * _inputs + j] = y[(j + 1) * width + at] - y[at];
                for (long j = 0; j < _hidden; j++) r[u * _hidden + j] = y[(j + 1 + _inputs) * width + at] - y[at];
            }
            gates[g] = new Gate(activation, w, r, b);
        }
        return gates;
    }

    /// <summary>W x + R h + b for each row.</summary>
    private double[] Affine(Gate g, double[] x, double[] h)
    {
        long rows = x.Length / _inputs;
        var y = new double[rows * _hidden];
        for (long n = 0; n < rows; n++)
            for (long u = 0; u < _hidden; u++)
            {
                double sum = g.B[u];
                for (long j = 0; j < _inputs; j++) sum += g.W[u * _inputs + j] * x[n * _inputs + j];
                for (long j = 0; j < _hidden; j++) sum += g.R[u * _hidden + j] * h[n * _hidden + j];
                y[n * _hidden + u] = sum;
            }
        return y;
    }

    private (double[] X, double[] H, double[] C) Sample()
    {
        var random = new Random(1);
        double[] Fill(long n) => [.. Enumerable.Range(0, (int)n).Select(_ => (double)(float)(random.NextDouble() * 2 - 1))];
        return (Fill(Trials * _inputs), Fill(Trials * _hidden), Fill(Trials * _hidden));
    }

    /// <summary>The values for rows of x, h and c; results of <paramref name="held"/> are a number instead of what their nodes compute. Rows go
    /// through the nodes as many at once as the loop's batch, or all at once where that is free.</summary>
    private double[][] Evaluate(Value[] wanted, double[] x, double[] h, double[] c, Dictionary<Value, double> held)
    {
        long rows = x.Length / _inputs, step = _batch > 0 ? _batch : rows;
        var results = wanted.Select(_ => new List<double>()).ToArray();
        for (long from = 0; from < rows; from += step)
        {
            long count = Math.Min(step, rows - from);
            var known = new Dictionary<Value, Tensor> { [_x] = Part(x, from, count, step, _inputs, _x), [_h] = Part(h, from, count, step, _hidden, _h) };
            if (_c != null) known[_c] = Part(c, from, count, step, _hidden, _c);
            foreach (Node node in _nodes)
            {
                if (wanted.All(known.ContainsKey)) break;
                Tensor?[] outputs = GraphInterpreter.Execute(node, [.. node.Inputs.Select(v => v == null ? null : v.Constant ?? known[v])]);
                for (int k = 0; k < outputs.Length; k++)
                {
                    if (node.Outputs[k] is not { } value || outputs[k] is not { } tensor) continue;
                    if (held.TryGetValue(value, out double number)) for (long i = 0; i < tensor.Count; i++) tensor.SetDouble(i, number);
                    known[value] = tensor;
                }
            }
            for (int k = 0; k < wanted.Length; k++)
            {
                Tensor tensor = known[wanted[k]];
                if (tensor.Shape.Rank != 2 || tensor.Shape[0] != step) throw new InvalidOperationException("rows are not kept");
                for (long i = 0; i < count * tensor.Shape[1]; i++) results[k].Add(tensor.GetDouble(i));
            }
        }
        return [.. results.Select(r => r.ToArray())];
    }

    private static Tensor Part(double[] all, long from, long count, long rows, long width, Value like)
    {
        var tensor = new Tensor(like.DType, new Shape(rows, width));
        for (long i = 0; i < count * width; i++) tensor.SetDouble(i, all[from * width + i]);
        return tensor;
    }

    private bool DependsOn(Node node, Value value)
    {
        var reached = new HashSet<Value> { value };
        foreach (Node n in _nodes)
        {
            if (n.Inputs.Any(i => i != null && reached.Contains(i))) foreach (Value? o in n.Outputs) if (o != null) reached.Add(o);
            if (ReferenceEquals(n, node)) return reached.Contains(n.Outputs[0]!);
        }
        return false;
    }

    private static Func<double, double> Act(Gate gate) => gate.Activation.OpType == "Relu" ? v => Math.Max(v, 0) : Math.Tanh;
    private static double[] Map(double[] values, Func<double, double> f) => [.. values.Select(f)];
    private static double[] Sigmoid(double[] values) => Map(values, v => 1 / (1 + Math.Exp(-v)));
    private static bool Near(double[] a, double[] b) => a.Length == b.Length && a.Zip(b).All(p => Math.Abs(p.First - p.Second) <= Tolerance * (1 + Math.Abs(p.Second)));
}
