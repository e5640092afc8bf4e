using System.Diagnostics;
using EdgeLite.Converter.Writer;
using EdgeLite.Format;
using EdgeLite.Tests.Importers;
using EdgeLite.Tests.Sessions;

namespace EdgeLite.Tests.Format;

/// <summary>Model files of real networks, damaged: always a status, never a crash.</summary>
public class DamagedModelTests
{
    private const int Rounds = 300, Seconds = 4, LongestRun = 10;

    [SharedTheory("zoo")]
    [InlineData("tflite/tiny_vww_int8")]
    [InlineData("onnx/silero_vad_v5")]
    [InlineData("tflite/tflm_mnist_lstm_fp32")]
    [InlineData("tflite/tflm_mnist_lstm_fp32", true)]
    [InlineData("tflite/tflm_hello_world_int8", true)]
    [InlineData("tensorflow_frozen/primitive_gru_dynamic")]
    public void A_description_with_wrong_bytes_and_the_right_checksum_never_crashes(string model, bool packed = false)
    {
        byte[] good = ConvertedModels.Convert(new ZooModel(model).Source, packed);
        FileHeader header = FileHeader.Read(good, good.Length, model);
        Assert.Equal(packed, header.IsPacked);
        long start = Stopwatch.GetTimestamp();
        (int first, int last) = LongTests.Seeds ?? (0, Rounds - 1);
        int refused = 0, rounds = 0;
        for (int seed = first; seed <= last && (LongTests.Seeds != null || Stopwatch.GetElapsedTime(start).TotalSeconds < Seconds); seed++, rounds++)
        {
            var random = new Random(seed);
            long began = Stopwatch.GetTimestamp();
            byte[] bad = [.. good];
            for (int change = random.Next(1, 5); change > 0; change--)
                bad[header.DescriptionOffset + random.NextInt64(header.DescriptionLength)] = (byte)random.Next(256);
            uint crc = Crc32.Compute(bad.AsSpan((int)header.DescriptionOffset, (int)header.DescriptionLength));
            (header with { DescriptionCrc = crc }).Write(bad);
            try
            {
                if (!LoadAndRun(bad)) refused++;
            }
            catch (Exception e)
            {
                Assert.Fail($"number {seed}: {e}");
            }
            double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            Assert.True(seconds < LongestRun, $"number {seed} took {seconds:f1} s");
        }
        Assert.True(refused > rounds / 20, $"only {refused} of {rounds} are refused");
    }

    [SharedFact("zoo")]
    public void A_packed_description_with_wrong_bytes_never_crashes()
    {
        byte[] good = ConvertedModels.Bytes("tflite/tflm_hello_world_int8");
        FileHeader header = FileHeader.Read(good, good.Length, "good");
        Assert.True(PackedFront.TryRead(good.AsSpan(FileHeader.Size, (int)header.DescriptionLength), out int description, out int near));
        byte[] front = new byte[description + near];
        Assert.True(PackedFront.TryUnpack(good.AsSpan(FileHeader.Size, (int)header.DescriptionLength), front));
        Assert.Equal(0, header.DataLength);
        var random = new Random(7);
        int refused = 0;
        for (int round = 0; round < Rounds; round++)
        {
            byte[] bad = [.. front];
            for (int change = random.Next(1, 5); change > 0; change--) bad[random.Next(description)] = (byte)random.Next(256);
            byte[] packed = NearConstants.PackFront(bad, description);
            byte[] file = new byte[FileHeader.Size + packed.Length];
            packed.CopyTo(file, FileHeader.Size);
            (header with { DescriptionCrc = Crc32.Compute(packed), DescriptionLength = packed.Length, FileLength = file.Length }).Write(file);
            if (!LoadAndRun(file)) refused++;
        }
        Assert.True(refused > Rounds / 20, $"only {refused} of {Rounds} are refused");
    }

    /// <summary>The arena that a file states is no more than its values take: few bytes cannot claim the memory of the host.</summary>
    [SharedFact("zoo")]
    public void A_file_that_states_a_huge_arena_gets_the_one_that_it_needs()
    {
        byte[] file = ConvertedModels.Convert(ConvertedModels.SourceOf("tflite/tflm_hello_world_int8"), pack: false);
        FileHeader header = FileHeader.Read(file, file.Length, "file");
        long needed;
        using (Model good = Model.Load(file))
        using (Session session = good.CreateSession(new SessionOptions { Threads = 1 })) needed = session.ArenaBytes;
        int found = 0;
        for (int at = (int)header.DescriptionOffset; at + 8 <= header.DescriptionOffset + header.DescriptionLength; at += 4)
        {
            if (BitConverter.ToInt64(file, at) != needed) continue;
            byte[] bad = [.. file];
            BitConverter.TryWriteBytes(bad.AsSpan(at), 1L << 31);
            (header with { DescriptionCrc = Crc32.Compute(bad.AsSpan((int)header.DescriptionOffset, (int)header.DescriptionLength)) }).Write(bad);
            using Model model = Model.Load(bad);
            if (model.Graphs[0].ArenaBytes != 1L << 31) continue;
            found++;
            using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
            Assert.InRange(session.ArenaBytes, 1, needed);
        }
        Assert.Equal(1, found);
    }

    [SharedTheory("zoo")]
    [InlineData("tflite/tiny_vww_int8")]
    [InlineData("tflite/tflm_hello_world_int8")]
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
