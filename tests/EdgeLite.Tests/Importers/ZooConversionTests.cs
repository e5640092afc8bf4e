using System.Diagnostics;
using System.IO.Compression;
using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Quantizing;
using Xunit.Abstractions;

namespace EdgeLite.Tests.Importers;

/// <summary>Every model of the collection on the whole way that <c>edgelite convert</c> takes: as float, where the file's session must give
/// the stored results, and as int8, whose proof on the stored inputs must be at least so good. A sample of each framework always,
/// all of them where EDGELITE_LONG_TESTS is set.</summary>
public class ZooConversionTests(ITestOutputHelper output)
{
    /// <summary>Lowest SQNR of an output in dB that an int8 conversion passes with, unless <see cref="s_lower"/> says otherwise.</summary>
    private const double LeastSqnr = 20;

    /// <summary>Models that int8 suits badly, and what they reach at least.</summary>
    private static readonly Dictionary<string, double> s_lower = new()
    {
        ["onnx/silero_vad_16k_op15"] = 18,
        ["tflite/mediapipe_face_full_sparse_fp16"] = 19,
        // Boxes that survived non-maximum suppression, best first: a score that moves by a bit changes which one stands where.
        ["tfjs_graph/faceboxes"] = 6,
        ["tfjs_graph/handtrack"] = 1,
    };

    /// <summary>Files that hold no network that could be read, and a word of the error that must say so.</summary>
    private static readonly Dictionary<string, string> s_refused = new()
    {
        ["cntk/v1_01_OneHidden"] = "version 1",
        ["dl4j/100b4_custom_layer_half"] = "CustomLayer",
        ["dl4j/100b6_custom_layer_float"] = "CustomLayer",
    };

    /// <summary>Architectures for files of parameters alone: the JSON that is written beside them.</summary>
    private static readonly Dictionary<string, (string Parameters, string Json)> s_architectures = new()
    {
        ["chainer/w_small_cnn"] = ("model.npz", ChainerImporterTests.Json(ChainerImporterTests.Small, "[null,3,16,16]")),
        ["chainer/waifu2x_vgg7_rgb"] = ("model.npz", ChainerImporterTests.Json(ChainerImporterTests.Vgg7, "[null,3,null,null]")),
        ["chainer/waifu2x_vgg7_y"] = ("model.npz", ChainerImporterTests.Json(ChainerImporterTests.Vgg7, "[null,1,null,null]")),
        ["lasagne/w_flipped_convnet"] = ("model.npz", LasagneImporterTests.Json(LasagneImporterTests.Convnet, "model.npz")),
        ["pytorch/cifar_net_pth"] = ("model.pth", TorchStateTests.Json(TorchStateTests.Cifar, 32)),
        ["pytorch/w_small_cnn_state_dict"] = ("model.pth", TorchStateTests.Json(TorchStateTests.Small, 16)),
        ["pytorch/w_small_cnn_whole_module"] = ("model.pth", TorchStateTests.Json(TorchStateTests.Small, 16)),
    };

    private static readonly HashSet<string> s_always =
    [
        "caffe/wechat_sr", "caffe2/googlenet_head", "chainer/w_small_cnn", "cntk/mnist_conv_v2", "darknet/ell_unittest", "dl4j/100b4_synthetic_cnn",
        "keras_h5/dl4j_cnn_batch_norm", "keras_theano/w_cnn_channels_last", "keras_v3/mnist_cnn_keras311", "lasagne/w_flipped_convnet", "onnx/silero_vad_v5",
        "pytorch/w_small_cnn_ptl", "pytorch/w_small_cnn_whole_module", "tensorflow_frozen/conv_0", "tensorflow_frozen/rnn__bstack__d_n2", "tensorflow_savedmodel/mnist_conv", "tfjs_graph/liveness",
        "tfjs_layers/w_seq_cnn", "tflite/tflm_mnist_lstm_int8", "tflite/mediapipe_face_short_fp16", "tflite/tiny_ad01_fp32", "torch7/w_cnn_bn",
    ];

    public static TheoryData<string> Models()
    {
        var data = new TheoryData<string>();
        foreach (string framework in SharedData.FoldersIn("zoo"))
            foreach (string model in SharedData.FoldersIn($"zoo/{framework}"))
                if (LongTests.Wanted || s_always.Contains($"{framework}/{model}")) data.Add($"{framework}/{model}");
        return data;
    }

    [SharedTheory("zoo")]
    [MemberData(nameof(Models))]
    public void Converts_and_gives_the_stored_results(string model) => Use(model, (source, zoo) =>
    {
        ConversionOptions options = zoo.Options(source);
        Graph graph = Pipeline.Import(source, options).Graph;
        Tensor[] inputs = zoo.Inputs(graph);
        Pipeline.Optimize(graph, options);
        Pipeline.Lower(graph, options);
        TemporaryFolder.Use(folder =>
        {
            string file = Path.Combine(folder, "model.edgl");
            Pipeline.Write(graph, file, options);
            using Model loaded = Model.Load(file);
            using var runner = new SessionRunner(graph, loaded);
            zoo.Compare([.. graph.Outputs.Select(o => o.Name)], [.. runner.Run(inputs)], "converted file");
        });
    });

