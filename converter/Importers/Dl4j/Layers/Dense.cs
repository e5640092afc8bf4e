using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Dl4j.Layers;

/// <summary>Fully connected layers and those without a place of their own. Weights: W [in, out] column by column, then the bias
/// (org.deeplearning4j.nn.params.DefaultParamInitializer).</summary>
internal static class Dense
{
    [Dl4j("DenseLayer", "dense")]
    private static Dl4jTensor DenseLayer(Dl4jLayer l) => l.Result(Activations.Apply(l, Product(l)));

    [Dl4j("OutputLayer", "output")]
    private static Dl4jTensor OutputLayer(Dl4jLayer l) => l.Result(Activations.Apply(l, Product(l)));

    [Dl4j("RBM", Notes = "the way up: a dense layer; HiddenUnit decides where no activation is given")]
    private static Dl4jTensor Rbm(Dl4jLayer l) => Pretrained(l);

    [Dl4j("AutoEncoder", Notes = "the encoder")]
    private static Dl4jTensor AutoEncoder(Dl4jLayer l) => Pretrained(l);

    /// <summary>Behind W and b stands the bias of the visible side, which the way up does not use (PretrainParamInitializer).</summary>
    private static Dl4jTensor Pretrained(Dl4jLayer l)
    {
        Value product = Product(l);
        l.Weights.Take(l, l.Config.Int("nin"));
        string unit = l.Config.Text("hiddenUnit", "BINARY");
        return l.Result(Activations.Apply(l, product, otherwise: unit switch { "RECTIFIED" => "relu", "SOFTMAX" => "softmax", "GAUSSIAN" or "IDENTITY" => "identity", _ => "sigmoid" }));
    }

    [Dl4j("CenterLossOutputLayer", Notes = "the centers are of training only")]
    private static Dl4jTensor CenterLoss(Dl4jLayer l)
    {
        Value product = Product(l);
        l.Weights.Take(l, l.Config.Int("nout"), l.Config.Int("nin"));
        return l.Result(Activations.Apply(l, product));
    }

    /// <summary>On sequences [batch, features, steps], each step alone.</summary>
    [Dl4j("RnnOutputLayer", "rnnoutput")]
    private static Dl4jTensor RnnOutput(Dl4jLayer l)
    {
        if (l.Input.IsRows) return DenseLayer(l);
        l.Refine(l.IsChannelsLast ? [-1, l.Config.Int("nin")] : [l.Config.Int("nin"), -1]);
        l.RequireRank(3, "[batch, features, steps]");
        if (l.IsChannelsLast) return l.Result(Activations.Apply(l, Affine(l, l.X), 2));
        return l.Result(l.Transpose(Activations.Apply(l, Affine(l, l.Transpose(l.X, 0, 2, 1)), 2), 0, 2, 1));
    }

    [Dl4j("LossLayer", "loss")] private static Dl4jTensor Loss(Dl4jLayer l) => l.Result(Activations.Apply(l, l.X, otherwise: "identity"));
    [Dl4j("RnnLossLayer")] private static Dl4jTensor RnnLoss(Dl4jLayer l) => l.Result(Activations.Apply(l, l.X, l.Input.IsRows || l.IsChannelsLast ? 2 : 1, "identity"));

    /// <summary>A softmax goes over the channels of each place.</summary>
    [Dl4j("CnnLossLayer")] private static Dl4jTensor CnnLoss(Dl4jLayer l) => l.Result(Activations.Apply(l, l.X, l.IsChannelsLast ? l.Rank - 1 : 1, "identity"));
    [Dl4j("Cnn3DLossLayer")] private static Dl4jTensor Cnn3DLoss(Dl4jLayer l) => CnnLoss(l);

    [Dl4j("ActivationLayer", "activation", Limits = "softmax over more than two dimensions")] private static Dl4jTensor Activation(Dl4jLayer l) => l.Result(Activations.Apply(l, l.X));
    [Dl4j("DropoutLayer", "dropout", Notes = "nothing outside training")] private static Dl4jTensor Dropout(Dl4jLayer l) => l.Input;

    [Dl4j("FrozenLayer", "FrozenLayerWithBackprop")] private static Dl4jTensor Frozen(Dl4jLayer l) => l.Convert(l.Config.Inner("layer", "underlying"), l.Name, l.Inputs);

