using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Tensor = EdgeLite.Core.Tensor;

namespace EdgeLite.Tests.Importers;

/// <summary>Runs a small model in ONNX Runtime, in the reference interpreter and, converted, in a session; all must agree.</summary>
internal static class OrtComparison
{
    /// <param name="model">the model; its inputs in the order of <paramref name="inputs"/></param>
    /// <param name="inputs">tensors of float32, int8, uint8, int16, int32, int64, uint32, bool or words</param>
    /// <param name="tolerance">allowed difference, in proportion to the largest number of an output; for integers absolute</param>
    public static void Check(ModelProto model, double tolerance, params Tensor[] inputs) => Check(model, tolerance, tolerance, inputs);

    /// <summary>The same where integers may differ by <paramref name="steps"/>.</summary>
    public static void Check(ModelProto model, double tolerance, double steps, Tensor[] inputs)
    {
        Tensor[] expected = Expected(model, inputs);
        double[] allowed = [.. expected.Select(t => t.DType.IsFloat() ? tolerance * Math.Max(1, Largest(t)) : steps)];
        Graph graph = OnnxImporter.Import(model, null);
        Assert.Empty(ShapeInference.FindUnknownOperators(graph));
        ShapeInference.Run(graph);
        Compare("interpreter", expected, new GraphInterpreter(graph).Run(inputs), allowed);

        using Model file = Convert(model);
        using Session session = file.CreateSession(new EdgeLite.SessionOptions { Threads = 1 });
        for (int i = 0; i < inputs.Length; i++) session.Resize(i, inputs[i].Shape);
        foreach (string where in new[] { "session", "session, second run" })
        {
            for (int i = 0; i < inputs.Length; i++) session.SetInput(i, inputs[i]);
            session.Run();
            Compare(where, expected, [.. Enumerable.Range(0, session.OutputCount).Select(session.Output)], allowed);
        }
    }

    /// <summary>What ONNX Runtime computes without rewriting the model.</summary>
    public static Tensor[] Expected(ModelProto model, Tensor[] inputs)
    {
        NamedOnnxValue[] named = [.. inputs.Select((t, i) => Named(model.Graph.Input[i].Name, t))];
        using var options = new Microsoft.ML.OnnxRuntime.SessionOptions { GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL, IntraOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        using var ort = new InferenceSession(model.ToByteArray(), options);
        using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> results = ort.Run(named, [.. model.Graph.Output.Select(o => o.Name)]);
        return [.. results.Select(Read)];
    }

    /// <param name="where">what computed <paramref name="got"/>, for the message</param>
    /// <param name="expected">from ONNX Runtime, say</param>
    /// <param name="got">of the same types and shapes, or it fails</param>
    /// <param name="allowed">difference allowed in each output</param>
    public static void Compare(string where, Tensor[] expected, Tensor[] got, double[] allowed)
    {
        for (int k = 0; k < expected.Length; k++)
        {
            Assert.Equal(expected[k].DType, got[k].DType);
            Assert.Equal(expected[k].Shape, got[k].Shape);
            if (expected[k].DType == DType.String)
            {
                Assert.Equal(expected[k].Strings, got[k].Strings);
                continue;
            }
            for (long i = 0; i < expected[k].Count; i++)
            {
                double wanted = expected[k].GetDouble(i), given = got[k].GetDouble(i);
                Assert.True(wanted.Equals(given) || Math.Abs(wanted - given) <= allowed[k], $"{where}, output {k}, element {i}: expected {wanted}, got {given}");
            }
        }
    }

    /// <summary>The largest magnitude of finite numbers.</summary>
    public static double Largest(Tensor tensor)
    {
        double largest = 0;
        for (long i = 0; i < tensor.Count; i++)
            if (double.IsFinite(tensor.GetDouble(i))) largest = Math.Max(largest, Math.Abs(tensor.GetDouble(i)));
        return largest;
    }

    /// <summary>Copies of the outputs of a session that runs the converted model once.</summary>
    public static Tensor[] RunSession(ModelProto model, Tensor[] inputs)
    {
        using Model file = Convert(model);
        using Session session = file.CreateSession(new EdgeLite.SessionOptions { Threads = 1 });
        for (int i = 0; i < inputs.Length; i++) session.SetInput(i, inputs[i]);
        session.Run();
        return [.. Enumerable.Range(0, session.OutputCount).Select(i => session.Output(i).Clone())];
    }

    private static Model Convert(ModelProto model)
    {
        Graph graph = OnnxImporter.Import(model, null);
        ShapeInference.Run(graph);
        Pipeline.Optimize(graph, new ConversionOptions());
        Pipeline.Lower(graph, new ConversionOptions());
        return Model.Load(ModelWriter.ToBytes(graph));
    }

    internal static NamedOnnxValue Named(string name, Tensor t)
    {
        int[] dims = [.. t.Shape.AsSpan().ToArray().Select(d => (int)d)];
        return t.DType switch
        {
            DType.Float32 => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<float>(t.ToArray<float>(), dims)),
            DType.Int8 => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<sbyte>(t.ToArray<sbyte>(), dims)),
            DType.UInt8 => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<byte>(t.ToArray<byte>(), dims)),
            DType.Int16 => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<short>(t.ToArray<short>(), dims)),
            DType.Int32 => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<int>(t.ToArray<int>(), dims)),
            DType.Int64 => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<long>(t.ToArray<long>(), dims)),
            DType.Float64 => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<double>(t.ToArray<double>(), dims)),
            DType.Float16 => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<Float16>(t.ToArray<Float16>(), dims)),
            DType.UInt32 => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<uint>(t.ToArray<uint>(), dims)),
            DType.String => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<string>(t.Strings!, dims)),
            DType.Bool => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<bool>(t.ToArray<bool>(), dims)),
            _ => throw new ArgumentException(t.ToString()),
        };
    }

    internal static Tensor Read(DisposableNamedOnnxValue value) => value.Value switch
    {
        Tensor<float> t => Copy(t),
        Tensor<sbyte> t => Copy(t),
        Tensor<byte> t => Copy(t),
        Tensor<short> t => Copy(t),
        Tensor<ushort> t => Copy(t),
        Tensor<ulong> t => Copy(t),
        Tensor<int> t => Copy(t),
        Tensor<long> t => Copy(t),
        Tensor<bool> t => Copy(t),
        Tensor<double> t => Copy(t),
        Tensor<Float16> t => Tensor.FromArray<Half>(System.Runtime.InteropServices.MemoryMarshal.Cast<Float16, Half>(t.ToArray()), new Shape([.. t.Dimensions.ToArray().Select(d => (long)d)])),
        Tensor<uint> t => Copy(t),
        Tensor<string> t => Tensor.FromStrings(t.ToArray(), new Shape([.. t.Dimensions.ToArray().Select(d => (long)d)])),
        _ => throw new ArgumentException(value.Name),
    };

    private static Tensor Copy<T>(Tensor<T> t) where T : unmanaged =>
        Tensor.FromArray<T>(t.ToArray(), new Shape([.. t.Dimensions.ToArray().Select(d => (long)d)]));
}