    [SharedTheory("zoo")]
    [MemberData(nameof(Models))]
    public void Converts_to_int8_with_a_proof(string model) => Use(model, (source, zoo) =>
    {
        ProofReport proof = Prove(source, zoo);
        double least = s_lower.GetValueOrDefault(model, LeastSqnr);
        output.WriteLine($"{proof.WorstOutputSqnr:0.0} dB");
        Assert.True(proof.WorstOutputSqnr >= least, $"{proof.WorstOutputSqnr:0.0} dB, expected at least {least}");
    });

    /// <summary>The archives of small graphs, one for each operator or layer; every <paramref name="step"/>th where long tests are not wanted.</summary>
    [SharedTheory("zoo")]
    [InlineData("keras_h5_ops", 25)]
    [InlineData("tensorflow_frozen_ops", 60)]
    public void Single_operators_convert_to_int8_with_a_proof(string archive, int step) => TemporaryFolder.Use(folder =>
    {
        using (Process tar = Process.Start("tar", ["xJf", Path.Combine(SharedData.Folder!, "zoo", archive + ".tar.xz"), "-C", folder])) tar.WaitForExit();
        string[] models = [.. Directory.GetDirectories(Path.Combine(folder, archive)).Order(StringComparer.Ordinal)];
        var failures = new List<string>();
        int proven = 0;
        for (int i = 0; i < models.Length; i += LongTests.Wanted ? 1 : step)
        {
            var zoo = new ZooModel(models[i]);
            try
            {
                ProofReport proof = Prove(zoo.Source, zoo);
                if (proof.WorstOutputSqnr >= LeastSqnr) proven++;
                else failures.Add($"{Path.GetFileName(models[i])}: {proof.WorstOutputSqnr:0.0} dB");
            }
            catch (EdgeLiteException e) when (e.Status == Status.UnknownOperator && TensorFlowZooTests.Refused.Any(r => e.Message.Contains(r + ": ", StringComparison.Ordinal)))
            {
            }
            catch (Exception e) when (e is EdgeLiteException or Xunit.Sdk.XunitException)
            {
                failures.Add($"{Path.GetFileName(models[i])}: {e.Message.Split('\n')[0]}");
            }
        }
        Assert.True(failures.Count == 0 && proven >= models.Length / step / 2, $"{proven} proven, {failures.Count} failed:\n{string.Join('\n', failures)}");
    });

    /// <summary>int8 in all layers, with the stored inputs as samples.</summary>
    private static ProofReport Prove(string source, ZooModel zoo)
    {
        ConversionOptions options = zoo.Options(source);
        Graph original = Pipeline.Import(source, options).Graph, graph = Pipeline.Import(source, options).Graph;
        Pipeline.Optimize(graph, options);
        return TemporaryFolder.Use(folder =>
        {
            string samples = Path.Combine(folder, "samples.npz"), file = Path.Combine(folder, "model.edgl");
            WriteNpz(samples, original, zoo.Inputs(original));
            ICalibrationData calibration = CalibrationData.Open(samples, graph);
            QuantizationResult? quantization = Quantizer.IsQuantized(graph) ? null : Quantizer.Int8(graph, calibration, new QuantizationOptions());
            ShapeInference.Run(graph);
            Pipeline.Lower(graph, options);
            Pipeline.Write(graph, file, options);
            using Model loaded = Model.Load(file);
            using var runner = new SessionRunner(graph, loaded);
            ProofReport proof = Proof.Compare(new InterpreterRunner(original), runner, calibration, 1, quantization?.Parameters);
            Assert.Equal(0, proof.Outputs.Sum(o => o.NonFiniteMismatches));
            return proof;
        });
    }

    /// <summary>Hands the path to convert and the model to <paramref name="use"/>; for files that must be refused, checks that they are.</summary>
    private static void Use(string model, Action<string, ZooModel> use)
    {
        var zoo = new ZooModel(model);
        if (s_refused.TryGetValue(model, out string? word))
        {
            var e = Assert.Throws<EdgeLiteException>(() => Pipeline.Import(zoo.Source, new ConversionOptions()));
            Assert.Contains(word, e.Message, StringComparison.Ordinal);
        }
        else if (s_architectures.TryGetValue(model, out (string Parameters, string Json) architecture))
        {
            TemporaryFolder.Use(folder =>
            {
                string path = Path.Combine(folder, "model.json");
                File.WriteAllText(path, architecture.Json);
                File.Copy(zoo.PathOf(architecture.Parameters), Path.Combine(folder, architecture.Parameters));
                use(path, zoo);
            });
        }
        else use(zoo.Source, zoo);
    }

    private static void WriteNpz(string path, Graph graph, Tensor[] inputs)
    {
        using ZipArchive zip = ZipFile.Open(path, ZipArchiveMode.Create);
        for (int i = 0; i < inputs.Length; i++)
        {
            using Stream entry = zip.CreateEntry(graph.Inputs[i].Name + ".npy").Open();
            NpyFile.Write(entry, inputs[i]);
        }
    }
}
