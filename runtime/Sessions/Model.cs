using System.IO.MemoryMappedFiles;
using EdgeLite.Core;
using EdgeLite.Devices.Cpu;
using EdgeLite.Format;
using Microsoft.Win32.SafeHandles;

namespace EdgeLite;

/// <summary>
/// A loaded model file: mapped into memory, verified once, never changed. Weights are used where they lie, so several sessions (and
/// processes) share them. Thread-safe. It must outlive its sessions.
/// </summary>
public sealed unsafe class Model : IDisposable
{
    private readonly MemoryMappedFile? _mapping;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly byte* _data;
    private byte* _owned;

    private Model(string name, byte* data, long length, MemoryMappedFile? mapping, MemoryMappedViewAccessor? view)
    {
        _mapping = mapping;
        _view = view;
        _data = data;
        Name = name;
        ByteLength = length;
        FileHeader header = FileHeader.Read(new ReadOnlySpan<byte>(data, (int)Math.Min(length, FileHeader.Size)), length, name);
        var description = new ReadOnlySpan<byte>(data + header.DescriptionOffset, (int)header.DescriptionLength);
        uint crc = Crc32.Compute(description);
        if (crc != header.DescriptionCrc)
            throw new EdgeLiteException(Status.Corrupt, $"'{name}' is corrupt: the checksum of its description is {crc:x8}, {header.DescriptionCrc:x8} expected. Copy or convert it again.");
        FlatTable root = FlatTable.Root(description, "EDGL"u8);
        Producer = root.String(Schema.Model.Producer) ?? "";
        Target = root.String(Schema.Model.Target) ?? "";
        FormatVersion = $"{header.Major}.{header.Minor}";
        DataBytes = header.DataLength;
        var metadata = new Dictionary<string, string>();
        FlatVector pairs = root.Vector(Schema.Model.Metadata);
        for (int i = 0; i < pairs.Count; i++)
            metadata[pairs.Table(i).String(Schema.KeyValue.Key) ?? ""] = pairs.Table(i).String(Schema.KeyValue.Value) ?? "";
        Metadata = metadata;
        Tunings = header.TuningOffset == 0 ? [] : Tuning.Parse(new ReadOnlySpan<byte>(data + header.TuningOffset, (int)Math.Min(header.TuningLength, int.MaxValue)), name);
        if (mapping != null) CpuKernels.el_memory_prefetch(data, (nuint)length);
        Graphs = new ModelReader(name, data + header.DataOffset, header.DataLength).ReadGraphs(root);
        Graphs[0].States = StateBinding.Parse(metadata.GetValueOrDefault(StateBinding.MetadataKey), Graphs[0]);
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

    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Choices of kernels that were measured on machines like those that they name, by <see cref="Session.Tune"/>. A session takes the first that fits it.</summary>
    public IReadOnlyList<Tuning> Tunings { get; }

    /// <summary>Graph 0 is the model, the others are branches and loop bodies.</summary>
    public IReadOnlyList<GraphDefinition> Graphs { get; }

    /// <summary>Maps and verifies a file. Throws <see cref="EdgeLiteException"/> when it is missing, not a model, damaged or
    /// newer than this runtime.</summary>
    public static Model Load(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!File.Exists(path)) throw new EdgeLiteException(Status.FileNotFound, $"There is no file '{path}'.");
        MemoryMappedFile? mapping = null;
        MemoryMappedViewAccessor? view = null;
        try
        {
            using SafeFileHandle file = File.OpenHandle(path);
            long length = RandomAccess.GetLength(file); // of what a link leads to
            if (length == 0) throw new EdgeLiteException(Status.Truncated, $"'{path}' is empty.");
            mapping = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            view = mapping.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            byte* data = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref data);
            return new Model(path, data, length, mapping, view);
        }
        catch (Exception e)
        {
            view?.Dispose();
            mapping?.Dispose();
            if (e is IOException or UnauthorizedAccessException) throw new EdgeLiteException(Status.IoError, $"'{path}' cannot be read: {e.Message}", e);
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
            return new Model(name, copy, bytes.Length, null, null) { _owned = copy };
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
        _view?.SafeMemoryMappedViewHandle.ReleasePointer();
        _view?.Dispose();
        _mapping?.Dispose();
        CpuKernels.el_memory_free(_owned, (nuint)ByteLength);
        _owned = null;
        GC.SuppressFinalize(this);
    }
}
