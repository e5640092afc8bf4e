using System.Runtime.InteropServices;
using EdgeLite.Converter;

namespace EdgeLite.Tests.Importers;

/// <summary>TensorFlow.js's quantized weights: integers with scale and minimum, and halves (its format of weightsManifest, tfjs-core io/types.ts).</summary>
public class TfjsWeightsTests
{
    /// <summary>A dense layer whose kernel [[-1, -0.5], [0, 0.5], [1, 1.5]] is stored in fewer bits, in two shards.</summary>
    [Theory]
    [InlineData("uint8", "\"dtype\": \"uint8\", \"scale\": 0.5, \"min\": -1.0")]
    [InlineData("uint16", "\"dtype\": \"uint16\", \"scale\": 0.5, \"min\": -1.0")]
    [InlineData("float16", "\"dtype\": \"float16\"")]
    public void Quantized_weights_are_expanded(string type, string quantization) => TemporaryFolder.Use(folder =>
    {
        byte[] bytes = type switch
        {
            "uint8" => [0, 1, 2, 3, 4, 5],
            "uint16" => MemoryMarshal.AsBytes<ushort>(new ushort[] { 0, 1, 2, 3, 4, 5 }).ToArray(),
            _ => MemoryMarshal.AsBytes<Half>(new[] { -1, -0.5, 0, 0.5, 1, 1.5 }.Select(v => (Half)v).ToArray()).ToArray(),
        };
        File.WriteAllBytes(Path.Combine(folder, "a.bin"), bytes[..4]);
        File.WriteAllBytes(Path.Combine(folder, "b.bin"), bytes[4..]);
        string path = Path.Combine(folder, "model.json");
        File.WriteAllText(path, $$$"""
            {"format": "layers-model", "weightsManifest": [{"paths": ["a.bin", "b.bin"], "weights": [{"name": "d/kernel", "shape": [3, 2], "dtype": "float32", "quantization": { {{{quantization}}}, "original_dtype": "float32" } }]}],
             "modelTopology": {"keras_version": "tfjs-layers 4.0.0", "model_config": {"class_name": "Sequential", "config": {"name": "m", "layers": [
              {"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [1, 3], "dtype": "float32"}}, {"class_name": "Dense", "config": {"name": "d", "units": 2, "use_bias": false}}]} } } }
            """);
        Tensor y = ImportedRun.Run(Pipeline.Import(path, new ConversionOptions()).Graph, Tensor.FromArray<float>([1, 2, 3], new Shape(1, 3)))[0];
        Assert.Equal([2f, 5], y.ToArray<float>());
        return true;
    });
}
