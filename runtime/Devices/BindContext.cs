using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Devices.Cpu;
using EdgeLite.Format;
using EdgeLite.Ops;

namespace EdgeLite.Devices;

/// <summary>One buffer of a native call: an input or output of the node, a table made at Prepare, or nothing.</summary>
public readonly struct Operand
{
    internal enum OperandKind : byte { None, Input, Output, Table }

    internal OperandKind Kind { get; private init; }
    internal int Index { get; private init; }

    /// <summary>The address of a table; bytes past the beginning for an input or output.</summary>
    internal nint Pointer { get; private init; }

    /// <summary>Size of a table.</summary>
    internal long Bytes { get; private init; }

    public static Operand None => default;
    public static Operand Input(int i, long byteOffset = 0) => new() { Kind = OperandKind.Input, Index = i, Pointer = (nint)byteOffset };
    public static Operand Output(int i, long byteOffset = 0) => new() { Kind = OperandKind.Output, Index = i, Pointer = (nint)byteOffset };
    internal static Operand Table(nint pointer, long bytes) => new() { Kind = OperandKind.Table, Pointer = pointer, Bytes = bytes };
}

/// <summary>A recorded native call; operands are turned into addresses when tensors are placed.</summary>
internal readonly struct NativeCall(NativeKernel kernel, nint parameters, Operand[] operands, long scratchBytes)
{
    /// <summary>The function.</summary>
    public NativeKernel Kernel { get; init; } = kernel;

    /// <summary>Its parameter block.</summary>
    public nint Parameters { get; init; } = parameters;

    /// <summary>Its buffers.</summary>
    public Operand[] Operands { get; } = operands;

    /// <summary>What it needs beside them.</summary>
    public long ScratchBytes { get; init; } = scratchBytes;

    /// <summary>On the calling thread alone.</summary>
    public bool IsAlone { get; init; }
}

/// <summary>What a binding method sees of a step whose types are all known, and where it records native calls.</summary>
public sealed unsafe class BindContext
{
    private readonly List<nint> _memory = [];
    private readonly List<NativeCall> _calls = [];
    private int[] _inputs = [];
    private int[] _outputs = [];
    private TensorType[] _types = [];
    private Tensor?[] _constants = [];

    internal BindContext(int threads) => Threads = threads;

    public int Threads { get; }

    /// <summary>Choices to follow; null: the usual kernels.</summary>
    internal Tuning? Tuning { get; set; }

    public int InputCount => _inputs.Length;
    public int OutputCount => _outputs.Length;

    /// <summary>Memory of parameter blocks and tables; lives as long as the plan.</summary>
    internal List<nint> Memory => _memory;

    /// <summary>Starts the next step: the values that it reads and writes (-1 where absent), with types and constants of all values.</summary>
    internal void Reset(int[] inputs, int[] outputs, TensorType[] types, Tensor?[] constants)
    {
        _inputs = inputs;
        _outputs = outputs;
        _types = types;
        _constants = constants;
        _calls.Clear();
    }

    /// <summary>Records the native calls of an operator; false where its reference loop serves, as it does for tensors without elements, which no
    /// kernel has to know of.</summary>
    internal bool TryBind(IDevice device, Operator op) => !IsEmpty && (device.Nn.TryBind(op, this) || device.Tensor.TryBind(op, this));

    internal NativeCall[] TakeCalls() => [.. _calls];

    private bool IsEmpty
    {
        get
        {
            if (HasInput(0) && IsWithoutElements(_inputs[0])) return true;
            foreach (int v in _outputs)
                if (v >= 0 && IsWithoutElements(v)) return true;
            return false;
        }
    }

    private bool IsWithoutElements(int value) => _types[value] is { IsKnown: true, Shape.Count: 0 };

    public bool HasInput(int i) => i < _inputs.Length && _inputs[i] >= 0;
    public TensorType Input(int i) => TypeOf(_inputs[i]);
    public TensorType Output(int i) => TypeOf(_outputs[i]);
    public DType DType(int i) => Input(i).DType;
    public Shape Shape(int i) => Input(i).Shape;

