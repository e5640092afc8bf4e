using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Passes;

/// <summary>
/// A Loop over the steps of a sequence whose body is made of recurrent cells (<see cref="RecurrentCell"/>) becomes LSTM, GRU and RNN
/// operators, one for each cell; of stacked cells the upper one reads the sequence of the lower one. All that is read of the loop must be
/// the cells' states and sequences; otherwise it stays.
/// </summary>
public sealed class RecurrentLoops : IGraphPass
{
    public string Name => "recurrent-loops";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.Where(n => n.Is("Loop")).ToArray())
            changed |= new LoopOverSteps(graph, node).Rewrite();
        return changed;
    }

    private sealed class LoopOverSteps
    {
        private readonly Graph _graph, _body;
        private readonly Node _loop;
        private readonly int _carried;

        /// <summary>What a value of the body is, step by step: rows of a sequence [steps, N, C] of the graph around.</summary>
        private readonly Dictionary<Value, Value> _sequences = [];

        /// <summary>What a carried value ends as.</summary>
        private readonly Dictionary<int, Value> _finals = [];

        /// <summary>Nodes that were put before the loop, and constants; they go again when it stays.</summary>
        private readonly List<Node> _added = [];
        private readonly List<Value> _constants = [];

        public LoopOverSteps(Graph graph, Node loop)
        {
            (_graph, _loop, _body) = (graph, loop, (Graph)loop.Attributes["body"].Graph);
            _carried = loop.Inputs.Count - 2 - (int)loop.Attributes.Int("captures", 0);
        }

        private Value In(int carried) => _body.Inputs[carried + 2];
        private Value Next(int carried) => _body.Outputs[carried + 1];

        public bool Rewrite()
        {
            if (Analyze() && Finish()) return true;
            foreach (Node node in Enumerable.Reverse(_added)) _graph.Remove(node);
            foreach (Value constant in _constants) _graph.Remove(constant);
            return false;
        }

        private bool Analyze()
        {
            if (_body.Nodes.Any(n => Graph.Subgraphs(n).Any()) || _loop.Outputs.All(o => o == null || !IsRead(o))) return false;
            if (Steps() is not { } bounds || bounds.Count == 0) return false;
            Node[] reads = [.. _body.Nodes.Where(n => n.Is("Gather") && n.Attributes.Int("axis", 0) == 0 && IsCounter(n.Inputs[1]!) && Outer(n.Inputs[0]!) is { Shape: { IsRanked: true, Rank: 3 } })];
            if (reads.Length == 0) return false;
            Value steps = bounds.Count == 1 ? Vector(bounds[0]) : Insert("Min", "steps", [.. bounds.Select(Vector)]);
            foreach (Node read in reads)
            {
                Value sequence = Outer(read.Inputs[0]!)!;
                bool isWhole = bounds.Count == 1 && bounds[0].Constant is { } known && known.GetInt64(0) == sequence.Shape[0];
                _sequences[read.Outputs[0]!] = isWhole ? sequence : Insert("Slice", sequence.Name + "/steps", [sequence, Ints(0), steps, Ints(0)]);
            }
            while (FindCell()) { }
            return _finals.Count > 0;
        }

        private bool IsRead(Value value) => value.Consumers.Count > 0 || _graph.Outputs.Contains(value);

        /// <summary>All numbers that bound how often the body runs, in the graph around; null where something else ends the loop.</summary>
        private List<Value>? Steps()
        {
            var bounds = new List<Value>();
            if (_loop.Inputs[0] is { } trips) bounds.Add(trips);
            return Bounds(_body.Outputs[0], bounds) && _loop.Inputs[1] is null or { Constant: not null } ? bounds : null;
        }

        /// <summary>The condition for another round is that the next index is below a bound, or several of these.</summary>
        private bool Bounds(Value condition, List<Value> bounds)
        {
            if (condition.Constant is { Count: 1 } known) return known.GetInt64(0) != 0;
            if (condition.Producer is not { } node) return ReferenceEquals(condition, _body.Inputs[1]);
            if (node.OpType is "Identity" or "Reshape" or "Squeeze") return Bounds(node.Inputs[0]!, bounds);
            if (node.OpType == "And") return Bounds(node.Inputs[0]!, bounds) && Bounds(node.Inputs[1]!, bounds);
            if (node.OpType != "Less" || !IsNextCounter(node.Inputs[0]!) || Outer(node.Inputs[1]!) is not { } bound) return false;
            bounds.Add(bound);
            return true;
        }

        /// <summary>0, 1, 2 ... from round to round.</summary>
        private bool IsCounter(Value value)
        {
            value = Behind(value);
            if (ReferenceEquals(value, _body.Inputs[0])) return true;
            int i = _body.Inputs.ToList().IndexOf(value) - 2;
            return i >= 0 && i < _carried && _loop.Inputs[i + 2]?.Constant is { Count: 1 } start && !start.DType.IsFloat() && start.GetInt64(0) == 0 && IsIncrement(Next(i), value);
        }

        private bool IsNextCounter(Value value)
        {
            value = Behind(value);
            return value.Producer is { OpType: "Add" } add && (Match.IsScalar(add.Inputs[1], 1) && IsCounter(add.Inputs[0]!) || Match.IsScalar(add.Inputs[0], 1) && IsCounter(add.Inputs[1]!));
        }

        private static bool IsIncrement(Value next, Value counter) =>
            Behind(next).Producer is { OpType: "Add" } add && (ReferenceEquals(Behind(add.Inputs[0]!), counter) && Match.IsScalar(add.Inputs[1], 1) || ReferenceEquals(Behind(add.Inputs[1]!), counter) && Match.IsScalar(add.Inputs[0], 1));

        private static Value Behind(Value value)
        {
            while (value.Producer is { OpType: "Identity" or "Cast" or "Reshape" or "Squeeze" or "Unsqueeze" } p) value = p.Inputs[0]!;
            return value;
        }

        /// <summary>A value of the body as the graph around has it: a capture, or a constant.</summary>
        private Value? Outer(Value value)
        {
            if (value.Constant is { } constant) return Constant(value.Name, constant);
            if (value.Producer is { OpType: "Identity" or "Cast" } p) return Outer(p.Inputs[0]!);
            int i = _body.Inputs.ToList().IndexOf(value);
            if (i < 2) return null;
            // A carried value that never changes is one too.
            return i >= _carried + 2 || ReferenceEquals(Behind(Next(i - 2)), value) ? _loop.Inputs[i] : null;
        }

        /// <summary>A cell whose input is known step by step; true when one was found.</summary>
        private bool FindCell()
        {
            for (int h = 0; h < _carried; h++)
            {
                if (!IsState(h)) continue;
                for (int c = -1; c < _carried; c++)
                    if (c != h && (c < 0 || IsState(c)) && TryCell(h, c)) return true;
            }
            return false;
        }

        private bool IsState(int i) => !_finals.ContainsKey(i) && In(i).DType is DType.Float32 or DType.Float64 && Next(i).Producer != null && !_sequences.ContainsKey(Next(i));

        private bool TryCell(int h, int c)
        {
            Value[] states = c < 0 ? [In(h)] : [In(h), In(c)], nexts = c < 0 ? [Next(h)] : [Next(h), Next(c)];
            var wanted = new HashSet<Value>(nexts);
            var leaves = new HashSet<Value>();
            var nodes = new List<Node>();
            foreach (Node node in _body.Nodes.Reverse())
            {
                if (!node.Outputs.Any(o => o != null && wanted.Contains(o))) continue;
                nodes.Insert(0, node);
                foreach (Value? input in node.Inputs)
                {
                    if (input == null || input.IsConstant) continue;
                    if (input.Producer == null || _sequences.ContainsKey(input)) leaves.Add(input);
                    else wanted.Add(input);
                }
            }
            leaves.ExceptWith(states);
            if (leaves.Count != 1 || leaves.Single() is not { } x || !_sequences.TryGetValue(x, out Value? sequence) || states.Any(s => !nodes.Any(n => n.Inputs.Contains(s)))) return false;
            // Nothing else of the body may read a state as it was.
            if (states.Any(s => s.Consumers.Any(n => !nodes.Contains(n)) || _body.Outputs.Contains(s))) return false;
            long inputs = sequence.Shape[2], batch = sequence.Shape[1];
            if (inputs < 0) return false;
            foreach (long hidden in Widths(nodes, In(h), inputs))
                if (RecurrentCell.Recognize([.. nodes], x, In(h), c < 0 ? null : In(c), Next(h), c < 0 ? null : Next(c), inputs, hidden, batch) is { } cell)
                {
                    Emit(cell, sequence, h, c);
                    return true;
                }
            return false;
        }

        /// <summary>What the state's width may be: as it is known, or as constant matrices tell (over the state alone, or over input and state).</summary>
        private static IEnumerable<long> Widths(List<Node> nodes, Value state, long inputs)
        {
            if (state.Shape is { IsRanked: true, Rank: 2 } shape && shape[1] > 0) return [shape[1]];
            return nodes.Where(n => n.OpType is "MatMul" or "Gemm").SelectMany(n => n.Inputs).Where(v => v?.Constant is { Shape.Rank: 2 })
                .SelectMany(v => new[] { v!.Shape[0], v.Shape[0] - inputs }).Where(w => w > 0).Distinct().ToArray();
        }

        private void Emit(RecurrentCell cell, Value sequence, int h, int c)
        {
            string name = _loop.Name;
            long gates = cell.W.LongLength / cell.Hidden / sequence.Shape[2];
            Value Constant(string role, double[] values, params long[] dims)
            {
                var tensor = new Tensor(In(h).DType, new Shape(dims));
                for (long i = 0; i < values.LongLength; i++) tensor.SetDouble(i, values[i]);
                return this.Constant($"{name}/{role}", tensor);
            }
            Value Initial(int state) => Insert("Unsqueeze", $"{name}/initial", [_loop.Inputs[state + 2], Ints(0)]);
            var inputs = new List<Value?>
            {
                sequence, Constant("W", cell.W, 1, gates * cell.Hidden, sequence.Shape[2]), Constant("R", cell.R, 1, gates * cell.Hidden, cell.Hidden),
                Constant("B", cell.B, 1, 2 * gates * cell.Hidden), null, Initial(h),
            };
            if (c >= 0) inputs.Add(Initial(c));
            var attributes = new List<(string, AttributeValue)> { ("hidden_size", cell.Hidden) };
            if (cell.OpType == "GRU") attributes.Add(("linear_before_reset", cell.LinearBeforeReset ? 1 : 0));
            if (cell.OpType == "RNN") attributes.Add(("activations", (string[])[cell.Activation]));
            string[] hints = [$"{name}/{cell.OpType}", $"{name}/{cell.OpType}_h", .. c >= 0 ? [$"{name}/{cell.OpType}_c"] : Array.Empty<string>()];
            Value?[] outputs = Passes.Rewrite.InsertMany(_graph, _loop, cell.OpType, hints, inputs.ToArray(), AttributeSet.Of([.. attributes]));
            _added.Add(outputs[0]!.Producer!);
            _sequences[Next(h)] = Insert("Squeeze", $"{name}/sequence", [outputs[0], Ints(1)]);
            _finals[h] = Insert("Squeeze", $"{name}/last", [outputs[1], Ints(0)]);
            if (c >= 0) _finals[c] = Insert("Squeeze", $"{name}/last_c", [outputs[2], Ints(0)]);
        }

        /// <summary>Takes the loop's place where all that is read of it is known.</summary>
        private bool Finish()
        {
            var results = new List<(Value From, Value To)>();
            for (int k = 0; k < _loop.Outputs.Count; k++)
            {
                if (_loop.Outputs[k] is not { } output || !IsRead(output)) continue;
                Value? to = k < _carried ? _finals.GetValueOrDefault(k) : _sequences.GetValueOrDefault(Identical(_body.Outputs[k + 1]));
                if (to == null) return false;
                results.Add((output, to));
            }
            foreach ((Value from, Value to) in results) Passes.Rewrite.Replace(_graph, from, to);
            if (_graph.Nodes.Contains(_loop)) Passes.Rewrite.RemoveIfDead(_graph, _loop);
            ShapeInference.Run(_graph);
            return true;
        }

        private static Value Identical(Value value)
        {
            while (value.Producer is { OpType: "Identity" } p) value = p.Inputs[0]!;
            return value;
        }

        private Value Ints(long value) => Constant(_loop.Name + "/ints", Tensor.FromArray<long>([value], new Shape(1)));

        private Value Constant(string name, Tensor tensor)
        {
            _constants.Add(_graph.AddConstant(_graph.FreshName(name), tensor));
            return _constants[^1];
        }

        /// <summary>A number as int64 [1].</summary>
        private Value Vector(Value number)
        {
            Value x = number.DType == DType.Int64 ? number : Insert("Cast", "steps", [number], ("to", (long)DType.Int64));
            return Insert("Reshape", "steps", [x, Ints(1)]);
        }

        private Value Insert(string opType, string hint, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string, AttributeValue)> attributes)
        {
            Value value = Passes.Rewrite.Insert(_graph, _loop, opType, hint, inputs, AttributeSet.Of(attributes));
            _added.Add(value.Producer!);
            return value;
        }
    }
}
