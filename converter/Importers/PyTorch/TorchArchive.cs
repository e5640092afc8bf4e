using System.IO.Compression;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>A tensor as PyTorch stores it: a view into a storage. It becomes a dense tensor when it is first used.</summary>
internal sealed class TorchTensor(TorchStorage storage, long offset, long[] sizes, long[] strides)
{
    private Tensor? _dense;

    /// <summary>Path of the attribute that holds it ("features.0.weight").</summary>
    public string Name { get; set; } = "";

    public long[] Sizes => sizes;
    public DType DType => storage.DType;

    /// <summary>True where the last axis holds real and imaginary parts.</summary>
    public bool IsComplex => storage.IsComplex;

    /// <summary>What the integers of a quantized tensor stand for.</summary>
    public TorchQuantizer? Quantizer { get; init; }

    public Tensor Dense => _dense ??= storage.Read(offset, sizes, strides, Name);
}

/// <summary>Scale and zero point of a quantized tensor, for all of it or for each index of an axis.</summary>
internal sealed record TorchQuantizer(Tensor Scale, Tensor ZeroPoint, int Axis)
{
    /// <summary>(kind, scale, zero point) or (kind, scales, zero points, axis) of torch._utils._rebuild_qtensor.</summary>
    public static TorchQuantizer Read(PickleTuple how, DType type)
    {
        switch (how.Items)
        {
            case [PickleGlobal, double scale, long zeroPoint]:
            {
                var zero = new Tensor(type, Shape.Scalar);
                zero.SetInt64(0, zeroPoint);
                return new(Tensor.FromScalar((float)scale), zero, 0);
            }
            case [PickleGlobal, TorchTensor scales, TorchTensor zeroPoints, long axis] when scales.Sizes.Length == 1 && zeroPoints.Sizes.Length == 1 && scales.Sizes[0] == zeroPoints.Sizes[0]:
            {
                Tensor zero = zeroPoints.Dense;
                return new(scales.Dense.ConvertTo(DType.Float32), zero.ConvertTo(zero.DType.IsFloat() ? DType.Float32 : type), checked((int)axis));
            }
            default: throw new EdgeLiteException(Status.Unsupported, $"A tensor is quantized in a way that is not known ({how.Items.FirstOrDefault() switch { PickleGlobal g => g.FullName, _ => "?" }}).");
        }
    }
}

/// <summary>One storage entry of the archive.</summary>
internal sealed class TorchStorage(DType dtype, long count, Func<byte[]> load)
{
    private const long MaxExpanded = 1 << 24;
    private byte[]? _bytes;

    public DType DType => dtype;

    /// <summary>True where an element is two: real and imaginary part.</summary>
    public bool IsComplex { get; init; }

    /// <summary>What torch.FloatStorage and the like are.</summary>
    public static TorchStorage Of(string name, long count, Func<byte[]> load) => name.StartsWith("Complex", StringComparison.Ordinal)
        ? new(TorchArchive.StorageType(name), checked(2 * count), load) { IsComplex = true } : new(TorchArchive.StorageType(name), count, load);

    /// <summary>A view of it.</summary>
    public TorchTensor View(long offset, long[] sizes, long[] strides) => IsComplex
        ? new TorchTensor(this, checked(2 * offset), [.. sizes, 2], [.. strides.Select(s => checked(2 * s)), 1]) : new TorchTensor(this, offset, sizes, strides);

