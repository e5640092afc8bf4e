using EdgeLite.Core;
using EdgeLite.Format;
using EdgeLite.Ops;

namespace EdgeLite.Sessions;

/// <summary>
/// A graph with the type of every value worked out for given input types, and with the nodes already computed whose results do
/// not depend on input data: shape arithmetic and decompressed weights. When every remaining type is known the graph is
/// static: it can be planned and run blind.
/// </summary>
public sealed class TypedGraph
{
    private TypedGraph(GraphDefinition definition, Operator[] operators)
    {
        Definition = definition;
        Operators = operators;
        Types = new TensorType[definition.Values.Length];
        Constants = new Tensor?[definition.Values.Length];
        IsFolded = new bool[definition.Nodes.Length];
    }

    public GraphDefinition Definition { get; }

    /// <summary>One per node, parameters bound.</summary>
    public Operator[] Operators { get; }

    /// <summary>One per value.</summary>
    public TensorType[] Types { get; }

    /// <summary>One per value: constants of the file and results of folded nodes.</summary>
    public Tensor?[] Constants { get; }

    /// <summary>One per node: computed here, nothing to do at run time.</summary>
    public bool[] IsFolded { get; }

    public bool IsStatic { get; private set; }

    /// <summary>Throws when a graph uses operators that are neither built in nor registered, naming all of them and their nodes.</summary>
    public static void RequireOperators(IReadOnlyList<GraphDefinition> graphs)
    {
        var names = new List<string>();
        var unknown = new Dictionary<string, List<string>>();
        foreach (GraphDefinition graph in graphs)
            foreach (NodeDefinition node in graph.Nodes)
            {
                if (OperatorTable.Find(node.Domain, node.OpType) != null) continue;
                if (!unknown.TryGetValue(node.OperatorName, out List<string>? nodes))
                {
                    names.Add(node.OperatorName);
                    unknown[node.OperatorName] = nodes = [];
                }
                nodes.Add(node.Name);
            }
        if (unknown.Count == 0) return;
        var text = new System.Text.StringBuilder();
        foreach (string name in names)
        {
            List<string> nodes = unknown[name];
            text.Append(text.Length > 0 ? "; " : "").Append(name).Append(" (node").Append(nodes.Count > 1 ? "s " : " ")
                .Append(string.Join(", ", nodes.GetRange(0, Math.Min(nodes.Count, 5)))).Append(nodes.Count > 5 ? ", ...)" : ")");
        }
        throw new EdgeLiteException(Status.UnknownOperator,
            $"The model uses operators that this runtime does not have: {text}. Register them before the session is created, or convert the model with the release that it is to run on.");
    }

    /// <summary>Creates the operators of a graph once; throws naming all unknown ones.</summary>
    public static Operator[] CreateOperators(GraphDefinition definition)
    {
        RequireOperators([definition]);
        var operators = new Operator[definition.Nodes.Length];
        for (int i = 0; i < operators.Length; i++)
        {
            NodeDefinition node = definition.Nodes[i];
            OperatorDefinition op = OperatorTable.Find(node.Domain, node.OpType)!;
            if (node.Inputs.Length < op.MinInputs)
                throw new EdgeLiteException(Status.InvalidGraph, $"{node}: {op.MinInputs} inputs are required, the node has {node.Inputs.Length}.");
            for (int k = 0; k < op.MinInputs; k++)
                if (node.Inputs[k] < 0 && !op.Inputs[k].IsOptional)
                    throw new EdgeLiteException(Status.InvalidGraph, $"{node}: required input {k} ({op.InputName(k)}) is absent.");
            operators[i] = op.Create();
            operators[i].Bind(new AttributeReader(node.Attributes, node));
        }
        return operators;
    }

    /// <summary>Types everything for these input types (one per graph input).</summary>
    public static TypedGraph Create(GraphDefinition definition, Operator[] operators, ReadOnlySpan<TensorType> inputs)
    {
        var graph = new TypedGraph(definition, operators);
        for (int i = 0; i < inputs.Length; i++) graph.Types[definition.Inputs[i]] = inputs[i];
        for (int v = 0; v < definition.Values.Length; v++)
            if (definition.Values[v].Constant is { } constant) graph.SetConstant(v, constant);
        var infer = new InferContext();
        graph.IsStatic = true;
        foreach (TensorType input in inputs) graph.IsStatic &= !input.IsList;
        for (int n = 0; n < operators.Length; n++) graph.InferNode(n, infer);
        return graph;
    }

