namespace EdgeLite.Ops.Microsoft;

/// <summary>RMS normalization of input + skip + bias.</summary>
[Operator("SkipSimplifiedLayerNormalization", "input, skip, gamma, bias?", "output, mean?, inv_std_var?, input_skip_bias_sum?", Domain = "com.microsoft")]
public sealed partial class SkipSimplifiedLayerNormalization : SkipNormalization
{
    protected override bool IsCentered => false;
    protected override int BiasInput => 3;
}
