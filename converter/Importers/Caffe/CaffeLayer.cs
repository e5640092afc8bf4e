using EdgeLite.Converter.Importers.Caffe.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Caffe;

/// <summary>Marks a method <c>static void (CaffeLayer)</c> that converts layers of these types.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CaffeAttribute(params string[] types) : ForeignLayerAttribute(types);

/// <summary>The map from Caffe's layer types to their conversions.</summary>
internal static class CaffeLayers
{
    private static readonly Dictionary<string, Action<CaffeLayer>> s_all = ForeignLayers.Conversions<CaffeAttribute, Action<CaffeLayer>>();

    /// <summary>A layer of type Python is known by the class of its code.</summary>
    public static Action<CaffeLayer>? Find(LayerParameter layer) => s_all.GetValueOrDefault(layer.Type == "Python" ? $"Python: {layer.PythonParam?.Layer}" : layer.Type);
}

/// <summary>One layer while it is converted: its bottoms as values, its weights, and where its tops go.</summary>
internal sealed class CaffeLayer(Graph graph, LayerParameter layer, IList<BlobProto> blobs, Dictionary<string, Value> current) : NodeBuilder(graph, layer.Name, $"Layer '{layer.Name}' ({layer.Type})")
{
    public LayerParameter Parameter { get; } = layer;
    public int BottomCount => Parameter.Bottom.Count;
    public int BlobCount => blobs.Count;

    public Value Bottom(int i = 0)
    {
        if (i >= BottomCount) throw Damaged($"bottom {i} is missing");
        return current.TryGetValue(Parameter.Bottom[i], out Value? value) ? value : throw Damaged($"bottom '{Parameter.Bottom[i]}' is the top of no layer before it");
    }

    /// <summary>Where the next result goes: the top's name, or the layer's where the blob has that name already (in-place layers).</summary>
    public void SetTop(int i, Value value)
    {
        if (i >= Parameter.Top.Count) return;
        current[Parameter.Top[i]] = value;
    }

    /// <summary>Numbers of a weight blob in the shape wanted, which must have as many elements.</summary>
    public Tensor Weights(int i, params ReadOnlySpan<long> dims)
    {
        BlobProto blob = i < blobs.Count ? blobs[i] : throw Damaged($"its weights (blob {i}) are not in the .caffemodel");
        long count = blob.Data.Count > 0 ? blob.Data.Count : blob.DoubleData.Count;
        long wanted = 1;
        foreach (long d in dims) wanted = checked(wanted * d);
        if (count != wanted) throw Damaged($"weight blob {i} has {count} numbers; expected {new Shape(dims)}");
        var tensor = new Tensor(DType.Float32, new Shape(dims));
        for (int k = 0; k < count; k++) tensor.SetDouble(k, blob.Data.Count > 0 ? blob.Data[k] : blob.DoubleData[k]);
        return tensor;
    }

    public long WeightCount(int i) => i < blobs.Count ? Math.Max(blobs[i].Data.Count, blobs[i].DoubleData.Count) : throw Damaged($"its weights (blob {i}) are not in the .caffemodel");
}