    /// <summary>
    /// Of a graph that is not static the part in front, which is: its nodes read inputs, constants and each other, and their types are known.
    /// The same values and nodes, those behind as if there were nothing to do; its outputs are what these and the caller read. Null
    /// when no node belongs to it.
    /// </summary>
    public TypedGraph? Front()
    {
        var isThere = new bool[Types.Length];
        foreach (int v in Definition.Inputs) isThere[v] = Types[v].IsKnown && !Types[v].IsList;
        var isRead = new bool[Types.Length];
        foreach (int v in Definition.Outputs) isRead[v] = true;
        var isBehind = new bool[IsFolded.Length];
        bool any = false;
        for (int n = 0; n < isBehind.Length; n++)
        {
            if (IsFolded[n]) continue;
            NodeDefinition node = Definition.Nodes[n];
            isBehind[n] = Operators[n].HasDataDependentShape
                || Array.Exists(node.Inputs, v => v >= 0 && !isThere[v] && Constants[v] == null)
                || Array.Exists(node.Outputs, v => v >= 0 && (!Types[v].IsKnown || Types[v].IsList));
            any |= !isBehind[n];
            foreach (int v in isBehind[n] ? node.Inputs : node.Outputs)
                if (v >= 0) (isBehind[n] ? isRead : isThere)[v] = true;
        }
        if (!any) return null;
        var outputs = new List<int>();
        for (int v = 0; v < Types.Length; v++)
            if (isRead[v] && isThere[v] && Constants[v] == null) outputs.Add(v);
        var front = new TypedGraph(new GraphDefinition
        {
            Name = Definition.Name, Values = Definition.Values, Nodes = Definition.Nodes, Inputs = Definition.Inputs, Outputs = [.. outputs], Symbols = Definition.Symbols,
        }, Operators) { IsStatic = true };
        Types.CopyTo(front.Types, 0);
        Constants.CopyTo(front.Constants, 0);
        for (int n = 0; n < isBehind.Length; n++) front.IsFolded[n] = IsFolded[n] || isBehind[n];
        return front;
    }

    private void SetConstant(int value, Tensor tensor)
    {
        Constants[value] = tensor;
        Types[value] = tensor.Type;
    }

    private void InferNode(int n, InferContext infer)
    {
        NodeDefinition node = Definition.Nodes[n];
        Operator op = Operators[n];
        infer.Reset(node, node.Inputs.Length, node.Outputs.Length);
        bool allConstant = op.IsPure, allKnown = true;
        for (int i = 0; i < node.Inputs.Length; i++)
        {
            int v = node.Inputs[i];
            if (v < 0) continue;
            infer.SetInput(i, Types[v], Constants[v]);
            allConstant &= Constants[v] != null;
            allKnown &= Types[v].IsKnown;
        }
        op.InferTypes(infer);
        bool outputsKnown = true;
        for (int i = 0; i < node.Outputs.Length; i++)
        {
            int v = node.Outputs[i];
            if (v < 0) continue;
            Types[v] = infer.Output(i);
            outputsKnown &= Types[v].IsKnown;
        }
        if (allConstant || (op.DependsOnShapesOnly && allKnown)) Fold(n);
        else IsStatic &= outputsKnown && !op.HasDataDependentShape;
    }

    private unsafe void Fold(int n)
    {
        NodeDefinition node = Definition.Nodes[n];
        var inputs = new Tensor?[node.Inputs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            int v = node.Inputs[i];
            if (v >= 0) inputs[i] = Constants[v] ?? new Tensor(Types[v].DType, Types[v].Shape, null);
        }
        var outputs = new Tensor?[node.Outputs.Length];
        for (int i = 0; i < outputs.Length; i++)
        {
            int v = node.Outputs[i];
            if (v >= 0) outputs[i] = Tensor.OfType(Types[v]);
        }
        Operators[n].Compute(new ComputeContext(node.ToString(), inputs, outputs, (i, dtype, shape) =>
        {
            var tensor = new Tensor(dtype, shape);
            if (i < outputs.Length && outputs[i] != null) outputs[i] = tensor;
            return tensor;
        }));
        IsFolded[n] = true;
        for (int i = 0; i < outputs.Length; i++)
            if (node.Outputs[i] >= 0) SetConstant(node.Outputs[i], outputs[i]!);
    }
}
