using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>
/// Derivatives of a value y of the graph by values xs, as nodes: what lies between is differentiated in reverse by the chain rule
/// (https://onnx.ai/onnx/operators/onnx_aionnxpreviewtraining_Gradient.html). The inputs are the points at which xs, then zs are taken; where
/// an input is not the value that the attribute names, the part of the graph that depends on it is computed again from the input.
/// </summary>
[Upgrades("Gradient", Domain = "ai.onnx.preview.training")]
internal sealed class Gradient : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        string[] xs = node.Attributes["xs"].Strings, zs = node.Attributes.Find("zs")?.Strings ?? [];
        if (node.Inputs.Count != xs.Length + zs.Length) throw node.Error($"{node.Inputs.Count} inputs for {xs.Length} xs and {zs.Length} zs");
        var at = new Dictionary<Value, Value>();
        string[] names = [.. xs, .. zs];
        for (int i = 0; i < names.Length; i++) at[node.Lookup(names[i])] = node.Required(i);
        new Reverse(node, at).Run(node.Lookup(node.Attributes["y"].String), xs.Length);
    }

    private sealed class Reverse(NodeDraft node, Dictionary<Value, Value> at)
    {
        private readonly Dictionary<Value, Value> _gradients = [];

        public void Run(Value y, int count)
        {
            var path = new List<Node>();
            Collect(y, path, []);
            foreach (Node n in path)
                if (n.Inputs.Any(i => i != null && At(i) != i)) Recompute(n);
            _gradients[y] = Filled(1, At(y));
            for (int i = path.Count - 1; i >= 0; i--)
                if (_gradients.TryGetValue(path[i].Output, out Value? g)) Propagate(path[i], g);
            Value[] sources = [.. at.Keys.Take(count)];
            node.Results = [.. sources.Select(x => _gradients.GetValueOrDefault(x) ?? Filled(0, At(x)))];
        }

        private Value At(Value value) => at.GetValueOrDefault(value, value);

        /// <summary>Nodes from xs to y, each after those that it needs.</summary>
        private void Collect(Value value, List<Node> path, HashSet<Node> seen)
        {
            if (at.ContainsKey(value) || value.Producer is not { } producer || !seen.Add(producer)) return;
            foreach (Value? input in producer.Inputs)
                if (input != null) Collect(input, path, seen);
            path.Add(producer);
        }

        private void Recompute(Node n)
        {
            if (n.Outputs.Count != 1 || Graph.Subgraphs(n).Any()) throw node.Unsupported($"{n} cannot be computed again at another point");
            at[n.Output] = node.EmitCopy(n, [.. n.Inputs.Select(i => i == null ? null : At(i))]);
        }

        private void Propagate(Node n, Value g)
        {
            Value x = At(n.Inputs[0]!), y = At(n.Output), b = n.Input(1) is { } second ? At(second) : x;
            switch (n.Domain.Length == 0 ? n.OpType : "")
            {
                case "Identity": Give(n, 0, g); break;
                case "Add" or "Sum":
                    for (int i = 0; i < n.Inputs.Count; i++) Give(n, i, g);
                    break;
                case "Sub": Give(n, 0, g); Give(n, 1, Op("Neg", g)); break;
                case "Mul": Give(n, 0, Op("Mul", g, b)); Give(n, 1, Op("Mul", g, x)); break;
                case "Div": Give(n, 0, Op("Div", g, b)); Give(n, 1, Op("Neg", Op("Div", Op("Mul", g, y), b))); break;
                case "Pow":
                    Give(n, 0, Op("Mul", Op("Mul", g, b), Op("Pow", x, Op("Sub", b, Number(1, b)))));
                    Give(n, 1, Op("Mul", Op("Mul", g, y), Op("Log", x)));
                    break;
                case "Neg": Give(n, 0, Op("Neg", g)); break;
                case "Exp": Give(n, 0, Op("Mul", g, y)); break;
                case "Log": Give(n, 0, Op("Div", g, x)); break;
                case "Sqrt": Give(n, 0, Op("Div", Op("Mul", g, Number(0.5, x)), y)); break;
                case "Reciprocal": Give(n, 0, Op("Neg", Op("Mul", g, Op("Mul", y, y)))); break;
                case "Sin": Give(n, 0, Op("Mul", g, Op("Cos", x))); break;
                case "Cos": Give(n, 0, Op("Neg", Op("Mul", g, Op("Sin", x)))); break;
                case "Tanh": Give(n, 0, Op("Mul", g, Op("Sub", Number(1, x), Op("Mul", y, y)))); break;
                case "Sigmoid": Give(n, 0, Op("Mul", g, Op("Mul", y, Op("Sub", Number(1, x), y)))); break;
                case "Abs": Give(n, 0, Op("Mul", g, Op("Sign", x))); break;
                case "Relu": Give(n, 0, Op("Mul", g, Op("Sign", y))); break;
                case "Reshape" or "Flatten" or "Squeeze" or "Unsqueeze": Give(n, 0, Op("Reshape", g, ShapeOf(x))); break;
                case "Transpose": Give(n, 0, Transposed(n, g)); break;
                case "MatMul": Give(n, 0, Op("MatMul", g, Swapped(b))); Give(n, 1, Op("MatMul", Swapped(x), g)); break;
                default: throw node.Unsupported($"the derivative of {n} is not known; known are those of elementwise arithmetic, MatMul and changes of shape");
            }
        }

        /// <summary>Adds a gradient to that of an input, summed over the axes along which the input was broadcast.</summary>
        private void Give(Node n, int input, Value g)
        {
            if (n.Input(input) is not { IsConstant: false } value || !DependsOnSource(value)) return;
            Shape wanted = At(value).Shape, has = g.Shape;
            if (wanted != has)
            {
                if (!wanted.IsKnown || !has.IsKnown) throw node.Unsupported($"{n} broadcasts shapes that are not known: {wanted} against {has}");
                int more = has.Rank - wanted.Rank;
                long[] axes = [.. Enumerable.Range(0, has.Rank).Where(d => d < more || wanted[d - more] != has[d]).Select(d => (long)d)];
                g = node.Emit("Reshape", [node.Emit("ReduceSum", [g, node.Ints("axes", axes)]), node.Ints("shape", wanted.AsSpan().ToArray())]);
            }
            _gradients[value] = _gradients.TryGetValue(value, out Value? sum) ? Op("Add", sum, g) : g;
        }

        private bool DependsOnSource(Value value) =>
            at.ContainsKey(value) || value.Producer is { } producer && producer.Inputs.Any(i => i != null && DependsOnSource(i));

        private Value Transposed(Node n, Value g)
        {
            int rank = g.Shape.Rank;
            long[] perm = n.Attributes.Ints("perm") ?? [.. Enumerable.Range(0, rank).Select(i => (long)(rank - 1 - i))], inverse = new long[rank];
            for (int i = 0; i < rank; i++) inverse[perm[i]] = i;
            return node.Emit("Transpose", [g], ("perm", inverse));
        }

        private Value Swapped(Value x)
        {
            if (!x.Shape.IsRanked || x.Shape.Rank < 2) throw node.Unsupported("MatMul is differentiated for matrices only");
            long[] perm = [.. Enumerable.Range(0, x.Shape.Rank).Select(i => (long)i)];
            (perm[^1], perm[^2]) = (perm[^2], perm[^1]);
            return node.Emit("Transpose", [x], ("perm", perm));
        }

        private Value Filled(double number, Value like) => Op("Expand", Number(number, like), ShapeOf(like));

        private Value ShapeOf(Value x) => x.Shape.IsKnown ? node.Ints("shape", x.Shape.AsSpan().ToArray()) : Op("Shape", x);

        private Value Number(double number, Value like)
        {
            var tensor = new Tensor(like.DType == DType.Undefined ? DType.Float32 : like.DType, Shape.Scalar);
            tensor.SetDouble(0, number);
            return node.Constant("number", tensor);
        }

        private Value Op(string op, params ReadOnlySpan<Value?> inputs) => node.Emit(op, inputs);
    }
}
