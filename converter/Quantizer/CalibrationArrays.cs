using EdgeLite.Converter.Importers;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>
/// Samples from .npy files (a model with one input) or .npz files (entries named as the inputs). An array of the input's shape is
/// a sample; one whose leading axis is k times the model's batch holds k samples; one without the batch axis is a sample of batch 1.
/// </summary>
internal sealed class CalibrationArrays : ICalibrationData
{
    private readonly IReadOnlyList<Value> _inputs;
    private readonly Shape[] _shapes;
    private readonly List<(string File, int Row)> _samples = [];
    private (string File, Tensor[] Arrays)? _open;

    public CalibrationArrays(string[] files, Graph graph)
    {
        _inputs = graph.Inputs;
        _shapes = [.. _inputs.Select(CalibrationData.SampleShape)];
        if (files[0].EndsWith(".npy", StringComparison.OrdinalIgnoreCase) && _inputs.Count != 1)
            throw new EdgeLiteException(Status.InvalidArgument,
                $".npy files can calibrate a model with one input; '{graph.Name}' has {_inputs.Count}: {string.Join(", ", _inputs.Select(i => i.Name))}. Use .npz files with one entry for each.");
        foreach (string file in files)
        {
            int rows = Rows(file, Open(file));
            for (int row = 0; row < rows; row++) _samples.Add((file, row));
        }
        if (_samples.Count == 0) throw new EdgeLiteException(Status.InvalidArgument, $"Calibration data '{files[0]}' holds no samples.");
    }

    public int Count => _samples.Count;

    public string Describe(int index) => $"'{_samples[index].File}' row {_samples[index].Row}";

    public IReadOnlyList<Tensor> Load(int index)
    {
        (string file, int row) = _samples[index];
        Tensor[] arrays = Open(file);
        var sample = new Tensor[arrays.Length];
        for (int i = 0; i < arrays.Length; i++)
        {
            var tensor = new Tensor(_inputs[i].DType, _shapes[i]);
            long count = tensor.Count;
            if (arrays[i].DType == tensor.DType)
            {
                int size = checked((int)tensor.ByteLength);
                arrays[i].Bytes.Slice(row * size, size).CopyTo(tensor.Bytes);
            }
            else
            {
                for (long k = 0; k < count; k++) tensor.SetDouble(k, arrays[i].GetDouble(row * count + k));
            }
            CalibrationData.CheckFinite(tensor, Describe(index), _inputs[i].Name);
            sample[i] = tensor;
        }
        return sample;
    }

    /// <summary>The file's arrays in the order of the inputs.</summary>
    private Tensor[] Open(string file)
    {
        if (_open is { } open && open.File == file) return open.Arrays;
        Tensor[] arrays;
        if (file.EndsWith(".npy", StringComparison.OrdinalIgnoreCase)) arrays = [NpyFile.Read(file)];
        else
        {
            IReadOnlyList<KeyValuePair<string, Tensor>> entries = NpzFile.Read(file);
            arrays = new Tensor[_inputs.Count];
            for (int i = 0; i < arrays.Length; i++)
            {
                Tensor? entry = entries.FirstOrDefault(e => e.Key == _inputs[i].Name).Value;
                if (entry == null && _inputs.Count == 1 && entries.Count == 1) entry = entries[0].Value;
                arrays[i] = entry ?? throw new EdgeLiteException(Status.InvalidArgument,
                    $"Calibration data '{file}' has no entry for input '{_inputs[i].Name}'; its entries are: {string.Join(", ", entries.Select(e => e.Key))}.");
            }
        }
        _open = (file, arrays);
        return arrays;
    }

    private int Rows(string file, Tensor[] arrays)
    {
        int rows = -1;
        for (int i = 0; i < arrays.Length; i++)
        {
            CheckType(file, _inputs[i], arrays[i].DType);
            int own = Rows(file, _inputs[i], _shapes[i], arrays[i].Shape);
            if (rows >= 0 && own != rows)
                throw new EdgeLiteException(Status.InvalidShape,
                    $"Calibration data '{file}' holds {rows} samples of input '{_inputs[0].Name}' and {own} of '{_inputs[i].Name}'.");
            rows = own;
        }
        return rows;
    }

    private static int Rows(string file, Value input, Shape sample, Shape array)
    {
        if (array == sample) return 1;
        if (sample.Rank > 0 && array.Rank == sample.Rank && sample[0] > 0 && array[0] % sample[0] == 0
            && array.AsSpan()[1..].SequenceEqual(sample.AsSpan()[1..])) return checked((int)(array[0] / sample[0]));
        if (sample.Rank > 0 && sample[0] == 1 && array.AsSpan().SequenceEqual(sample.AsSpan()[1..])) return 1;
        throw new EdgeLiteException(Status.InvalidShape,
            $"Calibration data '{file}' has shape {array}; input '{input.Name}' expects {sample}, or a leading axis that is a multiple of its first.");
    }

    /// <summary>Any of the three common float types can stand for a float input; integers must match.</summary>
    private static void CheckType(string file, Value input, DType type)
    {
        bool fits = type == input.DType || (input.DType.IsFloat() && type is DType.Float32 or DType.Float16 or DType.Float64);
        if (!fits) throw new EdgeLiteException(Status.InvalidType, $"Calibration data '{file}' is {type.Name()}; input '{input.Name}' expects {input.DType.Name()}.");
    }
}
