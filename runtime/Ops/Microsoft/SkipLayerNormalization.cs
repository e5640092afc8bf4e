namespace EdgeLite.Ops.Microsoft;

/// <summary>Layer normalization of input + skip + bias.</summary>
[Operator("SkipLayerNormalization", "input, skip, gamma, beta?, bias?", "output, mean?, inv_std_var?, input_skip_bias_sum?", Domain = "com.microsoft")]
public sealed partial class SkipLayerNormalization : SkipNormalization
{
    protected override bool IsCentered => true;
    protected override int BiasInput => 4;
}
