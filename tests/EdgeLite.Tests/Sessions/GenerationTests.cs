using System.Diagnostics;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Format;
using EdgeLite.Tests.Importers;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using Xunit.Abstractions;

namespace EdgeLite.Tests.Sessions;

/// <summary>A language model as onnxruntime-genai's builder writes it, token by token, its cache kept by the session as named state.</summary>
public class GenerationTests(ITestOutputHelper output)
{
    private static Model Convert(ModelProto proto, string states)
    {
        Graph graph = OnnxImporter.Import(proto, null);
        graph.Metadata[StateBinding.MetadataKey] = states;
        ShapeInference.Run(graph);
        Pipeline.Optimize(graph, new ConversionOptions());
        Pipeline.Lower(graph, new ConversionOptions());
        return EdgeLite.Model.Load(ModelWriter.ToBytes(graph));
    }

    /// <summary>The cache has all its places from the start, as where past and present share one buffer: every run has the same shapes and allocates
    /// nothing.</summary>
    [Theory]
    [InlineData(false, 32)]
    [InlineData(true, 32)]
    [InlineData(true, 8)]
    [InlineData(true, 4)]
    public void Decodes_into_a_cache_of_fixed_size(bool packed, int bits)
    {
        var llama = new LlamaModel { IsPacked = packed, CacheBits = bits };
        ModelProto proto = llama.Build();
        using var ort = new InferenceSession(proto.ToByteArray());
        using Model model = Convert(proto, llama.States);
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        DType type = bits switch { 32 => DType.Float32, 8 => DType.Int8, _ => DType.UInt8 };
        int width = bits == 4 ? llama.HeadSize / 2 : llama.HeadSize;
        var cacheShape = new Shape(1, llama.KeyHeads, llama.Places, width);
        var caches = new Dictionary<string, Tensor>();
        for (int i = 0; i < 2 * llama.Layers; i++)
        {
            string name = LlamaModel.PastName(i / 2, i % 2 == 1);
            session.Resize(session.FindInput(name), cacheShape);
            caches[name] = new Tensor(type, cacheShape);
        }
        session.Resize(session.FindInput("attention_mask"), new Shape(1, llama.Places));
        session.Resize(session.FindInput("input_ids"), new Shape(1, 1));
        var random = new Random(3);
        long[] mask = new long[llama.Places];
        var ids = new Tensor(DType.Int64, new Shape(1, 1));
        for (int t = 0; t < 12; t++)
        {
            ids.SetInt64(0, random.Next(llama.Vocabulary));
            mask[t] = 1;
            Tensor attention = Tensor.FromArray<long>(mask, new Shape(1, llama.Places));
            session.SetInput(session.FindInput("input_ids"), ids);
            session.SetInput(session.FindInput("attention_mask"), attention);
            session.Run();
            using var expected = ort.Run([OrtComparison.Named("input_ids", ids), OrtComparison.Named("attention_mask", attention), .. caches.Select(c => OrtComparison.Named(c.Key, c.Value))]);
            foreach (DisposableNamedOnnxValue value in expected)
            {
                Tensor wanted = OrtComparison.Read(value);
                if (value.Name == "logits") TensorAssert.Close(wanted, session.Output("logits"), 1e-4, 1e-4, $"logits of token {t}");
                else caches[value.Name.Replace("present", "past_key_values")] = wanted;
            }
        }
        Assert.True(session.IsStatic);
        long before = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < 20; i++) session.Run();
        long end = Stopwatch.GetTimestamp();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        output.WriteLine($"{Stopwatch.GetElapsedTime(start, end).TotalMilliseconds / 20:F3} ms a token");
    }
}
