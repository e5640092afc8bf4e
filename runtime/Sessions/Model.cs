using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Devices.Cpu;
using EdgeLite.Format;

namespace EdgeLite;

/// <summary>
/// A loaded model file: mapped into memory, verified once, never changed. Weights are used where they lie, so several sessions (and
/// processes) share them. Thread-safe. Its memory goes when it and all its sessions are disposed, in any order.
/// </summary>
public sealed unsafe class Model : IDisposable
{
    /// <summary>ENOMEM.</summary>
    private const int OutOfMemory = 12;

    private readonly byte* _data;
    private byte* _mapped;
    private byte* _owned;
    private byte* _front;
    private readonly int _frontBytes;
    private readonly (string Key, string Value)[] _metadata;
    private Dictionary<string, string>? _byKey;

    /// <summary>The owner, until Dispose, and each session.</summary>
    private int _users = 1;
    private int _disposed;

    private Model(string name, byte* data, long length, bool isMapped, LoadOptions? options)
    {
        _data = data;
        Name = name;
        ByteLength = length;
        FileHeader header = FileHeader.Read(new ReadOnlySpan<byte>(data, (int)Math.Min(length, FileHeader.Size)), length, name);
        options?.Check(name, data, length);
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
        Tunings = header.TuningOffset == 0 ? [] : Tuning.Parse(new ReadOnlySpan<byte>(data + header.TuningOffset, (int)Math.Clamp(ContentEnd - header.TuningOffset, 0, int.MaxValue)).TrimEnd((byte)0), name);
        // What lies behind the data is for a self-test and for checks, and is left on the disk until then.
        if (isMapped) CpuKernels.el_memory_prefetch(data, (nuint)Math.Max(header.DescriptionOffset + header.DescriptionLength, header.DataOffset + header.DataLength));
        Graphs = new ModelReader(name, data + header.DataOffset, header.DataLength, near, nearLength).ReadGraphs(root);
        Graphs[0].States = StateBinding.Parse(states, Graphs[0]);
    }

