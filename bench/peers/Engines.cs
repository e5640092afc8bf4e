using Microsoft.ML.OnnxRuntime;
using OrtOptions = Microsoft.ML.OnnxRuntime.SessionOptions;

namespace EdgeLite.Bench;

/// <summary>A model made ready to run in one of the engines, its inputs filled.</summary>
internal interface IEngine : IDisposable
{
    void Run();

    /// <summary>A result of the last run as doubles.</summary>
    double[] Output(string name);
}

internal sealed class EdgeLiteEngine : IEngine
{
    private readonly Model _model;
    private readonly Session _session;

    public EdgeLiteEngine(string path, IReadOnlyDictionary<string, Tensor> inputs, int threads)
    {
        _model = Model.Load(path);
        _session = _model.CreateSession(new SessionOptions { Threads = threads });
        for (int i = 0; i < _session.InputCount; i++)
        {
            Tensor input = inputs[_session.InputName(i)];
            if (_session.InputType(i) != new TensorType(input.DType, input.Shape)) _session.Resize(i, input.Shape);
        }
        for (int i = 0; i < _session.InputCount; i++) inputs[_session.InputName(i)].CopyTo(_session.Input(i));
    }

    public void Run() => _session.Run();

    public double[] Output(string name)
    {
        Tensor tensor = _session.Output(name);
        var values = new double[tensor.Count];
        for (int i = 0; i < values.Length; i++) values[i] = tensor.GetDouble(i);
        return values;
    }

    public void Dispose()
    {
        _session.Dispose();
        _model.Dispose();
    }
}

/// <summary>ONNX Runtime as its makers recommend it for latency: all optimizations, sequential, inputs and outputs in memory given
/// beforehand, spinning threads (the default).</summary>
internal sealed class OnnxRuntimeEngine : IEngine
{
    private readonly InferenceSession _session;
    private readonly RunOptions _run = new();
    private readonly string[] _inputNames, _outputNames;
    private readonly OrtValue[] _inputs, _outputs;

    public OnnxRuntimeEngine(string path, IReadOnlyDictionary<string, Tensor> inputs, int threads)
    {
        using OrtOptions options = Options(threads);
        _session = new InferenceSession(path, options);
        _inputNames = [.. _session.InputNames];
        _outputNames = [.. _session.OutputNames];
        _inputs = [.. _inputNames.Select(n => Value(inputs[n]))];
        _outputs = [.. _session.Run(_run, _inputNames, _inputs, _outputNames)];
        foreach (OrtValue output in _outputs)
            if (!output.IsTensor) throw new EdgeLiteException(Status.Unsupported, "ONNX Runtime gives an output that is no tensor.");
    }

    /// <summary>Writes what ONNX Runtime makes of a model while loading it, so that a later start need not.</summary>
    public static void OptimizeAhead(string path, string optimized)
    {
        using OrtOptions options = Options(1);
        options.OptimizedModelFilePath = optimized;
        using var session = new InferenceSession(path, options);
    }

    public void Run() => _session.Run(_run, _inputNames, _inputs, _outputNames, _outputs);

    public double[] Output(string name)
    {
        OrtValue value = _outputs[Array.IndexOf(_outputNames, name)];
        return value.GetTensorTypeAndShape().ElementDataType switch
        {
            Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Float => Doubles<float>(value, v => v),
            Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Int64 => Doubles<long>(value, v => v),
            Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Int32 => Doubles<int>(value, v => v),
            Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Int8 => Doubles<sbyte>(value, v => v),
            Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.UInt8 => Doubles<byte>(value, v => v),
            var other => throw new EdgeLiteException(Status.Unsupported, $"Output '{name}' is of type {other}, which is not compared."),
        };
    }

    public void Dispose()
    {
        foreach (OrtValue value in _outputs) value.Dispose();
        foreach (OrtValue value in _inputs) value.Dispose();
        _run.Dispose();
        _session.Dispose();
    }

    private static OrtOptions Options(int threads) => new()
    {
        GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
        ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
        IntraOpNumThreads = threads,
        LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
    };

    private static double[] Doubles<T>(OrtValue value, Func<T, double> convert) where T : unmanaged
    {
        ReadOnlySpan<T> data = value.GetTensorDataAsSpan<T>();
        var values = new double[data.Length];
        for (int i = 0; i < values.Length; i++) values[i] = convert(data[i]);
        return values;
    }

    private static OrtValue Value(Tensor tensor) => tensor.DType switch
    {
        DType.Float32 => Copy<float>(tensor),
        DType.Int64 => Copy<long>(tensor),
        DType.Int32 => Copy<int>(tensor),
        DType.Int8 => Copy<sbyte>(tensor),
        DType.UInt8 => Copy<byte>(tensor),
        _ => throw new EdgeLiteException(Status.Unsupported, $"Inputs of type {tensor.DType.Name()} are not given to ONNX Runtime."),
    };

    private static OrtValue Copy<T>(Tensor tensor) where T : unmanaged =>
        OrtValue.CreateTensorValueFromMemory(tensor.ToArray<T>(), tensor.Shape.AsSpan().ToArray());
}
