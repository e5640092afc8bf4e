using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The identity at inference; with training_mode true, elements are zeroed with probability ratio and the others scaled
/// by 1 / (1 - ratio). The mask is true where an element was kept.</summary>
[Operator("Dropout", "data, ratio?, training_mode?", "output, mask?")]
public sealed partial class Dropout : RandomOperator
{
    private bool _mayTrain;

    /// <summary>True unless the shape rule saw a training_mode that is not the constant false.</summary>
    public override bool IsPure => !_mayTrain;

    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext context)
    {
        context.ExpectFloat(0);
        context.ExpectFloat(1);
        context.ExpectBool(2);
        _mayTrain = context.HasInput(2) && (context.Constant(2) is not { } training || training.GetInt64(0) != 0);
        context.SetOutput(0, context.DType(0), context.Shape(0));
        context.SetOutput(1, DType.Bool, context.Shape(0));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0);
        double ratio = context.OptionalInput(1)?.GetDouble(0) ?? 0.5;
        bool drops = context.OptionalInput(2) is { } training && training.GetInt64(0) != 0 && ratio > 0;
        for (long i = 0, n = x.Count; i < n; i++)
        {
            bool keep = !drops || Random.NextUniform() >= ratio;
            if (context.HasOutput(0)) context.Output(0).SetDouble(i, !drops ? x.GetDouble(i) : keep ? x.GetDouble(i) / (1 - ratio) : 0);
            if (context.HasOutput(1)) context.Output(1).SetInt64(i, keep ? 1 : 0);
        }
    }
}
