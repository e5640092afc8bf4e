using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Core;
using Google.Protobuf;

namespace EdgeLite.Conformance;

internal enum Outcome
{
    Pass,
    Fail,
    Skip,
}

internal sealed record TestResult(TestCase Test, Outcome Outcome, string Reason, double Milliseconds)
{
    /// <summary>The operator that the test is about, or "(graph)".</summary>
    public string Operator { get; set; } = "(graph)";
}

/// <summary>Runs one test: import, shape inference, every data set through the interpreter, comparison.</summary>
internal static class TestRunner
{
    /// <summary>Runs the bytes of a model file.</summary>
    public delegate Tensor[] Engine(byte[] file, Tensor[] inputs);

    /// <summary>Stands for the interpreter of the converter, which takes no file.</summary>
    public static readonly Engine Interpreter = (_, _) => throw new InvalidOperationException();

    public static TestResult Run(TestCase test, KnownTests known, Engine engine)
    {
        long start = Environment.TickCount64;
        string operatorName = "(graph)";
        var listed = known.Find(test);
        try
        {
            ModelProto model = OnnxImporter.Parse(Path.Combine(test.Folder, "model.onnx"));
            operatorName = OperatorOf(model);
            if (listed is { Kind: KnownKind.Skip } skipped) return Result(Outcome.Skip, skipped.Reason);
            RunSets(test, model, engine, shapesOnly: listed is { Kind: KnownKind.Shape });
            return Result(Outcome.Pass, "");
        }
        catch (NotSupportedException e)
        {
            return Result(Outcome.Skip, e.Message);
        }
        catch (Exception e)
        {
            // Everything else than our own exception is a defect of its own and says so.
            string reason = e is EdgeLiteException or TestFailure ? e.Message : $"{e.GetType().Name}: {e.Message} {Where(e)}";
            return Result(Outcome.Fail, reason.ReplaceLineEndings(" "));
        }

        TestResult Result(Outcome outcome, string reason) =>
            new(test, outcome, reason, Environment.TickCount64 - start) { Operator = operatorName };
    }

    private static void RunSets(TestCase test, ModelProto model, Engine engine, bool shapesOnly)
    {
        Graph graph = OnnxImporter.Import(model, test.Folder);
        var unknown = ShapeInference.FindUnknownOperators(graph);
        if (unknown.Count > 0) throw new TestFailure($"unknown operators: {string.Join(", ", unknown.Select(u => u.Operator))}");
        ShapeInference.Run(graph);
        string[] sets = Directory.GetDirectories(test.Folder, "test_data_set_*");
        if (sets.Length == 0) throw new TestFailure("there is no test_data_set_* folder");
        Array.Sort(sets, StringComparer.Ordinal);
        foreach (string set in sets)
        {
            Tensor[] inputs = ReadInputs(model, graph, set);
            Tensor[] outputs = engine == Interpreter ? new GraphInterpreter(graph).Run(inputs) : engine(ToFile(OnnxImporter.Import(model, test.Folder)), inputs);
            for (int k = 0; k < outputs.Length; k++)
            {
                Tensor expected = ReadValue(Path.Combine(set, $"output_{k}.pb"), outputs[k].Type);
                string what = $"{Path.GetFileName(set)}, output '{graph.Outputs[k].Name}'";
                if (TensorComparison.Difference(expected, outputs[k], Tolerance.For(model), shapesOnly) is { } difference)
                    throw new TestFailure($"{what}: {difference}");
                CheckInferred(graph.Outputs[k], outputs[k], what);
            }
        }
    }

    /// <summary>What shape inference said before the run must hold for what the run gave.</summary>
    private static void CheckInferred(Value output, Tensor result, string what)
    {
        if (output.DType != DType.Undefined && output.DType != result.DType)
            throw new TestFailure($"{what}: shape inference said {output.Type}, the run gave {result}");
        if (output.Type.IsList != result.IsList) throw new TestFailure($"{what}: shape inference said {output.Type}, the run gave {result}");
        if (result.IsList)
        {
            foreach (Tensor element in result.Elements)
                if (!element.IsList && !output.Shape.Admits(element.Shape)) throw new TestFailure($"{what}: shape inference said {output.Type}, the run gave an element {element}");
            return;
        }
        if (!output.Shape.Admits(result.Shape)) throw new TestFailure($"{what}: shape inference said {output.Type}, the run gave {result}");
    }

