using System.Runtime.InteropServices;
using System.Text;
using EdgeLite.Core;

namespace EdgeLite.Run;

/// <summary>Standard output and standard error, without what a name in a file could tell a terminal. Not by way of Console, which brings all that
/// an interactive terminal needs: a tenth of this program.</summary>
internal static unsafe partial class Output
{
    private const int Interrupted = 4, Again = 11, ReaderIsGone = 32; // EINTR, EAGAIN, EPIPE

    public static void WriteLine(string text = "") => Write(1, PlainText.Of(text));

    /// <summary>A line on standard error.</summary>
    public static void Error(string message) => Write(2, $"edgelite-run: {PlainText.Of(message)}");

    private static void Write(int file, string line)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(line + "\n");
        fixed (byte* start = bytes)
            for (nint done = 0; done < bytes.Length;)
            {
                nint count = write(file, start + done, bytes.Length - done);
                int error = count < 0 ? Marshal.GetLastPInvokeError() : 0;
                if (error == ReaderIsGone || error != 0 && file == 2) return;
                if (error == Again) Thread.Sleep(1);
                else if (error is not (0 or Interrupted))
                    throw new EdgeLiteException(Status.IoError, $"standard output cannot be written: {Marshal.GetPInvokeErrorMessage(error)}.");
                done += Math.Max(count, 0);
            }
    }

    [LibraryImport("libc", SetLastError = true)] private static partial nint write(int file, byte* bytes, nint count);
}
