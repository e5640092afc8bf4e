using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// One operator at one place in a model. A subclass per operator holds its parameters as properties marked
/// <see cref="AttrAttribute"/>, states its shape and type rule in <see cref="Infer"/> and its meaning in <see cref="Compute"/>,
/// the reference loop: obvious, every type, never optimised. The class is <c>partial</c>; a source generator adds
/// <see cref="Bind"/> and the row in <see cref="OperatorTable"/>.
/// Semantics are those of the newest ONNX operator set; importers upgrade older ones.
/// </summary>
public abstract class Operator
{
    /// <summary>Set when the operator is created through its definition.</summary>
    public OperatorDefinition Definition { get; internal set; } = null!;

    /// <summary>Reads the parameters from attributes. Throws on a missing, mistyped or unknown one.</summary>
    public abstract void Bind(AttributeReader attributes);

    /// <summary>Sets the type of every output, as far as the inputs tell. Throws when the inputs do not fit.</summary>
    public abstract void Infer(InferContext context);

    /// <summary><see cref="Infer"/>, after a check that no list reaches an operator on tensors. What the runtime and the converter call.</summary>
    public void InferTypes(InferContext context)
    {
        for (int i = 0; !TakesLists && i < context.InputCount; i++)
            if (context.HasInput(i)) context.Tensor(i);
        Infer(context);
    }

    /// <summary>True when an input may be a sequence or an optional value; <see cref="Infer"/> then checks which.</summary>
    public virtual bool TakesLists => false;

    /// <summary>Computes the outputs. Their memory is there already, except where <see cref="HasDataDependentShape"/>.</summary>
    public abstract void Compute(ComputeContext context);

    /// <summary>True when the size of an output depends on values that exist only at run time (NonZero, Unique ...);
    /// <see cref="Compute"/> then calls <see cref="ComputeContext.Allocate"/> for each output.</summary>
    public virtual bool HasDataDependentShape => false;

    /// <summary>True when output 0 is input 0 under another shape, so that no bytes need to move.</summary>
    public virtual bool IsView => false;

    /// <summary>True when output 0 may share the memory of <paramref name="input"/>, given equal byte sizes: element i of
    /// the output depends on element i of that input alone.</summary>
    public virtual bool CanRunInPlace(int input) => false;

    /// <summary>False when the same inputs can give other outputs (random numbers, state): never folded, never shared.</summary>
    public virtual bool IsPure => true;

    /// <summary>True when the outputs depend on the shapes of the inputs alone (Shape, Size).</summary>
    public virtual bool DependsOnShapesOnly => false;
}

/// <summary>Declares an operator. Inputs and outputs are names separated by commas; <c>?</c> marks an optional one,
/// <c>*</c> (last only) one that repeats: <c>[Operator("Conv", "X, W, B?", "Y")]</c>.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false, AllowMultiple = true)]
public sealed class OperatorAttribute(string name, string inputs, string outputs) : Attribute
{
    public string Name { get; } = name;
    public string Inputs { get; } = inputs;
    public string Outputs { get; } = outputs;

    /// <summary>"" for ai.onnx, otherwise "edgelite", "ai.onnx.ml", "com.microsoft".</summary>
    public string Domain { get; init; } = "";
}

/// <summary>Marks a property as an attribute of the operator. The attribute's name is the property's in snake case unless
/// given. Types: long, bool (as 0/1), float, string, long[], float[], string[], Tensor, ISubgraph; nullable where absence means
/// something, otherwise the initializer is the default.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class AttrAttribute(string? name = null) : Attribute
{
    public string? Name { get; } = name;
    public bool Required { get; init; }
}

/// <summary>One formal input or output.</summary>
public readonly struct OperatorSlot(string name, bool isOptional, bool isVariadic)
{
    public string Name { get; } = name;
    public bool IsOptional { get; } = isOptional;
    public bool IsVariadic { get; } = isVariadic;
}

/// <summary>One attribute of an operator.</summary>
public readonly struct OperatorAttributeInfo(string name, AttributeKind kind, bool required)
{
    public string Name { get; } = name;
    public AttributeKind Kind { get; } = kind;
    public bool Required { get; } = required;
}

/// <summary>What is known of an operator without an instance.</summary>
public sealed class OperatorDefinition(
    string domain, string name, OperatorSlot[] inputs, OperatorSlot[] outputs, OperatorAttributeInfo[] attributes, Func<Operator>? create)
{
    public string Domain { get; } = domain;
    public string Name { get; } = name;
    public OperatorSlot[] Inputs { get; } = inputs;
    public OperatorSlot[] Outputs { get; } = outputs;
    public OperatorAttributeInfo[] Attributes { get; } = attributes;

    /// <summary>The number of a built-in operator.</summary>
    internal int Index { get; init; } = -1;

    public Operator Create()
    {
        Operator op = create != null ? create() : OperatorTable.Instantiate(Index);
        op.Definition = this;
        return op;
    }

    public string FullName => Domain.Length == 0 ? Name : $"{Domain}.{Name}";

    public string InputName(int i) => SlotName(Inputs, i);
    public string OutputName(int i) => SlotName(Outputs, i);

    public int MinInputs
    {
        get
        {
            int n = 0;
            for (int i = 0; i < Inputs.Length; i++)
                if (!Inputs[i].IsOptional && !Inputs[i].IsVariadic) n = i + 1;
            return n;
        }
    }

    private static string SlotName(OperatorSlot[] slots, int i) =>
        i < slots.Length && !slots[i].IsVariadic ? slots[i].Name
        : slots.Length > 0 && slots[^1].IsVariadic ? $"{slots[^1].Name}[{i - slots.Length + 1}]" : $"#{i}";
}

/// <summary>A graph held as an attribute (If, Loop, Scan), as operators see it: in the converter its IR, at run time an
/// executor. Values of the outer graph reach it as explicit inputs, after the formal ones of the operator.</summary>
public interface ISubgraph
{
    string Name { get; }
    int InputCount { get; }
    int OutputCount { get; }

    /// <summary>Types of the outputs for these types (and, where known, values) of the inputs.</summary>
    void Infer(ReadOnlySpan<TensorType> inputs, Span<TensorType> outputs);

    /// <summary>Runs the graph. The returned tensors belong to the graph and stay valid until its next run.</summary>
    ReadOnlySpan<Tensor> Run(ReadOnlySpan<Tensor> inputs);
}
