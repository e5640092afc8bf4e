using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Devices;
using EdgeLite.Devices.Cpu;
using EdgeLite.Format;
using EdgeLite.Ops;

namespace EdgeLite.Sessions;

/// <summary>One step of a plan: a native function with its addresses, or an operator's reference loop.</summary>
internal unsafe struct Step
{
    public delegate* unmanaged<CpuKernels.Context*, void*, void**, void> Function;
    public void* Parameters;
    public void** Buffers;
    public Operator? Operator;
    public ComputeContext? Context;
    public int Node;
    public NativeKernel Native;

    /// <summary>Memory of this call that stays from run to run, or null.</summary>
    public void* Kept;

    /// <summary>Runs on the calling thread alone.</summary>
    public bool IsAlone;

    /// <summary>Name and instruction set of the kernel, for profiles.</summary>
    public readonly string Kernel => Function == null ? Reference : IsAlone ? Native.Label + NativeKernel.Alone : Native.Label;

    public readonly bool IsNative => Function != null;

    /// <summary>What a tuning calls this native call.</summary>
    public readonly ulong Call => Tuning.CallOf(Native.Base, new ReadOnlySpan<byte>(Parameters, Native.ParametersSize));

    /// <summary>Stands for the name of a kernel where an operator's reference loop serves.</summary>
    public const string Reference = "reference";

    /// <param name="contexts">one with the pool of threads, then one without</param>
    public readonly void Run(CpuKernels.Context* contexts)
    {
        if (Function == null)
        {
            Operator!.Compute(Context!);
            return;
        }
        if (IsAlone) contexts++;
        contexts->Kept = Kept;
        Function(contexts, Parameters, Buffers);
    }
}

/// <summary>Binds the nodes of a graph, and makes steps of them once every tensor has its place.</summary>
internal sealed unsafe class StepBuilder(TypedGraph graph, IDevice device, int threads)
{
    private readonly TypedGraph _graph = graph;
    private readonly BindContext _bind = new(threads);

    /// <summary>Parameter blocks, tables and address lists, which live as long as the plan.</summary>
    public List<nint> Memory => _bind.Memory;

    /// <summary>Entries of the steps' address lists, in a graph with states.</summary>
    public List<nint> Slots { get; } = [];

    /// <summary>Where there is memory, all 0, for what the next steps keep; null: they keep nothing.</summary>
    public byte* Kept { get; set; }

    /// <summary>For who binds without making a plan.</summary>
    public void FreeMemory()
    {
        foreach (nint memory in Memory) NativeMemory.AlignedFree((void*)memory);
        Memory.Clear();
    }

    /// <summary>The native calls of a node; none: its reference loop serves.</summary>
    public NativeCall[] Bind(int n)
    {
        NodeDefinition node = _graph.Definition.Nodes[n];
        _bind.Reset(node.Inputs, node.Outputs, _graph.Types, _graph.Constants);
        Operator op = _graph.Operators[n];
        return _bind.TryBind(device, op) ? _bind.TakeCalls() : [];
    }

    /// <summary>The steps of a node on the processor.</summary>
    public void AddSteps(List<Step> steps, int n, NativeCall[] calls, Tensor?[] tensors)
    {
        foreach (NativeCall call in calls) steps.Add(NativeStep(n, call, tensors));
        if (calls.Length == 0) steps.Add(ReferenceStep(n, tensors));
    }

    private Step NativeStep(int n, in NativeCall call, Tensor?[] tensors)
    {
        NodeDefinition node = _graph.Definition.Nodes[n];
        void** buffers = (void**)NativeMemory.AlignedAlloc((nuint)(Math.Max(1, call.Operands.Length) * sizeof(void*)), 64);
        Memory.Add((nint)buffers);
        for (int i = 0; _graph.Definition.States.Length > 0 && i < call.Operands.Length; i++) Slots.Add((nint)(buffers + i));
        for (int i = 0; i < call.Operands.Length; i++)
        {
            Operand operand = call.Operands[i];
            buffers[i] = operand.Kind switch
            {
                Operand.OperandKind.Input => tensors[node.Inputs[operand.Index]]!.Data + operand.Pointer,
                Operand.OperandKind.Output => tensors[node.Outputs[operand.Index]]!.Data + operand.Pointer,
                Operand.OperandKind.Table => (void*)operand.Pointer,
                _ => null,
            };
        }
        byte* kept = call.KeptBytes == 0 ? null : Kept;
        if (kept != null) Kept += call.KeptBytes;
        return new Step
        {
            Kept = kept,
            Function = call.Kernel.Run,
            Parameters = (void*)call.Parameters,
            Buffers = buffers,
            Node = n,
            Native = call.Kernel,
            IsAlone = call.IsAlone,
        };
    }

    private Step ReferenceStep(int n, Tensor?[] tensors)
    {
        NodeDefinition node = _graph.Definition.Nodes[n];
        Tensor?[] inputs = Array.ConvertAll(node.Inputs, v => v < 0 ? null : tensors[v]);
        Tensor?[] outputs = Array.ConvertAll(node.Outputs, v => v < 0 ? null : tensors[v]);
        var context = new ComputeContext(node.ToString(), inputs, outputs, (i, dtype, shape) =>
            i < outputs.Length && outputs[i] is { } placed && placed.DType == dtype && placed.Shape == shape
                ? placed
                : throw new EdgeLiteException(Status.Internal, $"{node} changed the planned type of output {i} to {dtype.Name()}{shape}."));
        return new Step { Operator = _graph.Operators[n], Context = context, Node = n };
    }
}
