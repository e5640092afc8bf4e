using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Passes;

/// <summary>Composes Transposes that follow each other, removes those that cancel, and transposes constants at once.</summary>
public sealed class TransposeChains : IGraphPass
{
    public string Name => "transpose-chains";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
            if (node.Is("Transpose") && graph.Find(node.Output.Name)?.Producer == node) changed |= Compose(graph, node);
        return changed;
    }

    /// <summary>Merges <paramref name="node"/>, a Transpose, with what it reads.</summary>
    public static bool Compose(Graph graph, Node node)
    {
        if (Match.Permutation(node) is not { } perm || node.Input(0) is not { } x) return false;
        if (x.Constant is { } constant)
        {
            if (Match.IsOutput(graph, node.Output)) return false;
            Value folded = graph.AddConstant(node.Output.Name, Transposed(constant, perm));
            Rewrite.Replace(graph, node.Output, folded, keepName: true);
            return true;
        }
        if (Match.IsIdentity(perm))
        {
            Rewrite.Replace(graph, node.Output, x);
            return true;
        }
        if (Match.Producer(x, "Transpose") is not { } first || Match.Permutation(first) is not { } firstPerm) return false;
        // y.dim[k] = m.dim[perm[k]] = x.dim[firstPerm[perm[k]]]
        int[] composed = [.. perm.Select(k => firstPerm[k])];
        Value source = first.Input(0)!;
        Value y = Match.IsIdentity(composed) ? source : Rewrite.Transpose(graph, node, source, composed, node.Output.Name);
        Rewrite.Replace(graph, node.Output, y, keepName: y != source);
        return true;
    }

    /// <summary>A transposed copy: dimension k of the result is dimension perm[k] of <paramref name="x"/>.</summary>
    public static Tensor Transposed(Tensor x, int[] perm)
    {
        int rank = perm.Length;
        var dims = new long[rank];
        var strides = new long[rank];
        for (int k = 0; k < rank; k++)
        {
            dims[k] = x.Shape[perm[k]];
            strides[k] = x.Shape.Product(perm[k] + 1, rank);
        }
        var y = new Tensor(x.DType, new Shape(dims));
        var index = new long[rank];
        int size = x.DType.Size();
        long from = 0;
        for (long to = 0, count = y.Count; to < count; to++)
        {
            if (x.Strings != null) y.Strings![to] = x.Strings[from];
            else if (size > 0)
                unsafe { Buffer.MemoryCopy(x.Data + from * size, y.Data + to * size, size, size); }
            else y.SetInt64(to, x.GetInt64(from));
            for (int k = rank - 1; k >= 0; k--)
            {
                from += strides[k];
                if (++index[k] < dims[k]) break;
                from -= strides[k] * dims[k];
                index[k] = 0;
            }
        }
        return y;
    }
}
