using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Moves elements between tensors of one type without looking at their value: every type, sub-byte and strings included.</summary>
internal static unsafe class Elements
{
    /// <summary>Copies <paramref name="count"/> elements from <paramref name="x"/> at <paramref name="i"/> to
    /// <paramref name="y"/> at <paramref name="j"/>.</summary>
    public static void Copy(Tensor x, long i, Tensor y, long j, long count = 1)
    {
        if (x.DType != y.DType) throw new EdgeLiteException(Status.InvalidGraph, $"Elements of {x} cannot be copied to {y}.");
        x.Require(i, count);
        y.Require(j, count);
        int size = x.DType.Size();
        if (size > 0)
            Buffer.MemoryCopy(x.Data + i * size, y.Data + j * size, count * size, count * size);
        else if (x.DType == DType.String)
            Array.Copy(x.Strings!, i, y.Strings!, j, count);
        else
            for (long k = 0; k < count; k++) SetBits(y, j + k, GetBits(x, i + k));
    }

    /// <summary>Copies a whole tensor to one of the same number of elements; nothing to do when both share their memory.</summary>
    public static void CopyAll(Tensor x, Tensor y)
    {
        if (x.DType == DType.String) Array.Copy(x.Strings!, y.Strings!, x.Count);
        else if (x.Data != y.Data) Buffer.MemoryCopy(x.Data, y.Data, y.ByteLength, x.ByteLength);
    }

    /// <summary>Writes the zero of the type: 0, false, the empty string.</summary>
    public static void Clear(Tensor y, long j, long count = 1)
    {
        y.Require(j, count);
        int size = y.DType.Size();
        if (size > 0)
            System.Runtime.InteropServices.NativeMemory.Clear(y.Data + j * size, (nuint)(count * size));
        else if (y.DType == DType.String)
            for (long k = 0; k < count; k++) y.Strings![j + k] = "";
        else
            for (long k = 0; k < count; k++) SetBits(y, j + k, 0);
    }

    /// <summary>Order of two elements, of the same type: negative, zero or positive; null when one is NaN.</summary>
    public static int? Compare(Tensor a, long i, Tensor b, long j)
    {
        if (a.DType == DType.String) return string.CompareOrdinal(a.Strings![i], b.Strings![j]);
        if (a.DType.IsFloat())
        {
            double x = a.GetDouble(i), y = b.GetDouble(j);
            return double.IsNaN(x) || double.IsNaN(y) ? null : x.CompareTo(y) is var order && x == y ? 0 : order;
        }
        if (a.DType == DType.UInt64) return ((ulong)a.GetInt64(i)).CompareTo((ulong)b.GetInt64(j));
        return a.GetInt64(i).CompareTo(b.GetInt64(j));
    }

    /// <summary>The numbers of a complex tensor one after another, real and imaginary; another tensor is itself.</summary>
    public static Tensor Parts(Tensor x) =>
        x.DType.IsComplex() ? new Tensor(x.DType == DType.Complex64 ? DType.Float32 : DType.Float64, new Shape(2 * x.Count), x.Data) : x;

    private static int GetBits(Tensor x, long i)
    {
        int bits = x.DType.Bits(), perByte = 8 / bits;
        return x.Data[i / perByte] >> (int)(i % perByte) * bits & (1 << bits) - 1;
    }

    private static void SetBits(Tensor y, long i, int value)
    {
        int bits = y.DType.Bits(), perByte = 8 / bits, shift = (int)(i % perByte) * bits;
        ref byte cell = ref y.Data[i / perByte];
        cell = (byte)(cell & ~((1 << bits) - 1 << shift) | value << shift);
    }
}