    /// <summary>Indices of shape [batch, 1].</summary>
    [Dl4j("EmbeddingLayer", "embedding")]
    private static Dl4jTensor Embedding(Dl4jLayer l)
    {
        l.Refine(1);
        Value index = l.Emit("Cast", [l.Reshape(l.X, -1)], ("to", (long)DType.Int64));
        return l.Result(Activations.Apply(l, Looked(l, index), otherwise: "identity"));
    }

    /// <summary>Indices of shape [batch, steps] or [batch, 1, steps] become [batch, features, steps].</summary>
    [Dl4j("EmbeddingSequenceLayer")]
    private static Dl4jTensor EmbeddingSequence(Dl4jLayer l)
    {
        l.Refine(l.Config.Int("inputLength", 1) is > 1 and var length && !l.Config.Bool("inferInputLength", true) ? length : -1);
        Value index = l.Emit("Cast", [l.Rank == 3 ? l.Emit("Squeeze", [l.X, l.Ints(1)]) : l.X], ("to", (long)DType.Int64));
        Value y = Activations.Apply(l, Looked(l, index), 2, "identity");
        return l.Result(l.Config.Text("outputFormat", "NCW") == "NWC" ? y : l.Transpose(y, 0, 2, 1));
    }

    private static Value Looked(Dl4jLayer l, Value index)
    {
        Value y = l.Emit("Gather", [l.Constant("W", l.Weights.TakeColumns(l, l.Config.Int("nin"), l.Config.Int("nout"))), index], ("axis", 0));
        return l.Config.Bool("hasBias", true) ? l.Emit("Add", [y, l.Constant("b", l.Weights.Take(l, l.Config.Int("nout")))]) : y;
    }

    /// <summary>x * w + b, element by element.</summary>
    [Dl4j("ElementWiseMultiplicationLayer", "ElementWiseMult")]
    private static Dl4jTensor Elementwise(Dl4jLayer l)
    {
        l.Refine(l.Config.Int("nin"));
        Value y = l.Emit("Mul", [l.X, l.Constant("W", l.Weights.Take(l, l.Config.Int("nin")))]);
        return l.Result(Activations.Apply(l, l.Emit("Add", [y, l.Constant("b", l.Weights.Take(l, l.Config.Int("nout")))])));
    }

    [Dl4j("PReLULayer")]
    private static Dl4jTensor Prelu(Dl4jLayer l)
    {
        long[] shape = l.Config.Ints("inputShape") ?? throw l.Damaged("it has no inputShape");
        foreach (long axis in l.Config.Ints("sharedAxes") ?? []) shape[axis - 1] = 1;
        return l.Result(l.Emit("PRelu", [l.X, l.Constant("W", l.Weights.Take(l, shape))]));
    }

    private static Value Product(Dl4jLayer l)
    {
        l.Refine(l.Config.Int("nin"));
        if (l.Rank != 2 && !(l.Rank == 3 && l.Input.IsRows)) throw l.InputError($"its input has shape {l.X.Shape}, expected [batch, {l.Config.Int("nin")}]; a preprocessor is missing");
        return Affine(l, l.X);
    }

    /// <summary>x W + b; with layer normalization the product is standardized and scaled by g before the bias comes.</summary>
    private static Value Affine(Dl4jLayer l, Value x)
    {
        long inputs = l.Config.Int("nin"), outputs = l.Config.Int("nout");
        Value w = l.Constant("W", l.Weights.TakeColumns(l, inputs, outputs));
        Value? b = l.Config.Bool("hasBias", true) ? l.Constant("b", l.Weights.Take(l, outputs)) : null;
        if (!l.Config.Bool("hasLayerNorm", false))
        {
            if (l.RankOf(x) == 2) return l.Emit("Gemm", b == null ? [x, w] : [x, w, b]);
            Value product = l.Emit("MatMul", [x, w]);
            return b == null ? product : l.Emit("Add", [product, b]);
        }
        Value gain = l.Constant("g", l.Weights.Take(l, outputs));
        Value scaled = l.Emit("LayerNormalization", [l.Emit("MatMul", [x, w]), gain], ("axis", -1), ("epsilon", 0f));
        return b == null ? scaled : l.Emit("Add", [scaled, b]);
    }
}
