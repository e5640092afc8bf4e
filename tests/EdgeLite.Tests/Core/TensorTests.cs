using System.Runtime.CompilerServices;

namespace EdgeLite.Tests.Core;

public class TensorTests
{
    [Fact]
    public void A_reshaped_tensor_keeps_its_memory_alive()
    {
        (Tensor view, WeakReference owner) = View();
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.True(owner.IsAlive);
        Assert.Equal([1, 2, 3, 4], view.Span<float>().ToArray());
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

    /// <summary>A view of a view, whose owner nothing else refers to.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (Tensor View, WeakReference Owner) View()
    {
        Tensor owner = Tensor.FromArray<float>([1, 2, 3, 4], new Shape(4));
        return (owner.Reshaped(new Shape(2, 2)).Reshaped(new Shape(1, 4)), new WeakReference(owner));
    }
}
