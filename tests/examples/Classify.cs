using EdgeLite;

namespace Examples;

/// <summary>Prints the largest element of the first output (float32).</summary>
public static class Classify
{
    public static void Run(string path, ReadOnlySpan<byte> pixels, TextWriter to)
    {
        using Model model = Model.Load(path);
        using Session session = model.CreateSession();
        pixels.CopyTo(session.Input(0).Bytes);
        session.Run();
        Span<float> scores = session.Output(0).Span<float>();
        int best = 0;
        for (int i = 1; i < scores.Length; i++)
            if (scores[i] > scores[best]) best = i;
        to.WriteLine(FormattableString.Invariant($"class {best}, score {scores[best]:g6}"));
    }
}
