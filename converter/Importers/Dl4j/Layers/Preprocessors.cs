using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Dl4j.Layers;

/// <summary>Preprocessors between layers that want different forms (org.deeplearning4j.nn.conf.preprocessor).</summary>
internal static class Preprocessors
{
    [Dl4j("CnnToFeedForwardPreProcessor", "cnnToFeedForward")]
    private static Dl4jTensor CnnToFeedForward(Dl4jLayer l)
    {
        if (!l.X.Shape.IsRanked) l.Refine(Size(l, "numChannels"), Size(l, "inputHeight"), Size(l, "inputWidth"));
        return l.Rank == 2 ? l.Input : l.Result(l.Emit("Flatten", [l.X], ("axis", 1)));
    }

    [Dl4j("Cnn3DToFeedForwardPreProcessor", "cnn3DToFeedForward")]
    private static Dl4jTensor Cnn3DToFeedForward(Dl4jLayer l) => l.Rank == 2 ? l.Input : l.Result(l.Emit("Flatten", [l.X], ("axis", 1)));

    /// <summary>Of versions that imported TensorFlow-backed Keras models: rows of places, the channels fastest.</summary>
    [Dl4j("TensorFlowCnnToFeedForwardPreProcessor")]
    private static Dl4jTensor TensorFlowCnnToFeedForward(Dl4jLayer l) => l.Rank == 2 ? l.Input : l.Result(l.Emit("Flatten", [l.Transpose(l.X, 0, 2, 3, 1)], ("axis", 1)));

    [Dl4j("FeedForwardToCnnPreProcessor", "feedForwardToCnn")]
    private static Dl4jTensor FeedForwardToCnn(Dl4jLayer l)
    {
        long channels = l.Config.Int("numChannels", 1), height = l.Config.Int("inputHeight"), width = l.Config.Int("inputWidth");
        l.Refine(checked(channels * height * width));
        return l.Rank == 4 ? l.Input : l.Result(l.Reshape(l.X, -1, channels, height, width));
    }

    [Dl4j("FeedForwardToCnn3DPreProcessor")]
    private static Dl4jTensor FeedForwardToCnn3D(Dl4jLayer l) =>
        l.Rank == 5 ? l.Input : l.Result(l.Reshape(l.X, -1, l.Config.Int("numChannels", 1), l.Config.Int("inputDepth"), l.Config.Int("inputHeight"), l.Config.Int("inputWidth")));

    [Dl4j("RnnToFeedForwardPreProcessor", "rnnToFeedForward")]
    private static Dl4jTensor RnnToFeedForward(Dl4jLayer l)
    {
        l.Refine(-1, -1);
        l.RequireRank(3, "[batch, features, steps]");
        return new(l.IsChannelsLast ? l.X : l.Transpose(l.X, 0, 2, 1), IsRows: true);
    }

    [Dl4j("FeedForwardToRnnPreProcessor", "feedForwardToRnn", Limits = "without RnnToFeedForwardPreProcessor before it")]
    private static Dl4jTensor FeedForwardToRnn(Dl4jLayer l)
    {
        if (!l.Input.IsRows) throw l.InputError("the steps of its input are not known: no rnnToFeedForward comes before it");
        return new(l.IsChannelsLast ? l.X : l.Transpose(l.X, 0, 2, 1));
    }

    /// <summary>[batch, features, steps] to pictures [steps * batch, channels, height, width].</summary>
    [Dl4j("RnnToCnnPreProcessor", "rnnToCnn")]
    private static Dl4jTensor RnnToCnn(Dl4jLayer l)
    {
        long channels = l.Config.Int("numChannels"), height = l.Config.Int("inputHeight"), width = l.Config.Int("inputWidth");
        l.Refine(checked(channels * height * width), -1);
        l.RequireRank(3, "[batch, features, steps]");
        Value time = l.Transpose(l.X, 2, 0, 1);
        return new(l.Reshape(time, -1, channels, height, width), Steps: time);
    }

    [Dl4j("CnnToRnnPreProcessor", "cnnToRnn", Limits = "without RnnToCnnPreProcessor before it")]
    private static Dl4jTensor CnnToRnn(Dl4jLayer l)
    {
        if (l.Input.Steps is not { } time) throw l.InputError("the steps of its input are not known: no rnnToCnn comes before it");
        Value flat = l.Emit("Flatten", [l.X], ("axis", 1)), outer = l.Emit("Shape", [time], ("start", 0), ("end", 2));
        long features = flat.Shape[1];
        Value size = l.Emit("Concat", [outer, features >= 0 ? l.Ints(features) : l.Emit("Shape", [flat], ("start", 1), ("end", 2))], ("axis", 0));
        return new(l.Transpose(l.Emit("Reshape", [flat, size]), 1, 2, 0));
    }

    [Dl4j("ComposableInputPreProcessor", "composableInput")]
    private static Dl4jTensor Composable(Dl4jLayer l)
    {
        if (l.Config.Get("inputPreProcessors") is not { ValueKind: System.Text.Json.JsonValueKind.Array } list || list.GetArrayLength() > 32) throw l.Damaged("it has no list of preprocessors");
        Dl4jTensor[] values = l.Inputs;
        foreach (System.Text.Json.JsonElement item in list.EnumerateArray())
        {
            var inner = new Dl4jConfig(item, "a preprocessor");
            values = [l.Convert(inner, $"{l.Name}/{inner.Kind}", values)];
        }
        return values[0];
    }

    /// <summary>Keras's Reshape: the sizes behind the batch.</summary>
    [Dl4j("ReshapePreprocessor", "ReshapePreProcessor", "reshape")]
    private static Dl4jTensor Reshape(Dl4jLayer l)
    {
        long[] shape = l.Config.Ints("targetShape") ?? throw l.Damaged("it has no targetShape");
        return l.Result(l.Reshape(l.X, l.Config.Bool("hasMiniBatchDimension", false) ? [-1, .. shape[1..]] : [-1, .. shape]));
    }

    [Dl4j("PermutePreprocessor")]
    private static Dl4jTensor Permute(Dl4jLayer l) => l.Result(l.Transpose(l.X, [0, .. l.Config.Ints("permutationIndices") ?? throw l.Damaged("it has no permutationIndices")]));

    [Dl4j("KerasFlattenRnnPreprocessor")] private static Dl4jTensor FlattenRnn(Dl4jLayer l) => l.Result(l.Emit("Flatten", [l.X], ("axis", 1)));

    private static long Size(Dl4jLayer l, string key) => l.Config.Int(key, 0) is > 0 and var n ? n : -1;
}
