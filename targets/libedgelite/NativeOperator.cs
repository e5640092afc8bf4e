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
    public delegate* unmanaged<void*, nint, int, int, CudaLaunch*, Status> OnCuda;

    /// <summary>Bytes of the table of programs that know nothing of <see cref="OnCuda"/>.</summary>
    public const int FirstSize = 48;

    /// <summary>The table with what the program does not know left out.</summary>
    public readonly OperatorFunctions Known() => new()
    {
        Domain = Domain, Name = Name, Infer = Infer, Compute = Compute, User = User,
        OnCuda = StructSize >= (nuint)sizeof(OperatorFunctions) ? OnCuda : null,
    };
}

/// <summary><c>el_cuda_launch</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CudaLaunch
{
    public byte* Ptx;
    public byte* Entry;
    public uint GridX, GridY, GridZ, Threads;
    public void* Parameters;
    public nuint ParametersSize;
}

/// <summary>One node whose operator a C program computes. The functions see it as a handle that is valid while they run.</summary>
internal sealed unsafe class NativeOperator(OperatorFunctions functions) : CustomOperator
{
    private readonly NativeText _texts = new();

    /// <summary>While <see cref="Infer"/> runs.</summary>
    public InferContext? Inferring { get; private set; }

    /// <summary>While <see cref="Compute"/> runs.</summary>
    public ComputeContext? Computing { get; private set; }

    /// <summary>While <see cref="OnCuda"/> runs.</summary>
    public CudaContext? Placing { get; private set; }

    /// <summary>What the function says is wrong.</summary>
    public string? Message { get; set; }

    /// <summary>The functions may keep a state.</summary>
    public override bool IsPure => false;

    public override void Infer(InferContext context)
    {
        Inferring = context;
        nint handle = Enter();
        try
        {
            Check(functions.Infer(functions.User, handle), "infer");
        }
        finally
        {
            Border.Calls.Remove(handle);
            Inferring = null;
        }
    }

    public override void Compute(ComputeContext context)
    {
        Computing = context;
        nint handle = Enter();
        try
        {
            Check(functions.Compute(functions.User, handle), "compute");
        }
        finally
        {
            Border.Calls.Remove(handle);
            Computing = null;
        }
    }

    public override CudaStep? OnCuda(CudaContext context)
    {
        if (functions.OnCuda == null) return null;
        Placing = context;
        nint handle = Enter();
        try
        {
            var launch = new CudaLaunch { GridX = 1, GridY = 1, GridZ = 1, Threads = 256 };
            Check(functions.OnCuda(functions.User, handle, context.Architecture, context.Multiprocessors, &launch), "on_cuda");
            if (launch.Ptx == null) return null;
            if (launch.ParametersSize > 0) Border.RequireNotNull(launch.Parameters, "launch->parameters");
            return new CudaStep
            {
                Ptx = Border.Text(launch.Ptx, "launch->ptx"),
                Entry = Border.Text(launch.Entry, "launch->entry"),
                Grid = (launch.GridX, launch.GridY, launch.GridZ),
                Threads = launch.Threads,
                Parameters = new ReadOnlySpan<byte>(launch.Parameters, checked((int)launch.ParametersSize)).ToArray(),
            };
        }
        finally
        {
            Border.Calls.Remove(handle);
            Placing = null;
        }
    }

    /// <summary>The text of an attribute, at the same address each time.</summary>
    public nint TextAttribute(string name) => _texts.AddressOf(Attribute(name).String);

    public AttributeValue Attribute(string name) => Attributes.Find(name)
        ?? throw new EdgeLiteException(Status.NotFound, $"{Definition.FullName} has no attribute '{name}' here.");

    public EdgeLiteException Error(string message) =>
        Inferring?.Error(message) ?? Computing?.Error(message) ?? new EdgeLiteException(Status.InvalidGraph, $"{Definition.FullName}: {message}");

    private nint Enter()
    {
        Message = null;
        return Border.Calls.Add(this);
    }

    private void Check(Status status, string what)
    {
        if (status == Status.Ok) return;
        string message = Error(Message ?? $"its {what} function failed with status {(int)status}").Message;
        throw new EdgeLiteException(status, message);
    }
}
