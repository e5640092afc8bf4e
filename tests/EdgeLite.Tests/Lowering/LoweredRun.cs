using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Writer;
using EdgeLite.Tests.Passes;
using EdgeLite.Tests.Sessions;

namespace EdgeLite.Tests.Lowering;

/// <summary>A graph in text form, lowered: it must come to the named operators, and compute what the original computes both by the
/// reference loops and, written, loaded and bound, by the native kernels of the processor and of the GPU.</summary>
internal static class LoweredRun
{
    public static Graph Check(string body, string operators, int threads = 2)
    {
        Graph graph = Unchecked(body, threads);
        Assert.Equal(operators, Equivalence.Operators(graph));
        return graph;
    }

    /// <summary>Whatever operators it comes to.</summary>
    public static Graph Unchecked(string body, int threads = 2)
    {
        string text = "graph \"g\" {\n" + body + "\n}";
        Graph graph = Equivalence.Check(text, g =>
        {
            PassList.Optimize(g);
            CpuLowering.Run(g);
        });

        Graph original = GraphText.Parse(text);
        Tensor[] inputs = [.. original.Inputs.Select(Equivalence.Random)];
        Tensor[] expected = new GraphInterpreter(original).Run(inputs);
        using Model model = Model.Load(ModelWriter.ToBytes(graph), "g");
        foreach (string device in new[] { "cpu", CudaRun.Device, CudaRun.SharedMemoryDevice })
        {
            using Session session = model.CreateSession(new SessionOptions { Threads = threads, Device = device });
            for (int i = 0; i < inputs.Length; i++)
            {
                Tensor target = session.Input(session.FindInput(original.Inputs[i].Name));
                for (long k = 0; k < target.Count; k++) target.SetDouble(k, inputs[i].GetDouble(k));
            }
            session.Run();
            for (int o = 0; o < expected.Length; o++)
                Equivalence.Same(expected[o], session.Output(session.FindOutput(original.Outputs[o].Name)), 2e-5, 0, $"{device}: {original.Outputs[o].Name}");
        }
        return graph;
    }
}
