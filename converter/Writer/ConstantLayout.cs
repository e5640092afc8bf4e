using System.Security.Cryptography;
using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite.Converter.Writer;

/// <summary>The data section: constants one after another, aligned, equal contents stored once.</summary>
internal sealed unsafe class ConstantLayout
{
    /// <summary>Bytes hashed at a time, so that tensors above 2 GB pass.</summary>
    private const int Chunk = 1 << 28;

    private readonly List<(Tensor Tensor, long Offset)> _placed = [];
    private readonly Dictionary<(long Length, string Hash), long> _byContent = [];

    /// <summary>Bytes of the section.</summary>
    public long Length { get; private set; }

    /// <summary>Offset of the tensor's bytes in the section.</summary>
    public long Add(Tensor tensor)
    {
        var key = (tensor.ByteLength, Hash(tensor));
        if (_byContent.TryGetValue(key, out long known)) return known;
        long offset = (Length + FileHeader.Alignment - 1) / FileHeader.Alignment * FileHeader.Alignment;
        _placed.Add((tensor, offset));
        _byContent[key] = offset;
        Length = offset + tensor.ByteLength;
        return offset;
    }

    /// <summary>Offset of what was added with these contents; null where nothing was.</summary>
    public long? Find(Tensor tensor) => _placed.Count > 0 && _byContent.TryGetValue((tensor.ByteLength, Hash(tensor)), out long offset) ? offset : null;

    public void WriteTo(Stream stream)
    {
        long position = 0;
        foreach ((Tensor tensor, long offset) in _placed)
        {
            ModelWriter.Fill(stream, offset - position);
            for (long done = 0, length = tensor.ByteLength; done < length; done += Chunk)
                stream.Write(new ReadOnlySpan<byte>(tensor.Data + done, (int)Math.Min(Chunk, length - done)));
            position = offset + tensor.ByteLength;
        }
    }

    private static string Hash(Tensor tensor)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long done = 0, length = tensor.ByteLength; done < length; done += Chunk)
            hash.AppendData(new ReadOnlySpan<byte>(tensor.Data + done, (int)Math.Min(Chunk, length - done)));
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
