using System.Runtime.CompilerServices;

namespace EdgeLite.Tests.Core;

public class TensorTests
{
    /// <summary>Spans of tensors, and of views of them, that nothing else refers to, while others take memory and are collected.</summary>
    [Fact]
    public void A_span_keeps_the_memory_of_its_tensor()
    {
        Span<int> own = Own(), view = View(), disposed = Disposed();
        for (int i = 0; i < 100; i++)
        {
            for (int k = 0; k < 10; k++) new Tensor(DType.Int32, new Shape(Elements)).Span<int>().Fill(-1);
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        for (int i = 0; i < Elements; i++) Assert.Equal((i, i, i), (own[i], view[i], disposed[i]));
    }

    private const int Elements = 10_000;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Tensor Counted()
    {
        var tensor = new Tensor(DType.Int32, new Shape(Elements));
        for (int i = 0; i < Elements; i++) tensor.SetInt64(i, i);
        return tensor;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Span<int> Own() => Counted().Span<int>();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Span<int> View() => Counted().Reshaped(new Shape(2, Elements / 2)).Reshaped(new Shape(Elements)).Span<int>();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Span<int> Disposed()
    {
        using Tensor tensor = Counted();
        return tensor.Span<int>();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(64)]
    [InlineData(100_000)]
    public unsafe void Memory_is_aligned_and_0(int count)
    {
        for (int i = 0; i < 20; i++)
        {
            var tensor = new Tensor(DType.Float32, new Shape(count));
            Assert.Equal(0, (nint)tensor.Data % 64);
            Assert.False(tensor.Bytes.ContainsAnyExcept((byte)0));
            tensor.Bytes.Fill(255);
        }
    }

    [Fact]
    public void A_tensor_that_was_disposed_is_not_copied()
    {
        using Tensor there = Counted(), gone = Counted();
        gone.Dispose();
        Assert.Contains("no memory any more", Assert.Throws<EdgeLiteException>(() => gone.CopyTo(there)).Message);
        Assert.Contains("no memory any more", Assert.Throws<EdgeLiteException>(() => there.CopyTo(gone)).Message);
        Assert.Contains("no memory any more", Assert.Throws<EdgeLiteException>(gone.Clone).Message);
    }

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.Int64)]
    [InlineData(DType.UInt4)]
    [InlineData(DType.Bool)]
    public void An_element_outside_a_tensor_is_refused(DType type)
    {
        var tensor = new Tensor(type, new Shape(2, 3));
        tensor.SetInt64(5, 1);
        Assert.Equal(1, tensor.GetInt64(5));
        foreach (long i in new long[] { -1, 6, long.MaxValue, long.MinValue })
        {
            Assert.Throws<EdgeLiteException>(() => tensor.GetInt64(i));
            Assert.Throws<EdgeLiteException>(() => tensor.GetDouble(i));
            Assert.Throws<EdgeLiteException>(() => tensor.SetInt64(i, 1));
            Assert.Throws<EdgeLiteException>(() => tensor.SetDouble(i, 1));
        }
    }

    [Fact]
    public void Elements_are_read_as_what_they_are()
    {
        Shape shape = new(2, 3);
        using Tensor floats = new(DType.Float32, shape), doubles = new(DType.Float64, shape), halves = new(DType.Float16, shape), brain = new(DType.BFloat16, shape),
            ints = new(DType.Int32, shape), longs = new(DType.Int64, shape), bytes = new(DType.UInt8, shape), bools = new(DType.Bool, shape),
            nibbles = new(DType.Int4, shape), complex = new(DType.Complex64, shape);
        Assert.Equal(6, floats.Span<float>().Length);
        Assert.Equal(6, ints.Span<uint>().Length);
        Assert.Equal(6, longs.Span<ulong>().Length);
        Assert.Equal(6, bytes.Span<sbyte>().Length);
        Assert.Equal(6, bools.Span<bool>().Length);
        Assert.Equal(6, bools.Span<byte>().Length);
        Assert.Equal(6, halves.Span<Half>().Length);
        Assert.Equal(6, halves.Span<ushort>().Length);
        Assert.Equal(6, brain.Span<ushort>().Length);
        Assert.Equal(6, complex.Span<System.Numerics.Vector2>().Length);
        Refused(() => floats.Span<int>(), "float32[2,3]", "int32");
        Refused(() => floats.Span<uint>(), "float32[2,3]", "uint32");
        Refused(() => doubles.Span<long>(), "float64[2,3]", "int64");
        Refused(() => ints.Span<float>(), "int32[2,3]", "float32");
        Refused(() => longs.Span<double>(), "int64[2,3]", "float64");
        Refused(() => brain.Span<Half>(), "bfloat16[2,3]", "float16");
        Refused(() => bytes.Span<bool>(), "uint8[2,3]", "bool");
        Refused(() => floats.Span<byte>(), "float32[2,3]", "uint8");
        Refused(() => complex.Span<double>(), "complex64[2,3]", "float64");
        Refused(() => floats.Span<System.Numerics.Vector2>(), "float32[2,3]", "8 bytes");
        Refused(() => nibbles.Span<byte>(), "int4[2,3]", "Bytes");
        Refused(() => Tensor.FromStrings(["a"], Shape.Scalar).Span<byte>(), "string", "Strings");
        Refused(() => Tensor.Sequence(DType.Float32, floats).Span<float>(), "float32", "Elements");

        static void Refused(Action read, string type, string said)
        {
            string message = Assert.Throws<EdgeLiteException>(read).Message;
            Assert.Contains(type, message, StringComparison.Ordinal);
            Assert.Contains(said, message, StringComparison.Ordinal);
        }
    }
}
