using System.Runtime.InteropServices;
using EdgeLite.Converter;

namespace EdgeLite.Tests.Importers.Keras;

/// <summary>Keras's layers that prepare pictures and categories, and RMSNormalization; results by hand from Keras's documentation.</summary>
public class KerasPreprocessingTests
{
    private static float[] Run(string layer, string dtype, Tensor x, float[]? weights = null) => TemporaryFolder.Use(folder =>
    {
        string path = Path.Combine(folder, "model.json");
        string manifest = weights == null ? "" : $$"""{"paths": ["w.bin"], "weights": [{"name": "l/scale", "shape": [{{weights.Length}}], "dtype": "float32"}]}""";
        File.WriteAllBytes(Path.Combine(folder, "w.bin"), MemoryMarshal.AsBytes<float>(weights ?? []).ToArray());
        File.WriteAllText(path, $$$"""
            {"format": "layers-model", "weightsManifest": [{{{manifest}}}], "modelTopology": {"keras_version": "tfjs-layers 4.0.0", "model_config":
              {"class_name": "Sequential", "config": {"name": "m", "layers": [
                {"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [{{{string.Join(", ", x.Shape.AsSpan().ToArray())}}}], "dtype": "{{{dtype}}}"}}, {{{layer}}}]} } } }
            """);
        Tensor y = ImportedRun.Run(Pipeline.Import(path, new ConversionOptions()).Graph, x)[0];
        return Enumerable.Range(0, (int)y.Count).Select(i => (float)y.GetDouble(i)).ToArray();
    });

    private static Tensor Counting(params long[] dims) => Tensor.FromArray<float>([.. Enumerable.Range(0, (int)new Shape(dims).Count).Select(i => (float)i)], new Shape(dims));

    private static string Layer(string className, string settings) => $$$"""{"class_name": "{{{className}}}", "config": {"name": "l", {{{settings}}} } }""";

    [Fact]
    public void Windows_are_taken_from_the_middle()
    {
        Assert.Equal([6, 7, 8, 11, 12, 13], Run(Layer("CenterCrop", "\"height\": 2, \"width\": 3"), "float32", Counting(1, 4, 5, 1)));
        Assert.Equal([6, 7, 8, 11, 12, 13], Run(Layer("CenterCrop", "\"height\": 2, \"width\": 3, \"data_format\": \"channels_first\""), "float32", Counting(1, 1, 4, 5)));
        Assert.Equal([1, 2, 5, 6], Run(Layer("RandomCrop", "\"height\": 2, \"width\": 2"), "float32", Counting(1, 2, 4, 1)));
        // The window 1 2, 5 6 in one place: its mean.
        Assert.Equal([3.5f], Run(Layer("Resizing", "\"height\": 1, \"width\": 1, \"crop_to_aspect_ratio\": true"), "float32", Counting(1, 2, 4, 1)));
        Assert.Equal([3.5f], Run(Layer("CenterCrop", "\"height\": 8, \"width\": 8"), "float32", Counting(1, 2, 4, 1)).Chunk(64).Select(c => MathF.Round(c.Average(), 4)).ToArray());
    }

    [Fact]
    public void Categories_become_vectors()
    {
        Tensor x = Tensor.FromArray<int>([0, 2, 2], new Shape(1, 3));
        Assert.Equal([1, 0, 1, 0], Run(Layer("CategoryEncoding", "\"num_tokens\": 4"), "int32", x));
        Assert.Equal([1, 0, 2, 0], Run(Layer("CategoryEncoding", "\"num_tokens\": 4, \"output_mode\": \"count\""), "int32", x));
        Assert.Equal([0, 0, 1, 0], Run(Layer("CategoryEncoding", "\"num_tokens\": 4, \"output_mode\": \"one_hot\""), "int32", Tensor.FromArray<int>([2], new Shape(1, 1))));
    }

