using System.Diagnostics;
using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;

namespace EdgeLite.Tests.Importers;

/// <summary>Genuine files of every format, damaged in ways that follow from a number: converted, or refused with our own exception, in little time
/// and memory. A failure names the numbers to try again (<see cref="LongTests.Seeds"/>).</summary>
public sealed class HostileFileTests
{
    private const long MaxAllocated = 1L << 30;
    private const int MaxFaults = 8;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    [SharedTheory("zoo")]
    [InlineData("caffe/wechat_sr", "deploy.prototxt")]
    [InlineData("caffe/wechat_sr", "weights.caffemodel")]
    [InlineData("caffe2/googlenet_head", "init_net.pb")]
    [InlineData("caffe2/googlenet_head", "predict_net.pb")]
    [InlineData("chainer/w_small_cnn", "model.json")]
    [InlineData("chainer/w_small_cnn", "model.npz")]
    [InlineData("cntk/mnist_conv_v2", "model.cmf")]
    [InlineData("darknet/ell_unittest", "net.cfg")]
    [InlineData("darknet/ell_unittest", "net.weights")]
    [InlineData("dl4j/100b4_bidirectional_rnn_graph", "model.zip")]
    [InlineData("dl4j/100b4_synthetic_cnn", "model.zip")]
    [InlineData("dl4j/100b6_bidirectional_rnn_graph", "model.zip")]
    [InlineData("keras_h5/dl4j_cnn_batch_norm", "model.h5")]
    [InlineData("keras_h5/dl4j_masking__masking_two_lstm", "model.h5")]
    [InlineData("keras_theano/lstm_theano_2", "model.h5")]
    [InlineData("keras_v3/mnist_cnn_keras311", "model.keras")]
    [InlineData("lasagne/w_flipped_convnet", "model.json")]
    [InlineData("lasagne/w_flipped_convnet", "model.npz")]
    [InlineData("lasagne/w_flipped_convnet", "model.pkl")]
    [InlineData("onnx/xgboost_classifier_ml", "model.onnx")]
    [InlineData("pytorch/w_control_flow_scripted", "model.pt")]
    [InlineData("pytorch/w_embedding_bilstm_gru_traced", "model.pt")]
    [InlineData("pytorch/w_small_cnn_optimized_ptl", "model.ptl")]
    [InlineData("pytorch/w_small_cnn_ptl", "model.ptl")]
    [InlineData("pytorch/w_small_cnn_state_dict", "model.pth")]
    [InlineData("tensorflow_frozen/g_12", "frozen_graph.pb")]
    [InlineData("tensorflow_frozen/pool_1", "frozen_graph.pb")]
    [InlineData("tensorflow_frozen/primitive_gru_dynamic", "frozen_graph.pb")]
    [InlineData("tensorflow_savedmodel/half_plus_two_tf2", "saved_model/saved_model.pb")]
    [InlineData("tensorflow_savedmodel/half_plus_two_tf2", "saved_model/variables/variables.index")]
    [InlineData("tfjs_graph/age", "model.json")]
    [InlineData("tfjs_graph/age", "age.bin")]
    [InlineData("tfjs_layers/w_embedding_bilstm_gru", "model.json")]
    [InlineData("tfjs_layers/w_embedding_bilstm_gru", "weights.bin")]
    [InlineData("tflite/litert_simple_floor_op", "model.tflite")]
    [InlineData("tflite/litert_rope", "model.tflite")]
    [InlineData("tflite/tflm_hello_world_int8", "model.tflite")]
    [InlineData("tflite/tflm_mnist_lstm_int8", "model.tflite")]
    [InlineData("torch7/w_lookup_temporal", "model.t7")]
    [InlineData("torch7/w_parallel_join_ascii", "model.t7")]
    [InlineData("torch7/w_residual_concat_deconv", "model.t7")]
    public void Damaged_files_are_converted_or_refused(string model, string file) => TemporaryFolder.Use(folder =>
    {
        Copy(Path.Combine(SharedData.Folder!, "zoo", model), folder);
        string network = Path.Combine(folder, "model.json");
        if (model.StartsWith("chainer/", StringComparison.Ordinal)) File.WriteAllText(network, ChainerImporterTests.Json(ChainerImporterTests.Small, "[null,3,16,16]"));
        if (model.StartsWith("lasagne/", StringComparison.Ordinal)) File.WriteAllText(network, LasagneImporterTests.Json(LasagneImporterTests.Convnet, file.EndsWith(".pkl", StringComparison.Ordinal) ? file : "model.npz"));
        string damaged = Path.Combine(folder, file), source = File.Exists(network) ? network : damaged.EndsWith(".index", StringComparison.Ordinal) ? Path.Combine(folder, "saved_model") : damaged;
        byte[] good = File.ReadAllBytes(damaged);
        // Few files of TorchScript say which sizes their inputs have.
        ConversionOptions options = file.EndsWith(".pt", StringComparison.Ordinal) ? new ZooModel(model).Options(source) : new ConversionOptions();
        // A state_dict alone is no network.
        if (!file.EndsWith(".pth", StringComparison.Ordinal)) Assert.Null(Convert(source, options));
        var faults = new Faults();
        (int first, int last) = LongTests.Seeds ?? (0, LongTests.Wanted ? 499 : 19);
        for (int seed = first; seed <= last; seed++) faults.Try(source, damaged, good, options, seed);
        faults.AssertNone();
    });

