using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using StbImageSharp;

namespace EdgeLite.Converter.Quantizing;

/// <summary>Pictures for a model with one picture input: [N,C,H,W], [N,H,W,C], [C,H,W] or [H,W,C], C being 1, 3 or 4, float, or uint8 or int32
/// (which take pixels as they are).</summary>
internal sealed class CalibrationPictures : ICalibrationData
{
    private readonly string[] _files;
    private readonly Value _input;
    private readonly CalibrationPreprocessing _preprocessing;
    private readonly bool _channelsFirst;
    private readonly Shape _shape;
    private readonly int _batch, _channels, _height, _width;
    private readonly Dictionary<int, Tensor[]> _kept = [];

    private const long MaxKeptBytes = 256 << 20;

    public CalibrationPictures(string[] files, Graph graph, CalibrationPreprocessing preprocessing)
    {
        if (graph.Inputs.Count != 1)
            throw new EdgeLiteException(Status.InvalidArgument,
                $"Pictures can calibrate a model with one input; '{graph.Name}' has {graph.Inputs.Count}: {string.Join(", ", graph.Inputs.Select(i => i.Name))}. Use .npz files with one entry for each.");
        _files = files;
        _input = graph.Inputs[0];
        _preprocessing = preprocessing;
        if (_input.DType is not (DType.Float32 or DType.Float16 or DType.Float64 or DType.UInt8 or DType.Int32))
            throw new EdgeLiteException(Status.InvalidType, $"Input '{_input.Name}' is {_input.DType.Name()}; pictures can fill float, uint8 and int32 inputs.");
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

    /// <summary>A model of batch N takes N views of pictures a sample; the last sample repeats the first views to be full.</summary>
    public int Count => (Views + _batch - 1) / _batch;

    private int Views => _files.Length * _preprocessing.Mosaic.Length;

    public string Describe(int index)
    {
        (int file, int mosaic) = Math.DivRem(index * _batch % Views, _preprocessing.Mosaic.Length);
        int cells = _preprocessing.Mosaic[mosaic];
        return $"'{_files[file]}'{(cells > 1 ? $", the first of {cells} x {cells}" : "")}";
    }

    /// <summary>Samples are kept for the next time while they are no more than <see cref="MaxKeptBytes"/>.</summary>
    public IReadOnlyList<Tensor> Load(int index)
    {
        if (_kept.TryGetValue(index, out Tensor[]? kept)) return kept;
        var tensor = new Tensor(_input.DType, _shape);
        for (int n = 0; n < _batch; n++) Place(tensor, n, (index * _batch + n) % Views);
        Tensor[] sample = [tensor];
        if ((_kept.Count + 1) * tensor.ByteLength <= MaxKeptBytes) _kept.Add(index, sample);
        return sample;
    }

    private void Place(Tensor tensor, int n, int view)
    {
        (int file, int mosaic) = Math.DivRem(view, _preprocessing.Mosaic.Length);
        int cells = Math.Min(_preprocessing.Mosaic[mosaic], Math.Min(_width, _height));
        for (int cell = 0; cell < cells * cells; cell++)
        {
            (int row, int column) = Math.DivRem(cell, cells);
            int left = _width * column / cells, top = _height * row / cells;
            PlaceCell(tensor, n, _files[(file + cell) % _files.Length], left, top, _width * (column + 1) / cells - left, _height * (row + 1) / cells - top);
        }
    }

    private void PlaceCell(Tensor tensor, int n, string file, int left, int top, int width, int height)
    {
        float[] pixels = Resize(Decode(file), width, height);
        bool raw = !_input.DType.IsFloat();
        for (int c = 0; c < _channels; c++)
        {
            float mean = CalibrationPreprocessing.Of(_preprocessing.Mean, c, _channels, "mean");
            float std = CalibrationPreprocessing.Of(_preprocessing.Std, c, _channels, "std");
            int from = _preprocessing.ChannelOrder == "bgr" && _channels >= 3 && c < 3 ? 2 - c : c;
            for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++)
                {
                    float pixel = pixels[(y * width + x) * _channels + from];
                    double v = raw ? MathF.Round(pixel) : (pixel * _preprocessing.Scale - mean) / std;
                    long at = _channelsFirst
                        ? ((long)(n * _channels + c) * _height + top + y) * _width + left + x
                        : ((long)(n * _height + top + y) * _width + left + x) * _channels + c;
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

    /// <summary>The picture in another size, black where it does not reach. Bilinear, pixel centres at half coordinates, edges repeated;
    /// shrinking averages what a pixel covers. Returns [toHeight, toWidth, channels], 0 to 255.</summary>
    private float[] Resize(ImageResult image, int toWidth, int toHeight)
    {
        (byte[] source, int width, int height) = (image.Data, image.Width, image.Height);
        double scaleX = (double)toWidth / width, scaleY = (double)toHeight / height;
        if (_preprocessing.Fit == "contain") scaleX = scaleY = Math.Min(scaleX, scaleY);
        else if (_preprocessing.Fit == "cover") scaleX = scaleY = Math.Max(scaleX, scaleY);
        float[] narrow = new float[toWidth * height * _channels], result = new float[toWidth * toHeight * _channels];
        (int, float)[][] columns = Weights(toWidth, width, scaleX), rows = Weights(toHeight, height, scaleY);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < toWidth; x++)
                foreach ((int at, float weight) in columns[x])
                    for (int c = 0; c < _channels; c++)
                        narrow[(y * toWidth + x) * _channels + c] += weight * source[(y * width + at) * _channels + c];
        int row = toWidth * _channels;
        for (int y = 0; y < toHeight; y++)
            foreach ((int at, float weight) in rows[y])
                for (int i = 0; i < row; i++)
                    result[y * row + i] += weight * narrow[at * row + i];
        return result;
    }

    /// <summary>For each of <paramref name="to"/> target pixels the source pixels that make it, with their weights; none where the
    /// picture, scaled about the centre, does not reach.</summary>
    private static (int At, float Weight)[][] Weights(int to, int from, double scale)
    {
        double start = (to - from * scale) / 2;
        int taps = Math.Max(1, (int)Math.Ceiling(1 / scale));
        var result = new (int, float)[to][];
        for (int i = 0; i < to; i++)
        {
            var weights = new SortedDictionary<int, float>();
            double[] places = [.. Enumerable.Range(0, taps).Select(tap => (i + (tap + 0.5) / taps - start) / scale).Where(at => at >= 0 && at < from)];
            foreach (double place in places)
            {
                double position = Math.Clamp(place - 0.5, 0, from - 1);
                int low = (int)position, high = Math.Min(low + 1, from - 1);
                Add(low, 1 - (position - low));
                Add(high, position - low);
            }
            result[i] = [.. weights.Select(w => (w.Key, w.Value))];

            void Add(int at, double share) => weights[at] = weights.GetValueOrDefault(at) + (float)(share / places.Length);
        }
        return result;
    }

    private EdgeLiteException NotPicture() => new(Status.InvalidShape,
        $"Pictures cannot fill input '{_input.Name}' {_input.Shape}: expected [N,C,H,W], [N,H,W,C], [C,H,W] or [H,W,C] with 1, 3 or 4 channels (layout is '{_preprocessing.Layout}').");
}
