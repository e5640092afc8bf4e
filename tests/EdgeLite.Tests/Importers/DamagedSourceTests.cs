using EdgeLite.Converter;
using EdgeLite.Tests.Sessions;
using Xunit.Abstractions;

namespace EdgeLite.Tests.Importers;

/// <summary>Foreign files that were cut short or changed on the way: refused with our own exception, never a crash of another kind.</summary>
public sealed class DamagedSourceTests(ITestOutputHelper output) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("edgelite-damaged-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SharedTheory("zoo")]
    [InlineData("onnx/silero_vad_v5")]
    [InlineData("onnx/blazeface_front")]
    [InlineData("tflite/tiny_vww_int8")]
    [InlineData("tflite/tflm_mnist_lstm_int8")]
    public void Truncated_models_are_refused(string model)
    {
        string source = ConvertedModels.SourceOf(model);
        byte[] good = File.ReadAllBytes(source);
        var random = new Random(3);
        int refused = 0, lengths = 12;
        for (int k = 0; k < lengths; k++)
            if (Import(good[..(k < 4 ? 8 << k : random.Next(200, good.Length))], Path.GetFileName(source)) is { } message)
            {
                refused++;
                Assert.True(message.Length > 20, message);
            }
        output.WriteLine($"{refused} of {lengths} lengths refused");
        Assert.True(refused >= lengths - 1, $"only {refused} of {lengths} lengths are refused");
    }

    [SharedTheory("zoo")]
    [InlineData("onnx/silero_vad_v5")]
    [InlineData("tflite/tiny_ad01_int8")]
    [InlineData("tflite/tflm_mnist_lstm_fp32")]
    public void Changed_models_are_read_or_refused(string model)
    {
        string source = ConvertedModels.SourceOf(model);
        byte[] good = File.ReadAllBytes(source);
        var random = new Random(4);
        int refused = 0;
        for (int k = 0; k < 40; k++)
        {
            byte[] bad = [.. good];
            // Structure is at the ends of these files more than in the middle, where weights lie.
            for (int change = 0; change < 4; change++)
            {
                int at = random.Next(Math.Min(bad.Length, 4096));
                bad[random.Next(2) == 0 ? at : bad.Length - 1 - at] = (byte)random.Next(256);
            }
            if (Import(bad, Path.GetFileName(source)) != null) refused++;
        }
        output.WriteLine($"{refused} of 40 refused");
    }

    /// <summary>The message that the import is refused with, or null.</summary>
    private string? Import(byte[] bytes, string name)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        try
        {
            Pipeline.Import(path, new ConversionOptions());
            return null;
        }
        catch (EdgeLiteException e)
        {
            return e.Message;
        }
    }
}
