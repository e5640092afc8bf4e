using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// Runs a graph up to M times and while its condition holds. Inputs: M?, cond?, the carried values, then <see cref="Captures"/>
/// values that the body takes from the outer graph. The body maps (iteration, condition, carried.., captured..) to (condition,
/// carried.., scanned..); the outputs are the last carried values, then the scanned ones of all iterations stacked along a new
/// first axis.
/// </summary>
[Operator("Loop", "M?, cond?, carried*", "outputs*")]
public sealed partial class Loop : Operator
{
    [Attr(Required = true)] public ISubgraph Body { get; set; } = null!;

    /// <summary>Extension: how many of the last inputs are captured rather than carried.</summary>
    [Attr] public long Captures { get; set; }

    public override bool HasDataDependentShape => true;

    public override bool TakesLists => true;

    public override void Infer(InferContext c)
    {
        int carried = c.InputCount - 2 - (int)Captures, scanned = Body.OutputCount - 1 - carried;
        if (carried < 0 || scanned < 0)
            throw c.Error($"{c.InputCount} inputs ({Captures} captured) and a body of {Body.OutputCount} outputs do not fit together");
        if (Body.InputCount != c.InputCount) throw c.Error($"the body has {Body.InputCount} inputs; expected {c.InputCount}");
        var inputs = new TensorType[c.InputCount];
        var outputs = new TensorType[Body.OutputCount];
        inputs[0] = new TensorType(DType.Int64, Shape.Scalar);
        inputs[1] = new TensorType(DType.Bool, Shape.Scalar);
        for (int i = 0; i < 2; i++)
            if (c.HasInput(i)) c.Tensor(i);
        for (int i = 2; i < inputs.Length; i++) inputs[i] = c.Input(i);

        // A carried value's shape holds for every iteration once the body maps it to itself; each round only loosens it.
        for (bool isStable = false; !isStable;)
        {
            Body.Infer(inputs, outputs);
            isStable = true;
            for (int i = 0; i < carried; i++)
            {
                if (SubgraphTypes.Exclude(inputs[i + 2], outputs[i + 1]))
                    throw c.Error($"carried value {i} is {inputs[i + 2]} before and {outputs[i + 1]} after an iteration");
                TensorType common = SubgraphTypes.Common(inputs[i + 2], outputs[i + 1]);
                if (common != inputs[i + 2]) isStable = false;
                inputs[i + 2] = common;
            }
        }
        if (outputs[0].IsList) throw c.Error($"output 0 of the body, its condition, is {outputs[0]}");
        // What comes out is of the kind that the body gives: a sequence, even where an optional one goes in.
        for (int i = 0; i < carried; i++) c.SetOutput(i, inputs[i + 2] with { Kind = outputs[i + 1].Kind });
        for (int i = carried; i < carried + scanned; i++)
            if (outputs[i + 1].IsList) throw c.Error($"output {i + 1} of the body is {outputs[i + 1]}; only tensors can be stacked");
            else c.SetOutput(i, outputs[i + 1].DType, SubgraphTypes.Insert(outputs[i + 1].Shape, 0, Shape.Unknown));
    }

    public override void Compute(ComputeContext c)
    {
        int carried = c.InputCount - 2 - (int)Captures, scanned = Body.OutputCount - 1 - carried;
        long trips = c.HasInput(0) ? c.Input(0).GetInt64(0) : long.MaxValue;
        bool goesOn = !c.HasInput(1) || c.Input(1).GetInt64(0) != 0;
        using var iteration = new Tensor(DType.Int64, Shape.Scalar);
        using var condition = new Tensor(DType.Bool, Shape.Scalar);
        var inputs = new Tensor[c.InputCount];
        inputs[0] = iteration;
        inputs[1] = condition;
        for (int i = 2; i < inputs.Length; i++) inputs[i] = c.Input(i);
        var stacks = new List<Tensor>[scanned];
        for (int i = 0; i < scanned; i++) stacks[i] = [];

        for (long step = 0; step < trips && goesOn; step++)
        {
            iteration.SetInt64(0, step);
            condition.SetInt64(0, 1);
            ReadOnlySpan<Tensor> results = Body.Run(inputs);
            goesOn = results[0].GetInt64(0) != 0;
            for (int i = 0; i < scanned; i++) stacks[i].Add(results[1 + carried + i].Clone());
            var next = new Tensor[carried];
            for (int i = 0; i < carried; i++) next[i] = SubgraphTypes.As(inputs[2 + i].Kind, results[1 + i]).Clone();
            for (int i = 0; i < carried; i++)
            {
                if (step > 0) inputs[2 + i].Dispose();
                inputs[2 + i] = next[i];
            }
        }
        for (int i = 0; i < carried; i++)
            if (c.HasOutput(i)) c.Store(i, Unwrapped(c, inputs[2 + i], c.Output(i).Kind, i));
        for (int i = 0; i < scanned; i++)
            if (c.HasOutput(carried + i)) StackedScan.Store(c, carried + i, stacks[i], 0, isReverse: false, () => EmptyType(inputs, 1 + carried + i));
    }

    private static Tensor Unwrapped(ComputeContext c, Tensor value, ValueKind kind, int i)
    {
        if (value.Kind == kind || (value.Kind & ValueKind.Optional) == 0) return value;
        return value.Elements.Length == 1 ? value.Elements[0] : throw c.Error($"carried value {i} is optional, without content, and no iteration gave it any");
    }

    /// <summary>The type of a body output that was never computed; unknown dimensions count as 0.</summary>
    private TensorType EmptyType(Tensor[] inputs, int output)
    {
        var types = new TensorType[inputs.Length];
        for (int i = 0; i < types.Length; i++) types[i] = inputs[i].Type;
        var outputs = new TensorType[Body.OutputCount];
        Body.Infer(types, outputs);
        return outputs[output];
    }
}
