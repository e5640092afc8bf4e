using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Darknet;

/// <summary>A section of a .cfg file: a layer with its options.</summary>
internal sealed record DarknetSection(string Type, int Line, Dictionary<string, string> Options);

/// <summary>Darknet's .cfg: sections in brackets, "key=value" lines, comments after # or ;.</summary>
internal static class DarknetCfg
{
    private const int MostSections = 10_000;

    public static bool Is(ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> rest = head.StartsWith((ReadOnlySpan<byte>)[0xef, 0xbb, 0xbf]) ? head[3..] : head;
        while (true)
        {
            rest = rest.TrimStart(" \t\r\n"u8);
            if (rest.Length == 0 || rest[0] is not ((byte)'#' or (byte)';')) break;
            int end = rest.IndexOf((byte)'\n');
            if (end < 0) return false;
            rest = rest[end..];
        }
        return rest.StartsWith("[net]"u8) || rest.StartsWith("[network]"u8);
    }

    public static List<DarknetSection> Read(string path)
    {
        var sections = new List<DarknetSection>();
        int number = 0;
        foreach (string raw in File.ReadLines(path))
        {
            number++;
            string line = raw.Trim('\uFEFF', ' ', '\t', '\r');
            if (line.Length == 0 || line[0] is '#' or ';') continue;
            if (line[0] == '[')
            {
                int end = line.IndexOf(']', StringComparison.Ordinal);
                if (end < 0) throw Error(path, number, "']' is missing");
                if (sections.Count >= MostSections) throw Error(path, number, $"there are more than {MostSections} layers");
                sections.Add(new DarknetSection(line[1..end].Trim(), number, new Dictionary<string, string>(StringComparer.Ordinal)));
                continue;
            }
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || sections.Count == 0) throw Error(path, number, "expected [layer] or key=value");
            string value = line[(equals + 1)..];
            if (value.IndexOf('#', StringComparison.Ordinal) is var comment and >= 0) value = value[..comment];
            sections[^1].Options.TryAdd(line[..equals].Trim(), value.Trim()); // of options given twice Darknet takes the first
        }
        return sections;
    }

    private static EdgeLiteException Error(string path, int line, string what) => new(Status.Corrupt, $"{path}, line {line}: {what}.");
}

/// <summary>
/// Darknet's .weights: three int32 (major, minor, revision), the number of pictures seen (int64 from version 0.2 on, else int32), then float32
/// of one layer after the other (parser.c, load_weights_upto).
/// </summary>
internal sealed class DarknetWeights
{
    private readonly byte[] _data;
    private readonly string _path;
    private readonly bool _isBlind;
    private int _at;

    public DarknetWeights(string path)
    {
        _path = path;
        if (ModelFile.Length(path) >= int.MaxValue) throw new EdgeLiteException(Status.Unsupported, $"'{path}' is larger than 2 GB.");
        _data = File.ReadAllBytes(path);
        if (_data.Length < 16) throw new EdgeLiteException(Status.Truncated, $"'{path}' ends within its header.");
        int major = Int(0), minor = Int(4);
        _at = major * 10L + minor >= 2 && major is >= 0 and < 1000 && minor is >= 0 and < 1000 ? 20 : 16;
        IsTransposed = major > 1000 || minor > 1000;
    }

    private DarknetWeights(DarknetWeights others) => (_data, _path, _isBlind, IsTransposed) = (others._data, others._path, true, others.IsTransposed);

    /// <summary>Zeros for every layer: behind a refused one nobody knows where in the file weights lie.</summary>
    public DarknetWeights Blind => new(this);

    /// <summary>Dense weights are [in, out] in the oldest files.</summary>
    public bool IsTransposed { get; }

    public long Left => (_data.Length - _at) / sizeof(float);

    public static bool Is(ReadOnlySpan<byte> head) => head.Length >= 16 && BinaryPrimitives.ReadInt32LittleEndian(head) is 0 or 1
        && BinaryPrimitives.ReadInt32LittleEndian(head[4..]) is >= 0 and < 100 && BinaryPrimitives.ReadInt32LittleEndian(head[8..]) is >= 0 and < 1000;

    public Tensor Take(DarknetLayer layer, string what, params ReadOnlySpan<long> dims)
    {
        long count = 1;
        foreach (long d in dims) count = d is > 0 and < int.MaxValue && count < int.MaxValue ? count * d : throw layer.Damaged($"its {what} would have the size [{string.Join(", ", dims.ToArray())}]");
        if (count > Left) throw new EdgeLiteException(Status.Truncated, $"'{_path}' ends before the {what} of layer {layer.Index} ({layer.Type}): {count} numbers are needed, {Left} are left. Does it belong to this .cfg?");
        var tensor = new Tensor(DType.Float32, new Shape(dims));
        if (_isBlind) return tensor;
        MemoryMarshal.Cast<byte, float>(_data.AsSpan(_at, checked((int)count * sizeof(float)))).CopyTo(tensor.Span<float>());
        _at += (int)count * sizeof(float);
        return tensor;
    }

    private int Int(int at) => BinaryPrimitives.ReadInt32LittleEndian(_data.AsSpan(at));
}

/// <summary>Numbers as .cfg files write them.</summary>
internal static class DarknetOptions
{
    public static long Int(this DarknetSection s, string key, long otherwise)
    {
        if (!s.Options.TryGetValue(key, out string? text)) return otherwise;
        return double.TryParse(text.Split(',')[0].Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double v) && Math.Abs(v) < int.MaxValue ? (long)v
            : throw new EdgeLiteException(Status.Corrupt, $"Line {s.Line}: {key} of [{s.Type}] is '{text}', not a number.");
    }

    public static double Float(this DarknetSection s, string key, double otherwise)
    {
        if (!s.Options.TryGetValue(key, out string? text)) return otherwise;
        return double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double v) ? v
            : throw new EdgeLiteException(Status.Corrupt, $"Line {s.Line}: {key} of [{s.Type}] is '{text}', not a number.");
    }

    public static string Text(this DarknetSection s, string key, string otherwise) => s.Options.GetValueOrDefault(key, otherwise);

    public static int[] Ints(this DarknetSection s, string key) =>
        [.. s.Text(key, "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(t => int.TryParse(t, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int v) ? v
            : throw new EdgeLiteException(Status.Corrupt, $"Line {s.Line}: {key} of [{s.Type}] holds '{t}', not a number."))];
}
