using EdgeLite.Core;
using Google.Protobuf;

namespace EdgeLite.Converter.Importers;

/// <summary>Reads files that are one protobuf message.</summary>
internal static class ProtoFile
{
    private const int RecursionLimit = 100;

    /// <summary>The message that a stream holds; one that no protobuf message can be is refused in words.</summary>
    public static CodedInputStream Open(Stream stream, string name, int recursionLimit = RecursionLimit) =>
        !stream.CanSeek || stream.Length <= int.MaxValue ? CodedInputStream.CreateWithLimits(stream, int.MaxValue, recursionLimit)
        : throw new EdgeLiteException(Status.Unsupported, $"'{name}' has {stream.Length} bytes, and a protobuf message ends at 2 GB. Save it with its weights in a file beside it (ONNX: as external data).");

    public static T Read<T>(string path, MessageParser<T> parser) where T : IMessage<T>
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
            return parser.ParseFrom(Open(stream, path));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{path}' is damaged: {e.Message}", e);
        }
        catch (Exception e) when (FileFailure.Is(e))
        {
            throw FileFailure.Reading(path, e);
        }
    }
}

/// <summary>Walks over the fields of a protobuf message of which perhaps only the beginning is there (protobuf.dev/programming-guides/encoding).</summary>
internal ref struct ProtoScan(ReadOnlySpan<byte> message)
{
    private readonly ReadOnlySpan<byte> _message = message;
    private int _at;

    public int Field { get; private set; }

    /// <summary>0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes.</summary>
    public int Wire { get; private set; }

    public ulong Number { get; private set; }

    /// <summary>What is there of a length-delimited field.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Whether the bytes are not those of a message.</summary>
    public bool IsBroken { get; private set; }

    public readonly bool IsText
    {
        get
        {
            foreach (byte b in Bytes) if (b < 32) return false;
            return Wire == 2;
        }
    }

    public bool Next()
    {
        if (_at >= _message.Length) return false;
        if (!Varint(out ulong tag)) return Break();
        Field = (int)(tag >> 3);
        Wire = (int)(tag & 7);
        Bytes = default;
        if (tag >> 3 is 0 or > 1 << 29) return Break();
        switch (Wire)
        {
            case 0:
                if (!Varint(out ulong number)) return Break();
                Number = number;
                return true;
            case 1 or 5:
                _at = Math.Min(_message.Length, _at + (Wire == 1 ? 8 : 4));
                return true;
            case 2:
                if (!Varint(out ulong length) || length > int.MaxValue) return Break();
                int there = (int)Math.Min(length, (ulong)(_message.Length - _at));
                Bytes = _message.Slice(_at, there);
                _at += there;
                return true;
            default:
                return Break();
        }
    }

    private bool Break()
    {
        IsBroken = true;
        return false;
    }

    private bool Varint(out ulong value)
    {
        value = 0;
        for (int shift = 0; shift < 64 && _at < _message.Length; shift += 7)
        {
            byte b = _message[_at++];
            value |= (ulong)(b & 127) << shift;
            if (b < 128) return true;
        }
        return false;
    }
}
