using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// Runs a graph once for each slice of its scanned inputs. Inputs: initial states, num_scan_inputs scanned tensors, then
/// <see cref="Captures"/> values of the outer graph. The body maps (states.., slices.., captured..) to (states.., scanned..); the
/// outputs are the last states and the scanned ones stacked. Directions: 0 forward, 1 reverse.
/// </summary>
[Operator("Scan", "inputs*", "outputs*")]
public sealed partial class Scan : Operator
{
    [Attr(Required = true)] public ISubgraph Body { get; set; } = null!;
    [Attr(Required = true)] public long NumScanInputs { get; set; }
    [Attr] public long[]? ScanInputAxes { get; set; }
    [Attr] public long[]? ScanInputDirections { get; set; }
    [Attr] public long[]? ScanOutputAxes { get; set; }
    [Attr] public long[]? ScanOutputDirections { get; set; }

    /// <summary>Extension: how many of the last inputs are captured.</summary>
    [Attr] public long Captures { get; set; }

    public override bool HasDataDependentShape => true;

    public override void Infer(InferContext c)
    {
        int scans = (int)NumScanInputs, states = c.InputCount - scans - (int)Captures, scanned = Body.OutputCount - states;
        if (scans < 1 || states < 0 || scanned < 0 || Body.InputCount != c.InputCount)
            throw c.Error($"{c.InputCount} inputs ({scans} scanned, {Captures} captured) do not fit a body of {Body.InputCount} inputs and {Body.OutputCount} outputs");
        var inputs = new TensorType[c.InputCount];
        var outputs = new TensorType[Body.OutputCount];
        long length = Shape.Unknown;
        for (int i = 0; i < inputs.Length; i++) inputs[i] = c.Input(i);
        for (int i = states; i < states + scans; i++)
        {
            Shape x = c.Shape(i);
            if (!x.IsRanked) continue;
            int axis = c.Axis(ScanInputAxes?[i - states] ?? 0, x.Rank);
            length = c.Unify(length, x[axis], "scanned inputs have different lengths");
            inputs[i] = new TensorType(c.DType(i), SubgraphTypes.Without(x, axis));
        }
        for (bool isStable = false; !isStable;)
        {
            Body.Infer(inputs, outputs);
            isStable = true;
            for (int i = 0; i < states; i++)
            {
                Shape common = SubgraphTypes.Common(inputs[i].Shape, outputs[i].Shape);
                if (common != inputs[i].Shape) isStable = false;
                inputs[i] = new TensorType(inputs[i].DType, common);
            }
        }
        foreach (TensorType output in outputs)
            if (output.IsList) throw c.Error($"the body gives {output}; only tensors are possible");
        for (int i = 0; i < states; i++) c.SetOutput(i, inputs[i].DType, inputs[i].Shape);
        for (int i = states; i < states + scanned; i++)
        {
            Shape slice = outputs[i].Shape;
            int axis = slice.IsRanked ? c.Axis(ScanOutputAxes?[i - states] ?? 0, slice.Rank + 1) : 0;
            c.SetOutput(i, outputs[i].DType, SubgraphTypes.Insert(slice, axis, length));
        }
    }

    public override void Compute(ComputeContext c)
    {
        int scans = (int)NumScanInputs, states = c.InputCount - scans - (int)Captures, scanned = Body.OutputCount - states;
        var inputs = new Tensor[c.InputCount];
        for (int i = 0; i < inputs.Length; i++) inputs[i] = c.Input(i);
        var stacks = new List<Tensor>[scanned];
        for (int i = 0; i < scanned; i++) stacks[i] = [];
        long length = c.Input(states).Shape[ScanAxis(c, states, 0)];
        for (long step = 0; step < length; step++)
        {
            for (int i = 0; i < scans; i++)
                inputs[states + i] = StackedScan.Take(c.Input(states + i), ScanAxis(c, states, i), ScanInputDirections?[i] == 1 ? length - 1 - step : step);
            ReadOnlySpan<Tensor> results = Body.Run(inputs);
            for (int i = 0; i < scanned; i++) stacks[i].Add(results[states + i].Clone());
            var next = new Tensor[states];
            for (int i = 0; i < states; i++) next[i] = results[i].Clone();
            for (int i = 0; i < states; i++)
            {
                if (step > 0) inputs[i].Dispose();
                inputs[i] = next[i];
            }
            for (int i = 0; i < scans; i++) inputs[states + i].Dispose();
        }
        for (int i = 0; i < states; i++)
            if (c.HasOutput(i)) inputs[i].CopyTo(c.Allocate(i, inputs[i].DType, inputs[i].Shape));
        for (int i = 0; i < scanned; i++)
            if (c.HasOutput(states + i))
                StackedScan.Store(c, states + i, stacks[i], (int)(ScanOutputAxes?[i] ?? 0), ScanOutputDirections?[i] == 1, () => EmptyType(c, states, scans, states + i));
    }

    private int ScanAxis(ComputeContext c, int states, int i)
    {
        long axis = ScanInputAxes?[i] ?? 0;
        return (int)(axis < 0 ? axis + c.Input(states + i).Shape.Rank : axis);
    }

    private TensorType EmptyType(ComputeContext c, int states, int scans, int output)
    {
        var types = new TensorType[c.InputCount];
        for (int i = 0; i < types.Length; i++)
        {
            Tensor t = c.Input(i);
            bool isScanned = i >= states && i < states + scans;
            types[i] = new TensorType(t.DType, isScanned ? SubgraphTypes.Without(t.Shape, ScanAxis(c, states, i - states)) : t.Shape);
        }
        var outputs = new TensorType[Body.OutputCount];
        Body.Infer(types, outputs);
        return outputs[output];
    }
}
