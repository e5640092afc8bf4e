namespace EdgeLite.Tests.Differential;

/// <summary>Runs a converted model; takes and gives nothing but types of the base library, so that another copy of the runtime can be asked (<see cref="InstructionSet"/>).</summary>
internal static class SessionRun
{
    /// <param name="file">an .edgl file</param>
    /// <param name="device">name of a device</param>
    /// <param name="threads">threads of the session</param>
    /// <param name="inputs">for each run type, shape and bytes of each input</param>
    /// <returns>the same of each output for each run, all in one session</returns>
    public static (int Type, long[] Shape, byte[] Bytes)[][] Run(byte[] file, string device, int threads, (int Type, long[] Shape, byte[] Bytes)[][] inputs)
    {
        using Model model = Model.Load(file);
        using Session session = model.CreateSession(new SessionOptions { Threads = threads, Device = device });
        var results = new (int, long[], byte[])[inputs.Length][];
        for (int run = 0; run < inputs.Length; run++)
        {
            for (int i = 0; i < inputs[run].Length; i++) session.Resize(i, new Shape(inputs[run][i].Shape));
            for (int i = 0; i < inputs[run].Length; i++) inputs[run][i].Bytes.CopyTo(session.Input(i).Bytes);
            session.Run();
            results[run] = [.. Enumerable.Range(0, session.OutputCount).Select(o => session.Output(o)).Select(t => ((int)t.DType, t.Shape.AsSpan().ToArray(), t.Bytes.ToArray()))];
        }
        return results;
    }

    /// <summary>Kernels of the steps of a model without free sizes; empty where shapes depend on values.</summary>
    public static string[] Kernels(byte[] file)
    {
        using Model model = Model.Load(file);
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        return !session.IsStatic ? [] : [.. session.Steps().Select(s => s.Kernel)];
    }
}
