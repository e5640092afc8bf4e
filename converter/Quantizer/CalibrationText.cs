using System.Globalization;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>
/// Text as the numbers of its tokens: each line of a .txt file is a sample, whole numbers with blanks or commas between. They go to the
/// integer input whose name ends with "ids" (or to the only input), cut or filled up with 0 to its length; an input with "mask" in its
/// name gets 1 for each token and 0 behind, one with "position" counts from 0, other inputs get 0.
/// </summary>
internal sealed class CalibrationText : ICalibrationData
{
    private readonly Value[] _inputs;
    private readonly Shape[] _shapes;
    private readonly Value _tokens;
    private readonly List<(string File, int Line, long[] Ids)> _lines = [];

    public CalibrationText(string[] files, Graph graph)
    {
        _inputs = [.. graph.Inputs];
        _shapes = [.. _inputs.Select(CalibrationData.SampleShape)];
        Value[] named = [.. _inputs.Where(i => i.Name.Split(':')[0].EndsWith("ids", StringComparison.OrdinalIgnoreCase) && !i.Name.Contains("type", StringComparison.OrdinalIgnoreCase) && !i.Name.Contains("position", StringComparison.OrdinalIgnoreCase))];
        _tokens = _inputs.Length == 1 ? _inputs[0] : named.Length == 1 ? named[0]
            : throw new EdgeLiteException(Status.InvalidArgument,
                $"Token numbers go to the one input whose name ends with 'ids'; '{graph.Name}' has: {string.Join(", ", _inputs.Select(i => i.Name))}. Use .npz files with one entry for each.");
        if (_tokens.DType is not (DType.Int32 or DType.Int64))
            throw new EdgeLiteException(Status.InvalidType, $"Input '{_tokens.Name}' is {_tokens.DType.Name()}; token numbers can fill int32 and int64 inputs.");
        foreach (string file in files)
        {
            int number = 0;
            foreach (string line in File.ReadLines(file))
            {
                number++;
                string[] words = line.Split([' ', '\t', ',', ';'], StringSplitOptions.RemoveEmptyEntries);
                if (words.Length > 0) _lines.Add((file, number, [.. words.Select(w => Parse(w, file, number))]));
            }
        }
        if (_lines.Count == 0) throw new EdgeLiteException(Status.InvalidArgument, $"Calibration data '{files[0]}' holds no line of token numbers.");
    }

    public int Count => _lines.Count;

    public string Describe(int index) => $"'{_lines[index].File}' line {_lines[index].Line}";

    public IReadOnlyList<Tensor> Load(int index)
    {
        long[] ids = _lines[index].Ids;
        return [.. _inputs.Select((input, i) =>
        {
            var tensor = new Tensor(input.DType, _shapes[i]);
            tensor.Bytes.Clear();
            bool isMask = input.Name.Contains("mask", StringComparison.OrdinalIgnoreCase), isPosition = input.Name.Contains("position", StringComparison.OrdinalIgnoreCase);
            long length = _shapes[i].Rank == 0 ? 0 : _shapes[i][_shapes[i].Rank - 1];
            for (long k = 0; k < tensor.Count; k++)
            {
                long at = length == 0 ? 0 : k % length;
                double v = isPosition && input != _tokens ? at : at >= ids.Length ? 0 : input == _tokens ? ids[at] : isMask ? 1 : 0;
                tensor.SetDouble(k, v);
            }
            return tensor;
        })];
    }

    private static long Parse(string word, string file, int line) =>
        long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long id) ? id
            : throw new EdgeLiteException(Status.InvalidArgument, $"Calibration data '{file}' line {line} holds '{word}'; expected the numbers of tokens, as the model's tokenizer gives them.");
}
