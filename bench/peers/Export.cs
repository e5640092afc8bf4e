using EdgeLite.Bench.Networks;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Bench;

/// <summary>Classic networks converted for another machine, for bench/cuda.sh: NAME_bN.edgl and NAME_bN_int8.edgl, and x_bN.npy, an input for all. Weights repeat
/// and inputs are of 8 bits, so that the files pack well.</summary>
internal static class Export
{
    public static void Write(string name, string folder)
    {
        NetworkBuilder.Period = 509;
        string at = Path.Combine(folder, $"{name}_b{NetworkBuilder.Batch}");
        BenchModel model = BenchModel.Generated(Path.GetFileName(at), Classic.All[name], folder);
        Graph graph = Speed.Convert(model, at + ".edgl");
        (string? own, string? peer) = Speed.Quantize(model, at + "_int8");
        Tensor input = Speed.Inputs(graph, model)[graph.Inputs[0].Name];
        for (long i = 0; i < input.Count; i++) input.SetDouble(i, Math.Round(input.GetDouble(i) * 128) / 128);
        NpyFile.Write(Path.Combine(folder, $"x_b{NetworkBuilder.Batch}.npy"), input);
        File.Delete(model.Path);
        if (peer != null) File.Delete(peer);
        Console.Error.WriteLine($"{at}.edgl{(own == null ? "" : $", {own}")}");
    }
}