    /// <summary>The value of a constant input, otherwise null.</summary>
    public Tensor? Constant(int i) => HasInput(i) ? _constants[_inputs[i]] : null;

    /// <summary>Operand of an input that may be absent.</summary>
    public Operand Optional(int i) => HasInput(i) ? Operand.Input(i) : Operand.None;

    /// <summary>Operand of an output that may be unwanted.</summary>
    public Operand OptionalOutput(int i) => i < _outputs.Length && Output(i).DType != Core.DType.Undefined ? Operand.Output(i) : Operand.None;

    /// <summary>True when inputs [0, count) that are present and output 0 all have this element type.</summary>
    public bool All(DType type, int count)
    {
        for (int i = 0; i < count; i++)
            if (HasInput(i) && DType(i) != type) return false;
        return OutputCount == 0 || Output(0).DType == type;
    }

    /// <summary>As <see cref="All"/>, for float32 or float16, whichever input 0 has.</summary>
    public bool AllFloat(int count) => DType(0) is Core.DType.Float32 or Core.DType.Float16 && All(DType(0), count);

    /// <summary>Of a kernel that there is for float32 and float16, the one for the type of input 0.</summary>
    public string ForType(string kernel) => kernel + (DType(0) == Core.DType.Float16 ? "_f16" : "_f32");

    /// <summary>Copies a table (indices, weights) into memory that lives as long as the plan, 64-byte aligned.</summary>
    public Operand Table<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        nint memory = Allocate(values.Length * sizeof(T));
        values.CopyTo(new Span<T>((void*)memory, values.Length));
        return Operand.Table(memory, (long)values.Length * sizeof(T));
    }

    /// <summary>Records a call of the best variant of <paramref name="kernel"/>. <typeparamref name="T"/> mirrors the kernel's C
    /// parameter block; a difference in size is a build error of ours and throws.</summary>
    public void Call<T>(string kernel, in T parameters, params ReadOnlySpan<Operand> operands) where T : unmanaged
    {
        fixed (T* block = &parameters) Call(kernel, new ReadOnlySpan<byte>(block, sizeof(T)), operands);
    }

    private void Call(string kernel, ReadOnlySpan<byte> parameters, ReadOnlySpan<Operand> operands)
    {
        NativeKernel native = CpuKernels.Find(kernel);
        if (native.ParametersSize != parameters.Length)
            throw new EdgeLiteException(Status.Internal, $"Kernel {kernel} takes {native.ParametersSize} bytes of parameters, the binding has {parameters.Length}.");
        nint memory = Allocate(parameters.Length);
        parameters.CopyTo(new Span<byte>((void*)memory, parameters.Length));
        var call = new NativeCall(native, memory, operands.ToArray(), native.ScratchBytes(memory, Threads));
        _calls.Add(Tuning?.Find(Tuning.CallOf(kernel, parameters)) is { } chosen ? Choose(call, kernel, chosen) : call);
    }

    /// <summary>The call by the kernel that a tuning names, if there is one that does it: the file may be wrong, or of another release.</summary>
    private NativeCall Choose(in NativeCall call, string kernel, string chosen)
    {
        bool isAlone = chosen.EndsWith(NativeKernel.Alone, StringComparison.Ordinal);
        ReadOnlySpan<char> label = isAlone ? chosen.AsSpan(0, chosen.Length - NativeKernel.Alone.Length) : chosen;
        foreach (NativeKernel native in CpuKernels.Alternatives(kernel, call.Parameters, Threads))
            if (label.SequenceEqual(native.Label)) return call with { Kernel = native, ScratchBytes = native.ScratchBytes(call.Parameters, Threads), IsAlone = isAlone };
        return call;
    }

    private TensorType TypeOf(int value) => value < 0 ? default : _types[value];

    private nint Allocate(int bytes)
    {
        nint memory = (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), 64);
        _memory.Add(memory);
        return memory;
    }
}
