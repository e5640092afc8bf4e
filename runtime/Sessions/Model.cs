using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Devices.Cpu;
using EdgeLite.Format;

namespace EdgeLite;

/// <summary>
/// A loaded model file: mapped into memory, verified once, never changed. Weights are used where they lie, so several sessions (and
/// processes) share them. Thread-safe. It must outlive its sessions.
/// </summary>
public sealed unsafe class Model : IDisposable
{
    private readonly byte* _data;
    private byte* _mapped;
    private byte* _owned;
    private byte* _front;
    private readonly int _frontBytes;
    private readonly (string Key, string Value)[] _metadata;
    private Dictionary<string, string>? _byKey;

    private Model(string name, byte* data, long length, bool isMapped)
    {
        _data = data;
        Name = name;
        ByteLength = length;
        FileHeader header = FileHeader.Read(new ReadOnlySpan<byte>(data, (int)Math.Min(length, FileHeader.Size)), length, name);
        var description = new ReadOnlySpan<byte>(data + header.DescriptionOffset, (int)header.DescriptionLength);
        uint crc = Crc32.Compute(description);
        if (crc != header.DescriptionCrc)
            throw new EdgeLiteException(Status.Corrupt, $"'{name}' is corrupt: the checksum of its description is {crc:x8}, {header.DescriptionCrc:x8} expected. Copy or convert it again.");
        byte* near = null;
        int nearLength = 0;
        if (header.IsPacked)
        {
            if (!PackedFront.TryRead(description, out int unpacked, out nearLength))
                throw new EdgeLiteException(Status.Corrupt, $"'{name}' is corrupt: {description.Length} bytes cannot unpack to a description of {unpacked} and constants of {nearLength}.");
            _frontBytes = unpacked + nearLength;
            _front = CpuKernels.Allocate(_frontBytes);
            if (!PackedFront.TryUnpack(description, new Span<byte>(_front, _frontBytes)))
                throw new EdgeLiteException(Status.Corrupt, $"'{name}' is corrupt: its description does not unpack to {_frontBytes} bytes.");
            description = new ReadOnlySpan<byte>(_front, unpacked);
            near = _front + unpacked;
        }
        FlatTable root = FlatTable.Root(description, "EDGL"u8);
        if (!WordPlanes.TryJoin(new Span<byte>(near, nearLength), root.UInt32(Schema.Model.NearWords)))
            throw new EdgeLiteException(Status.Corrupt, $"'{name}' is corrupt: {root.UInt32(Schema.Model.NearWords)} bytes of int32 are not among its {nearLength} bytes of near constants.");
        Producer = root.String(Schema.Model.Producer) ?? "";
        Target = root.String(Schema.Model.Target) ?? "";
        FormatVersion = $"{header.Major}.{header.Minor}";
        DataBytes = header.DataLength + nearLength;
        FlatVector pairs = root.Vector(Schema.Model.Metadata);
        _metadata = new (string, string)[pairs.Count];
        string? states = null;
        for (int i = 0; i < _metadata.Length; i++)
        {
            FlatTable pair = pairs.Table(i);
            _metadata[i] = (pair.String(Schema.KeyValue.Key) ?? "", pair.String(Schema.KeyValue.Value) ?? "");
            if (_metadata[i].Key == StateBinding.MetadataKey) states = _metadata[i].Value;
        }
        Tunings = header.TuningOffset == 0 ? [] : Tuning.Parse(new ReadOnlySpan<byte>(data + header.TuningOffset, (int)Math.Min(header.TuningLength, int.MaxValue)), name);
        if (isMapped) CpuKernels.el_memory_prefetch(data, (nuint)length);
        Graphs = new ModelReader(name, data + header.DataOffset, header.DataLength, near, nearLength).ReadGraphs(root);
        Graphs[0].States = StateBinding.Parse(states, Graphs[0]);
    }

    ~Model() => Dispose();

    /// <summary>The path it was loaded from, for messages.</summary>
    public string Name { get; }

    public long ByteLength { get; }

    /// <summary>Bytes of all constants in the file.</summary>
    public long DataBytes { get; }

