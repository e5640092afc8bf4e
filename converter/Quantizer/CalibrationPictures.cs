using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using StbImageSharp;

namespace EdgeLite.Converter.Quantizing;

/// <summary>Pictures for a model with one picture input: [N,C,H,W], [N,H,W,C], [C,H,W] or [H,W,C], C being 1, 3 or 4, float or uint8
/// (which takes pixels as they are).</summary>
internal sealed class CalibrationPictures : ICalibrationData
{
    private readonly string[] _files;
    private readonly Value _input;
    private readonly CalibrationPreprocessing _preprocessing;
    private readonly bool _channelsFirst;
    private readonly Shape _shape;
    private readonly int _batch, _channels, _height, _width;

    public CalibrationPictures(string[] files, Graph graph, CalibrationPreprocessing preprocessing)
    {
        if (graph.Inputs.Count != 1)
            throw new EdgeLiteException(Status.InvalidArgument,
                $"Pictures can calibrate a model with one input; '{graph.Name}' has {graph.Inputs.Count}: {string.Join(", ", graph.Inputs.Select(i => i.Name))}. Use .npz files with one entry for each.");
        _files = files;
        _input = graph.Inputs[0];
        _preprocessing = preprocessing;
        if (_input.DType is not (DType.Float32 or DType.Float16 or DType.Float64 or DType.UInt8))
            throw new EdgeLiteException(Status.InvalidType, $"Input '{_input.Name}' is {_input.DType.Name()}; pictures can fill float and uint8 inputs.");
        _shape = CalibrationData.SampleShape(_input);
        int rank = _shape.Rank;
        if (rank is not (3 or 4)) throw NotPicture();
        int first = rank - 3;
        bool couldBeFirst = IsChannels(_shape[first]), couldBeLast = IsChannels(_shape[rank - 1]);
        _channelsFirst = preprocessing.Layout == "nchw" || preprocessing.Layout == "auto" && couldBeFirst;
        if (_channelsFirst ? !couldBeFirst : !couldBeLast) throw NotPicture();
        _batch = rank == 4 ? checked((int)_shape[0]) : 1;
        _channels = (int)_shape[_channelsFirst ? first : rank - 1];
        _height = checked((int)_shape[_channelsFirst ? first + 1 : first]);
        _width = checked((int)_shape[_channelsFirst ? first + 2 : first + 1]);
        if (_height == 0 || _width == 0 || _batch == 0) throw NotPicture();
        for (int c = 0; c < _channels; c++)
        {
            _ = CalibrationPreprocessing.Of(preprocessing.Mean, c, _channels, "mean");
            _ = CalibrationPreprocessing.Of(preprocessing.Std, c, _channels, "std");
        }

        static bool IsChannels(long dim) => dim is 1 or 3 or 4;
    }

    /// <summary>A model of batch N takes N pictures a sample; the last sample repeats the first pictures to be full.</summary>
    public int Count => (_files.Length + _batch - 1) / _batch;

    public string Describe(int index) => $"'{_files[index * _batch]}'";

    public IReadOnlyList<Tensor> Load(int index)
    {
        var tensor = new Tensor(_input.DType, _shape);
        for (int n = 0; n < _batch; n++) Place(tensor, n, _files[(index * _batch + n) % _files.Length]);
        return [tensor];
    }

    private void Place(Tensor tensor, int n, string file)
    {
        ImageResult image = Decode(file);
        float[] pixels = Resize(image.Data, image.Width, image.Height);
        bool raw = _input.DType == DType.UInt8;
        for (int c = 0; c < _channels; c++)
        {
            float mean = CalibrationPreprocessing.Of(_preprocessing.Mean, c, _channels, "mean");
            float std = CalibrationPreprocessing.Of(_preprocessing.Std, c, _channels, "std");
            int from = _preprocessing.ChannelOrder == "bgr" && _channels >= 3 && c < 3 ? 2 - c : c;
            for (int y = 0; y < _height; y++)
                for (int x = 0; x < _width; x++)
                {
                    float pixel = pixels[(y * _width + x) * _channels + from];
                    double v = raw ? MathF.Round(pixel) : (pixel * _preprocessing.Scale - mean) / std;
                    long at = _channelsFirst
                        ? ((long)(n * _channels + c) * _height + y) * _width + x
                        : ((long)(n * _height + y) * _width + x) * _channels + c;
                    tensor.SetDouble(at, v);
                }
        }
    }

    private ImageResult Decode(string file)
    {
        ColorComponents wanted = _channels switch { 1 => ColorComponents.Grey, 3 => ColorComponents.RedGreenBlue, _ => ColorComponents.RedGreenBlueAlpha };
        try
        {
            return ImageResult.FromMemory(File.ReadAllBytes(file), wanted);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The decoder throws exceptions of many types on damaged files.
            throw new EdgeLiteException(Status.Corrupt, $"Picture '{file}' for input '{_input.Name}' cannot be decoded: {e.Message}", e);
        }
    }

    /// <summary>Bilinear, pixel centres at half coordinates, edges repeated. Returns [height, width, channels], 0 to 255.</summary>
    private float[] Resize(byte[] source, int width, int height)
    {
        var result = new float[_height * _width * _channels];
        for (int y = 0; y < _height; y++)
        {
            (int y0, int y1, float fy) = Position(y, _height, height);
            for (int x = 0; x < _width; x++)
            {
                (int x0, int x1, float fx) = Position(x, _width, width);
                for (int c = 0; c < _channels; c++)
                {
                    float top = Lerp(At(x0, y0, c), At(x1, y0, c), fx), bottom = Lerp(At(x0, y1, c), At(x1, y1, c), fx);
                    result[(y * _width + x) * _channels + c] = Lerp(top, bottom, fy);
                }
            }
        }
        return result;

        float At(int x, int y, int c) => source[(y * width + x) * _channels + c];

        static float Lerp(float a, float b, float t) => a + (b - a) * t;

        static (int, int, float) Position(int i, int to, int from)
        {
            float at = Math.Clamp((i + 0.5f) * from / to - 0.5f, 0, from - 1);
            int low = (int)at;
            return (low, Math.Min(low + 1, from - 1), at - low);
        }
    }

    private EdgeLiteException NotPicture() => new(Status.InvalidShape,
        $"Pictures cannot fill input '{_input.Name}' {_input.Shape}: expected [N,C,H,W], [N,H,W,C], [C,H,W] or [H,W,C] with 1, 3 or 4 channels (layout is '{_preprocessing.Layout}').");
}
