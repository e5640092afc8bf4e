namespace EdgeLite.Converter.Importers.Keras;

/// <summary>A file as a reader of untrusted structure may see it: as often and as much as its size explains, so that addresses that lead in a
/// circle end in an error.</summary>
internal sealed class GuardedStream(Stream inner) : Stream
{
    private const long FreeReads = 4_000_000, FreeBytes = 64L << 20;
    private const int BytesPerRead = 64, TimesOver = 16;

    private long _reads, _bytes;

    public override bool CanRead => true;
    public override bool CanSeek => true;
    public override bool CanWrite => false;
    public override long Length => inner.Length;
    public override long Position { get => inner.Position; set => inner.Position = value; }

    public override int Read(Span<byte> buffer)
    {
        if (buffer.Length > Length - Position) throw new InvalidDataException($"{buffer.Length} bytes are wanted at byte {Position} of {Length}");
        int count = inner.Read(buffer);
        if (++_reads > FreeReads + Length / BytesPerRead || (_bytes += count) > FreeBytes + Length * TimesOver)
            throw new InvalidDataException($"its structure leads in a circle: {_reads} reads of {_bytes} bytes in a file of {Length}");
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);
    public override void Flush() { }
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }
}