    public string FormatVersion { get; }
    public string Producer { get; }

    /// <summary>The profile that the file was made for; empty when none was named.</summary>
    public string Target { get; }

    public IReadOnlyDictionary<string, string> Metadata
    {
        get
        {
            // Most applications never ask, and a dictionary of strings costs a start some 20 us.
            if (_byKey != null) return _byKey;
            var byKey = new Dictionary<string, string>(_metadata.Length);
            foreach ((string key, string value) in _metadata) byKey[key] = value;
            return _byKey = byKey;
        }
    }

    /// <summary>Choices of kernels that were measured on machines like those that they name, by <see cref="Session.Tune"/>. A session takes the first that fits it.</summary>
    public IReadOnlyList<Tuning> Tunings { get; }

    /// <summary>Graph 0 is the model, the others are branches and loop bodies.</summary>
    public IReadOnlyList<GraphDefinition> Graphs { get; }

    /// <summary>Maps and verifies a file. Throws <see cref="EdgeLiteException"/> when it is missing, not a model, damaged or
    /// newer than this runtime.</summary>
    public static Model Load(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        byte* data = CpuKernels.el_file_map(path, out ulong length, out int error);
        if (data == null)
        {
            if (error == 0) throw new EdgeLiteException(Status.Truncated, $"'{path}' is empty.");
            throw File.Exists(path) ? new EdgeLiteException(Status.IoError, $"'{path}' cannot be read: {Marshal.GetPInvokeErrorMessage(error)}.")
                : new EdgeLiteException(Status.FileNotFound, $"There is no file '{path}'.");
        }
        try
        {
            return new Model(path, data, (long)length, true) { _mapped = data };
        }
        catch
        {
            CpuKernels.el_file_unmap(data, length);
            throw;
        }
    }

    /// <summary>Loads a model from memory; the bytes are copied (to an aligned place) and need not stay.</summary>
    public static Model Load(ReadOnlySpan<byte> bytes, string name = "memory")
    {
        byte* copy = CpuKernels.Allocate(bytes.Length);
        bytes.CopyTo(new Span<byte>(copy, bytes.Length));
        try
        {
            return new Model(name, copy, bytes.Length, false) { _owned = copy };
        }
        catch
        {
            CpuKernels.el_memory_free(copy, (nuint)bytes.Length);
            throw;
        }
    }

    /// <summary>A session of its own memory and threads; sessions of one model run in parallel.</summary>
    public Session CreateSession(SessionOptions? options = null) => new(this, options ?? new SessionOptions());

    /// <summary>Writes this model with other choices of kernels (none: without) to a file, which may be the one that it was loaded from. It appears
    /// whole or not at all.</summary>
    public void Save(string path, params ReadOnlySpan<Tuning> tunings)
    {
        FileHeader header = FileHeader.Read(new ReadOnlySpan<byte>(_data, FileHeader.Size), ByteLength, Name);
        long end = header.TuningOffset == 0 ? ByteLength : header.TuningOffset;
        byte[] text = tunings.Length == 0 ? [] : Tuning.ToText(tunings);
        Span<byte> start = stackalloc byte[FileHeader.Size];
        (header with { Minor = Math.Max(header.Minor, FileHeader.CurrentMinor), FileLength = end + text.Length, TuningOffset = text.Length == 0 ? 0 : end }).Write(start);
        string temporary = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write))
            {
                stream.Write(start);
                for (long at = FileHeader.Size; at < end;)
                {
                    int piece = (int)Math.Min(end - at, 1 << 20);
                    stream.Write(new ReadOnlySpan<byte>(_data + at, piece));
                    at += piece;
                }
                stream.Write(text);
            }
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    public void Dispose()
    {
        CpuKernels.el_file_unmap(_mapped, (ulong)ByteLength);
        _mapped = null;
        CpuKernels.el_memory_free(_owned, (nuint)ByteLength);
        _owned = null;
        CpuKernels.el_memory_free(_front, (nuint)_frontBytes);
        _front = null;
        GC.SuppressFinalize(this);
    }
}
