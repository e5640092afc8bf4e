using System.Runtime.InteropServices;
using EdgeLite.Core;

namespace EdgeLite.Native;

/// <summary>The border to C: what both sides of every call share. No exception crosses it.</summary>
internal static unsafe class Border
{
    /// <summary>The message of a thread, freed when the thread is gone.</summary>
    private sealed class ErrorText
    {
        public nint Text;

        ~ErrorText() => Marshal.FreeCoTaskMem(Text);
    }

    [ThreadStatic] private static ErrorText? s_error;

    private static readonly nint s_empty = Marshal.StringToCoTaskMemUTF8("");

    public static readonly HandleTable<ModelHandle> Models = new(0x4D, "model");
    public static readonly HandleTable<SessionHandle> Sessions = new(0x53, "session");

    public static readonly HandleTable<NativeOperator> Calls = new(0x4F, "call of an operator");

    public static nint LastError => s_error?.Text ?? s_empty;

    /// <summary>Records an exception as this thread's last error and gives its status.</summary>
    public static Status Fail(Exception e)
    {
        try
        {
            (Status status, string message) = e switch
            {
                EdgeLiteException known => (known.Status, known.Message),
                OutOfMemoryException => (Status.OutOfMemory, "Not enough memory."),
                IOException or UnauthorizedAccessException => (Status.IoError, $"{FileFailure.Reason(e)}."),
                OverflowException => (Status.InvalidShape, "A size is too large to be computed."),
                _ => (Status.Internal, $"Internal error: {e.Message}"),
            };
            s_error ??= new ErrorText();
            nint old = s_error.Text;
            s_error.Text = Marshal.StringToCoTaskMemUTF8(message);
            Marshal.FreeCoTaskMem(old);
            return status;
        }
        catch (OutOfMemoryException)
        {
            return Status.OutOfMemory;
        }
    }

    public static string Text(byte* text, string what)
    {
        RequireNotNull(text, what);
        return Marshal.PtrToStringUTF8((nint)text)!;
    }

    public static void RequireNotNull(void* pointer, string what)
    {
        if (pointer == null) throw new EdgeLiteException(Status.InvalidArgument, $"Argument '{what}' is NULL.");
    }
}

/// <summary>The session of one call: <c>using var call = new SessionCall(handle)</c> lets the call in or throws.</summary>
internal readonly ref struct SessionCall
{
    private readonly SessionHandle _handle;

    public SessionCall(nint handle)
    {
        _handle = Border.Sessions.Get(handle);
        _handle.Enter();
    }

    public SessionHandle Value => _handle;

    public void Dispose() => _handle.Leave();
}
