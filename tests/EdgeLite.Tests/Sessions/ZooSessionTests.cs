using System.Text.Json;

namespace EdgeLite.Tests.Sessions;

/// <summary>The whole line on published models: read, optimize, lower, write, load, run on the native kernels, compare with what an
/// independent engine computed.</summary>
public class ZooSessionTests
{
    /// <summary>Bytes of the largest model that the slow reference loops run as well.</summary>
    private const long ReferenceLimit = 500_000;

    public static TheoryData<string, string> Models()
    {
        var data = new TheoryData<string, string>();
        foreach (string model in ConvertedModels.All)
        {
            data.Add(model, "cpu");
            data.Add(model, CudaRun.Device);
            data.Add(model, CudaRun.SharedMemoryDevice);
            if (new FileInfo(ConvertedModels.SourceOf(model)).Length < ReferenceLimit) data.Add(model, "reference");
        }
        return data;
    }

    [SharedTheory("zoo")]
    [MemberData(nameof(Models))]
    public void Converted_models_compute_the_reference_outputs(string model, string device)
    {
        string folder = ConvertedModels.FolderOf(model);
        using JsonDocument meta = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "meta.json")));
        JsonElement[] outputs = [.. meta.RootElement.GetProperty("outputs").EnumerateArray()];
        using Model loaded = ConvertedModels.Load(model);
        using Session session = loaded.CreateSession(new SessionOptions { Threads = 2, Device = device });
        ConvertedModels.Fill(session, model);
        session.Run();

        double atol = meta.RootElement.GetProperty("tolerance").GetProperty("atol").GetDouble();
        double rtol = meta.RootElement.GetProperty("tolerance").GetProperty("rtol").GetDouble();
        for (int k = 0; k < outputs.Length; k++)
        {
            string name = outputs[k].GetProperty("name").GetString()!;
            Tensor got = session.Output(session.FindOutput(name));
            string raw = Path.Combine(folder, $"output_{k}_raw.npy"), real = Path.Combine(folder, $"output_{k}.npy");
            if (File.Exists(raw)) TensorAssert.Close(NpyFile.Read(raw), got, 0, 0, name);
            else TensorAssert.Close(NpyFile.Read(real), got, rtol, atol, name);
        }
    }
}
