using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>
/// One step of an optimizer, as arithmetic nodes by the pseudo code of its definition
/// (https://onnx.ai/onnx/operators/, domain ai.onnx.preview.training). Inputs: learning rate R, number of updates T, then all tensors X, all
/// gradients G, all states of each kind; outputs: the new tensors, then the new states.
/// </summary>
[Upgrades("Adam", "Adagrad", "Momentum", Domain = "ai.onnx.preview.training")]
internal sealed class TrainingStep : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        int states = node.OpType == "Adam" ? 2 : 1, groups = 2 + states;
        int count = (node.Inputs.Count - 2) / groups;
        if (count < 1 || node.Inputs.Count != 2 + groups * count) throw node.Error($"{node.Inputs.Count} inputs are not R, T and {groups} of each tensor");
        var results = new Value?[(1 + states) * count];
        for (int i = 0; i < count; i++)
        {
            var step = new Step(node, 2 + i);
            Value x = node.Required(2 + i), g = node.Required(2 + count + i), s = node.Required(2 + 2 * count + i);
            Value rate = node.Emit("CastLike", [node.Required(0), x]);
            g = step.Add(step.Times("norm_coefficient", 0, x), g);
            Value?[] updated = node.OpType switch
            {
                "Adam" => Adam(step, rate, x, g, s, node.Required(2 + 3 * count + i)),
                "Adagrad" => Adagrad(step, rate, x, g, s),
                _ => Momentum(step, rate, x, g, s),
            };
            for (int k = 0; k < updated.Length; k++) results[k * count + i] = updated[k];
        }
        node.Results = results;
    }

    private static Value[] Adam(Step s, Value rate, Value x, Value g, Value v, Value h)
    {
        v = s.Add(s.Times("alpha", 0.9f, v), s.Mul(s.Number(1 - s.Attribute("alpha", 0.9f)), g));
        h = s.Add(s.Times("beta", 0.999f, h), s.Mul(s.Number(1 - s.Attribute("beta", 0.999f)), s.Mul(g, g)));
        Value root = s.Add(s.Unary("Sqrt", h), s.Number(s.Attribute("epsilon", 1e-6f)));
        Value one = s.Number(1);
        Value adjusted = s.Div(s.Mul(rate, s.Unary("Sqrt", s.Sub(one, s.Power("beta", 0.999f)))), s.Sub(one, s.Power("alpha", 0.9f)));
        Value moved = s.Sub(x, s.Div(s.Mul(s.OnceUpdated(adjusted, rate), v), root));
        return [s.Mul(s.Number(1 - s.Attribute("norm_coefficient_post", 0)), moved), v, h];
    }

    private static Value[] Adagrad(Step s, Value rate, Value x, Value g, Value h)
    {
        h = s.Add(h, s.Mul(g, g));
        Value decayed = s.Div(rate, s.Add(s.Number(1), s.Times("decay_factor", 0, s.Updates)));
        Value root = s.Add(s.Unary("Sqrt", h), s.Number(s.Attribute("epsilon", 1e-6f)));
        return [s.Sub(x, s.Div(s.Mul(decayed, g), root)), h];
    }

    private static Value[] Momentum(Step s, Value rate, Value x, Value g, Value v)
    {
        Value beta = s.OnceUpdated(s.Number(s.Attribute("beta", 1)), s.Number(1));
        v = s.Add(s.Times("alpha", 0, v), s.Mul(beta, g));
        Value direction = s.IsNesterov ? s.Add(g, s.Times("alpha", 0, v)) : v;
        return [s.Sub(x, s.Mul(rate, direction)), v];
    }

    /// <summary>Arithmetic in the element type of input <paramref name="like"/>.</summary>
    private sealed class Step(NodeDraft node, int like)
    {
        public bool IsNesterov => node.Attributes.String("mode", "standard") == "nesterov";
        public Value Updates { get; } = node.Emit("CastLike", [node.Required(1), node.Required(like)]);

        public float Attribute(string name, float otherwise) => node.Attributes.Float(name, otherwise);
        public Value Number(double value) => node.Number("number", value, like);
        public Value Add(Value a, Value b) => node.Emit("Add", [a, b]);
        public Value Sub(Value a, Value b) => node.Emit("Sub", [a, b]);
        public Value Mul(Value a, Value b) => node.Emit("Mul", [a, b]);
        public Value Div(Value a, Value b) => node.Emit("Div", [a, b]);
        public Value Unary(string op, Value a) => node.Emit(op, [a]);
        public Value Times(string attribute, float otherwise, Value a) => Mul(Number(Attribute(attribute, otherwise)), a);
        public Value Power(string attribute, float otherwise) => node.Emit("Pow", [Number(Attribute(attribute, otherwise)), Updates]);

        /// <summary>One value from the second update on, another at the first.</summary>
        public Value OnceUpdated(Value later, Value first) => node.Emit("Where", [node.Emit("Greater", [node.Required(1), node.Int("zero", 0)]), later, first]);
    }
}
