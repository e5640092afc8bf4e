using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace EdgeLite.Tests.Importers;

/// <summary>Damages files as bad copies and malice do: bytes anywhere; and where a file is JSON, text, a zip archive or one protobuf message, what it
/// says, so that the damage gets past the parser to what reads its result. Everything follows from the random numbers.</summary>
internal sealed class FileMutator(Random random)
{
    private static readonly long[] s_numbers =
    [
        0, 1, -1, 2, 3, 5, 8, 9, 17, 100, 127, 128, 255, 256, 1000, 32767, 65535, 65536, 1 << 20, 100_000_000, int.MaxValue, int.MinValue, uint.MaxValue, 1L << 32, 1L << 40,
        1L << 61, long.MaxValue, long.MinValue,
    ];

    private static readonly string[] s_texts = ["", "0", "-1", "1e999", "nan", "x", "../../etc/passwd", "\u001b[2J", "\0", "\ud800", "float32", "true", "[", "{", "(", "\"", "%s%n", "'", "\n"];

    private const int DeepNesting = 3000, MaxDepth = 40;

    /// <summary>A copy with one to three changes.</summary>
    public byte[] Damage(byte[] good)
    {
        byte[] bad = good;
        for (int changes = random.Next(1, 4); changes > 0; changes--) bad = Change(bad);
        return bad;
    }

    private byte[] Change(byte[] good)
    {
        if (good.Length == 0) return [(byte)random.Next(256)];
        if (good.AsSpan().StartsWith("PK\u0003\u0004"u8) && random.Next(8) != 0 && InZip(good) is { } zip) return zip;
        if (IsText(good))
            return random.Next(8) == 0 ? Bytes(good) : good[0] is (byte)'{' or (byte)'[' && random.Next(3) != 0 && InJson(good) is { } json ? json : Text(good);
        return random.Next(3) != 0 && Message(good, 0) is { } message ? message : Bytes(good);
    }