    /// <summary>input_K.pb belongs to input K of the file's graph; some old tests count only inputs without initializer.</summary>
    private static Tensor[] ReadInputs(ModelProto model, Graph graph, string set)
    {
        var constants = model.Graph.Initializer.Select(t => t.Name).ToHashSet();
        int files = Directory.GetFiles(set, "input_*.pb").Length;
        bool countsAll = files == model.Graph.Input.Count;
        var numbers = new Dictionary<string, int>();
        foreach (ValueInfoProto input in model.Graph.Input)
            if (countsAll || !constants.Contains(input.Name)) numbers.Add(input.Name, numbers.Count);
        return [.. graph.Inputs.Select(i => ReadValue(Path.Combine(set, $"input_{numbers[i.Name]}.pb"), i.Type))];
    }

    /// <summary>Simplifies, lowers and writes the model.</summary>
    private static byte[] ToFile(Graph graph)
    {
        ShapeInference.Run(graph);
        Pipeline.Optimize(graph, new ConversionOptions());
        Pipeline.Lower(graph, new ConversionOptions());
        return ModelWriter.ToBytes(graph);
    }

    /// <summary>Loads a model and runs it on the kernels. Inputs may keep free dimensions; those of the data are chosen.</summary>
    public static Tensor[] RunSession(byte[] bytes, Tensor[] inputs, string device)
    {
        using Model file = Model.Load(bytes);
        using Session session = file.CreateSession(new SessionOptions { Threads = 1, Device = device });
        for (int i = 0; i < inputs.Length; i++)
            if (!inputs[i].IsList) session.Resize(i, inputs[i].DType, inputs[i].Shape);
        for (int i = 0; i < inputs.Length; i++) session.SetInput(i, inputs[i]);
        session.Run();
        return [.. Enumerable.Range(0, session.OutputCount).Select(i => session.Output(i).Clone())];
    }

    private static Tensor ReadValue(string path, TensorType type)
    {
        if (type.Kind == ValueKind.Tensor)
        {
            Tensor tensor = ReadTensor(path);
            // Data until v1.12 holds bfloat16 numbers as their bits.
            return type.DType == DType.BFloat16 && tensor.DType == DType.UInt16 ? AsBFloat16(tensor) : tensor;
        }
        using var stream = new CodedInputStream(File.ReadAllBytes(path));
        return ReadList(stream, type);
    }

    private static Tensor AsBFloat16(Tensor bits)
    {
        var numbers = new Tensor(DType.BFloat16, bits.Shape);
        bits.Bytes.CopyTo(numbers.Bytes);
        return numbers;
    }

    /// <summary>SequenceProto and OptionalProto (onnx-data.proto) have the same fields: 3 tensors, 5 sequences.</summary>
    private static Tensor ReadList(CodedInputStream stream, TensorType type)
    {
        Tensor list = Tensor.OfType(type);
        var elements = new List<Tensor>();
        for (uint tag = stream.ReadTag(); tag != 0; tag = stream.ReadTag())
        {
            if (tag == (3 << 3 | 2)) elements.Add(OnnxTensor.Read(TensorProto.Parser.ParseFrom(stream.ReadBytes()), null));
            else if (tag == (5 << 3 | 2)) elements.Add(ReadList(stream.ReadBytes().CreateCodedInput(), type with { Kind = ValueKind.Sequence }));
            else stream.SkipLastField();
        }
        list.Elements = [.. elements];
        return list;
    }

    private static Tensor ReadTensor(string path)
    {
        if (!File.Exists(path)) throw new TestFailure($"'{path}' does not exist");
        try
        {
            return OnnxTensor.Read(TensorProto.Parser.ParseFrom(File.ReadAllBytes(path)), Path.GetDirectoryName(path));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new TestFailure($"'{Path.GetFileName(path)}' is not a tensor: {e.Message}");
        }
    }

    private static string OperatorOf(ModelProto model)
    {
        if (model.Graph.Node.Count != 1) return "(graph)";
        NodeProto node = model.Graph.Node[0];
        return node.Domain is "" or "ai.onnx" ? node.OpType : $"{node.Domain}.{node.OpType}";
    }

    private static string Where(Exception e) => e.StackTrace?.Split('\n').FirstOrDefault(l => l.Contains("EdgeLite", StringComparison.Ordinal))?.Trim() ?? "";
}

/// <summary>A test did not pass; the message says why.</summary>
internal sealed class TestFailure(string message) : Exception(message);
