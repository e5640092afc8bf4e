namespace EdgeLite.Converter.Quantizing;

/// <summary>What a search makes of a layer that does not compute between tensors of int8.</summary>
internal enum LayerForm
{
    Float,

    /// <summary>Weights of 8 bits between tensors of int16; what stands between such layers is int16, too.</summary>
    SixteenBits,

    /// <summary>A dense layer with weights of 8 bits, whose input is rounded to int8 as the model runs: each 32 of both have a scale of their own.</summary>
    EightBits,

    /// <summary>The same with weights of 4 bits.</summary>
    FourBits,
}
