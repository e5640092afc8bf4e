using System.Diagnostics;
using EdgeLite.Format;
using EdgeLite.Tests.Sessions;

namespace EdgeLite.Tests.Format;

/// <summary>Model files of real networks, damaged: always a status, never a crash.</summary>
public class DamagedModelTests
{
    private const int Rounds = 300, Seconds = 4;

    [SharedTheory("zoo")]
    [InlineData("tflite/tiny_vww_int8")]
    [InlineData("onnx/silero_vad_v5")]
    [InlineData("tflite/tflm_mnist_lstm_fp32")]
    public void A_description_with_wrong_bytes_and_the_right_checksum_never_crashes(string model)
    {
        byte[] good = ConvertedModels.Bytes(model);
        FileHeader header = FileHeader.Read(good, good.Length, model);
        var random = new Random(5);
        long start = Stopwatch.GetTimestamp();
        int refused = 0, rounds = 0;
        for (; rounds < Rounds && Stopwatch.GetElapsedTime(start).TotalSeconds < Seconds; rounds++)
        {
            byte[] bad = [.. good];
            for (int change = random.Next(1, 5); change > 0; change--)
                bad[header.DescriptionOffset + random.NextInt64(header.DescriptionLength)] = (byte)random.Next(256);
            uint crc = Crc32.Compute(bad.AsSpan((int)header.DescriptionOffset, (int)header.DescriptionLength));
            (header with { DescriptionCrc = crc }).Write(bad);
            if (!LoadAndRun(bad)) refused++;
        }
        Assert.True(refused > rounds / 20, $"only {refused} of {rounds} are refused");
    }

    [SharedTheory("zoo")]
    [InlineData("tflite/tiny_vww_int8")]
    [InlineData("onnx/blazeface_front")]
    public void A_truncated_file_is_refused(string model)
    {
        byte[] good = ConvertedModels.Bytes(model);
        var random = new Random(6);
        for (int k = 0; k < 50; k++)
            Assert.Equal(Status.Truncated, Assert.Throws<EdgeLiteException>(() => Model.Load(good[..random.Next(good.Length)])).Status);
    }

    private static bool LoadAndRun(byte[] bytes)
    {
        try
        {
            using Model model = Model.Load(bytes);
            using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
            // A byte of a size may have made a valid model that is only large.
            if (session.IsPrepared && session.IsStatic && session.ArenaBytes < 8 << 20 && session.ScratchBytes < 8 << 20) session.Run();
            return true;
        }
        catch (EdgeLiteException)
        {
            return false;
        }
    }
}
