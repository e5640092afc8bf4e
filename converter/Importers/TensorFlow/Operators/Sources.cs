using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow.Operators;

/// <summary>Constants, variables, and nodes that pass their input on.</summary>
internal static class Sources
{
    [TensorFlow("Const")]
    private static void Const(TfNode n)
    {
        Tensor value = n.Scope.Model.Constants.TryGetValue(n.Name, out Tensor? stored) ? stored
            : TfTensors.Read(n.Attr("value")?.Tensor ?? throw n.Damaged("it has no value"), n.Name);
        n.Set(n.Graph.AddConstant(n.Name, value));
    }

    [TensorFlow("Placeholder", "PlaceholderV2")]
    private static void Placeholder(TfNode n) => throw n.Error("this input is not among the inputs of the chosen signature");

    [TensorFlow("PlaceholderWithDefault", "Identity", "StopGradient", "PreventGradient", "Snapshot", "CheckNumerics", "CheckNumericsV2", "DeepCopy", "EnsureShape",
        "NextIteration", "RefNextIteration", "RefIdentity", "ReadVariableOp", "_ReadVariablesOp", "PlaceholderV3", "DebugIdentity", "DebugIdentityV2", "Copy", "CopyHost", "_EagerConst",
        "GuaranteeConst", "DebugGradientIdentity", "Print")]
    private static void PassOn(TfNode n) => n.Set(n.Item(0) is TfVariableItem && n.Op == "ReadVariableOp" ? n.In(0) : n.Item(0));

    /// <summary>Random numbers, [0, 1) or of the normal distribution; dropout that is switched off uses them too.</summary>
    [TensorFlow("RandomUniform", "RandomStandardNormal", "StatelessRandomUniform", "StatelessRandomUniformV2", "StatelessRandomNormal", "StatelessRandomNormalV2")]
    private static void Random(TfNode n)
    {
        Value zeros = n.Emit("Expand", [n.Scalar(n.Type("dtype", DType.Float32), 0), n.Int64(0)]);
        n.Set(n.Emit(n.Op.Contains("Uniform", StringComparison.Ordinal) ? "RandomUniformLike" : "RandomNormalLike", [zeros]));
    }

    /// <summary>Where a random generator stands: what draws from it does not ask.</summary>
    [TensorFlow("StatelessRandomGetKeyCounter", "StatelessRandomGetKeyCounterAlg", "StatelessRandomGetAlg", "RngReadAndSkip")]
    private static void RandomState(TfNode n)
    {
        n.Set(0, n.Op == "StatelessRandomGetAlg" ? n.Scalar(DType.Int32, 1) : n.Const(new Tensor(DType.UInt64, new Shape(n.Op == "RngReadAndSkip" ? 3 : 1))));
        n.Set(1, n.Const(new Tensor(DType.UInt64, new Shape(2))));
        n.Set(2, n.Scalar(DType.Int32, 1));
    }

    [TensorFlow("IdentityN")]
    private static void IdentityN(TfNode n)
    {
        for (int i = 0; i < n.InputCount; i++) n.Set(i, n.Item(i));
    }

    [TensorFlow("VarIsInitializedOp", "IsVariableInitialized", Notes = "true: variables have their stored values")]
    private static void IsInitialized(TfNode n) => n.Set(n.Scalar(DType.Bool, 1));

    [TensorFlow("NoOp", "Assert", "PrintV2")]
    private static void Nothing(TfNode n) { }

    [TensorFlow("VarHandleOp")]
    private static void VarHandle(TfNode n)
    {
        string name = n.String("shared_name");
        n.Set(new TfVariableItem(name.Length > 0 ? name : n.Name));
    }

    [TensorFlow("Variable", "VariableV2", "TemporaryVariable")]
    private static void Variable(TfNode n) => n.Set(n.Scope.Model.Variable(n.Name, n));

    [TensorFlow("MutableHashTableV2", "Iterator", "IteratorV2")]
    private static void Opaque(TfNode n) => n.Set(new TfOpaqueItem($"a resource ({n.Op})"));

    /// <summary>A variable that changes is a state that lives from run to run.</summary>
    [TensorFlow("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", Limits = "inside conditions and loops")]
    private static void AssignVariable(TfNode n)
    {
        if (n.Item(0) is not TfVariableItem variable) throw n.InputError("it assigns what is no variable");
        n.Scope.Model.Assign(variable.Name, n, n.Op switch { "AssignAddVariableOp" => n.Add(n.In(0), n.In(1)), "AssignSubVariableOp" => n.Sub(n.In(0), n.In(1)), _ => n.In(1) });
    }

    /// <summary>The value that is assigned is the result.</summary>
    [TensorFlow("Assign")]
    private static void Assign(TfNode n) => n.Set(n.In(1));

    [TensorFlow("AssignAdd")]
    private static void AssignAdd(TfNode n) => n.Set(n.Add(n.In(0), n.In(1)));

    [TensorFlow("AssignSub")]
    private static void AssignSub(TfNode n) => n.Set(n.Sub(n.In(0), n.In(1)));
}
