using System.Text;
using EdgeLite.Core;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace EdgeLite.Converter.Cli;

/// <summary>What the command prints, without what a name in a file could tell a terminal (<see cref="PlainText"/>): all that goes to the consoles and
/// to standard output and standard error passes here.</summary>
internal static class PlainOutput
{
    /// <summary>From now on. The consoles have their streams already: their colours are commands, too.</summary>
    public static void Guard(params ReadOnlySpan<IAnsiConsole> consoles)
    {
        foreach (IAnsiConsole console in consoles) console.Pipeline.Attach(new Hook());
        Console.SetOut(new Writer(Console.Out));
        Console.SetError(new Writer(Console.Error));
    }

    private sealed class Hook : IRenderHook
    {
        public IEnumerable<IRenderable> Process(RenderOptions options, IEnumerable<IRenderable> renderables) => renderables.Select(r => new Plain(r));
    }

    private sealed class Plain(IRenderable inner) : IRenderable
    {
        public Measurement Measure(RenderOptions options, int maxWidth) => inner.Measure(options, maxWidth);

        public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) =>
            inner.Render(options, maxWidth).Select(s => s.IsControlCode || s.IsLineBreak ? s : new Segment(PlainText.Of(s.Text), s.Style));
    }

    private sealed class Writer(TextWriter inner) : TextWriter
    {
        public override Encoding Encoding => inner.Encoding;

        public override void Write(char value) => inner.Write(value);

        // A line may be written over the one before.
        public override void Write(string? value) => inner.Write(value is ['\r', ..] ? "\r" + PlainText.Of(value[1..]) : PlainText.Of(value ?? ""));

        public override void WriteLine(string? value) => inner.WriteLine(PlainText.Of(value ?? ""));

        public override void Flush() => inner.Flush();
    }
}
