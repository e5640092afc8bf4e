using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace EdgeLite.Core;

/// <summary>
/// Reads and writes NumPy's .npy files, format versions 1 to 3 (numpy.lib.format: magic, version, length of the header, a Python
/// dictionary <c>{'descr', 'fortran_order', 'shape'}</c>, then the elements). Reads every numeric type in either byte order and in
/// C or Fortran order, and fixed-width unicode and byte strings. Types that NumPy lacks (bfloat16, float8, 4-bit ...) are
/// written as the numbers they stand for: floats as float32, integers as int8 or uint8.
/// </summary>
public static class NpyFile
{
    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    public static Tensor Read(string path)
    {
        using FileStream stream = Open(path);
        return Read(stream, path);
    }

    public static Tensor Read(Stream stream, string name)
    {
        Span<byte> start = stackalloc byte[12];
        Fill(stream, start[..8], name);
        if (!start[..6].SequenceEqual(Magic)) throw Bad(name, "it does not start with the magic of a .npy file", Status.NotAModel);
        int version = start[6];
        if (version is < 1 or > 3) throw Bad(name, $"format version {version} is not known (1 to 3 are)", Status.NewerVersion);
        int lengthSize = version == 1 ? 2 : 4;
        Fill(stream, start.Slice(8, lengthSize), name);
        uint headerLength = version == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(start[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        if (headerLength > 1 << 20) throw Bad(name, $"its header claims {headerLength} bytes", Status.Corrupt);
        byte[] headerBytes = new byte[headerLength];
        Fill(stream, headerBytes, name);
        string header = version == 3 ? Encoding.UTF8.GetString(headerBytes) : Encoding.Latin1.GetString(headerBytes);

        string descr = TextField(header, "descr", name);
        bool fortran = WordField(header, "fortran_order", name) == "True";
        Shape shape = ShapeField(header, name);
        return ReadElements(stream, descr, fortran, shape, name);
    }

    /// <summary>The file appears whole or not at all.</summary>
    public static void Write(string path, Tensor tensor) => WholeFile.Write(path, stream => Write(stream, tensor));

    public static unsafe void Write(Stream stream, Tensor tensor)
    {
        Tensor stored = AsStored(tensor);
        int width = 0;
        foreach (string s in tensor.Strings ?? [])
        {
            int runes = 0;
            foreach (Rune _ in s.EnumerateRunes()) runes++;
            width = Math.Max(width, runes);
        }
        string descr = stored.DType == DType.String ? $"<U{Math.Max(width, 1)}" : Descr(stored.DType);
        var dims = new StringBuilder();
        foreach (long dim in tensor.Shape.AsSpan()) dims.Append(dim.ToString(CultureInfo.InvariantCulture)).Append(", ");
        if (tensor.Shape.Rank > 1) dims.Length -= 2;
        string text = $"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({dims.ToString().TrimEnd(' ')}), }}";
        int total = (10 + text.Length + 1 + 63) / 64 * 64;
        byte[] header = new byte[total];
        Magic.CopyTo(header);
        header[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), checked((ushort)(total - 10)));
        Encoding.ASCII.GetBytes(text.PadRight(total - 11) + "\n", header.AsSpan(10));
        stream.Write(header);

        if (stored.Strings is { } strings)
        {
            foreach (string s in strings)
            {
                byte[] cell = new byte[4 * Math.Max(width, 1)];
                Encoding.UTF32.GetBytes(s, cell);
                stream.Write(cell);
            }
            return;
        }
        const long Chunk = 1 << 24;
        long length = stored.ByteLength;
        for (long at = 0; at < length; at += Chunk) stream.Write(new ReadOnlySpan<byte>(stored.Data + at, (int)Math.Min(Chunk, length - at)));
        GC.KeepAlive(stored);
    }

    private static Tensor AsStored(Tensor tensor)
    {
        DType type = tensor.DType;
        bool native = type is DType.String or DType.Bool || type.IsComplex() || type is DType.Float32 or DType.Float64 or DType.Float16
            || (type.IsInteger() && type.Bits() >= 8);
        return native ? tensor : tensor.ConvertTo(type.IsFloat() ? DType.Float32 : type.IsSigned() ? DType.Int8 : DType.UInt8);
    }

    private static unsafe Tensor ReadElements(Stream stream, string descr, bool fortran, Shape shape, string name)
    {
        long count = CountOf(shape, name);
        bool swap = descr[0] == '>';
        string code = descr[0] is '<' or '>' or '|' or '=' ? descr[1..] : descr;
        if (code.Length > 1 && code[0] is 'U' or 'S') return ReadStrings(stream, code, swap, fortran, shape, count, name);
        DType type = TypeOf(code);
        if (type == DType.Undefined) throw Bad(name, $"element type '{descr}' is not supported", Status.Unsupported);
        long bytes = type.ByteLength(count);
        if (stream.CanSeek && stream.Length - stream.Position < bytes)
            throw Bad(name, $"shape {shape} needs {bytes} bytes of data, {stream.Length - stream.Position} are there", Status.Truncated);
        var tensor = new Tensor(type, shape);
        const long Chunk = 1 << 24;
        for (long at = 0; at < bytes; at += Chunk) Fill(stream, new Span<byte>(tensor.Data + at, (int)Math.Min(Chunk, bytes - at)), name);
        if (swap) SwapBytes(tensor.Data, bytes, type.IsComplex() ? type.Size() / 2 : type.Size());
        if (!fortran || shape.Rank < 2) return tensor;

        var ordered = new Tensor(type, shape);
        int size = type.Size();
        long[] source = FortranOrder(shape);
        for (long i = 0; i < source.Length; i++) Buffer.MemoryCopy(tensor.Data + source[i] * size, ordered.Data + i * size, size, size);
        tensor.Dispose();
        return ordered;
    }

    private static Tensor ReadStrings(Stream stream, string code, bool swap, bool fortran, Shape shape, long count, string name)
    {
        if (!int.TryParse(code.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out int width) || width is < 1 or > 1 << 20)
            throw Bad(name, $"element type '{code}' is not supported", Status.Unsupported);
        byte[] cell = new byte[code[0] == 'U' ? width * 4 : width];
        Encoding encoding = code[0] == 'U' ? new UTF32Encoding(swap, false) : Encoding.UTF8;
        if (stream.CanSeek && (stream.Length - stream.Position) / Math.Max(cell.Length, 1) < count)
            throw Bad(name, $"shape {shape} needs {count} strings of {cell.Length} bytes, fewer are there", Status.Truncated);
        string[] values = new string[count];
        for (long i = 0; i < values.Length; i++)
        {
            Fill(stream, cell, name);
            values[i] = encoding.GetString(cell).TrimEnd('\0');
        }
        if (fortran && shape.Rank > 1)
        {
            long[] source = FortranOrder(shape);
            values = Array.ConvertAll(source, s => values[s]);
        }
        return Tensor.FromStrings(values, shape);
    }

    private static long CountOf(Shape shape, string name)
    {
        try
        {
            return shape.Count;
        }
        catch (EdgeLiteException)
        {
            throw Bad(name, $"shape {shape} is too large", Status.Corrupt);
        }
    }

    /// <summary>For each element in row-major order, its place in column-major order.</summary>
    private static long[] FortranOrder(Shape shape)
    {
        long[] source = new long[shape.Count];
        int rank = shape.Rank;
        for (long i = 0; i < source.Length; i++)
        {
            long rest = i, place = 0;
            for (int axis = rank - 1; axis >= 0; axis--)
            {
                place += rest % shape[axis] * shape.Product(0, axis);
                rest /= shape[axis];
            }
            source[i] = place;
        }
        return source;
    }

    private static unsafe void SwapBytes(byte* data, long length, int size)
    {
        for (long i = 0; i < length; i += size) new Span<byte>(data + i, size).Reverse();
    }

    private static string Descr(DType type) => type switch
    {
        DType.Bool => "|b1",
        DType.Int8 => "|i1",
        DType.UInt8 => "|u1",
        DType.Int16 => "<i2",
        DType.UInt16 => "<u2",
        DType.Int32 => "<i4",
        DType.UInt32 => "<u4",
        DType.Int64 => "<i8",
        DType.UInt64 => "<u8",
        DType.Float16 => "<f2",
        DType.Float32 => "<f4",
        DType.Float64 => "<f8",
        DType.Complex64 => "<c8",
        DType.Complex128 => "<c16",
        _ => throw new EdgeLiteException(Status.InvalidType, $"A {type.Name()} tensor cannot be written as .npy."),
    };

    private static DType TypeOf(string code) => code switch
    {
        "b1" or "?" => DType.Bool,
        "i1" => DType.Int8,
        "u1" => DType.UInt8,
        "i2" => DType.Int16,
        "u2" => DType.UInt16,
        "i4" => DType.Int32,
        "u4" => DType.UInt32,
        "i8" => DType.Int64,
        "u8" => DType.UInt64,
        "f2" => DType.Float16,
        "f4" => DType.Float32,
        "f8" => DType.Float64,
        "c8" => DType.Complex64,
        "c16" => DType.Complex128,
        _ => DType.Undefined,
    };

    private static int AfterKey(string header, string key, string name)
    {
        int at = header.AsSpan().IndexOf($"'{key}'");
        if (at < 0) at = header.AsSpan().IndexOf($"\"{key}\"");
        int colon = at < 0 ? -1 : header.IndexOf(':', at);
        return colon >= 0 ? colon + 1 : throw Bad(name, $"its header has no '{key}'", Status.Corrupt);
    }

    private static string TextField(string header, string key, string name)
    {
        ReadOnlySpan<char> rest = header.AsSpan(AfterKey(header, key, name)).TrimStart();
        if (rest.Length < 2 || rest[0] is not ('\'' or '"')) throw Bad(name, $"'{key}' is not a plain element type (structured types are not supported)", Status.Unsupported);
        int end = rest[1..].IndexOf(rest[0]);
        if (end <= 0) throw Bad(name, $"'{key}' in its header is not readable", Status.Corrupt);
        return rest.Slice(1, end).ToString();
    }

    private static string WordField(string header, string key, string name)
    {
        ReadOnlySpan<char> rest = header.AsSpan(AfterKey(header, key, name)).TrimStart();
        int end = rest.IndexOfAny(',', '}');
        return end < 0 ? throw Bad(name, $"'{key}' in its header is not readable", Status.Corrupt) : rest[..end].Trim().ToString();
    }

    private static Shape ShapeField(string header, string name)
    {
        ReadOnlySpan<char> rest = header.AsSpan(AfterKey(header, "shape", name)).TrimStart();
        int end = rest.IndexOf(')');
        if (rest.Length == 0 || rest[0] != '(' || end < 0) throw Bad(name, "'shape' in its header is not readable", Status.Corrupt);
        var dims = new List<long>();
        foreach (string part in rest[1..end].ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!long.TryParse(part.TrimEnd('L'), NumberStyles.None, CultureInfo.InvariantCulture, out long dim))
                throw Bad(name, $"dimension '{part}' in its header is not a number", Status.Corrupt);
            dims.Add(dim);
        }
        return new Shape(dims.ToArray());
    }

    private static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        }
        catch (Exception e) when (FileFailure.Is(e))
        {
            throw FileFailure.Reading(path, e);
        }
    }

    private static void Fill(Stream stream, Span<byte> target, string name)
    {
        if (stream.ReadAtLeast(target, target.Length, throwOnEndOfStream: false) < target.Length)
            throw Bad(name, "it ends early", Status.Truncated);
    }

    private static EdgeLiteException Bad(string name, string what, Status status) => new(status, $"'{name}' cannot be read as .npy: {what}.");
}
