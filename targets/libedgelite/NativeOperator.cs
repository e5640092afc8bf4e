using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Native;

/// <summary><c>el_operator</c>: the functions of an operator that a C program brings along.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct OperatorFunctions
{
    public nuint StructSize;
    public byte* Domain;
    public byte* Name;
    public delegate* unmanaged<void*, nint, Status> Infer;
    public delegate* unmanaged<void*, nint, Status> Compute;
    public void* User;
}

/// <summary>One node whose operator a C program computes. The functions see it as a handle that is valid while they run.</summary>
internal sealed unsafe class NativeOperator(OperatorFunctions functions) : CustomOperator
{
    private readonly NativeText _texts = new();
    private readonly Dictionary<string, nint> _textAttributes = [];

    /// <summary>While <see cref="Infer"/> runs.</summary>
    public InferContext? Inferring { get; private set; }

    /// <summary>While <see cref="Compute"/> runs.</summary>
    public ComputeContext? Computing { get; private set; }

    /// <summary>What the function says is wrong.</summary>
    public string? Message { get; set; }

    /// <summary>The functions may keep a state.</summary>
    public override bool IsPure => false;

    public override void Infer(InferContext context)
    {
        Inferring = context;
        try
        {
            Call(functions.Infer, "infer");
        }
        finally
        {
            Inferring = null;
        }
    }

    public override void Compute(ComputeContext context)
    {
        Computing = context;
        try
        {
            Call(functions.Compute, "compute");
        }
        finally
        {
            Computing = null;
        }
    }

    /// <summary>The text of an attribute, at the same address each time.</summary>
    public nint TextAttribute(string name)
    {
        if (_textAttributes.TryGetValue(name, out nint known)) return known;
        return _textAttributes[name] = _texts.Add(Attribute(name).String);
    }

    public AttributeValue Attribute(string name) => Attributes.Find(name)
        ?? throw new EdgeLiteException(Status.NotFound, $"{Definition.FullName} has no attribute '{name}' here.");

    public EdgeLiteException Error(string message) => Inferring?.Error(message) ?? Computing!.Error(message);

    private void Call(delegate* unmanaged<void*, nint, Status> function, string what)
    {
        Message = null;
        nint handle = Border.Calls.Add(this);
        Status status;
        try
        {
            status = function(functions.User, handle);
        }
        finally
        {
            Border.Calls.Remove(handle);
        }
        if (status == Status.Ok) return;
        string message = Error(Message ?? $"its {what} function failed with status {(int)status}").Message;
        throw new EdgeLiteException(status, message);
    }
}
