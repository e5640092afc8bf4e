using EdgeLite.Converter.Importers;

namespace EdgeLite.Tests.Importers;

/// <summary>The format is told from the content: genuine files of every format under a name that says nothing, and under one that says
/// something else.</summary>
public sealed class RecognitionTests
{
    [SharedTheory("zoo")]
    [InlineData("caffe/lenet", "deploy.prototxt", "Caffe")]
    [InlineData("caffe/lenet", "weights.caffemodel", "Caffe")]
    [InlineData("caffe2/googlenet_head", "init_net.pb", "Caffe2")]
    [InlineData("caffe2/googlenet_head", "predict_net.pb", "Caffe2")]
    [InlineData("cntk/mnist_conv_v2", "model.cmf", "CNTK")]
    [InlineData("darknet/ell_unittest", "net.cfg", "Darknet")]
    [InlineData("dl4j/100b4_bidirectional_rnn_graph", "model.zip", "Deeplearning4j")]
    [InlineData("keras_h5/dl4j_cnn_batch_norm", "model.h5", "Keras HDF5")]
    [InlineData("keras_v3/mnist_cnn_keras311", "model.keras", "Keras 3")]
    [InlineData("onnx/xgboost_classifier_ml", "model.onnx", "ONNX")]
    [InlineData("pytorch/w_small_cnn_ptl", "model.ptl", "PyTorch")]
    [InlineData("pytorch/w_squeezenet_traced", "model.pt", "PyTorch")]
    [InlineData("pytorch/w_small_cnn_state_dict", "model.pth", "PyTorch parameters")]
    [InlineData("tensorflow_frozen/g_12", "frozen_graph.pb", "TensorFlow graph (GraphDef)")]
    [InlineData("tfjs_graph/age", "model.json", "TensorFlow.js graph-model")]
    [InlineData("tfjs_layers/w_seq_cnn", "model.json", "TensorFlow.js layers-model")]
    [InlineData("tflite/litert_simple_floor_op", "model.tflite", "TensorFlow Lite")]
    [InlineData("torch7/w_cnn_bn", "model.t7", "Torch7")]
    [InlineData("torch7/w_parallel_join_ascii", "model.t7", "Torch7")]
    public void A_name_does_not_matter(string model, string file, string format) => TemporaryFolder.Use(folder =>
    {
        string source = new ZooModel(model).PathOf(file);
        Assert.Equal(format, ImporterRegistry.Find(source).Format);
        foreach (string name in new[] { "something", "model.dat", format == "ONNX" ? "model.tflite" : "model.onnx" })
        {
            string path = Path.Combine(folder, name);
            File.Copy(source, path);
            Assert.Equal(format, ImporterRegistry.Find(path).Format);
        }
        return 0;
    });
}
