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
    public static Status InputCount(nint session, int* count) => Answer(session, 0, count, "count", static (s, _) => s.Session.InputCount);

    [UnmanagedCallersOnly(EntryPoint = "el_session_output_count")]
    public static Status OutputCount(nint session, int* count) => Answer(session, 0, count, "count", static (s, _) => s.Session.OutputCount);

    [UnmanagedCallersOnly(EntryPoint = "el_session_input_name")]
    public static Status InputName(nint session, int input, nint* name) => Answer(session, input, name, "name", static (s, i) => s.InputName(i));

    [UnmanagedCallersOnly(EntryPoint = "el_session_output_name")]
    public static Status OutputName(nint session, int output, nint* name) => Answer(session, output, name, "name", static (s, i) => s.OutputName(i));

    [UnmanagedCallersOnly(EntryPoint = "el_session_find_input")]
    public static Status FindInput(nint session, byte* name, int* input) => Find(session, name, input, "input", static (s, n) => s.FindInput(n));

    [UnmanagedCallersOnly(EntryPoint = "el_session_find_output")]
    public static Status FindOutput(nint session, byte* name, int* output) => Find(session, name, output, "output", static (s, n) => s.FindOutput(n));

    [UnmanagedCallersOnly(EntryPoint = "el_session_input_dtype")]
    public static Status InputDType(nint session, int input, int* dtype) => Answer(session, input, dtype, "dtype", static (s, i) => (int)s.InputType(i).DType);

    [UnmanagedCallersOnly(EntryPoint = "el_session_output_dtype")]
    public static Status OutputDType(nint session, int output, int* dtype) => Answer(session, output, dtype, "dtype", static (s, i) => (int)s.OutputType(i).DType);

    [UnmanagedCallersOnly(EntryPoint = "el_session_input_shape")]
    public static Status InputShape(nint session, int input, long* dims, int capacity, int* rank) => WriteShape(session, input, dims, capacity, rank, static (s, i) => s.InputType(i));

    [UnmanagedCallersOnly(EntryPoint = "el_session_output_shape")]
    public static Status OutputShape(nint session, int output, long* dims, int capacity, int* rank) => WriteShape(session, output, dims, capacity, rank, static (s, i) => s.OutputType(i));

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
    public static Status InputData(nint session, int input, nint* data) => Answer(session, input, data, "data", static (s, i) => (nint)s.Input(i).Data);

    [UnmanagedCallersOnly(EntryPoint = "el_session_input_size")]
    public static Status InputSize(nint session, int input, nuint* bytes) => Answer(session, input, bytes, "bytes", static (s, i) => (nuint)s.Input(i).ByteLength);

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
    public static Status OutputData(nint session, int output, nint* data) => Answer(session, output, data, "data", static (s, i) => (nint)s.Output(i).Data);

    [UnmanagedCallersOnly(EntryPoint = "el_session_output_size")]
    public static Status OutputSize(nint session, int output, nuint* bytes) => Answer(session, output, bytes, "bytes", static (s, i) => s.OutputBytes(i));

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
    public static Status ArenaBytes(nint session, long* bytes) => Answer(session, 0, bytes, "bytes", static (s, _) => s.Session.ArenaBytes);

    /// <summary>A number or an address that a session knows, of its input or output <paramref name="index"/> where it is about one.</summary>
    public static Status Answer<T>(nint session, int index, T* to, string name, Func<SessionHandle, int, T> ask) where T : unmanaged
    {
        try
        {
            Border.RequireNotNull(to, name);
            using var call = new SessionCall(session);
            *to = ask(call.Value, index);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    private static Status Find(nint session, byte* name, int* index, string what, Func<Session, string, int> find)
    {
        try
        {
            Border.RequireNotNull(index, what);
            using var call = new SessionCall(session);
            *index = find(call.Value.Session, Border.Text(name, "name"));
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    private static Status WriteShape(nint session, int index, long* dims, int capacity, int* rank, Func<SessionHandle, int, TensorType> ask)
    {
        try
        {
            Border.RequireNotNull(rank, "rank");
            using var call = new SessionCall(session);
            Shape shape = ask(call.Value, index).Shape;
            *rank = shape.IsRanked ? shape.Rank : -1;
            if (*rank <= 0) return Status.Ok;
            if (capacity < *rank)
                throw new EdgeLiteException(Status.BufferTooSmall, $"The shape {shape} has {*rank} dimensions, the buffer holds {capacity}.");
            Border.RequireNotNull(dims, "dims");
            shape.AsSpan().CopyTo(new Span<long>(dims, capacity));
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }
}
