using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Native;

/// <summary>The functions of edgelite.h that concern operators of the application.</summary>
internal static unsafe class OperatorExports
{
    /// <summary><c>el_tensor</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct TensorView
    {
        public int DType;
        public int Rank;
        public fixed long Dims[Shape.MaxRank];
        public void* Data;
        public nuint Bytes;
    }

    [UnmanagedCallersOnly(EntryPoint = "el_register_operator")]
    public static Status Register(OperatorFunctions* given)
    {
        try
        {
            Border.RequireNotNull(given, "op");
            if (given->StructSize < OperatorFunctions.FirstSize)
                throw new EdgeLiteException(Status.InvalidArgument, $"struct_size of the operator is {given->StructSize}: set it to sizeof(el_operator).");
            OperatorFunctions functions = given->Known();
            Border.RequireNotNull(functions.Infer, "op->infer");
            Border.RequireNotNull(functions.Compute, "op->compute");
            OperatorTable.Register(Border.Text(functions.Domain, "op->domain"), Border.Text(functions.Name, "op->name"), "X*", "Y*", () => new NativeOperator(functions));
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_call_counts")]
    public static Status Counts(nint call, int* inputs, int* outputs)
    {
        try
        {
            NativeOperator op = Border.Calls.Get(call);
            if (inputs != null) *inputs = op.Inferring?.InputCount ?? op.Computing?.InputCount ?? op.Placing!.InputCount;
            if (outputs != null) *outputs = op.Inferring?.OutputCount ?? op.Computing?.OutputCount ?? op.Placing!.OutputCount;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_call_input")]
    public static Status Input(nint call, int input, TensorView* tensor)
    {
        try
        {
            Border.RequireNotNull(tensor, "tensor");
            NativeOperator op = Border.Calls.Get(call);
            bool isThere = input >= 0 && (op.Inferring?.HasInput(input) ?? op.Computing?.HasInput(input) ?? op.Placing!.HasInput(input));
            if (!isThere) throw new EdgeLiteException(Status.NotFound, op.Error($"input {input} is absent").Message);
            if (op.Inferring is { } infer) *tensor = View(infer.Input(input), infer.Constant(input));
            else if (op.Computing is { } compute) *tensor = View(compute.Input(input).Type, compute.Input(input));
            else *tensor = View(op.Placing!.Input(input), null);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_call_output")]
    public static Status Output(nint call, int output, TensorView* tensor)
    {
        try
        {
            Border.RequireNotNull(tensor, "tensor");
            NativeOperator op = Border.Calls.Get(call);
            if (op.Inferring != null) throw new EdgeLiteException(Status.InvalidState, "Outputs have types and memory only once the infer function has given their types.");
            bool isWanted = output >= 0 && (op.Computing?.HasOutput(output) ?? op.Placing!.HasOutput(output));
            if (!isWanted) throw new EdgeLiteException(Status.NotFound, op.Error($"output {output} is not wanted").Message);
            *tensor = op.Computing is { } compute ? View(compute.Output(output).Type, compute.Output(output)) : View(op.Placing!.Output(output), null);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_call_set_output")]
    public static Status SetOutput(nint call, int output, int dtype, long* dims, int rank)
    {
        try
        {
            NativeOperator op = Border.Calls.Get(call);
            if (rank > Shape.MaxRank || rank < -1) throw new EdgeLiteException(Status.InvalidShape, op.Error($"output {output} is given {rank} dimensions").Message);
            if (dtype <= (int)DType.Undefined || dtype > (int)DType.Int2 || (DType)dtype == DType.String)
                throw new EdgeLiteException(Status.InvalidType, op.Error($"output {output} is given element type {dtype}, which a C program cannot fill").Message);
            if (rank > 0) Border.RequireNotNull(dims, "dims");
            var shape = rank < 0 ? Shape.Unranked : new Shape(new ReadOnlySpan<long>(dims, rank));
            if (op.Inferring is { } infer) infer.SetOutput(output, (DType)dtype, shape);
            else if (!shape.IsKnown) throw new EdgeLiteException(Status.InvalidShape, op.Error($"output {output} needs its full shape now").Message);
            else if (op.Computing is { } compute) compute.Allocate(output, (DType)dtype, shape);
            else throw new EdgeLiteException(Status.InvalidState, op.Error($"the type of output {output} is settled before the operator is placed").Message);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_call_int")]
    public static Status Int(nint call, byte* name, long* value) => Answer(call, name, value, static (op, n) => op.Attribute(n).Int);

    [UnmanagedCallersOnly(EntryPoint = "el_call_float")]
    public static Status Float(nint call, byte* name, float* value) => Answer(call, name, value, static (op, n) => op.Attribute(n).Float);

    [UnmanagedCallersOnly(EntryPoint = "el_call_text")]
    public static Status Text(nint call, byte* name, nint* value) => Answer(call, name, value, static (op, n) => op.TextAttribute(n));

    [UnmanagedCallersOnly(EntryPoint = "el_call_ints")]
    public static Status Ints(nint call, byte* name, long* values, int capacity, int* count) => Fill(call, name, values, capacity, count, static a => a.Ints);

    [UnmanagedCallersOnly(EntryPoint = "el_call_floats")]
    public static Status Floats(nint call, byte* name, float* values, int capacity, int* count) => Fill(call, name, values, capacity, count, static a => a.Floats);

    [UnmanagedCallersOnly(EntryPoint = "el_call_tensor")]
    public static Status Tensor(nint call, byte* name, TensorView* tensor)
    {
        try
        {
            Border.RequireNotNull(tensor, "tensor");
            Tensor value = Border.Calls.Get(call).Attribute(Border.Text(name, "name")).Tensor;
            *tensor = View(value.Type, value);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_call_fail")]
    public static Status Fail(nint call, Status status, byte* message)
    {
        try
        {
            Border.Calls.Get(call).Message = Border.Text(message, "message");
            return status == Status.Ok ? Status.RuntimeFailure : status;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    private static Status Answer<T>(nint call, byte* name, T* value, Func<NativeOperator, string, T> ask) where T : unmanaged
    {
        try
        {
            Border.RequireNotNull(value, "value");
            *value = ask(Border.Calls.Get(call), Border.Text(name, "name"));
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    private static Status Fill<T>(nint call, byte* name, T* target, int capacity, int* count, Func<AttributeValue, T[]> ask) where T : unmanaged
    {
        try
        {
            T[] values = ask(Border.Calls.Get(call).Attribute(Border.Text(name, "name")));
            Border.RequireNotNull(count, "count");
            *count = values.Length;
            if (capacity < values.Length)
                throw new EdgeLiteException(Status.BufferTooSmall, $"The attribute has {values.Length} values, the buffer holds {capacity}.");
            if (values.Length == 0) return Status.Ok;
            Border.RequireNotNull(target, "values");
            values.CopyTo(new Span<T>(target, capacity));
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    /// <summary>Bytes and address only where there is memory that C can see.</summary>
    private static TensorView View(TensorType type, Tensor? value)
    {
        if (type.IsList) throw new EdgeLiteException(Status.Unsupported, $"{type} has no memory that C could see.");
        var view = new TensorView { DType = (int)type.DType, Rank = type.Shape.IsRanked ? type.Shape.Rank : -1 };
        for (int i = 0; i < view.Rank; i++) view.Dims[i] = type.Shape[i];
        if (value is not { Strings: null } || value.Data == null) return view;
        view.Data = value.Data;
        view.Bytes = (nuint)value.ByteLength;
        return view;
    }
}
