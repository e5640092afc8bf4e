using EdgeLite.Converter.Importers.Caffe.Proto;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Caffe;

/// <summary>Brings layers of the two older generations into the form of the current one (what Caffe's util/upgrade_proto.cpp does).</summary>
internal static class CaffeUpgrade
{
    /// <summary>All layers of a network in the current form. A file has layers of one generation.</summary>
    public static IEnumerable<LayerParameter> Layers(NetParameter net)
    {
        foreach (LayerParameter layer in net.Layer) yield return layer;
        long pendingPad = 0;
        string? paddedTop = null, paddedBottom = null;
        foreach (V1LayerParameter old in net.Layers)
        {
            LayerParameter layer = old.Layer != null ? FromV0(old) : FromV1(old);
            if (layer.Type == "padding")
            {
                // The oldest files pad in a layer of its own, which belongs to the convolution after it.
                (pendingPad, paddedTop, paddedBottom) = (old.Layer!.Pad, layer.Top[0], layer.Bottom[0]);
                continue;
            }
            if (paddedTop != null && layer.Bottom.Count > 0 && layer.Bottom[0] == paddedTop)
            {
                layer.Bottom[0] = paddedBottom;
                if (layer.ConvolutionParam != null) { layer.ConvolutionParam.Pad.Clear(); layer.ConvolutionParam.Pad.Add((uint)pendingPad); }
                else if (layer.PoolingParam != null) layer.PoolingParam.Pad = (uint)pendingPad;
                else throw new EdgeLiteException(Status.Unsupported, $"Layer '{layer.Name}': a padding layer stands before a {layer.Type}.");
            }
            yield return layer;
        }
    }

    private static LayerParameter FromV1(V1LayerParameter v)
    {
        var layer = new LayerParameter { Name = v.Name, Type = TypeName(v.Type) };
        layer.Bottom.Add(v.Bottom);
        layer.Top.Add(v.Top);
        layer.Blobs.Add(v.Blobs);
        layer.Include.Add(v.Include);
        layer.Exclude.Add(v.Exclude);
        layer.ArgmaxParam = v.ArgmaxParam;
        layer.ConcatParam = v.ConcatParam;
        layer.ConvolutionParam = v.ConvolutionParam;
        layer.DummyDataParam = v.DummyDataParam;
        layer.EltwiseParam = v.EltwiseParam;
        layer.ExpParam = v.ExpParam;
        layer.InnerProductParam = v.InnerProductParam;
        layer.LrnParam = v.LrnParam;
        layer.MvnParam = v.MvnParam;
        layer.PoolingParam = v.PoolingParam;
        layer.PowerParam = v.PowerParam;
        layer.ReluParam = v.ReluParam;
        layer.SoftmaxParam = v.SoftmaxParam;
        layer.SliceParam = v.SliceParam;
        layer.ThresholdParam = v.ThresholdParam;
        return layer;
    }

    private static string TypeName(V1LayerParameter.Types.LayerType type) => type switch
    {
        V1LayerParameter.Types.LayerType.Absval => "AbsVal",
        V1LayerParameter.Types.LayerType.Argmax => "ArgMax",
        V1LayerParameter.Types.LayerType.Bnll => "BNLL",
        V1LayerParameter.Types.LayerType.DummyData => "DummyData",
        V1LayerParameter.Types.LayerType.Hdf5Data => "HDF5Data",
        V1LayerParameter.Types.LayerType.Hdf5Output => "HDF5Output",
        V1LayerParameter.Types.LayerType.Im2Col => "Im2col",
        V1LayerParameter.Types.LayerType.ImageData => "ImageData",
        V1LayerParameter.Types.LayerType.InnerProduct => "InnerProduct",
        V1LayerParameter.Types.LayerType.Lrn => "LRN",
        V1LayerParameter.Types.LayerType.MemoryData => "MemoryData",
        V1LayerParameter.Types.LayerType.Mvn => "MVN",
        V1LayerParameter.Types.LayerType.Relu => "ReLU",
        V1LayerParameter.Types.LayerType.SoftmaxLoss => "SoftmaxWithLoss",
        V1LayerParameter.Types.LayerType.Tanh => "TanH",
        V1LayerParameter.Types.LayerType.WindowData => "WindowData",
        _ => type.ToString(),
    };

    private static LayerParameter FromV0(V1LayerParameter v)
    {
        V0LayerParameter o = v.Layer;
        var layer = new LayerParameter { Name = o.Name };
        layer.Bottom.Add(v.Bottom);
        layer.Top.Add(v.Top);
        layer.Blobs.Add(o.Blobs);
        switch (o.Type)
        {
            case "conv":
                layer.Type = "Convolution";
                layer.ConvolutionParam = new ConvolutionParameter { NumOutput = o.NumOutput, BiasTerm = o.Biasterm, Group = o.Group };
                layer.ConvolutionParam.KernelSize.Add(o.Kernelsize);
                layer.ConvolutionParam.Stride.Add(o.Stride);
                layer.ConvolutionParam.Pad.Add(o.Pad);
                break;
            case "pool":
                layer.Type = "Pooling";
                layer.PoolingParam = new PoolingParameter { Pool = (PoolingParameter.Types.PoolMethod)o.Pool, KernelSize = o.Kernelsize, Stride = o.Stride, Pad = o.Pad };
                break;
            case "innerproduct":
                layer.Type = "InnerProduct";
                layer.InnerProductParam = new InnerProductParameter { NumOutput = o.NumOutput, BiasTerm = o.Biasterm };
                break;
            case "lrn":
                layer.Type = "LRN";
                layer.LrnParam = new LRNParameter { LocalSize = o.LocalSize, Alpha = o.Alpha, Beta = o.Beta, K = o.K };
                break;
            case "concat":
                layer.Type = "Concat";
                layer.ConcatParam = new ConcatParameter { Axis = (int)o.ConcatDim };
                break;
            default:
                layer.Type = o.Type switch
                {
                    "relu" => "ReLU",
                    "dropout" => "Dropout",
                    "softmax" => "Softmax",
                    "softmax_loss" => "SoftmaxWithLoss",
                    "sigmoid" => "Sigmoid",
                    "tanh" => "TanH",
                    "bnll" => "BNLL",
                    "flatten" => "Flatten",
                    "split" => "Split",
                    "accuracy" => "Accuracy",
                    "data" => "Data",
                    _ => o.Type,
                };
                break;
        }
        return layer;
    }
}
