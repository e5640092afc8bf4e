using System.Diagnostics;
using EdgeLite.Converter;

namespace EdgeLite.Tests.Importers;

/// <summary>The smallest genuine files of every format, cut short and with bytes changed at random places: read, or refused with our own
/// exception, in little time and memory.</summary>
public sealed class HostileFileTests
{
    private const int Rounds = 30;
    private const long MaxAllocated = 1L << 30;

    [SharedTheory("zoo")]
    [InlineData("caffe/wechat_sr", "deploy.prototxt")]
    [InlineData("caffe/wechat_sr", "weights.caffemodel")]
    [InlineData("caffe2/googlenet_head", "init_net.pb")]
    [InlineData("caffe2/googlenet_head", "predict_net.pb")]
    [InlineData("cntk/mnist_conv_v2", "model.cmf")]
    [InlineData("darknet/ell_unittest", "net.cfg")]
    [InlineData("darknet/ell_unittest", "net.weights")]
    [InlineData("dl4j/100b4_bidirectional_rnn_graph", "model.zip")]
    [InlineData("keras_h5/dl4j_cnn_batch_norm", "model.h5")]
    [InlineData("keras_theano/lstm_theano_2", "model.h5")]
    [InlineData("keras_v3/mnist_cnn_keras311", "model.keras")]
    [InlineData("onnx/xgboost_classifier_ml", "model.onnx")]
    [InlineData("pytorch/w_small_cnn_ptl", "model.ptl")]
    [InlineData("pytorch/w_small_cnn_state_dict", "model.pth")]
    [InlineData("tensorflow_frozen/g_12", "frozen_graph.pb")]
    [InlineData("tensorflow_frozen/pool_1", "frozen_graph.pb")]
    [InlineData("tensorflow_savedmodel/half_plus_two_tf2", "saved_model/saved_model.pb")]
    [InlineData("tfjs_graph/age", "model.json")]
    [InlineData("tfjs_graph/age", "age.bin")]
    [InlineData("tfjs_layers/w_embedding_bilstm_gru", "model.json")]
    [InlineData("tfjs_layers/w_embedding_bilstm_gru", "weights.bin")]
    [InlineData("tflite/litert_simple_floor_op", "model.tflite")]
    [InlineData("torch7/w_lookup_temporal", "model.t7")]
    [InlineData("torch7/w_parallel_join_ascii", "model.t7")]
    [InlineData("torch7/w_residual_concat_deconv", "model.t7")]
    public void Damaged_files_are_read_or_refused(string model, string file)
    {
        int refused = TemporaryFolder.Use(folder =>
        {
            Copy(Path.Combine(SharedData.Folder!, "zoo", model), folder);
            string path = Path.Combine(folder, file);
            string source = file.EndsWith(".bin", StringComparison.Ordinal) ? Path.Combine(folder, "model.json") : path;
            byte[] good = File.ReadAllBytes(path);
            if (!file.EndsWith(".pth", StringComparison.Ordinal)) Assert.Null(Refusal(source));
            var random = new Random(5);
            int count = 0;
            for (int round = 0; round < Rounds; round++)
            {
                File.WriteAllBytes(path, Damaged(good, random, round));
                long start = Stopwatch.GetTimestamp(), allocated = GC.GetAllocatedBytesForCurrentThread();
                if (Refusal(source) != null) count++;
                Assert.True(Stopwatch.GetElapsedTime(start).TotalSeconds < 20, $"round {round} took {Stopwatch.GetElapsedTime(start).TotalSeconds:f0} s");
                allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
                Assert.True(allocated < MaxAllocated, $"round {round} allocated {allocated >> 20} MB");
            }
            return count;
        });
        Assert.True(refused >= Rounds / 5, $"only {refused} of {Rounds} are refused");
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
        var random = new Random(9);
        for (int round = 0; round < (LongTests.Wanted ? 4000 : 200); round++)
        {
            byte[] bad = Damaged(good, random, round);
            File.WriteAllBytes(path, bad);
            long allocated = GC.GetAllocatedBytesForCurrentThread();
            Refusal(path);
            allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
            int[] changes = [.. Enumerable.Range(0, bad.Length).Where(i => bad[i] != good[i]).Take(16)];
            Assert.True(allocated < (128L << 20) + good.Length * 30L, $"round {round} allocated {allocated >> 20} MB; changed at {string.Join(", ", changes)} of {good.Length}");
        }
        return 0;
    });

    /// <summary>Cut anywhere, or one to four places changed, of the whole file or of its ends, where structure lies: a byte, a bit, or eight
    /// bytes that make a number huge.</summary>
    private static byte[] Damaged(byte[] good, Random random, int round)
    {
        if (round % 3 == 0) return good[..random.Next(1, good.Length)];
        byte[] bad = [.. good];
        for (int changes = random.Next(1, 5); changes > 0; changes--)
        {
            int at = random.Next(round % 3 == 1 ? good.Length : Math.Min(good.Length, 2048));
            if (random.Next(2) == 0) at = good.Length - 1 - at;
            switch (random.Next(3))
            {
                case 0: bad[at] = (byte)random.Next(256); break;
                case 1: bad[at] ^= (byte)(1 << random.Next(8)); break;
                default: bad.AsSpan(at, Math.Min(8, bad.Length - at)).Fill((byte)(random.Next(2) == 0 ? 0xff : 0x7f)); break;
            }
        }
        return bad;
    }

    /// <summary>The message that the import is refused with, or null.</summary>
    private static string? Refusal(string path)
    {
        try
        {
            Pipeline.Import(path, new ConversionOptions());
            return null;
        }
        catch (EdgeLiteException e)
        {
            Assert.True(e.Message.Length > 15, e.Message);
            return e.Message;
        }
    }

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
