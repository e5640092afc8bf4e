using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers;

/// <summary>
/// The weights of a TensorFlow.js model (weightsManifest): groups of files, the tensors of a group one after the other. Quantized ones
/// are stored as uint8 or uint16 with value = q * scale + min, or as float16 (tfjs-converter, write_weights.py).
/// </summary>
internal static class TfjsWeights
{
    private const long LargestModel = 4L << 30;

    public static Dictionary<string, Tensor> Read(JsonElement root, string path)
    {
        var weights = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        if (!root.TryField("weightsManifest", out JsonElement manifest) || manifest.ValueKind != JsonValueKind.Array) return weights;
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        try
        {
            foreach (JsonElement group in manifest.Items())
            {
                byte[] data = Join(folder, [.. group.Field("paths").Items().Select(p => p.Text() ?? "")]);
                long at = 0;
                foreach (JsonElement weight in group.Field("weights").Items())
                {
                    string name = weight.Field("name").Text() ?? "";
                    weights[name] = ReadOne(weight, name, data, ref at);
                }
            }
        }
        catch (JsonException e)
        {
            throw new EdgeLiteException(Status.Corrupt, $"The weightsManifest of '{path}' is damaged: {e.Message}", e);
        }
        return weights;
    }

    private static byte[] Join(string folder, string[] files)
    {
        using var all = new MemoryStream();
        foreach (string file in files)
        {
            string full = Path.GetFullPath(Path.Combine(folder, file));
            if (!full.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal)) throw new EdgeLiteException(Status.Corrupt, $"The weights file '{file}' lies outside the folder of the model.");
            if (!File.Exists(full)) throw new EdgeLiteException(Status.FileNotFound, $"The weights file '{full}' of the model does not exist.");
            using FileStream stream = File.OpenRead(full);
            if (all.Length + stream.Length > Math.Min(LargestModel, Array.MaxLength)) throw new EdgeLiteException(Status.Unsupported, "A group of weights is larger than 2 GB.");
            stream.CopyTo(all);
        }
        return all.ToArray();
    }

    private static Tensor ReadOne(JsonElement weight, string name, byte[] data, ref long at)
    {
        long[] dims = [.. weight.Field("shape").Items().Select(d => d.Whole())];
        if (dims.Length > Shape.MaxRank || dims.Any(d => d < 0)) throw Damaged(name, "has a shape that is not possible");
        string dtype = Text(weight, "dtype", "float32");
        DType type = dtype switch
        {
            "float32" => DType.Float32,
            "int32" => DType.Int32,
            "bool" => DType.Bool,
            "uint8" => DType.UInt8,
            "uint16" => DType.UInt16,
            "float16" => DType.Float16,
            "string" => DType.String,
            "complex64" => DType.Complex64,
            _ => throw new EdgeLiteException(Status.Unsupported, $"Weight '{name}' is of type '{dtype}', which is not supported."),
        };
        long count = 1;
        foreach (long d in dims)
        {
            count *= d;
            if (count > data.LongLength) throw Damaged(name, $"of shape [{string.Join(",", dims)}] does not fit its file of {data.LongLength} bytes");
        }
        var shape = new Shape(dims);
        if (type == DType.String) return Strings(name, data, ref at, count, shape);

        var tensor = new Tensor(type, shape);
        if (!weight.TryField("quantization", out JsonElement quantization) || quantization.ValueKind != JsonValueKind.Object || !quantization.TryField("dtype", out JsonElement storage))
        {
            Take(data, ref at, type.ByteLength(count), name).CopyTo(tensor.Bytes);
            return tensor;
        }
        string stored = storage.Text() ?? "";
        if (stored == "float16")
        {
            ReadOnlySpan<byte> halves = Take(data, ref at, 2 * count, name);
            for (int i = 0; i < count; i++) tensor.SetDouble(i, (double)BinaryPrimitives.ReadHalfLittleEndian(halves[(2 * i)..]));
            return tensor;
        }
        int size = stored switch { "uint8" => 1, "uint16" => 2, _ => throw new EdgeLiteException(Status.Unsupported, $"Weight '{name}' is quantized as '{stored}', which is not supported.") };
        double scale = Number(quantization, "scale", 1), min = Number(quantization, "min", 0);
        ReadOnlySpan<byte> bytes = Take(data, ref at, size * count, name);
        for (int i = 0; i < count; i++)
        {
            double value = (size == 1 ? bytes[i] : BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..])) * scale + min;
            if (type == DType.Float32) tensor.SetDouble(i, value);
            else tensor.SetInt64(i, (long)Math.Round(value));
        }
        return tensor;
    }

    private static string Text(JsonElement json, string field, string otherwise) => json.TryField(field, out JsonElement value) ? value.Text() ?? otherwise : otherwise;

    private static double Number(JsonElement json, string field, double otherwise) => json.TryField(field, out JsonElement value) ? value.Real() : otherwise;

    /// <summary>Each string has its length in four bytes before it.</summary>
    private static Tensor Strings(string name, byte[] data, ref long at, long count, Shape shape)
    {
        var strings = new string[count];
        for (long i = 0; i < count; i++)
            strings[i] = Encoding.UTF8.GetString(Take(data, ref at, BinaryPrimitives.ReadUInt32LittleEndian(Take(data, ref at, 4, name)), name));
        return Tensor.FromStrings(strings, shape);
    }

    private static ReadOnlySpan<byte> Take(byte[] data, ref long at, long count, string name)
    {
        if (count > data.LongLength - at) throw Damaged(name, $"needs {count} bytes at {at}, the file has {data.LongLength}");
        ReadOnlySpan<byte> part = data.AsSpan((int)at, (int)count);
        at += count;
        return part;
    }

    private static EdgeLiteException Damaged(string name, string what) => new(Status.Corrupt, $"The TensorFlow.js model is damaged: weight '{name}' {what}.");
}
