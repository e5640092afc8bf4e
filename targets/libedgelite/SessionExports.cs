using System.Runtime.InteropServices;
using EdgeLite.Core;

namespace EdgeLite.Native;

/// <summary>The functions of edgelite.h that concern sessions.</summary>
internal static unsafe class SessionExports
{
    /// <summary><c>el_session_options</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Options
    {
        public nuint StructSize;
        public int Threads;
        public byte* Device;
    }

    public static SessionOptions Read(Options* options)
    {
        var chosen = new SessionOptions();
        if (options != null)
        {
            nuint size = options->StructSize;
            if (size < (nuint)sizeof(nuint))
                throw new EdgeLiteException(Status.InvalidArgument, $"struct_size of the options is {size}: set it to sizeof(el_session_options).");
            if (size >= (nuint)(sizeof(nuint) + sizeof(int))) chosen = chosen with { Threads = options->Threads };
            if (size >= (nuint)sizeof(Options) && options->Device != null) chosen = chosen with { Device = Border.Text(options->Device, "device") };
        }
        return chosen;
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_create")]
    public static Status Create(nint model, Options* options, nint* session)
    {
        try
        {
            Border.RequireNotNull(session, "session");
            *session = Border.Sessions.Add(new SessionHandle(Border.Models.Get(model), Read(options)));
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_free")]
    public static Status Free(nint session)
    {
        try
        {
            if (session == 0) return Status.Ok;
            SessionHandle handle = Border.Sessions.Get(session);
            handle.Enter();
            Border.Sessions.Remove(session);
            handle.Close();
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_input_count")]
    public static Status InputCount(nint session, int* count)
    {
        try
        {
            Border.RequireNotNull(count, "count");
            using var call = new SessionCall(session);
            *count = call.Value.Session.InputCount;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_output_count")]
    public static Status OutputCount(nint session, int* count)
    {
        try
        {
            Border.RequireNotNull(count, "count");
            using var call = new SessionCall(session);
            *count = call.Value.Session.OutputCount;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_input_name")]
    public static Status InputName(nint session, int input, nint* name)
    {
        try
        {
            Border.RequireNotNull(name, "name");
            using var call = new SessionCall(session);
            *name = call.Value.InputName(input);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_output_name")]
    public static Status OutputName(nint session, int output, nint* name)
    {
        try
        {
            Border.RequireNotNull(name, "name");
            using var call = new SessionCall(session);
            *name = call.Value.OutputName(output);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_find_input")]
    public static Status FindInput(nint session, byte* name, int* input)
    {
        try
        {
            Border.RequireNotNull(input, "input");
            using var call = new SessionCall(session);
            *input = call.Value.Session.FindInput(Border.Text(name, "name"));
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_find_output")]
    public static Status FindOutput(nint session, byte* name, int* output)
    {
        try
        {
            Border.RequireNotNull(output, "output");
            using var call = new SessionCall(session);
            *output = call.Value.Session.FindOutput(Border.Text(name, "name"));
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_input_dtype")]
    public static Status InputDType(nint session, int input, int* dtype)
    {
        try
        {
            Border.RequireNotNull(dtype, "dtype");
            using var call = new SessionCall(session);
            *dtype = (int)call.Value.InputType(input).DType;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_output_dtype")]
    public static Status OutputDType(nint session, int output, int* dtype)
    {
        try
        {
            Border.RequireNotNull(dtype, "dtype");
            using var call = new SessionCall(session);
            *dtype = (int)call.Value.OutputType(output).DType;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_input_shape")]
    public static Status InputShape(nint session, int input, long* dims, int capacity, int* rank)
    {
        try
        {
            Border.RequireNotNull(rank, "rank");
            using var call = new SessionCall(session);
            WriteShape(call.Value.InputType(input).Shape, dims, capacity, rank);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_output_shape")]
    public static Status OutputShape(nint session, int output, long* dims, int capacity, int* rank)
    {
        try
        {
            Border.RequireNotNull(rank, "rank");
            using var call = new SessionCall(session);
            WriteShape(call.Value.OutputType(output).Shape, dims, capacity, rank);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_resize_input")]
    public static Status ResizeInput(nint session, int input, long* dims, int rank)
    {
        try
        {
            using var call = new SessionCall(session);
            if (rank is < 0 or > Shape.MaxRank)
                throw new EdgeLiteException(Status.InvalidShape, $"A rank of {rank} is not possible; 0 to {Shape.MaxRank} is.");
            if (rank > 0) Border.RequireNotNull(dims, "dims");
            call.Value.Resize(input, new Shape(new ReadOnlySpan<long>(dims, rank)));
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_input_data")]
    public static Status InputData(nint session, int input, void** data)
    {
        try
        {
            Border.RequireNotNull(data, "data");
            using var call = new SessionCall(session);
            *data = call.Value.Input(input).Data;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_input_size")]
    public static Status InputSize(nint session, int input, nuint* bytes)
    {
        try
        {
            Border.RequireNotNull(bytes, "bytes");
            using var call = new SessionCall(session);
            *bytes = (nuint)call.Value.Input(input).ByteLength;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_set_input")]
    public static Status SetInput(nint session, int input, void* data, nuint bytes)
    {
        try
        {
            using var call = new SessionCall(session);
            Tensor tensor = call.Value.Input(input);
            if (bytes != (nuint)tensor.ByteLength)
                throw new EdgeLiteException(Status.InvalidArgument, $"Input '{call.Value.Session.InputName(input)}' ({tensor}) takes {tensor.ByteLength} bytes, got {bytes}.");
            if (bytes == 0) return Status.Ok;
            Border.RequireNotNull(data, "data");
            Buffer.MemoryCopy(data, tensor.Data, tensor.ByteLength, tensor.ByteLength);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_run")]
    public static Status Run(nint session)
    {
        try
        {
            using var call = new SessionCall(session);
            call.Value.Run();
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_output_data")]
    public static Status OutputData(nint session, int output, void** data)
    {
        try
        {
            Border.RequireNotNull(data, "data");
            using var call = new SessionCall(session);
            *data = call.Value.Output(output).Data;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_output_size")]
    public static Status OutputSize(nint session, int output, nuint* bytes)
    {
        try
        {
            Border.RequireNotNull(bytes, "bytes");
            using var call = new SessionCall(session);
            TensorType type = call.Value.OutputType(output);
            if (!type.IsKnown)
                throw new EdgeLiteException(Status.InvalidState, $"Output '{call.Value.Session.OutputName(output)}' has no size before the first run.");
            *bytes = (nuint)type.ByteLength;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_get_output")]
    public static Status GetOutput(nint session, int output, void* buffer, nuint capacity)
    {
        try
        {
            using var call = new SessionCall(session);
            Tensor tensor = call.Value.Output(output);
            if (capacity < (nuint)tensor.ByteLength)
                throw new EdgeLiteException(Status.BufferTooSmall, $"Output '{call.Value.Session.OutputName(output)}' ({tensor}) has {tensor.ByteLength} bytes, the buffer holds {capacity}.");
            if (tensor.ByteLength == 0) return Status.Ok;
            Border.RequireNotNull(buffer, "buffer");
            Buffer.MemoryCopy(tensor.Data, buffer, tensor.ByteLength, tensor.ByteLength);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_arena_bytes")]
    public static Status ArenaBytes(nint session, long* bytes)
    {
        try
        {
            Border.RequireNotNull(bytes, "bytes");
            using var call = new SessionCall(session);
            *bytes = call.Value.Session.ArenaBytes;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    private static void WriteShape(Shape shape, long* dims, int capacity, int* rank)
    {
        *rank = shape.IsRanked ? shape.Rank : -1;
        if (*rank <= 0) return;
        if (capacity < *rank)
            throw new EdgeLiteException(Status.BufferTooSmall, $"The shape {shape} has {*rank} dimensions, the buffer holds {capacity}.");
        Border.RequireNotNull(dims, "dims");
        shape.AsSpan().CopyTo(new Span<long>(dims, capacity));
    }
}
