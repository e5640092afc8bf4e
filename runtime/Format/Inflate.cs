using System.Buffers.Binary;

namespace EdgeLite.Format;

/// <summary>
/// Decoder of DEFLATE (RFC 1951), for the packed front of a model file. The stream is untrusted: nothing is read beyond it or written
/// beyond the target, and every step takes bits or fills the target, so the work is bounded by both.
/// </summary>
public ref struct Inflate
{
    private const int MaxLength = 15, FastBits = 9, LengthCodes = 288, DistanceCodes = 30;

    /// <summary>Order in which a dynamic block states the lengths of its code length codes (RFC 1951, 3.2.7).</summary>
    private static ReadOnlySpan<byte> CodeOrder => [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    /// <summary>Least length and further bits of the length symbols 257 to 285, then those of distances (RFC 1951, 3.2.5).</summary>
    private static ReadOnlySpan<ushort> LengthBase => [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
    private static ReadOnlySpan<byte> LengthBits => [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
    private static ReadOnlySpan<ushort> DistanceBase => [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];
    private static ReadOnlySpan<byte> DistanceBits => [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];

    private readonly ReadOnlySpan<byte> _source;
    private readonly Span<byte> _target;
    private int _read;
    private int _written;
    private ulong _bits;
    private int _bitCount;
    private readonly Huffman _literals = new(), _distances = new();

    private Inflate(ReadOnlySpan<byte> source, Span<byte> target)
    {
        _source = source;
        _target = target;
    }

    /// <summary>Decodes the whole of <paramref name="source"/>. False when it is damaged, or does not give exactly as many bytes as
    /// <paramref name="target"/> has.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> source, Span<byte> target) => new Inflate(source, target).TryDecode();

    private bool TryDecode()
    {
        bool isLast;
        do
        {
            if (!TryBits(3, out int head)) return false;
            isLast = (head & 1) != 0;
            bool isGood = (head >> 1) switch { 0 => TryStored(), 1 => TryFixed(), 2 => TryDynamic(), _ => false };
            if (!isGood) return false;
        }
        while (!isLast);
        return _written == _target.Length && _source.Length - _read + _bitCount / 8 == 0;
    }

    /// <summary>At least 56 bits where the source has so many.</summary>
    private void Refill()
    {
        if (_source.Length - _read >= 8)
        {
            _bits |= BinaryPrimitives.ReadUInt64LittleEndian(_source[_read..]) << _bitCount;
            int whole = 63 - _bitCount >> 3;
            _read += whole;
            _bitCount += 8 * whole;
            return; // bits above the count are those of bytes that will be read again, to the same place
        }
        for (; _bitCount <= 56 && _read < _source.Length; _bitCount += 8) _bits |= (ulong)_source[_read++] << _bitCount;
    }

    private bool TryBits(int count, out int value)
    {
        if (_bitCount < count) Refill();
        value = (int)(_bits & (1ul << count) - 1);
        return TrySkip(count);
    }

    private bool TrySkip(int count)
    {
        _bits >>= count;
        _bitCount -= count;
        return _bitCount >= 0;
    }

    private bool TryStored()
    {
        TrySkip(_bitCount & 7);
        if (!TryBits(16, out int length) || !TryBits(16, out int complement) || (length ^ complement) != 0xffff) return false;
        _read -= _bitCount / 8;
        _bits = 0;
        _bitCount = 0;
        if (length > _source.Length - _read || length > _target.Length - _written) return false;
        _source.Slice(_read, length).CopyTo(_target[_written..]);
        _read += length;
        _written += length;
        return true;
    }

    private bool TryFixed()
    {
        Span<byte> lengths = stackalloc byte[LengthCodes + DistanceCodes];
        lengths[..144].Fill(8);
        lengths[144..256].Fill(9);
        lengths[256..280].Fill(7);
        lengths[280..288].Fill(8);
        lengths[288..].Fill(5);
        return TryBlock(lengths[..LengthCodes], lengths[LengthCodes..]);
    }

    private bool TryDynamic()
    {
        if (!TryBits(5, out int literals) || !TryBits(5, out int distances) || !TryBits(4, out int codes)) return false;
        literals += 257;
        distances += 1;
        if (literals > 286 || distances > DistanceCodes) return false;
        Span<byte> lengths = stackalloc byte[LengthCodes + DistanceCodes];
        lengths.Clear();
        for (int i = 0; i < codes + 4; i++)
        {
            if (!TryBits(3, out int length)) return false;
            lengths[CodeOrder[i]] = (byte)length;
        }
        if (!_literals.TrySet(lengths[..CodeOrder.Length])) return false;
        lengths.Clear();
        for (int i = 0; i < literals + distances;)
        {
            if (!TrySymbol(_literals, out int symbol)) return false;
            if (symbol < 16)
            {
                lengths[i++] = (byte)symbol;
                continue;
            }
            if (symbol == 16 && i == 0) return false;
            byte repeated = symbol == 16 ? lengths[i - 1] : (byte)0;
            if (!TryBits(symbol == 16 ? 2 : symbol == 17 ? 3 : 7, out int times)) return false;
            times += symbol == 18 ? 11 : 3;
            if (times > literals + distances - i) return false;
            lengths.Slice(i, times).Fill(repeated);
            i += times;
        }
        return TryBlock(lengths[..literals], lengths.Slice(literals, distances));
    }

    private bool TryBlock(scoped ReadOnlySpan<byte> lengths, scoped ReadOnlySpan<byte> distanceLengths)
    {
        if (!_literals.TrySet(lengths) || !_distances.TrySet(distanceLengths)) return false;
        if (TryMiddle(out bool isEnd)) return isEnd || TryRest();
        return false;
    }

    /// <summary>Symbols of a block as long as 8 bytes of the source are left, which no symbol and its distance (48 bits) can leave: the state is in
    /// registers, for these are nearly all. False where the stream is damaged.</summary>
    private bool TryMiddle(out bool isEnd)
    {
        ReadOnlySpan<byte> source = _source;
        Span<byte> target = _target;
        ReadOnlySpan<ushort> literals = _literals.Fast, distances = _distances.Fast;
        ulong bits = _bits;
        int count = _bitCount, read = _read, written = _written;
        bool isGood = true;
        isEnd = false;
        while (source.Length - read >= 8)
        {
            if (count < 48)
            {
                bits |= BinaryPrimitives.ReadUInt64LittleEndian(source[read..]) << count;
                int whole = 63 - count >> 3;
                read += whole;
                count += 8 * whole;
            }
            int entry = literals[(int)bits & (1 << FastBits) - 1], symbol = entry >> 4, length = entry & 15;
            if (entry == 0) length = _literals.FindLong(bits, out symbol);
            bits >>= length;
            count -= length;
            if (symbol < 256)
            {
                isGood = length > 0 && (uint)written < (uint)target.Length;
                if (!isGood) break;
                target[written++] = (byte)symbol;
                continue;
            }
            isEnd = symbol == 256;
            isGood = symbol - 257 < LengthBase.Length;
            if (isEnd || !isGood) break;
            int extra = LengthBits[symbol - 257], run = LengthBase[symbol - 257] + (int)(bits & (1ul << extra) - 1);
            bits >>= extra;
            count -= extra;
            entry = distances[(int)bits & (1 << FastBits) - 1];
            (symbol, length) = (entry >> 4, entry & 15);
            if (entry == 0) length = _distances.FindLong(bits, out symbol);
            bits >>= length;
            count -= length;
            isGood = length > 0 && symbol < DistanceBase.Length;
            if (!isGood) break;
            extra = DistanceBits[symbol];
            int distance = DistanceBase[symbol] + (int)(bits & (1ul << extra) - 1);
            bits >>= extra;
            count -= extra;
            isGood = distance <= written && run <= target.Length - written;
            if (!isGood) break;
            Repeat(target, written, distance, run);
            written += run;
        }
        (_bits, _bitCount, _read, _written) = (bits, count, read, written);
        return isGood;
    }

    /// <summary>Copies what lies <paramref name="distance"/> bytes back; a distance shorter than the length repeats.</summary>
    private static void Repeat(Span<byte> target, int at, int distance, int length)
    {
        ReadOnlySpan<byte> from = target.Slice(at - distance, length);
        Span<byte> to = target.Slice(at, length);
        int i = 0;
        if (distance == 1) to.Fill(from[0]);
        else
        {
            if (distance >= 8)
                for (; i + 8 <= to.Length; i += 8) BinaryPrimitives.WriteUInt64LittleEndian(to[i..], BinaryPrimitives.ReadUInt64LittleEndian(from[i..]));
            for (; i < to.Length; i++) to[i] = from[i];
        }
    }

    /// <summary>What follows in the block, bit by bit checked against the end of the source.</summary>
    private bool TryRest()
    {
        while (TrySymbol(_literals, out int symbol))
        {
            if (symbol < 256)
            {
                if (_written == _target.Length) return false;
                _target[_written++] = (byte)symbol;
                continue;
            }
            if (symbol == 256) return true;
            symbol -= 257;
            if (symbol >= LengthBase.Length || !TryBits(LengthBits[symbol], out int length)) return false;
            length += LengthBase[symbol];
            if (!TrySymbol(_distances, out int far) || far >= DistanceBase.Length || !TryBits(DistanceBits[far], out int distance)) return false;
            distance += DistanceBase[far];
            if (distance > _written || length > _target.Length - _written) return false;
            Repeat(_target, _written, distance, length);
            _written += length;
        }
        return false;
    }

    private bool TrySymbol(Huffman code, out int symbol)
    {
        if (_bitCount < MaxLength) Refill();
        int entry = code.Fast[(int)_bits & (1 << FastBits) - 1];
        symbol = entry >> 4;
        if (entry != 0) return TrySkip(entry & 15);
        int length = code.FindLong(_bits, out symbol);
        return length > 0 && TrySkip(length);
    }

    /// <summary>A canonical code: short ones by a table of what the next bits are, longer ones length by length.</summary>
    private sealed class Huffman
    {
        /// <summary>Symbol * 16 + length by the next <see cref="FastBits"/> bits, the first of them lowest; 0: a longer code, or none.</summary>
        public readonly ushort[] Fast = new ushort[1 << FastBits];
        private readonly ushort[] _sorted = new ushort[LengthCodes];
        private readonly ushort[] _counts = new ushort[MaxLength + 1];

        /// <summary>False when there are more codes than their lengths leave room for. Codes that are missing are found when they are met.</summary>
        public bool TrySet(ReadOnlySpan<byte> lengths)
        {
            Array.Clear(_counts);
            Array.Clear(Fast);
            foreach (byte length in lengths) _counts[length]++;
            _counts[0] = 0;
            Span<int> next = stackalloc int[MaxLength + 2], place = stackalloc int[MaxLength + 2];
            next[1] = place[1] = 0;
            for (int length = 1; length <= MaxLength; length++)
            {
                place[length + 1] = place[length] + _counts[length];
                next[length + 1] = next[length] + _counts[length] << 1;
                if (next[length] + _counts[length] > 1 << length) return false;
            }
            for (int symbol = 0; symbol < lengths.Length; symbol++)
            {
                int length = lengths[symbol];
                if (length == 0) continue;
                _sorted[place[length]++] = (ushort)symbol;
                int bits = next[length]++;
                if (length > FastBits) continue;
                int reversed = 0;
                for (int i = 0; i < length; i++) reversed |= (bits >> i & 1) << length - 1 - i;
                for (int i = reversed; i < Fast.Length; i += 1 << length) Fast[i] = (ushort)(symbol << 4 | length);
            }
            return true;
        }

        /// <summary>Length of the code that the bits begin with; 0 when there is none.</summary>
        public int FindLong(ulong bits, out int symbol)
        {
            int code = 0, first = 0, index = 0;
            for (int length = 1; length <= MaxLength; length++, bits >>= 1)
            {
                code |= (int)(bits & 1);
                int count = _counts[length];
                if (code - first < count)
                {
                    symbol = _sorted[index + code - first];
                    return length;
                }
                index += count;
                first = first + count << 1;
                code <<= 1;
            }
            symbol = 0;
            return 0;
        }
    }
}
