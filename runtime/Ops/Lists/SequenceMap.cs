using EdgeLite.Core;

namespace EdgeLite.Ops.Lists;

/// <summary>Runs a graph once for each element of its first input, a sequence, and makes sequences of what it gives. Further inputs:
/// sequences of the same length, of which the body gets the element at the same position, tensors, which it gets as they are, then
/// <see cref="Captures"/> values of the outer graph.</summary>
[Operator("SequenceMap", "input_sequence, additional_inputs*", "out_sequence*")]
public sealed partial class SequenceMap : ListOperator
{
    [Attr(Required = true)] public ISubgraph Body { get; set; } = null!;

    /// <summary>Extension: how many of the last inputs are captured.</summary>
    [Attr] public long Captures { get; set; }

    public override void Infer(InferContext c)
    {
        if (Body.InputCount != c.InputCount || Body.OutputCount != c.OutputCount || Captures < 0 || Captures >= c.InputCount)
            throw c.Error($"{c.InputCount} inputs and {c.OutputCount} outputs do not fit a body of {Body.InputCount} inputs and {Body.OutputCount} outputs");
        TensorType[] inputs = new TensorType[c.InputCount], outputs = new TensorType[c.OutputCount];
        c.Sequence(0);
        for (int i = 0; i < inputs.Length; i++)
            inputs[i] = IsMapped(i, c.InputCount, c.Input(i).Kind) ? c.Input(i) with { Kind = ValueKind.Tensor } : c.Input(i);
        Body.Infer(inputs, outputs);
        for (int i = 0; i < outputs.Length; i++)
        {
            if (outputs[i].IsList) throw c.Error($"output {i} of the body is {outputs[i]}; a sequence holds tensors");
            c.SetOutput(i, outputs[i] with { Kind = ValueKind.Sequence });
        }
    }

    public override void Compute(ComputeContext c)
    {
        var inputs = new Tensor[c.InputCount];
        var results = new Tensor[c.OutputCount][];
        int length = c.Input(0).Elements.Length;
        for (int k = 0; k < results.Length; k++) results[k] = new Tensor[length];
        for (int step = 0; step < length; step++)
        {
            for (int i = 0; i < inputs.Length; i++)
            {
                Tensor x = c.Input(i);
                bool isMapped = IsMapped(i, inputs.Length, x.Kind);
                if (isMapped && x.Elements.Length != length) throw c.Error($"input {i} has {x.Elements.Length} elements, input 0 has {length}");
                inputs[i] = isMapped ? x.Elements[step] : x;
            }
            ReadOnlySpan<Tensor> outputs = Body.Run(inputs);
            for (int k = 0; k < results.Length; k++) results[k][step] = outputs[k].Clone();
        }
        for (int k = 0; k < results.Length; k++)
            if (c.HasOutput(k)) c.Output(k).Elements = results[k];
    }

    private bool IsMapped(int i, int count, ValueKind kind) => kind == ValueKind.Sequence && i < count - Captures;
}
