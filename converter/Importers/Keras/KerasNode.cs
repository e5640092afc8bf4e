using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>One call of a layer while it is converted: its inputs, and where its results go.</summary>
internal sealed class KerasNode(KerasImporter importer, KerasLayer layer, KerasTensor[] inputs, IReadOnlyDictionary<string, KerasTensor[]> named)
    : NodeBuilder(importer.Graph, layer.Name, $"{layer.ClassName} '{layer.Name}'")
{
    public KerasImporter Importer { get; } = importer;
    public KerasLayer Layer { get; } = layer;
    public KerasTensor[] Inputs { get; } = inputs;

    /// <summary>Tensors given by keyword: initial_state, key, value ...</summary>
    public IReadOnlyDictionary<string, KerasTensor[]> Named { get; } = named;
    public KerasTensor[] Outputs { get; private set; } = [];
    public KerasConfig Config => Layer.Config;

    public Value X => Inputs.Length > 0 ? Inputs[0].Value : throw Error("it is called without an input");
    public Value? Mask => Inputs.Length > 0 ? Inputs[0].Mask : null;
    public int Rank => RankOf(X);

    /// <summary>The result; masks end here.</summary>
    public void Set(Value y) => Outputs = [new(y)];

    /// <summary>The result of a layer that hands the mask of its first input on.</summary>
    public void SetMasked(Value y) => Outputs = [new(y, Mask)];
    public void Set(params ReadOnlySpan<KerasTensor> outputs) => Outputs = outputs.ToArray();

    public Value Constant(string role, Func<Tensor> make) => Layer.Constant(Graph, role, make);
    public Value Concat(ReadOnlySpan<Value?> values, long axis) => Emit("Concat", values, ("axis", axis));

    public Value Slice(Value x, long axis, long from, long to, long step = 1) =>
        Emit("Slice", [x, Ints(from), Ints(to), Ints(axis), Ints(step)]);

    /// <summary>Applies a layer that wants the channels in second place.</summary>
    public Value InChannelsFirst(Func<Value, Value> apply) => Config.ChannelsFirst() ? apply(X) : ToChannelsLast(apply(ToChannelsFirst(X)));

    public void RequireRank(int rank)
    {
        if (Rank != rank) throw InputError($"its input has shape {X.Shape}, expected {rank} dimensions");
    }

    public Tensor RequireRank(Tensor weights, int rank, string role) =>
        weights.Shape.Rank == rank ? weights : throw Damaged($"its {role} has shape {weights.Shape}, expected {rank} dimensions");

    public Value Activate(Value x, string key = "activation") => Activations.Apply(this, x, Config.Get(key));
}