    /// <summary>Small files, one for each operator, layer or setting: every one where EDGELITE_FUZZ or EDGELITE_LONG_TESTS is set, otherwise every
    /// <paramref name="step"/>th.</summary>
    [SharedTheory("zoo")]
    [InlineData("zoo/keras_h5_ops", "model.h5", 10)]
    [InlineData("zoo/tensorflow_frozen_ops", "frozen_graph.pb", 10)]
    [InlineData("conformance/onnx/node", "model.onnx", 5)]
    [InlineData("conformance/onnx/pytorch-operator", "model.onnx", 1)]
    public void Damaged_files_of_one_operator_are_converted_or_refused(string archive, string file, int step) => TemporaryFolder.Use(folder =>
    {
        string packed = Path.Combine(SharedData.Folder!, archive + ".tar.xz");
        if (!File.Exists(packed)) return;
        using (Process tar = Process.Start("tar", ["xJf", packed, "-C", folder])) tar.WaitForExit();
        string[] all = [.. Directory.GetFiles(folder, file, SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
        var faults = new Faults();
        for (int i = 0; i < all.Length; i += LongTests.Wanted || LongTests.Seeds != null ? 1 : step)
        {
            byte[] good = File.ReadAllBytes(all[i]);
            (int first, int last) = LongTests.Seeds ?? (i, i);
            for (int seed = first; seed <= last; seed++) faults.Try(all[i], all[i], good, new ConversionOptions(), seed);
        }
        faults.AssertNone();
    });

    /// <summary>What goes wrong other than it may, each once.</summary>
    private sealed class Faults
    {
        private readonly Dictionary<string, string> _faults = new(StringComparer.Ordinal);
        private int _tried, _refused;

        /// <summary>Converts <paramref name="source"/> while <paramref name="damaged"/>, a file of it, has the damage of a number.</summary>
        public void Try(string source, string damaged, byte[] good, ConversionOptions options, int seed)
        {
            File.WriteAllBytes(damaged, new FileMutator(new Random(seed)).Damage(good));
            string? fault = null;
            // With the stack of a main thread.
            var conversion = new Thread(() =>
            {
                long allocated = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    if (Convert(source, options) is not { } refusal) return;
                    _refused++;
                    if (refusal.Message.Length < 20) fault = $"a message that does not help: {refusal.Message}";
                    if (IsBlunder(refusal.InnerException)) fault = $"a message that does not help: {refusal.Message} {refusal.InnerException!.StackTrace}";
                }
                catch (Exception e)
                {
                    fault = $"{e.GetType().Name}: {e.Message} {e.StackTrace}";
                }
                allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
                if (allocated > MaxAllocated) fault = $"allocated {allocated >> 20} MB";
            }, 8 << 20) { IsBackground = true };
            conversion.Start();
            if (!conversion.Join(s_patience)) fault = $"takes more than {s_patience.TotalSeconds} s";
            _tried++;
            File.WriteAllBytes(damaged, good);
            string place = string.Join(' ', fault?.Split('\n').Skip(1).Take(1).DefaultIfEmpty(fault) ?? []);
            if (fault != null && _faults.Count < MaxFaults) _faults.TryAdd(place, $"number {seed} of {Path.GetFileName(Path.GetDirectoryName(damaged))}/{Path.GetFileName(damaged)}: {fault}");
        }

        public void AssertNone()
        {
            Assert.True(_faults.Count == 0, string.Join("\n\n", _faults.Values));
            // Of numbers that somebody chose all may damage alike.
            Assert.True(LongTests.Seeds != null || _refused >= _tried / 6, $"only {_refused} of {_tried} are refused");
        }
    }

    /// <summary>Whether a message was made of what went wrong in the converter, not of what is wrong with the file.</summary>
    private static bool IsBlunder(Exception? e) => e is (IndexOutOfRangeException or NullReferenceException or InvalidCastException or KeyNotFoundException or DivideByZeroException or ArgumentException
        or OverflowException or InvalidOperationException)
        && !e.StackTrace!.Contains("PureHDF", StringComparison.Ordinal);

    /// <summary>The whole way to a file that can be loaded; what it is refused with, or null.</summary>
    private static EdgeLiteException? Convert(string source, ConversionOptions options)
    {
        try
        {
            Graph graph = Pipeline.Import(source, options).Graph;
            Pipeline.Optimize(graph, options);
            Pipeline.Lower(graph, options);
            Model.Load(ModelWriter.ToBytes(graph)).Dispose();
            return null;
        }
        catch (EdgeLiteException e)
        {
            return e;
        }
    }

    /// <summary>What a damaged HDF5 file claims is checked before memory is taken for it: however it is damaged, an import allocates no more than
    /// 128 MB and thirty times the file, all together.</summary>
    [SharedTheory("zoo")]
    [InlineData("keras_h5/dl4j_cnn_batch_norm")]
    [InlineData("keras_h5/simple_lstm_tf_keras_1")]
    [InlineData("keras_h5/simple_lstm_th_keras_1")]
    [InlineData("keras_h5/simple_rnn_tf_keras_2")]
    [InlineData("keras_h5/dl4j_masking__masking_two_lstm")]
    [InlineData("keras_theano/lstm_theano_2")]
    public void Damaged_HDF5_files_take_no_more_memory_than_their_size_explains(string model) => TemporaryFolder.Use(folder =>
    {
        Copy(Path.Combine(SharedData.Folder!, "zoo", model), folder);
        string path = Path.Combine(folder, "model.h5");
        byte[] good = File.ReadAllBytes(path);
        for (int round = 0; round < (LongTests.Wanted ? 4000 : 200); round++)
        {
            byte[] bad = new FileMutator(new Random(round)).Damage(good);
            File.WriteAllBytes(path, bad);
            long allocated = GC.GetAllocatedBytesForCurrentThread();
            Convert(path, new ConversionOptions());
            allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
            Assert.True(allocated < (128L << 20) + good.Length * 30L, $"round {round} allocated {allocated >> 20} MB");
        }
        return 0;
    });

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            if (file.EndsWith(".npy", StringComparison.Ordinal)) continue;
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
