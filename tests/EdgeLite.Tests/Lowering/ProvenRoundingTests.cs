using EdgeLite.Converter.Importers.Tflite;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Lowering.Quantized;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Writer;
using EdgeLite.Ops.EdgeLite;
using EdgeLite.Tests.Passes;

namespace EdgeLite.Tests.Lowering;

public class ProvenRoundingTests
{
    /// <summary>Factors of any kind against every sum of their reach, or where that is wide all sums near a step and many others.</summary>
    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    public void Float32_gives_what_the_rule_gives(int seed, bool once)
    {
        var random = new Random(seed);
        int proven = 0;
        const int trials = 1500;
        for (int i = 0; i < trials; i++)
        {
            int yZero = once ? random.Next(3) switch { 0 => sbyte.MinValue, 1 => sbyte.MaxValue, _ => random.Next(sbyte.MinValue, sbyte.MaxValue + 1) } : sbyte.MinValue;
            FixedMultiplier m = Factor(random);
            double spread = Math.Clamp(300 / (m.Value * Math.ScaleB(1, m.Shift - 31)), 1, 1 << 23);
            (long low, long high) = ((long)(-spread * random.NextDouble()), (long)(spread * random.NextDouble()));
            if (ProvenRounding.Of([m, new FixedMultiplier(1 << 30 | 1, -3)], [(low, high), (0, 0)], yZero, once) is not { } near) continue;
            proven++;
            (float scale, float start) = ProvenRounding.Decode(near[0], m, yZero, once);
            for (long acc = low; acc <= high; acc += high - low > 100_000 ? 1 + random.Next(40) : 1)
            {
                int rule = once ? FixedPoint.RequantizeOnce((int)acc, m.Value, m.Shift) : FixedPoint.Requantize((int)acc, m);
                Assert.True(Math.Clamp(rule + yZero, sbyte.MinValue, sbyte.MaxValue) == Floor(acc, scale, start), $"{m} of {acc}, zero point {yZero}, near {near[0]:x8}");
            }
        }
        Assert.True(proven > trials * 9 / 10, $"{proven} of {trials} are proven");
    }

    /// <summary>Kernels know multiples of 2^-16 of 24 bits without being told; numbers that do not fit into int32 are not for float32.</summary>
    [Fact]
    public void What_needs_no_proof_and_what_has_none()
    {
        Assert.Null(ProvenRounding.Of([new(1 << 30, -5), new(0, 0), new(0x40008000, 0)], [(-1000, 1000), (0, 0), (-9, 9)], 3, once: true));
        Assert.NotNull(ProvenRounding.Of([new(1 << 30, -5), new(0x40004000, 0)], [(-1000, 1000), (-9, 9)], 3, once: true));
        Assert.Null(ProvenRounding.Of([new(0x40004000, 8)], [(-9, 1 << 24)], 3, once: true));
        Assert.Null(ProvenRounding.Of([new(0x40004000, 30)], [(-9, 9)], -128, once: false));
        // Sums of kernels wrap around in int32.
        Assert.NotNull(ProvenRounding.Of([new(0x40004001, -20)], [(0, int.MaxValue)], 3, once: true));
        Assert.Null(ProvenRounding.Of([new(0x40004001, -20)], [(0, int.MaxValue + 1000L)], 3, once: true));
    }

    /// <summary>Layers of files that TFLite's converter made, and the bits of native kernels against those of the reference loops.</summary>
    [SharedTheory("zoo/tflite")]
    [InlineData("tiny_resnet8_int8", 10, 9)]
    [InlineData("tiny_vww_int8", 28, 27)]
    [InlineData("tiny_ad01_int8", 10, 10)]
    [InlineData("tiny_toycar_int8_floatio", 10, 10)]
    public void Layers_of_published_files_are_proven(string name, int layers, int proven)
    {
        Graph graph = TfliteImporter.Import(Path.Combine(SharedData.Folder!, "zoo/tflite", name, "model.tflite"));
        PassList.Optimize(graph);
        CpuLowering.Run(graph);
        Node[] found = [.. graph.Nodes.Where(n => n.Domain == "edgelite" && n.OpType is "QConv" or "QDepthwiseConv" or "QGemm")];
        Assert.Equal((layers, proven), (found.Length, found.Count(n => n.Input(6) != null)));

        using Model model = Model.Load(ModelWriter.ToBytes(graph), name);
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        for (int i = 0; i < 2; i++)
        {
            Tensor target = session.Input(0);
            var x = new Tensor(target.DType, target.Shape);
            SeededFill.Fill(x, (ulong)i);
            for (long k = 0; k < x.Count; k++) target.SetDouble(k, x.GetDouble(k));
            session.Run();
            Equivalence.Same(new GraphInterpreter(graph).Run([x])[0], session.Output(0), 0, 0, name);
        }
    }

    /// <summary>What a kernel computes: the exact number, rounded down twice and saturated.</summary>
    private static int Floor(long acc, float scale, float start)
    {
        (int a, int exponent) = Parts(scale);
        (int b, int other) = Parts(start);
        int least = Math.Min(Math.Min(exponent, other), 0);
        Int128 sum = ((Int128)acc * a << exponent - least) + ((Int128)b << other - least);
        return (int)Int128.Clamp(sum >> -least, sbyte.MinValue, sbyte.MaxValue);
    }

    /// <summary>A normal float as an integer times a power of two.</summary>
    private static (int Integer, int Exponent) Parts(float x)
    {
        int bits = BitConverter.SingleToInt32Bits(x), integer = bits & 0x7fffff | 0x800000;
        return (bits < 0 ? -integer : integer, (bits >> 23 & 255) - 150);
    }

    private static FixedMultiplier Factor(Random random) => random.Next(8) switch
    {
        0 => new FixedMultiplier(int.MaxValue, random.Next(-12, 3)),
        1 => new FixedMultiplier(1 << 30, random.Next(-12, 3)),
        _ => new FixedMultiplier((1 << 30) + random.Next(1 << 30), random.Next(-10, 4)),
    };
}