    /// <summary>The elements offset + sum(index_d * stride_d), in row-major order of the indices.</summary>
    public unsafe Tensor Read(long offset, long[] sizes, long[] strides, string name)
    {
        if (sizes.Length != strides.Length || sizes.Length > Shape.MaxRank || sizes.Any(s => s < 0) || strides.Any(s => s < 0) || offset < 0)
            throw new EdgeLiteException(Status.Corrupt, $"Tensor '{name}' has impossible sizes or strides.");
        long total = 1, last = offset;
        for (int d = 0; d < sizes.Length; d++)
        {
            total = checked(total * sizes[d]);
            last = checked(last + (sizes[d] - 1) * strides[d]);
        }
        int size = dtype.Size();
        var tensor = total > Math.Max(count, MaxExpanded)
            ? throw new EdgeLiteException(Status.Corrupt, $"Tensor '{name}' has {total} elements over a storage of {count}.") : new Tensor(dtype, new Shape(sizes));
        if (total == 0) return tensor;
        _bytes ??= load();
        if ((last + 1) * size > _bytes.Length)
            throw new EdgeLiteException(Status.Truncated, $"Tensor '{name}' reaches beyond its storage of {_bytes.Length} bytes.");
        long dense = 1;
        bool isDense = true;
        for (int d = sizes.Length - 1; d >= 0; dense *= sizes[d--]) isDense &= sizes[d] == 1 || strides[d] == dense;
        if (isDense)
        {
            _bytes.AsSpan(checked((int)(offset * size)), checked((int)(total * size))).CopyTo(tensor.Bytes);
            return tensor;
        }
        Span<long> index = stackalloc long[sizes.Length];
        byte* to = tensor.Data;
        fixed (byte* from = _bytes)
        {
            for (long i = 0, at = offset; i < total; i++, to += size)
            {
                Buffer.MemoryCopy(from + at * size, to, size, size);
                for (int d = sizes.Length - 1; d >= 0; d--)
                {
                    at += strides[d];
                    if (++index[d] < sizes[d]) break;
                    at -= strides[d] * sizes[d];
                    index[d] = 0;
                }
            }
        }
        return tensor;
    }
}

/// <summary>The zip archive that torch.save and torch.jit.save write: pickles, storages and, for TorchScript, code.</summary>
internal sealed class TorchArchive : IDisposable
{
    private readonly ZipArchive _zip;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = new(StringComparer.Ordinal);
    private readonly string _path;
    private long _budget;

    /// <summary>Entries that lie at the root of an archive, by which its folder is found.</summary>
    private static readonly string[] s_roots = ["archive_format", "serialized_exported_program.json", "data.pkl"];

    public TorchArchive(string path) : this(path, File.OpenRead(path)) { }

    /// <summary>An archive inside another one; <paramref name="path"/> is for messages.</summary>
    public TorchArchive(string path, Stream stream)
    {
        _path = path;
        _budget = Math.Max(64L << 20, stream.Length * 20);
        try
        {
            _zip = new ZipArchive(stream);
            string prefix = "";
            foreach (string root in s_roots)
            {
                ZipArchiveEntry? marker = _zip.Entries.FirstOrDefault(e => e.FullName == root || e.FullName.EndsWith("/" + root, StringComparison.Ordinal));
                if (marker == null) continue;
                prefix = marker.FullName[..^root.Length];
                break;
            }
            foreach (ZipArchiveEntry entry in _zip.Entries)
                if (entry.FullName.StartsWith(prefix, StringComparison.Ordinal)) _entries.TryAdd(entry.FullName[prefix.Length..], entry);
        }
        catch (InvalidDataException e)
        {
            stream.Dispose();
            throw new EdgeLiteException(Status.Corrupt, $"'{path}' is a damaged zip archive: {e.Message}", e);
        }
    }

    /// <summary>Whether a program of torch.export lies in it.</summary>
    public bool IsExport => Has("serialized_exported_program.json") || Has("archive_format");

    public IEnumerable<string> Names => _entries.Keys;

    public bool Has(string name) => _entries.ContainsKey(name);

    public byte[] Bytes(string name)
    {
        if (!_entries.TryGetValue(name, out ZipArchiveEntry? entry)) throw new EdgeLiteException(Status.Corrupt, $"'{_path}' lacks the entry '{name}'.");
        byte[] bytes = ZipParts.Read(entry, _budget, _path);
        _budget -= bytes.Length;
        return bytes;
    }

