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

    /// <summary>A view of a view, whose owner nothing else refers to.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (Tensor View, WeakReference Owner) View()
    {
        Tensor owner = Tensor.FromArray<float>([1, 2, 3, 4], new Shape(4));
        return (owner.Reshaped(new Shape(2, 2)).Reshaped(new Shape(1, 4)), new WeakReference(owner));
    }
}