    ~Model() => Free();

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
            RequireMemory();
            var byKey = new Dictionary<string, string>(_metadata.Length);
            foreach ((string key, string value) in _metadata) byKey[key] = value;
            return _byKey = byKey;
        }
    }

    /// <summary>Choices of kernels that were measured on machines like those that they name, by <see cref="Session.Tune"/>. A session takes the first that fits it.</summary>
    public IReadOnlyList<Tuning> Tunings { get; }

    /// <summary>Graph 0 is the model, the others are branches and loop bodies.</summary>
    public IReadOnlyList<GraphDefinition> Graphs { get; }

    /// <summary>True when the file holds samples for <see cref="SelfTest"/>.</summary>
    public bool HasSelfTest => FileSeal.TryFind(End, out FileSeal seal) && seal.SelfTestLength != 0;

    private ReadOnlySpan<byte> End
    {
        get
        {
            RequireMemory();
            return new ReadOnlySpan<byte>(_data + Math.Max(0, ByteLength - FileSeal.Size), (int)Math.Min(ByteLength, FileSeal.Size));
        }
    }

    /// <summary>SHA-512 that the file states of its content, in hexadecimal digits; null when it states none. Whether it is true is checked on
    /// request (<see cref="LoadOptions"/>).</summary>
    public string? ContentHash => FileSeal.TryFind(End, out FileSeal seal) && seal.HasHash ? Convert.ToHexStringLower(seal.Hash) : null;

    /// <summary>Who is said to have signed the file; null when it is not signed. As <see cref="ContentHash"/>, not checked without request.</summary>
    public PublicKey? Signer => FileSeal.TryFind(End, out FileSeal seal) && seal.IsSigned ? new PublicKey(seal.PublicKey) : null;

    /// <summary>Maps and verifies a file. Throws <see cref="EdgeLiteException"/> when it is missing, not a model, damaged,
    /// newer than this runtime, or not what <paramref name="options"/> ask for. Its weights are used where they lie, so that a new model takes the place of a file
    /// in use by renaming; what is written into the file meets running sessions, and where it becomes shorter the system ends the process (SIGBUS).</summary>
    public static Model Load(string path, LoadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        byte* data = CpuKernels.el_file_map(path, out ulong length, out int error);
        if (data == null)
        {
            if (error == 0) throw new EdgeLiteException(Status.Truncated, $"'{path}' is empty.");
            throw Directory.Exists(path) ? new EdgeLiteException(Status.FileNotFound, $"'{path}' is a folder, not a model.")
                : File.Exists(path) ? new EdgeLiteException(error == OutOfMemory ? Status.OutOfMemory : Status.IoError, $"'{path}' cannot be read: {Marshal.GetPInvokeErrorMessage(error)}.")
                : new EdgeLiteException(Status.FileNotFound, $"There is no file '{path}'.");
        }
        try
        {
            return new Model(path, data, (long)length, true, options) { _mapped = data };
        }
        catch
        {
            CpuKernels.el_file_unmap(data, length);
            throw;
        }
    }

    /// <summary>Loads a model from memory; the bytes are copied (to an aligned place) and need not stay.</summary>
    public static Model Load(ReadOnlySpan<byte> bytes, string name = "memory", LoadOptions? options = null)
    {
        byte* copy = CpuKernels.Allocate(bytes.Length);
        bytes.CopyTo(new Span<byte>(copy, bytes.Length));
        try
        {
            return new Model(name, copy, bytes.Length, false, options) { _owned = copy };
        }
        catch
        {
            CpuKernels.el_memory_free(copy, (nuint)bytes.Length);
            throw;
        }
    }

    /// <summary>A session of its own memory and threads; sessions of one model run in parallel.</summary>
    public Session CreateSession(SessionOptions? options = null) => new(this, options ?? new SessionOptions());

    /// <summary>Throws where <see cref="Save"/> would because the model is signed: to be asked before a long measurement.</summary>
    public void RequireUnsigned()
    {
        if (Signer is { } signer)
            throw new EdgeLiteException(Status.InvalidState, $"'{Name}' is signed by key {signer}, and what is written into it ends that. Write a table (edgelite-run tune --table), convert with it (edgelite convert --tuning) and sign again.");
    }

    /// <summary>Writes this model with other choices of kernels (none: without) to a file, which may be the one that it was loaded from. It appears
    /// whole or not at all. The self-test stays, a hash does not; a signed model is refused.</summary>
    public void Save(string path, params ReadOnlySpan<Tuning> tunings)
    {
        RequireUnsigned();
        FileHeader header = FileHeader.Read(new ReadOnlySpan<byte>(_data, FileHeader.Size), ByteLength, Name);
        long end = header.TuningOffset == 0 ? ContentEnd : header.TuningOffset;
        byte[] text = tunings.Length == 0 ? [] : Tuning.ToText(tunings);
        long whole = end + text.Length;
        (long testOffset, long testLength) = HasSelfTest ? SelfTestSection() : default;
        long newOffset = testLength == 0 ? 0 : FileSeal.AlignSelfTest(whole);
        byte[] start = new byte[FileHeader.Size], seal = new byte[FileSeal.Size];
        long length = testLength == 0 ? whole : newOffset + testLength + FileSeal.Size;
        (header with { Minor = Math.Max(header.Minor, FileHeader.CurrentMinor), FileLength = length, TuningOffset = text.Length == 0 ? 0 : end }).Write(start);
        FileSeal.Write(seal, newOffset, testLength, default, default);
        WholeFile.Write(path, stream =>
        {
            stream.Write(start);
            Copy(stream, FileHeader.Size, end);
            stream.Write(text);
            if (testLength == 0) return;
            stream.SetLength(newOffset);
            stream.Position = newOffset;
            Copy(stream, testOffset, testOffset + testLength);
            stream.Write(seal);
        });
    }

    private void Copy(FileStream to, long from, long end)
    {
        for (long at = from; at < end;)
        {
            int piece = (int)Math.Min(end - at, 1 << 20);
            to.Write(new ReadOnlySpan<byte>(_data + at, piece));
            at += piece;
        }
    }

    /// <summary>
    /// Runs the samples that the converter stored in the file (<c>edgelite convert --self-test</c>) on this device and compares the outputs
    /// with those that the converter's machine computed. One result for each output of each sample, in order; all of them are
    /// <see cref="SelfTestResult.Passed"/> when this device computes what that machine did.
    /// Throws <see cref="Status.NotFound"/> when the file has no samples, <see cref="Status.Corrupt"/> when they are damaged.
    /// </summary>
    /// <param name="options">how the session runs that computes them</param>
    /// <param name="minSqnr">dB that floats must have instead of what the file asks for, as for a GPU that may compute in float16</param>
    public SelfTestResult[] SelfTest(SessionOptions? options = null, double? minSqnr = null)
    {
        SelfTestSample[] samples = ReadSelfTest();
        using Session session = CreateSession(options);
        var results = new List<SelfTestResult>();
        for (int s = 0; s < samples.Length; s++)
        {
            session.RunSample(samples[s], s == 0);
            for (int i = 0; i < session.OutputCount; i++)
            {
                Tensor expected = samples[s].Outputs[i].Constant!;
                results.Add(new SelfTestResult(s, session.OutputName(i), expected, session.Output(i), expected.DType.IsFloat() && minSqnr is { } limit ? limit : samples[s].MinSqnr[i]));
            }
        }
        return [.. results];
    }

    private SelfTestSample[] ReadSelfTest()
    {
        if (!HasSelfTest) throw new EdgeLiteException(Status.NotFound, $"'{Name}' has no self-test: convert the model with --self-test.");
        const int Head = FileSeal.SelfTestHead;
        (long offset, long length) = SelfTestSection();
        long tables = *(long*)(_data + offset), start = (Head + Math.Clamp(tables, 0, length) + FileHeader.Alignment - 1) / FileHeader.Alignment * FileHeader.Alignment;
        if (tables < 0 || tables > int.MaxValue || start > length) throw Corrupt($"its self-test has {length} bytes, of which {tables} say what they are");
        var reader = new ModelReader(Name, _data + offset + start, length - start, null, 0);
        return reader.ReadSelfTest(FlatTable.Root(new ReadOnlySpan<byte>(_data + offset + Head, (int)tables), "EDGT"u8), Graphs[0]);
    }

    /// <summary>Where the self-test lies, of a file that has one.</summary>
    private (long Offset, long Length) SelfTestSection()
    {
        FileSeal.TryFind(End, out FileSeal seal);
        (long offset, long length, long end) = (seal.SelfTestOffset, seal.SelfTestLength, ByteLength - FileSeal.Size);
        return offset >= FileHeader.Size && offset % FileHeader.Alignment == 0 && offset <= end && length >= FileSeal.SelfTestHead && length <= end - offset ? (offset, length)
            : throw Corrupt($"its self-test is said to be {length} bytes at {offset}");
    }

    /// <summary>Where description, data and tuning end, but for zeros.</summary>
    private long ContentEnd => HasSelfTest ? SelfTestSection().Offset : FileSeal.TryFind(End, out _) ? ByteLength - FileSeal.Size : ByteLength;

    private EdgeLiteException Corrupt(string what) => new(Status.Corrupt, $"'{Name}' is corrupt: {what}. Copy or convert it again.");

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) Release();
    }

    /// <summary>Keeps the memory for one more user.</summary>
    internal void Retain()
    {
        Interlocked.Increment(ref _users);
        if (Volatile.Read(ref _disposed) == 0) return;
        Release();
        RequireMemory();
    }

    internal void Release()
    {
        if (Interlocked.Decrement(ref _users) > 0) return;
        Free();
        GC.SuppressFinalize(this);
    }

    private void RequireMemory() => ObjectDisposedException.ThrowIf(_disposed != 0, this);

    private void Free()
    {
        CpuKernels.el_file_unmap(_mapped, (ulong)ByteLength);
        _mapped = null;
        CpuKernels.el_memory_free(_owned, (nuint)ByteLength);
        _owned = null;
        CpuKernels.el_memory_free(_front, (nuint)_frontBytes);
        _front = null;
    }
}