    /// <summary>Unpickles an entry; storages are named inside it and lie in <paramref name="folder"/>.</summary>
    public object? Unpickle(string name, string folder)
    {
        var storages = new Dictionary<string, TorchStorage>(StringComparer.Ordinal);
        return new Pickle(Bytes(name), Persistent, Reduce).Load(out _);

        // ('storage', <class FloatStorage>, key, location, number of elements)
        object? Persistent(object? id)
        {
            if (id is not PickleTuple { Items: [string, PickleGlobal type, string key, _, long count, ..] }) throw new EdgeLiteException(Status.Corrupt, $"'{_path}' refers to something that is no storage.");
            if (storages.TryGetValue(key, out TorchStorage? storage)) return storage;
            string entry = Has(folder + key) ? folder + key : key;
            return storages[key] = TorchStorage.Of(type.Name, count, () => Bytes(entry));
        }
    }

    internal static (object? Value, bool Known) Reduce(PickleGlobal function, object?[] args)
    {
        switch (function.FullName)
        {
            case "torch._utils._rebuild_tensor_v2" or "torch._utils._rebuild_tensor"
                when args is [TorchStorage storage, long offset, PickleTuple sizes, PickleTuple strides, ..]:
                return (storage.View(offset, [.. sizes.Items.Select(s => (long)s!)], [.. strides.Items.Select(s => (long)s!)]), true);
            case "torch._utils._rebuild_qtensor" when args is [TorchStorage storage, long offset, PickleTuple sizes, PickleTuple strides, PickleTuple how, ..]:
                return (new TorchTensor(storage, offset, [.. sizes.Items.Select(s => (long)s!)], [.. strides.Items.Select(s => (long)s!)]) { Quantizer = TorchQuantizer.Read(how, storage.DType) }, true);
            case "torch._utils._rebuild_parameter" when args.Length > 0:
                return (args[0], true);
            case "torch.jit._pickle.build_intlist" or "torch.jit._pickle.build_doublelist" or "torch.jit._pickle.build_boollist"
                or "torch.jit._pickle.build_tensorlist" when args.Length > 0:
                return (args[0], true);
            case "torch.jit._pickle.restore_type_tag" when args.Length > 0:
                return (args[0], true);
            case "torch.device" when args is [string device, ..]:
                return (device, true);
            default: return (null, false);
        }
    }

    internal static DType StorageType(string name) => name switch
    {
        "FloatStorage" or "ComplexFloatStorage" => DType.Float32,
        "DoubleStorage" or "ComplexDoubleStorage" => DType.Float64,
        "HalfStorage" => DType.Float16,
        "BFloat16Storage" => DType.BFloat16,
        "LongStorage" => DType.Int64,
        "IntStorage" => DType.Int32,
        "ShortStorage" => DType.Int16,
        "CharStorage" or "QInt8Storage" => DType.Int8,
        "ByteStorage" or "UntypedStorage" or "QUInt8Storage" => DType.UInt8,
        "BoolStorage" => DType.Bool,
        _ => throw new EdgeLiteException(Status.Unsupported, $"Storages of type torch.{name} are not supported."),
    };

    /// <summary>Numbers of torch.dtype in serialized code (c10/core/ScalarType.h).</summary>
    internal static DType ScalarType(long number) => number switch
    {
        0 => DType.UInt8,
        1 => DType.Int8,
        2 => DType.Int16,
        3 => DType.Int32,
        4 => DType.Int64,
        5 => DType.Float16,
        6 => DType.Float32,
        7 => DType.Float64,
        11 => DType.Bool,
        15 => DType.BFloat16,
        _ => throw new EdgeLiteException(Status.Unsupported, $"The code uses element type number {number} of PyTorch, which is not supported."),
    };

    public void Dispose() => _zip.Dispose();
}
