using System.Text;
using EdgeLite.Core;

namespace EdgeLite.Run;

/// <summary>Standard output as it is, and standard error, without what a name in a file could tell a terminal. Console.Out would prepare a terminal for interaction first: signal handlers and a thread for them,
/// a millisecond of a program that is over in a few.</summary>
internal static class Output
{
    private static readonly StreamWriter s_writer = new(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true };

    public static void WriteLine(string text = "") => s_writer.WriteLine(PlainText.Of(text));

    /// <summary>A line on standard error.</summary>
    public static void Error(string message) => Console.Error.WriteLine($"edgelite-run: {PlainText.Of(message)}");
}
