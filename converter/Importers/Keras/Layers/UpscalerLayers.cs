namespace EdgeLite.Converter.Importers.Keras.Layers;

/// <summary>Layers of their own that published models of UpscalerJS have (packages/shared/src/esrgan/esrgan.ts). Whatever their settings say, its program
/// gives them one meaning.</summary>
internal static class UpscalerLayers
{
    [Keras("MultiplyBeta", Notes = "of UpscalerJS: 0.2 x")]
    private static void MultiplyBeta(KerasNode n) => n.Set(n.Emit("Mul", [n.X, n.Scalar(0.2)]));

    /// <summary>[n, h, w, s s c] -> [n, s h, s w, c], s being the number in its name.</summary>
    [Keras("PixelShuffle2x", "PixelShuffle3x", "PixelShuffle4x", "PixelShuffle8x", Notes = "of UpscalerJS")]
    private static void PixelShuffle(KerasNode n)
    {
        n.RequireRank(4);
        n.Set(n.TensorFlow("DepthToSpace", [n.X], ("block_size", (long)(n.Layer.ClassName[^2] - '0')), ("data_format", "NHWC")));
    }
}
