using System.Text;
using EdgeLite.Core;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace EdgeLite.Converter.Cli;

/// <summary>What the command prints, without what a name in a file could tell a terminal (<see cref="PlainText"/>): all that goes to the consoles and
/// to standard output and standard error passes here. Where standard output cannot be written that is an error, which says so; where standard error
/// cannot, there is nobody to tell.</summary>
internal static class PlainOutput
{
    /// <summary>Takes hold of both streams and gives the console of standard error; that of standard output is <see cref="AnsiConsole.Console"/>.</summary>
    public static IAnsiConsole Guard()
    {
        Console.SetOut(new Checked(Console.Out, e => throw new EdgeLiteException(Core.Status.IoError, $"standard output cannot be written: {FileFailure.Reason(e)}.")));
        Console.SetError(new Checked(Console.Error, _ => { }));
        IAnsiConsole errors = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        // Piped text is for programs: one message, one line.
        const int PipedWidth = 1 << 12;
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = PipedWidth;
        if (Console.IsErrorRedirected) errors.Profile.Width = PipedWidth;
        AnsiConsole.Console.Pipeline.Attach(new Hook());
        errors.Pipeline.Attach(new Hook());
        // The consoles keep the streams as they are: their colours are commands, too.
        Console.SetOut(new Writer(Console.Out));
        Console.SetError(new Writer(Console.Error));
        return errors;
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

    private sealed class Checked(TextWriter inner, Action<Exception> fail) : TextWriter
    {
        public override Encoding Encoding => inner.Encoding;

        public override void Write(char value) => Try(() => inner.Write(value));

        public override void Write(string? value) => Try(() => inner.Write(value));

        public override void WriteLine(string? value) => Try(() => inner.WriteLine(value));

        public override void Flush() => Try(inner.Flush);

        private void Try(Action write)
        {
            try
            {
                write();
            }
            catch (Exception e) when (FileFailure.Is(e))
            {
                fail(e);
            }
        }
    }
}
