using System.Diagnostics;
using System.Text.Json;
using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using Xunit.Abstractions;

namespace EdgeLite.Tests.Importers.Keras;

/// <summary>Every model of the collection in one of Keras's forms against what Keras, TensorFlow.js, Chainer or Lasagne computed.</summary>
public class KerasZooTests(ITestOutputHelper output)
{
    private static readonly string[] s_formats = ["keras_h5", "keras_theano", "keras_v3", "tfjs_layers"];

    public static TheoryData<string> Models()
    {
        var data = new TheoryData<string>();
        foreach (string format in s_formats)
            foreach (string model in SharedData.FoldersIn($"zoo/{format}")) data.Add($"{format}/{model}");
        return data;
    }

    [SharedTheory("zoo/keras_h5")]
    [MemberData(nameof(Models))]
    public void Results_are_those_of_the_source(string model) => Check(Path.Combine(SharedData.Folder!, "zoo", model));

    /// <summary>The archive of small models, one for each layer and setting.</summary>
    [SharedTheory("zoo/keras_h5")]
    [InlineData("keras_h5_ops")]
    public void Results_of_single_layers_are_those_of_the_source(string archive)
    {
        string file = Path.Combine(SharedData.Folder!, "zoo", archive + ".tar.xz");
        string folder = Directory.CreateTempSubdirectory("edgelite-keras-").FullName;
        try
        {
            using (Process tar = Process.Start("tar", ["xJf", file, "-C", folder])) tar.WaitForExit();
            string[] models = Directory.GetDirectories(Path.Combine(folder, archive));
            Assert.True(models.Length > 100, $"the archive holds {models.Length} models");
            var failures = new List<string>();
            foreach (string model in models)
            {
                try
                {
                    Check(model);
                }
                catch (Exception e)
                {
                    failures.Add($"{Path.GetFileName(model)}: {e.Message.Split('\n')[0]}");
                }
            }
            Assert.True(failures.Count == 0, $"{failures.Count} of {models.Length} fail:\n{string.Join('\n', failures)}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A genuine file of an LSTM, made stateful and of a fixed batch by changing its configuration in place: two runs of 4 steps give what
    /// one of 8 gives from zeros.</summary>
    [SharedTheory("zoo/keras_theano")]
    [InlineData("lstm_theano_2")]
    public void Stateful_layers_go_on_where_they_stopped(string model) => TemporaryFolder.Use(temporary =>
    {
        string text = System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(Path.Combine(SharedData.Folder!, "zoo/keras_theano", model, "model.h5")));
        var x = new Tensor(DType.Float32, new Shape(1, 8, 1));
        for (int i = 0; i < 8; i++) x.SetDouble(i, Math.Sin(i + 1));
        float[] whole = new GraphInterpreter(Changed("[null, 4, 1]", "[null, 8, 1]")).Run(x)[0].ToArray<float>();

        Graph graph = Changed("[null, 4, 1]", "[1   , 4, 1]", "\"stateful\": false", "\"stateful\": true ");
        Assert.Equal(3, graph.Inputs.Count);
        Pipeline.Optimize(graph, new ConversionOptions());
        Pipeline.Lower(graph, new ConversionOptions());
        using Model loaded = Model.Load(ModelWriter.ToBytes(graph), model);
        using Session session = loaded.CreateSession(new SessionOptions { Threads = 1 });
        Assert.Equal(2, session.States.Count);
        for (int run = 0; run < 2; run++)
        {
            for (int i = 0; i < 4; i++) session.Input(0).SetDouble(i, x.GetDouble(run * 4 + i));
            session.Run();
        }
        TensorAssert.Close(Tensor.FromArray<float>(whole, new Shape(1, whole.Length)), session.Output(0), 1e-5, 1e-6, "the second run");
        return 0;

        Graph Changed(params string[] pairs)
        {
            string changed = text;
            for (int i = 0; i < pairs.Length; i += 2) changed = changed.Replace(pairs[i], pairs[i + 1], StringComparison.Ordinal);
            Assert.NotEqual(text, changed);
            string path = Path.Combine(temporary, "model.h5");
            File.WriteAllBytes(path, System.Text.Encoding.Latin1.GetBytes(changed));
            return Pipeline.Import(path, new ConversionOptions()).Graph;
        }
    });

    /// <summary>Twice: the imported graph in the interpreter, and the whole line to a session on the kernels.</summary>
    private void Check(string folder)
    {
        using JsonDocument meta = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "meta.json")));
        JsonElement[] inputs = [.. meta.RootElement.GetProperty("inputs").EnumerateArray()], outputs = [.. meta.RootElement.GetProperty("outputs").EnumerateArray()];
        double atol = meta.RootElement.GetProperty("tolerance").GetProperty("atol").GetDouble(), rtol = meta.RootElement.GetProperty("tolerance").GetProperty("rtol").GetDouble();
        string source = new[] { "model.h5", "model.keras", "model.json" }.Select(f => Path.Combine(folder, f)).First(File.Exists);
        Tensor[] values = [.. inputs.Select(i => NpyFile.Read(Path.Combine(folder, i.GetProperty("file").GetString()!)))];
        Tensor[] expected = [.. outputs.Select(o => NpyFile.Read(Path.Combine(folder, o.GetProperty("file").GetString()!)))];

        (Graph graph, string format) = Pipeline.Import(source, new ConversionOptions());
        Assert.Equal(inputs.Length, graph.Inputs.Count);
        Assert.Equal(outputs.Length, graph.Outputs.Count);
        // Files without names of their own for inputs are matched by place.
        int[] places = [.. inputs.Select((input, k) => graph.Inputs.ToList().FindIndex(i => i.Name == input.GetProperty("name").GetString()) is >= 0 and var at ? at : k)];
        var ordered = new Tensor[values.Length];
        for (int k = 0; k < values.Length; k++) ordered[places[k]] = As(values[k], graph.Inputs[places[k]].DType);
        if (ordered.Sum(t => t.Count) < 5000)
        {
            Tensor[] results = new GraphInterpreter(graph).Run(ordered);
            for (int k = 0; k < results.Length; k++) TensorAssert.Close(expected[k], results[k], rtol, atol, $"{format}, interpreter, {graph.Outputs[k].Name}");
        }

        var options = new ConversionOptions();
        string[] names = [.. graph.Outputs.Select(o => o.Name)];
        Pipeline.Optimize(graph, options);
        Pipeline.Lower(graph, options);
        using Model model = Model.Load(ModelWriter.ToBytes(graph), Path.GetFileName(folder));
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        for (int k = 0; k < ordered.Length; k++)
            if (!session.InputType(k).IsKnown) session.Resize(k, ordered[k].Shape);
        for (int k = 0; k < ordered.Length; k++) ordered[k].Bytes.CopyTo(session.Input(k).Bytes);
        session.Run();
        for (int k = 0; k < names.Length; k++) TensorAssert.Close(expected[k], session.Output(session.FindOutput(names[k])), rtol, atol, $"{format}, session, {names[k]}");
        output.WriteLine($"{format}: {graph.Nodes.Count} nodes");
    }

    private static Tensor As(Tensor tensor, DType type)
    {
        if (tensor.DType == type) return tensor;
        var result = new Tensor(type, tensor.Shape);
        for (long i = 0; i < tensor.Count; i++)
            if (type == DType.Float32) result.SetDouble(i, tensor.DType == DType.Float64 ? tensor.GetDouble(i) : tensor.GetInt64(i));
            else result.SetInt64(i, (long)tensor.GetDouble(i));
        return result;
    }
}
