using EdgeLite.Core;
using PureHDF;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>An HDF5 file as far as Keras uses it. Whatever goes wrong inside the reader becomes one clear error, and no array is
/// read that claims more than the file can hold: no more bytes than it has where data lie in one piece, and of what may be packed (in
/// chunks) all together no more than twenty times its size, or 64 MB.</summary>
internal sealed class HdfFile : IDisposable
{
    private const int MaxObjects = 200_000, MaxDepth = 64;
    private const long FreeBytes = 64L << 20;
    private const int TimesOver = 20;

    private readonly IDisposable _file;
    private readonly long _length;
    private long _budget;

    private HdfFile(IDisposable file, IH5Group root, long length, string name)
    {
        _file = file;
        Root = root;
        _length = length;
        _budget = Math.Max(FreeBytes, length * TimesOver);
        Name = name;
    }

    public IH5Group Root { get; }
    public string Name { get; }

    public static HdfFile Open(string path) => Open(File.OpenRead(path), path);

    public static HdfFile Open(byte[] content, string name) => Open(new MemoryStream(content, false), name);

    private static HdfFile Open(Stream content, string name) => Guard(name, () =>
    {
        HdfClaims.Check(content);
        long length = content.Length;
        var file = H5File.Open(new GuardedStream(content), false);
        return new HdfFile((IDisposable)file, (IH5Group)file, length, name);
    });

    /// <summary>The signature stands at 0, 512, 1024, 2048 ... (HDF5 file format specification, II.A).</summary>
    public static bool HasSignature(ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> signature = [0x89, (byte)'H', (byte)'D', (byte)'F', 0x0d, 0x0a, 0x1a, 0x0a];
        for (int at = 0; at + 8 <= head.Length; at = at == 0 ? 512 : at * 2)
            if (head.Slice(at, 8).SequenceEqual(signature)) return true;
        return false;
    }

    public T Read<T>(Func<T> read) => Guard(Name, read);

    public string? Text(IH5Object at, string attribute) =>
        Guard(Name, () => at.AttributeExists(attribute) ? Attribute(at, attribute).Read<string>() : null);

    /// <summary>A list of names; long lists are cut into attribute0, attribute1 ... (HDF5 limits an object's header to 64 kB).</summary>
    public string[] Texts(IH5Object at, string attribute) => Guard(Name, () =>
    {
        if (at.AttributeExists(attribute)) return at.Attribute(attribute).Space.Dimensions.Contains(0UL) ? [] : Attribute(at, attribute).Read<string[]>();
        var texts = new List<string>();
        for (int i = 0; i < MaxObjects && at.AttributeExists($"{attribute}{i}"); i++) texts.AddRange(Attribute(at, $"{attribute}{i}").Read<string[]>());
        return [.. texts];
    });

    /// <summary>An attribute, which lies in the file as it is: it claims no more bytes than the file has.</summary>
    private IH5Attribute Attribute(IH5Object at, string name)
    {
        IH5Attribute attribute = at.Attribute(name);
        long bytes = attribute.Type.Size;
        foreach (ulong d in attribute.Space.Dimensions) bytes = checked(bytes * (long)d);
        return bytes <= _length ? attribute : throw new InvalidDataException($"attribute '{name}' claims {bytes} bytes");
    }

    public bool Exists(IH5Group group, string name) => Guard(Name, () => group.LinkExists(name));

    /// <summary>All datasets below a group with their paths.</summary>
    public List<(string Path, IH5Dataset Dataset)> Datasets(IH5Group group, Action<string, IH5Group>? visit = null) => Guard(Name, () =>
    {
        var found = new List<(string, IH5Dataset)>();
        int count = 0;
        Walk(group, "", 0);
        return found;

        void Walk(IH5Group at, string prefix, int depth)
        {
            if (depth > MaxDepth) throw new InvalidDataException($"groups are nested deeper than {MaxDepth}");
            visit?.Invoke(prefix, at);
            foreach (IH5Object child in at.Children())
            {
                if (++count > MaxObjects) throw new InvalidDataException($"it holds more than {MaxObjects} objects");
                if (child is IH5Dataset dataset) found.Add((prefix + child.Name, dataset));
                else if (child is IH5Group inner) Walk(inner, $"{prefix}{child.Name}/", depth + 1);
            }
        }
    });

    /// <summary>Floating-point data of any width become float32, integers int64.</summary>
    public Tensor ReadTensor(IH5Dataset dataset, string path) => Guard(Name, () =>
    {
        ulong[] dims = dataset.Space.Dimensions;
        if (dims.Length > Shape.MaxRank) throw new InvalidDataException($"'{path}' has {dims.Length} dimensions");
        var shape = new Shape([.. dims.Select(d => (long)Math.Min(d, long.MaxValue))]);
        long count = shape.Count, size = Math.Max(1, dataset.Type.Size);
        bool isWhole = dataset.Layout.Class != H5DataLayoutClass.Chunked;
        if (count > (isWhole ? _length : _budget) / size) throw new InvalidDataException($"'{path}' claims {count} elements of {size} bytes, more than the file can hold");
        if (!isWhole)
        {
            long chunk = size;
            foreach (var d in dataset.Layout.Chunks)
            {
                if ((ulong)d > (ulong)(_budget / chunk)) throw new InvalidDataException($"'{path}' claims chunks of [{string.Join(", ", dataset.Layout.Chunks)}] elements, more than the file can hold");
                chunk *= Math.Max(1, (long)d);
            }
            _budget -= count * size;
        }
        if (count == 0) return new Tensor(DType.Float32, shape);
        return (dataset.Type.Class, dataset.Type.Size) switch
        {
            (H5DataTypeClass.FloatingPoint, 4) => Checked<float>(dataset.Read<float[]>(), shape, path),
            (H5DataTypeClass.FloatingPoint, 8) => Widened(dataset.Read<double[]>(), shape, path),
            (H5DataTypeClass.FloatingPoint, 2) => Widened([.. dataset.Read<Half[]>().Select(h => (double)h)], shape, path),
            (H5DataTypeClass.FixedPoint, 8) => Checked<long>(dataset.Read<long[]>(), shape, path),
            (H5DataTypeClass.FixedPoint, 4) => Checked<long>([.. dataset.Read<int[]>().Select(i => (long)i)], shape, path),
            (H5DataTypeClass.FixedPoint, 1) => Checked<long>([.. dataset.Read<byte[]>().Select(i => (long)i)], shape, path),
            _ => throw new InvalidDataException($"'{path}' holds {dataset.Type.Class} of {dataset.Type.Size} bytes"),
        };
    });

    public void Dispose() => _file.Dispose();

    private static Tensor Checked<T>(T[] values, Shape shape, string path) where T : unmanaged =>
        values.Length == shape.Count ? Tensor.FromArray<T>(values, shape) : throw new InvalidDataException($"'{path}' holds {values.Length} values for shape {shape}");

    private static Tensor Widened(double[] values, Shape shape, string path) => Checked([.. values.Select(v => (float)v)], shape, path);

    /// <summary>The reader follows addresses that a damaged file holds, so any exception means that the file is damaged.</summary>
    private static T Guard<T>(string name, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (EdgeLiteException)
        {
            throw;
        }
        catch (Exception e)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{name}' is a damaged HDF5 file, or one of a kind that is not read: {e.Message}", e);
        }
    }
}