    private static bool IsText(ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes[..Math.Min(bytes.Length, 4096)]) if (b is < 32 and not (9 or 10 or 13)) return false;
        return true;
    }

    private bool OneIn(int n) => random.Next(n) == 0;

    private long Number() => OneIn(3) ? random.Next(-4, 20) : s_numbers[random.Next(s_numbers.Length)];

    /// <summary>Place and length of a piece; short ones and the ends of the file, where structure lies, more often.</summary>
    private (int Start, int Length) Piece(int all)
    {
        int start = random.Next(OneIn(2) ? all : Math.Min(all, 2048));
        if (OneIn(3)) start = all - 1 - start;
        return (start, Math.Min(all - start, 1 + random.Next(OneIn(3) ? all : Math.Min(all, 24))));
    }

    private byte[] Bytes(byte[] good)
    {
        (int start, int length) = Piece(good.Length);
        ReadOnlySpan<byte> head = good.AsSpan(0, start), piece = good.AsSpan(start, length), tail = good.AsSpan(start + length);
        byte[] bad = [.. good];
        switch (random.Next(10))
        {
            case 0: return good[..start];
            case 1: return [.. head, .. piece, .. piece, .. tail];
            case 2: return [.. head, .. tail];
            case 3:
                (int other, int others) = Piece(good.Length);
                return [.. head, .. good.AsSpan(other, others), .. tail];
            case 4: bad[start] ^= (byte)(1 << random.Next(8)); return bad;
            case 5: bad[start] = (byte)random.Next(256); return bad;
            case 6: bad.AsSpan(start, length).Fill((byte)(OneIn(2) ? 0 : 0xff)); return bad;
            case 7: // a digit of a text inside, whose length may be fixed
                int digit = good.AsSpan(start).IndexOfAnyInRange((byte)'0', (byte)'9');
                if (digit >= 0) bad[start + digit] = (byte)"0123456789-.e"[random.Next(13)];
                return bad;
            default:
                int width = 1 << random.Next(4), at = OneIn(2) ? start : start / width * width;
                Span<byte> number = stackalloc byte[8];
                if (OneIn(4)) BinaryPrimitives.WriteInt64BigEndian(number, Number() << 8 * (8 - width));
                else BinaryPrimitives.WriteInt64LittleEndian(number, Number());
                number[..Math.Min(width, good.Length - at)].CopyTo(bad.AsSpan(at));
                return bad;
        }
    }

    /// <summary>Words, numbers and lines changed, lost, doubled or exchanged.</summary>
    private byte[] Text(byte[] good)
    {
        string text = Encoding.Latin1.GetString(good);
        List<(int Start, int Length)> words = [];
        for (int i = 0; i < text.Length; i++)
        {
            int start = i;
            while (i < text.Length && (char.IsAsciiLetterOrDigit(text[i]) || text[i] is '_' or '.' or '-')) i++;
            words.Add((start, Math.Max(1, i - start)));
        }
        (int at, int length) = words[random.Next(words.Count)];
        (int other, int others) = words[random.Next(words.Count)];
        string head = text[..at], word = text.Substring(at, length), tail = text[(at + length)..], bad = random.Next(9) switch
        {
            0 => head + tail,
            1 => head + word + word + tail,
            2 => head + text.Substring(other, others) + tail,
            3 => head + s_texts[random.Next(s_texts.Length)] + tail,
            4 => at < other ? text[..at] + text[other..] : text[..at] + text[other..at] + tail,
            5 => head + new string("([{-"[random.Next(4)], OneIn(4) ? DeepNesting : 1) + tail,
            6 => head,
            _ => head + (char.IsAsciiDigit(word[^1]) ? Number().ToString(System.Globalization.CultureInfo.InvariantCulture) : text.Substring(other, others)) + tail,
        };
        return Encoding.Latin1.GetBytes(bad);
    }

    private byte[]? InJson(byte[] good)
    {
        List<JsonNode> all = [];
        try
        {
            Collect(JsonNode.Parse(good)!, all);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException) // an earlier change has broken it
        {
            return null;
        }
        JsonNode root = all[0];
        JsonNode chosen = all[random.Next(all.Count)];
        JsonNode? replacement = random.Next(8) switch
        {
            0 => null,
            1 => JsonValue.Create(s_texts[random.Next(s_texts.Length)]),
            2 => OneIn(2) ? new JsonArray() : new JsonObject(),
            3 => all[random.Next(all.Count)].DeepClone(),
            4 => new JsonArray(chosen.DeepClone(), chosen.DeepClone()),
            5 => chosen is JsonArray { Count: > 0 } array ? Shorter(array) : JsonValue.Create(OneIn(2)),
            6 when OneIn(8) => Nested(chosen),
            _ => JsonValue.Create(Number()),
        };
        if (chosen == root) return replacement == null ? "null"u8.ToArray() : Encoding.UTF8.GetBytes(Written(replacement));
        if (OneIn(5))
        {
            if (chosen.Parent is JsonObject from) from.Remove(chosen.GetPropertyName());
            else ((JsonArray)chosen.Parent!).Remove(chosen);
        }
        else chosen.ReplaceWith(replacement);
        return Encoding.UTF8.GetBytes(Written(root));
    }

    private static string Written(JsonNode node) => node.ToJsonString(new JsonSerializerOptions { MaxDepth = DeepNesting + 100 });

    private static JsonNode Shorter(JsonArray array)
    {
        var copy = (JsonArray)array.DeepClone();
        copy.RemoveAt(copy.Count - 1);
        return copy;
    }

    private static JsonNode Nested(JsonNode node)
    {
        JsonNode nested = node.DeepClone();
        for (int i = 0; i < 500; i++) nested = new JsonArray(nested);
        return nested;
    }

    private static void Collect(JsonNode node, List<JsonNode> all)
    {
        all.Add(node);
        IEnumerable<JsonNode?> below = node is JsonObject properties ? properties.Select(p => p.Value) : node is JsonArray items ? items : [];
        foreach (JsonNode? child in below) if (child != null) Collect(child, all);
    }

    /// <summary>One file of the archive damaged, the archive around it whole.</summary>
    private byte[]? InZip(byte[] good)
    {
        try
        {
            return InZip(new ZipArchive(new MemoryStream(good)));
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException) // an earlier change has broken it
        {
            return null;
        }
    }

    private byte[]? InZip(ZipArchive source)
    {
        if (source.Entries.Count == 0) return null;
        // Weights are many files of no structure.
        ZipArchiveEntry[] structured = [.. source.Entries.Where(e => !e.FullName.Contains("/data/", StringComparison.Ordinal))];
        ZipArchiveEntry chosen = OneIn(6) || structured.Length == 0 ? source.Entries[random.Next(source.Entries.Count)] : structured[random.Next(structured.Length)];
        var memory = new MemoryStream();
        using (var target = new ZipArchive(memory, ZipArchiveMode.Create, leaveOpen: true))
            foreach (ZipArchiveEntry entry in source.Entries)
            {
                byte[] content = new byte[entry.Length];
                using (Stream from = entry.Open()) from.ReadExactly(content);
                if (entry == chosen)
                {
                    if (OneIn(20)) continue;
                    content = Change(content);
                }
                using Stream to = target.CreateEntry(entry.FullName, entry.CompressedLength == entry.Length ? CompressionLevel.NoCompression : CompressionLevel.Fastest).Open();
                to.Write(content);
            }
        return memory.ToArray();
    }

    private readonly record struct Field(int Start, int Payload, int End, int Number, int Wire);

    /// <summary>A message with one field changed, lost, doubled or put elsewhere, at any depth, all lengths around it right; null where the bytes are
    /// no message (protobuf.dev/programming-guides/encoding).</summary>
    private byte[]? Message(ReadOnlySpan<byte> message, int depth)
    {
        if (depth > MaxDepth || Fields(message) is not { Count: > 0 } fields) return null;
        Field field = fields[random.Next(fields.Count)];
        ReadOnlySpan<byte> head = message[..field.Start], whole = message[field.Start..field.End], payload = message[field.Payload..field.End], tail = message[field.End..];
        if (field.Wire == 2 && !OneIn(6) && Message(payload, depth + 1) is { } inner) return [.. head, .. Delimited(field.Number, inner), .. tail];
        switch (random.Next(9))
        {
            case 0: return [.. head, .. tail];
            case 1: return [.. head, .. whole, .. whole, .. tail];
            case 2:
                Field other = fields[random.Next(fields.Count)];
                return [.. head, .. message[other.Start..other.End], .. tail];
            case 3: return [.. head, .. Varint((ulong)random.Next(1, 30) << 3 | (uint)field.Wire), .. message[(field.Start + Varint((ulong)field.Number << 3).Length)..]];
            case 4 when field.Wire == 2 && OneIn(4):
                byte[] nested = payload.ToArray();
                for (int i = 0; i < 300; i++) nested = [.. payload.Length < 200 ? payload : [], .. Delimited(field.Number, nested)];
                return [.. head, .. Delimited(field.Number, nested), .. tail];
            default:
                if (field.Wire != 2) return [.. head, .. Varint((ulong)field.Number << 3), .. Varint((ulong)Number()), .. tail];
                byte[] changed = payload.Length == 0 || OneIn(5) ? OneIn(2) ? [] : Encoding.UTF8.GetBytes(s_texts[random.Next(s_texts.Length)]) : IsText(payload) && OneIn(2) ? Text(payload.ToArray()) : Bytes(payload.ToArray());
                return [.. head, .. Delimited(field.Number, changed), .. tail];
        }
    }

    private static List<Field>? Fields(ReadOnlySpan<byte> message)
    {
        List<Field> fields = [];
        for (int at = 0; at < message.Length;)
        {
            int start = at;
            if (!ReadVarint(message, ref at, out ulong tag) || tag >> 3 is 0 or > 1 << 20) return null;
            int payload = at;
            switch (tag & 7)
            {
                case 0: if (!ReadVarint(message, ref at, out _)) return null; break;
                case 1: at += 8; break;
                case 5: at += 4; break;
                case 2:
                    if (!ReadVarint(message, ref at, out ulong length) || length > (ulong)(message.Length - at)) return null;
                    payload = at;
                    at += (int)length;
                    break;
                default: return null;
            }
            if (at > message.Length) return null;
            fields.Add(new Field(start, payload, at, (int)(tag >> 3), (int)(tag & 7)));
        }
        return fields;
    }

    private static bool ReadVarint(ReadOnlySpan<byte> bytes, ref int at, out ulong value)
    {
        value = 0;
        for (int shift = 0; shift < 64 && at < bytes.Length; shift += 7)
        {
            byte b = bytes[at++];
            value |= (ulong)(b & 127) << shift;
            if (b < 128) return true;
        }
        return false;
    }

    private static byte[] Delimited(int number, ReadOnlySpan<byte> payload) => [.. Varint((ulong)number << 3 | 2), .. Varint((ulong)payload.Length), .. payload];

    private static byte[] Varint(ulong value)
    {
        List<byte> bytes = [];
        for (; value > 127; value >>= 7) bytes.Add((byte)(value & 127 | 128));
        return [.. bytes, (byte)value];
    }
}
