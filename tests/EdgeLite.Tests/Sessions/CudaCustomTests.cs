extern alias CLibrary;
using System.Runtime.InteropServices;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Writer;
using EdgeLite.Ops;
using EdgeLite.Tests.Passes;
using CLibrary::EdgeLite.Native;

namespace EdgeLite.Tests.Sessions;

/// <summary>Operators of the application with a function of their own on the GPU. Its PTX is that of the kernels here, as text, and the function one of them
/// (which the emulated driver knows, too): y = x * scale + bias over the last dimension.</summary>
public unsafe class CudaCustomTests
{
    private const string Domain = "com.example.cuda";

    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters // el_affine_params
    {
        public long Rows, Depth;
        public int Activation;
        public float A, B;
    }

    private class ScaleAndShift : CustomOperator
    {
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
        nint ptx = el_cuda_ptx(architecture, out _);
        string text = Marshal.PtrToStringUTF8(ptx)!;
        el_cuda_ptx_free(ptx);
        return text;
    }

    [DllImport("el_cuda")] private static extern nint el_cuda_ptx(int architecture, out nuint bytes);
    [DllImport("el_cuda")] private static extern void el_cuda_ptx_free(nint ptx);

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

    [UnmanagedCallersOnly]
    private static Status InferInC(void* user, nint call)
    {
        OperatorExports.TensorView x;
        delegate* unmanaged<nint, int, OperatorExports.TensorView*, Status> input = &OperatorExports.Input;
        delegate* unmanaged<nint, int, int, long*, int, Status> setOutput = &OperatorExports.SetOutput;
        Status status = input(call, 0, &x);
        return status != Status.Ok ? status : setOutput(call, 0, x.DType, x.Dims, x.Rank);
    }

    [UnmanagedCallersOnly]
    private static Status ComputeInC(void* user, nint call)
    {
        OperatorExports.TensorView x, scale, bias, y;
        delegate* unmanaged<nint, int, OperatorExports.TensorView*, Status> input = &OperatorExports.Input, output = &OperatorExports.Output;
        if (input(call, 0, &x) != Status.Ok || input(call, 1, &scale) != Status.Ok || input(call, 2, &bias) != Status.Ok || output(call, 0, &y) != Status.Ok)
            return Status.RuntimeFailure;
        long depth = x.Dims[x.Rank - 1];
        for (long i = 0; i < (long)y.Bytes / sizeof(float); i++)
            ((float*)y.Data)[i] = ((float*)x.Data)[i] * ((float*)scale.Data)[i % depth] + ((float*)bias.Data)[i % depth];
        return Status.Ok;
    }

    [UnmanagedCallersOnly]
    private static Status PlaceInC(void* user, nint call, int architecture, int multiprocessors, CLibrary::EdgeLite.Native.CudaLaunch* launch)
    {
        OperatorExports.TensorView x, y;
        long flag;
        delegate* unmanaged<nint, int, OperatorExports.TensorView*, Status> input = &OperatorExports.Input, output = &OperatorExports.Output;
        delegate* unmanaged<nint, byte*, long*, Status> integer = &OperatorExports.Int;
        fixed (byte* name = "on_processor"u8)
            if (integer(call, name, &flag) == Status.Ok) return Status.Ok;
        if (input(call, 0, &x) != Status.Ok || output(call, 0, &y) != Status.Ok || x.Data != null || x.Rank != y.Rank || architecture < 53 || multiprocessors < 1)
            return Status.RuntimeFailure;
        // What C passes lives until the function returns; here it is simply never freed.
        var parameters = (Parameters*)NativeMemory.AllocZeroed((nuint)sizeof(Parameters));
        (parameters->Rows, parameters->Depth) = (x.Dims[0], x.Dims[1]);
        launch->Ptx = (byte*)Marshal.StringToCoTaskMemUTF8(Ptx(architecture));
        launch->Entry = (byte*)Marshal.StringToCoTaskMemUTF8("el_affine_f32");
        launch->GridX = (uint)(x.Dims[0] * x.Dims[1] + 255) / 256;
        launch->Parameters = parameters;
        launch->ParametersSize = (nuint)sizeof(Parameters);
        return Status.Ok;
    }

    [Fact]
    public void A_function_table_of_C_brings_its_own_function_along()
    {
        fixed (byte* domain = "com.example.cuda"u8, name = "InC"u8)
        {
            var functions = new OperatorFunctions
            {
                StructSize = (nuint)sizeof(OperatorFunctions), Domain = domain, Name = name, Infer = &InferInC, Compute = &ComputeInC, OnCuda = &PlaceInC,
            };
            delegate* unmanaged<OperatorFunctions*, Status> register = &OperatorExports.Register;
            Assert.Equal(Status.Ok, register(&functions));
        }
        foreach (bool onProcessor in new[] { false, true })
        {
            using Model model = Make("InC", onProcessor ? "{on_processor=1}" : "");
            using Session expected = model.CreateSession(new SessionOptions { Threads = 1 });
            using Session actual = model.CreateSession(new SessionOptions { Threads = 1, Device = CudaRun.Device });
            SeededFill.Fill(expected.Input(0), 3);
            expected.Input(0).CopyTo(actual.Input(0));
            expected.Run();
            actual.Run();
            Equivalence.Same(expected.Output(0), actual.Output(0), 2e-6, 0, "in C");
            Assert.Equal(!onProcessor, actual.Steps().Any(s => s.Kernel == "el_affine_f32/cuda"));
        }
    }

    [Fact]
    public void A_table_of_programs_older_than_on_cuda_is_taken()
    {
        fixed (byte* domain = "com.example.cuda"u8, name = "Older"u8)
        {
            var functions = new OperatorFunctions { StructSize = OperatorFunctions.FirstSize, Domain = domain, Name = name, Infer = &InferInC, Compute = &ComputeInC, OnCuda = &PlaceInC };
            delegate* unmanaged<OperatorFunctions*, Status> register = &OperatorExports.Register;
            Assert.Equal(Status.Ok, register(&functions));
            functions.StructSize--;
            Assert.Equal(Status.InvalidArgument, register(&functions));
        }
        using Model model = Make("Older");
        using Session session = model.CreateSession(new SessionOptions { Device = CudaRun.Device });
        Assert.DoesNotContain(session.Steps(), s => s.Kernel == "el_affine_f32/cuda");
    }

    [Fact]
    public void A_function_that_the_module_has_not_is_named()
    {
        using Model model = Make("Misnamed");
        Assert.Contains("no_such_function", Assert.Throws<EdgeLiteException>(() => model.CreateSession(new SessionOptions { Device = CudaRun.Device })).Message);
    }
}
