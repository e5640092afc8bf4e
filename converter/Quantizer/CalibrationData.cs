using System.Globalization;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>Opens calibration data.</summary>
public static class CalibrationData
{
    private const string Pictures = "pictures";
    private static readonly string[] s_pictures = [".png", ".jpg", ".jpeg", ".bmp"];

    /// <summary>
    /// Opens what <paramref name="spec"/> names: a folder of pictures (png, jpg, bmp), of .npy or of .npz files, of sound (.wav), of token
    /// numbers (.txt); one such file; or <c>random[:COUNT[:SEED]]</c>, seeded uniform numbers, which only the user may ask for. Files are taken in ordinal order of
    /// their names. Preprocessing of pictures: the argument, else the folder's preprocessing.json, else the model's
    /// metadata, else pixel / 255. Throws where nothing usable is there.
    /// </summary>
    public static ICalibrationData Open(string? spec, Graph graph, CalibrationPreprocessing? preprocessing = null)
    {
        (string kind, string[] files) = Find(spec);
        preprocessing?.Check("the options");
        if (graph.Inputs.Count == 0) return new CalibrationRandom(graph, 1, 1, CalibrationPreprocessing.Default); // nothing to fill: the one sample that there is
        RequireSizes(graph);
        Graph inputs = InputsOf(graph);
        ICalibrationData data = IsRandom(spec) ? OpenRandom(spec!, inputs, preprocessing) : kind switch
        {
            Pictures => new CalibrationPictures(files, inputs, preprocessing ?? Stored(Path.GetDirectoryName(Path.GetFullPath(files[0]))!, graph)),
            ".wav" => new CalibrationAudio(files, inputs),
            ".txt" => new CalibrationText(files, inputs),
            _ => new CalibrationArrays(files, inputs),
        };
        ShapeAdvice.RequireFit(graph, [.. inputs.Inputs.Select(SampleShape)]);
        return data;
    }

    /// <summary>A graph of these inputs alone, for samples that stay those of the source model when the inputs of the quantized one become integers.</summary>
    private static Graph InputsOf(Graph graph)
    {
        var inputs = new Graph(graph.Name);
        foreach (Value input in graph.Inputs) inputs.AddInput(input.Name, input.Type);
        return inputs;
    }

    /// <summary>Throws where <see cref="Open"/> would for any model: a mistake is said before a large one is read.</summary>
    public static void RequireFiles(string? spec) => Find(spec);

    /// <summary>What kind of file there is, and all of them; none for random numbers.</summary>
    private static (string Kind, string[] Files) Find(string? spec)
    {
        if (string.IsNullOrWhiteSpace(spec))
            throw new EdgeLiteException(Status.InvalidArgument,
                "int8 quantization needs calibration data: give a folder of pictures, .npy, .npz, .wav or .txt files with --calibrate, or 'random' for a trial without meaning.");
        if (IsRandom(spec)) return ("", []);
        bool isFolder = Directory.Exists(spec);
        if (!isFolder && !File.Exists(spec)) throw new EdgeLiteException(Status.FileNotFound, $"Calibration data '{spec}' does not exist.");
        string[] files = isFolder ? [.. Directory.EnumerateFiles(spec).Order(StringComparer.Ordinal)] : [spec];
        (string What, string[] Files)[] kinds = Present([(Pictures, Of(s_pictures)), (".npy", Of([".npy"])), (".npz", Of([".npz"]))]);
        // Beside pictures and arrays sound and text may be something else.
        if (kinds.Length == 0) kinds = Present([(".wav", Of([".wav"])), (".txt", Of([".txt"]))]);
        if (kinds.Length == 0)
            throw new EdgeLiteException(Status.InvalidArgument,
                $"Calibration data '{spec}' holds no picture (png, jpg, bmp), .npy, .npz, .wav or .txt file{(isFolder ? $"; {files.Length} other files are there" : "")}.");
        if (kinds.Length > 1)
            throw new EdgeLiteException(Status.InvalidArgument,
                $"Calibration folder '{spec}' mixes kinds: {string.Join(", ", kinds.Select(k => $"{k.Files.Length} {k.What}"))}. Keep one kind in a folder.");
        return kinds[0];

        static (string, string[])[] Present((string What, string[] Files)[] all) => [.. all.Where(k => k.Files.Length > 0)];
        string[] Of(string[] extensions) => [.. files.Where(f => extensions.Contains(Path.GetExtension(f).ToLowerInvariant()))];
    }

    /// <summary>The shape of one sample of an input, of which no dimension but the leading one is free: that is 1.</summary>
    internal static Shape SampleShape(Value input) =>
        !input.Shape.IsRanked ? throw new EdgeLiteException(Status.InvalidShape, $"Input '{input.Name}' has no known rank; give its shape with --shape.")
        : input.Shape.IsKnown ? input.Shape : input.Shape.With(0, 1);

    /// <summary>Samples have one size, which only the user knows: throws, with what to write, where more than the batch is free.</summary>
    private static void RequireSizes(Graph graph)
    {
        Value[] free = [.. graph.Inputs.Where(i => !i.Type.IsList && (!i.Shape.IsRanked || i.Shape.AsSpan()[Math.Min(1, i.Shape.Rank)..].ToArray().Any(d => d < 0)))];
        if (free.Length == 0) return;
        throw new EdgeLiteException(Status.InvalidShape,
            $"Calibration needs the size that the device will use, which the model leaves free: {string.Join(", ", free.Select(i => $"{i.Name} is {GraphText.Type(graph, i.Type)}"))}. Choose it in the form {ShapeAdvice.Example(graph)}; the file then has this size.");
    }

    /// <summary>Throws when a float tensor holds NaN or infinity.</summary>
    internal static void CheckFinite(Tensor tensor, string source, string input)
    {
        if (!tensor.DType.IsFloat()) return;
        for (long i = 0, n = tensor.Count; i < n; i++)
        {
            double v = tensor.GetDouble(i);
            if (!double.IsFinite(v))
                throw new EdgeLiteException(Status.InvalidArgument,
                    $"Calibration data {source} for input '{input}' contains {v.ToString(CultureInfo.InvariantCulture)} at element {i}.");
        }
    }

    /// <summary>True for <c>random[:COUNT[:SEED]]</c>, of which no error means anything.</summary>
    public static bool IsRandom(string? spec) => spec == "random" || spec != null && spec.StartsWith("random:", StringComparison.Ordinal);

    private static CalibrationPreprocessing Stored(string folder, Graph graph)
    {
        string file = Path.Combine(folder, CalibrationPreprocessing.FileName);
        if (File.Exists(file)) return CalibrationPreprocessing.Parse(File.ReadAllText(file), $"'{file}'");
        return graph.Metadata.TryGetValue(CalibrationPreprocessing.MetadataKey, out string? json)
            ? CalibrationPreprocessing.Parse(json, "the model's metadata")
            : CalibrationPreprocessing.Default;
    }

    private static CalibrationRandom OpenRandom(string spec, Graph graph, CalibrationPreprocessing? preprocessing)
    {
        string[] parts = spec.Split(':');
        int count = 16, seed = 1;
        bool valid = parts.Length <= 3
            && (parts.Length < 2 || int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out count) && count > 0)
            && (parts.Length < 3 || int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out seed));
        if (!valid) throw new EdgeLiteException(Status.InvalidArgument, $"Calibration data '{spec}' is not of the form random[:COUNT[:SEED]].");
        return new CalibrationRandom(graph, count, seed, preprocessing ?? CalibrationPreprocessing.Default);
    }
}
