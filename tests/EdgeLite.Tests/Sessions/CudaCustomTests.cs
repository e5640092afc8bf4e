using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Writer;
using EdgeLite.Ops;
using EdgeLite.Tests.Architecture;
using EdgeLite.Tests.Passes;

namespace EdgeLite.Tests.Sessions;

/// <summary>Operators of the application with a function of their own on the GPU. Its PTX is that of the kernels here, as text, and the function one of them
/// (which the emulated driver knows, too): y = x * scale + bias over the last dimension.</summary>
public class CudaCustomTests
{
    private const string Domain = "com.example.cuda";

    private class ScaleAndShift : CustomOperator
    {
        [StructLayout(LayoutKind.Sequential)]
        private struct Parameters // el_affine_params
        {
            public long Rows, Depth;
            public int Activation;
            public float A, B;
        }

        public override void Infer(InferContext context) => context.SetOutput(0, DType.Float32, context.Shape(0));

        public override void Compute(ComputeContext context)
        {
            Tensor x = context.Input(0), scale = context.Input(1), bias = context.Input(2), y = context.Output(0);
            for (long i = 0; i < y.Count; i++) y.SetDouble(i, (float)(x.GetDouble(i) * scale.GetDouble(i % scale.Count)) + (float)bias.GetDouble(i % bias.Count));
        }

        protected virtual string Entry => "el_affine_f32";

        public override CudaStep? OnCuda(CudaContext context)
        {
            if (Attributes.Find("on_processor") != null) return null;
            Shape x = context.Input(0).Shape;
            var parameters = new Parameters { Rows = x.Product(0, x.Rank - 1), Depth = x[x.Rank - 1] };
            return new CudaStep
            {
                Ptx = Ptx(context.Architecture), Entry = Entry, Grid = ((uint)(x.Count + 255) / 256, 1, 1),
                Parameters = MemoryMarshal.AsBytes(new ReadOnlySpan<Parameters>(in parameters)).ToArray(),
            };
        }
    }

    private sealed class Misnamed : ScaleAndShift
    {
        protected override string Entry => "no_such_function";
    }

    static CudaCustomTests()
    {
        OperatorTable.Register(Domain, "ScaleAndShift", "x, scale, bias", "y", () => new ScaleAndShift());
        OperatorTable.Register(Domain, "Misnamed", "x, scale, bias", "y", () => new Misnamed());
    }

    private static string Ptx(int architecture)
    {
        int best = new[] { 80, 72, 53 }.First(a => a <= architecture);
        using var file = new GZipStream(File.OpenRead(Path.Combine(SourceTree.Root, $"build/linux-x64-cuda/el_{best}.ptx.gz")), CompressionMode.Decompress);
        using var reader = new StreamReader(file, Encoding.ASCII);
        return reader.ReadToEnd();
    }

    private static Model Make(string op, string attributes = "")
    {
        Graph graph = GraphText.Parse($$"""
            graph "g" {
            input %x : float32[20,48]
            const %w : float32[48,40] = seeded(3)
            const %s : float32[40] = seeded(4)
            const %b : float32[40] = seeded(5)
            %a = MatMul(%x, %w)
            %c = {{Domain}}.{{op}}(%a, %s, %b) {{attributes}}
            %y = Exp(%c)
            output %y
            }
            """);
        CpuLowering.Run(graph);
        return Model.Load(ModelWriter.ToBytes(graph), "g");
    }

    public static TheoryData<string, bool> Devices
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (string device in CudaRun.AllDevices)
                foreach (bool half in new[] { false, true }) data.Add(device, half);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void An_operator_of_the_application_runs_its_own_function(string device, bool half)
    {
        foreach (bool onProcessor in new[] { false, true })
        {
            using Model model = Make("ScaleAndShift", onProcessor ? "{on_processor=1}" : "");
            using Session expected = model.CreateSession(new SessionOptions { Threads = 1 });
            using Session actual = model.CreateSession(new SessionOptions { Threads = 1, Device = device, AllowHalf = half });
            SeededFill.Fill(expected.Input(0), 3);
            expected.Input(0).CopyTo(actual.Input(0));
            expected.Run();
            actual.Run();
            Equivalence.Same(expected.Output(0), actual.Output(0), half ? 1e-2 : 2e-6, 0, device);
            Assert.Equal(!onProcessor, actual.Steps().Any(s => s.Kernel == "el_affine_f32/cuda"));
        }
    }

    [Fact]
    public void A_function_that_the_module_has_not_is_named()
    {
        using Model model = Make("Misnamed");
        Assert.Contains("no_such_function", Assert.Throws<EdgeLiteException>(() => model.CreateSession(new SessionOptions { Device = CudaRun.Device })).Message);
    }
}
