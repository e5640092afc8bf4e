using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>
/// Variables that the model assigns: states that live from run to run. Handles are passed from function to function, so which these are is
/// known only once the graph has been converted; it is then converted again with them as inputs and outputs.
/// </summary>
internal sealed class TfStates
{
    private sealed class State(Value input, Value current)
    {
        public Value Input => input;
        public Value Current { get; set; } = current;
    }

    private readonly Dictionary<string, State> _states = new(StringComparer.Ordinal);
    private readonly HashSet<string> _assigned = new(StringComparer.Ordinal);
    private Value? _isLater;

    /// <summary>Operators that assign variables; what precedes them by a control input must be converted before.</summary>
    public static bool Assigns(string op) => op is "AssignVariableOp" or "AssignAddVariableOp" or "AssignSubVariableOp";

    /// <summary>Whether the first conversion found that variables are assigned.</summary>
    public bool Any => _assigned.Count > 0;

    /// <summary>Whether the variable is a state in this conversion.</summary>
    private bool IsState(string name) => IsSecond && _assigned.Contains(name);

    /// <summary>Set for the second conversion.</summary>
    public bool IsSecond { get; set; }

    /// <summary>The value that the variable has where the conversion has got to; null where it is a constant.</summary>
    /// <param name="name">of the variable</param>
    /// <param name="reader">who asks</param>
    /// <param name="stored">its value when the model was saved, which it has in the first run</param>
    public Value? Read(string name, TfNode reader, Func<Tensor> stored) => IsState(name) ? Bring(Of(name, reader, stored).Current, reader.Context) : null;

    /// <summary>Notes that a variable has another value from here on.</summary>
    public void Assign(string name, TfNode writer, Value value, Func<Tensor> stored)
    {
        _assigned.Add(name);
        if (!IsSecond) return;
        if (writer.Context.Outer != null) throw writer.Error($"it assigns variable '{name}' inside a condition or a loop, which is not supported");
        State state = Of(name, writer, stored);
        if (value.DType != state.Input.DType || value.Shape.IsKnown && value.Shape != state.Input.Shape) throw writer.InputError($"variable '{name}' is {state.Input.Type} and gets {value.Type}");
        state.Current = value;
    }

    private State Of(string name, TfNode user, Func<Tensor> stored)
    {
        if (_states.TryGetValue(name, out State? state)) return state;
        TfContext main = user.Context;
        while (main.Outer is { } outer) main = outer;
        Tensor first = stored();
        Value input = main.Graph.AddInput(main.Graph.FreshName(name), first.Type), current = input;
        if (!IsZero(first))
        {
            // States are zeros in the first run: where this one still is, the stored value counts.
            _isLater ??= main.Graph.AddInput(main.Graph.FreshName("is later"), new TensorType(DType.Bool, Shape.Scalar));
            current = main.Emit(name, "Where", [_isLater, input, main.Graph.AddConstant(name + "/first", first)], new());
        }
        return _states[name] = new(input, current);
    }

    private static bool IsZero(Tensor tensor)
    {
        for (long i = 0; i < tensor.Count; i++)
            if (tensor.GetDouble(i) != 0) return false;
        return true;
    }

    /// <summary>A value of the main graph in one inside it.</summary>
    private static Value Bring(Value value, TfContext to) => to.Outer == null ? value : to.Capture(Bring(value, to.Outer));

    /// <summary>States become outputs behind those of the model, each bound to its input.</summary>
    public void Bind(Graph graph)
    {
        var bound = new List<string>();
        foreach (State state in _states.Values) Bind(state.Input, state.Current);
        if (_isLater != null) Bind(_isLater, graph.AddConstant("is later.next", Tensor.FromScalar(true)));
        if (bound.Count > 0) graph.Metadata[StateBinding.MetadataKey] = string.Join('\n', bound);

        void Bind(Value input, Value next) => bound.Add($"{input.Name}={TfImporter.AddOutput(graph, next, graph.FreshName(input.Name + ".next")).Name}");
    }
}
