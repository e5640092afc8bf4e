using System.Runtime.InteropServices;
using System.Text;
using EdgeLite.Core;

namespace EdgeLite.Run;

/// <summary>Lines on standard output and standard error. One stays one line, and tells a terminal nothing, whatever the names of a file in it hold.
/// Not by way of Console, which brings all that an interactive terminal needs: a tenth of this program.</summary>
internal static unsafe partial class Output
{
    private const int Interrupted = 4, Again = 11, ReaderIsGone = 32; // EINTR, EAGAIN, EPIPE

    public static void WriteLine(string text = "") => Write(1, PlainText.OneLine(text));

    /// <summary>A line on standard error.</summary>
    public static void Error(string message) => Write(2, $"edgelite-run: {PlainText.OneLine(message)}");

    private static void Write(int file, string line)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(line + "\n");
        fixed (byte* start = bytes)
            for (nint done = 0; done < bytes.Length;)
            {
                nint count = write(file, start + done, bytes.Length - done);
                int error = count < 0 ? Marshal.GetLastPInvokeError() : 0;
                if (error == Again) Thread.Sleep(1);
                else if (error is not (0 or Interrupted))
                {
                    // Of standard error there is nobody to tell.
                    if (error == ReaderIsGone || file == 2) return;
                    throw new EdgeLiteException(Status.IoError, $"standard output cannot be written: {Marshal.GetPInvokeErrorMessage(error)}.");
                }
                done += Math.Max(count, 0);
            }
    }

    [LibraryImport("libc", SetLastError = true)] private static partial nint write(int file, byte* bytes, nint count);
}
