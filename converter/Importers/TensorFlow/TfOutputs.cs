using System.Globalization;
using EdgeLite.Converter.Importers.TensorFlow.Proto;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>Inside functions, outputs are referred to by the names of the operator's definition (node:output:number). These are the
/// operators with more than one named output (tensorflow/core/ops/*.cc); for all others the number counts.</summary>
internal static class TfOutputs
{
    private static readonly Dictionary<string, string[]> s_names = new(StringComparer.Ordinal)
    {
        ["Switch"] = ["output_false", "output_true"],
        ["Merge"] = ["output", "value_index"],
        ["TopK"] = ["values", "indices"],
        ["TopKV2"] = ["values", "indices"],
        ["Unique"] = ["y", "idx"],
        ["UniqueV2"] = ["y", "idx"],
        ["FusedBatchNorm"] = ["y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2"],
        ["FusedBatchNormV2"] = ["y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2"],
        ["FusedBatchNormV3"] = ["y", "batch_mean", "batch_variance", "reserve_space_1", "reserve_space_2", "reserve_space_3"],
        ["MaxPoolWithArgmax"] = ["output", "argmax"],
        ["NonMaxSuppressionV4"] = ["selected_indices", "valid_outputs"],
        ["NonMaxSuppressionV5"] = ["selected_indices", "selected_scores", "valid_outputs"],
        ["CombinedNonMaxSuppression"] = ["nmsed_boxes", "nmsed_scores", "nmsed_classes", "valid_detections"],
        ["TensorArrayV3"] = ["handle", "flow"],
        ["TensorArrayConcatV3"] = ["value", "lengths"],
        ["TensorListPopBack"] = ["output_handle", "tensor"],
        ["TensorListConcat"] = ["tensor", "lengths"],
        ["TensorListConcatV2"] = ["tensor", "lengths"],
        ["SoftmaxCrossEntropyWithLogits"] = ["loss", "backprop"],
        ["SparseSoftmaxCrossEntropyWithLogits"] = ["loss", "backprop"],
        ["UniqueWithCounts"] = ["y", "idx", "count"],
        ["UniqueWithCountsV2"] = ["y", "idx", "count"],
        ["StatelessRandomGetKeyCounter"] = ["key", "counter"],
        ["StatelessRandomGetKeyCounterAlg"] = ["key", "counter", "alg"],
        ["ListDiff"] = ["out", "idx"],
        ["ListDiffV2"] = ["out", "idx"],
        ["BlockLSTM"] = ["i", "cs", "f", "o", "ci", "co", "h"],
        ["BlockLSTMV2"] = ["i", "cs", "f", "o", "ci", "co", "h"],
        ["LSTMBlockCell"] = ["i", "cs", "f", "o", "ci", "co", "h"],
        ["GRUBlockCell"] = ["r", "u", "c", "h"],
        ["Lu"] = ["lu", "p"],
        ["Svd"] = ["s", "u", "v"],
        ["XlaKeyValueSort"] = ["sorted_keys", "sorted_values"],
        ["BroadcastGradientArgs"] = ["r0", "r1"],
    };

    /// <summary>"node:output name:3" as "node:5"; arguments of the function and control inputs stay.</summary>
    public static string Plain(string reference, IReadOnlyDictionary<string, NodeDef> nodes, TfModel model)
    {
        if (reference.StartsWith('^')) return reference;
        string[] parts = reference.Split(':');
        if (parts.Length != 3) return reference;
        if (!nodes.TryGetValue(parts[0], out NodeDef? node) || !int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return reference;
        if (s_names.TryGetValue(node.Op, out string[]? names)) number += Math.Max(0, Array.IndexOf(names, parts[1]));
        else if (model.Function(node.Op) is { } function) number += Math.Max(0, function.Signature.OutputArg.ToList().FindIndex(a => a.Name == parts[1]));
        return $"{parts[0]}:{number}";
    }
}