    /// <summary>Behind the number for what the vocabulary lacks, and behind that of the mask where there is one.</summary>
    [Fact]
    public void Words_and_numbers_are_looked_up()
    {
        Tensor words = Tensor.FromStrings(["b", "a", "", "zebra"], new Shape(1, 4));
        const string Vocabulary = "\"vocabulary\": [\"a\", \"b\"]";
        Assert.Equal([2, 1, 0, 0], Run(Layer("StringLookup", Vocabulary), "string", words));
        Assert.Equal([3, 2, 0, 1], Run(Layer("StringLookup", Vocabulary + ", \"mask_token\": \"\""), "string", words));
        Assert.Equal([1, 0], Run(Layer("StringLookup", Vocabulary + ", \"num_oov_indices\": 0"), "string", Tensor.FromStrings(["b", "a"], new Shape(1, 2))));
        Assert.Equal([2, 1, 1], Run(Layer("StringLookup", Vocabulary + ", \"output_mode\": \"count\""), "string", words));
        Assert.Equal([0, 2, 1], Run(Layer("IntegerLookup", "\"vocabulary\": [7, 5]"), "int64", Tensor.FromArray<long>([6, 5, 7], new Shape(1, 3))));
    }

    [Fact]
    public void Numbers_fall_into_bins() =>
        Assert.Equal([0, 1, 2, 2], Run(Layer("Discretization", "\"bin_boundaries\": [0.0, 1.5]"), "float32", Tensor.FromArray<float>([-1, 0, 1.5f, 9], new Shape(1, 4))));

    /// <summary>0 and 2 have mean 1 and deviation 1, 1 and 5 mean 3 and deviation 2; of the weights given each channel has one as its scale.</summary>
    [Fact]
    public void Instances_are_normalized()
    {
        Tensor x = Tensor.FromArray<float>([0, 1, 2, 5], new Shape(1, 1, 2, 2));
        const string Settings = "\"axis\": -1, \"center\": false, \"epsilon\": ";
        Assert.Equal([-2, -3, 2, 3], Run(Layer("InstanceNormalization", Settings + "0.0"), "float32", x, [2, 3]));
        Assert.Equal([-1, -2, 1, 2], Run(Layer("InstanceNormalization", Settings + "1.0"), "float32", x, [2, 3]));
        Assert.Equal([-2, -3, 2, 3], Run(Layer("Addons>InstanceNormalization", Settings + "0.0"), "float32", x, [2, 3]).Select(v => MathF.Round(v, 4)));
    }

    /// <summary>0 is the mask, 1 what is not there; the vocabulary may begin with both.</summary>
    [Fact]
    public void Places_in_a_vocabulary()
    {
        Tensor x = Tensor.FromArray<int>([9, 4, 0, 5], new Shape(1, 4));
        Assert.Equal([0, 2, 0, 1], Run(Layer("IntegerLookup", "\"vocabulary\": [5, 4], \"num_oov_indices\": 1, \"mask_token\": null, \"oov_token\": -1"), "int32", x));
        Assert.Equal([1, 3, 0, 2], Run(Layer("IntegerLookup", "\"vocabulary\": [5, 4], \"num_oov_indices\": 1, \"mask_token\": 0, \"oov_token\": -1"), "int32", x));
        Assert.Equal([1, 3, 0, 2], Run(Layer("IntegerLookup", "\"vocabulary\": [0, -1, 5, 4], \"num_oov_indices\": 1, \"mask_token\": 0, \"oov_token\": -1"), "int32", x));
        Assert.Equal([-1, 4, 5, -1], Run(Layer("IntegerLookup", "\"vocabulary\": [5, 4], \"invert\": true, \"oov_token\": -1"), "int32", Tensor.FromArray<int>([0, 2, 1, 7], new Shape(1, 4))));
        Assert.Equal([1, 1, 1], Run(Layer("IntegerLookup", "\"vocabulary\": [5, 4], \"output_mode\": \"multi_hot\""), "int32", x));
    }

    [Fact]
    public void Root_mean_squares()
    {
        float[] y = Run(Layer("RMSNormalization", "\"axis\": -1, \"epsilon\": 0.0"), "float32", Tensor.FromArray<float>([3, 4], new Shape(1, 2)), [1, 2]);
        TensorAssert.Close(Tensor.FromArray<float>([3 / MathF.Sqrt(12.5f), 8 / MathF.Sqrt(12.5f)], new Shape(2)), Tensor.FromArray<float>(y, new Shape(2)), 1e-5, 1e-6, "RMSNormalization");
    }
}
