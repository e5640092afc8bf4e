using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite.Converter.Writer;

/// <summary>Choices of kernels that were measured on devices (<c>edgelite-run tune</c>), for models that are converted later.</summary>
internal static class TuningTables
{
    /// <summary>The choices of a table, or of a model that holds some.</summary>
    public static IReadOnlyList<Tuning> Read(string path)
    {
        if (!File.Exists(path)) throw new EdgeLiteException(Status.FileNotFound, $"There is no file '{path}'.");
        using FileStream stream = File.OpenRead(path);
        Span<byte> start = stackalloc byte[5];
        if (stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) < start.Length || !start.SequenceEqual("EDGL1"u8))
            return stream.Length > Tuning.MaxBytes ? throw new EdgeLiteException(Status.NotAModel, $"'{path}' is neither a table of edgelite-run tune nor a model.") : Tuning.Parse(File.ReadAllBytes(path), path);
        using Model model = Model.Load(path);
        return model.Tunings.Count > 0 ? model.Tunings : throw new EdgeLiteException(Status.NotFound, $"The model '{path}' holds no choices of kernels: run edgelite-run tune on it.");
    }

    /// <summary>Writes those choices into the model file that are about calls that it makes; of one call the first counts. Returns how many they are.</summary>
    public static int Apply(string path, IReadOnlyList<Tuning> tables)
    {
        using Model model = Model.Load(path);
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        if (!session.IsPrepared || !session.IsStatic) return 0;
        HashSet<ulong> calls = [.. session.Calls()];
        var chosen = new List<Tuning>();
        foreach (IGrouping<string, Tuning> machine in tables.GroupBy(t => t.Machine))
        {
            var tuning = new Tuning(machine.Key, machine.First().Remark);
            foreach (TunedCall choice in machine.SelectMany(t => t.Choices).Where(c => calls.Contains(c.Call)).DistinctBy(c => c.Call)) tuning.Add(choice);
            if (tuning.Choices.Count > 0) chosen.Add(tuning);
        }
        if (chosen.Count > 0) model.Save(path, [.. chosen]);
        return chosen.Sum(t => t.Choices.Count);
    }
}
