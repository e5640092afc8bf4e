using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite.Native;

/// <summary>The functions of edgelite.h that concern states.</summary>
internal static unsafe class StateExports
{
    [UnmanagedCallersOnly(EntryPoint = "el_session_state_count")]
    public static Status Count(nint session, int* count) => SessionExports.Answer(session, 0, count, "count", static (s, _) => s.Session.States.Count);

    [UnmanagedCallersOnly(EntryPoint = "el_session_state")]
    public static Status State(nint session, int state, int* input, int* output)
    {
        try
        {
            using var call = new SessionCall(session);
            StateBinding binding = call.Value.State(state);
            if (input != null) *input = binding.Input;
            if (output != null) *output = binding.Output;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_reset_state")]
    public static Status Reset(nint session)
    {
        try
        {
            using var call = new SessionCall(session);
            call.Value.Session.ResetState();
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_session_copy_state")]
    public static Status Copy(nint session, nint from)
    {
        try
        {
            using var call = new SessionCall(session);
            if (session == from) return Status.Ok;
            using var source = new SessionCall(from);
            call.Value.Session.CopyStateFrom(source.Value.Session);
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }
}
