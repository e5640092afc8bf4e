using EdgeLite.Core;
using EdgeLite.Devices.Cpu;
using EdgeLite.Devices.Cuda;

namespace EdgeLite.Run;

/// <summary>What the device program can be asked to do.</summary>
internal static class Commands
{
    private static string Help => $"""
        edgelite-run: runs EdgeLite models

          edgelite-run run MODEL.edgl --in NAME=FILE.npy .. --out DIR     one inference; writes DIR/<output>.npy
          edgelite-run bench MODEL.edgl [--warmup N] [--runs N] [--json]  start-up, speed, memory (--runs 0: start-up alone)
          edgelite-run profile MODEL.edgl [--runs N] [--json]             time of every step and operator
          edgelite-run tune MODEL.edgl [--out FILE.edgl] [--table FILE]   measures which kernel does each step fastest here and writes
                                                                          the choices into the model, or as a table for edgelite convert
          edgelite-run selftest MODEL.edgl [--json] [--min-sqnr DB]       runs the samples in the model and compares with what was computed
                                                                          where it was converted (edgelite convert --self-test)
          edgelite-run verify MODEL.edgl [--key PUBLIC.pem]               checks the hash of the content (edgelite convert --hash) and the
                                                                          signature (edgelite sign)
          edgelite-run doctor [--json]                                    what this device is and which kernels it gets

        Common options
          --threads N              threads of one inference, 0 = all processors (default 0; bench and profile: 1)
          --shape NAME=1x3x64x64   size of an input whose shape is free
          --device NAME            where to run: cpu (default), auto, reference{(CudaDevice.IsSupported ? ", cuda, cuda:N" : "")}
          --half                   a GPU may compute in float16
          --key PUBLIC.pem         take a model only if the holder of this Ed25519 key signed it
          --in FILE.npy            without NAME= where the model has one input; bench and profile: zeros without it
          --json                   machine-readable

        Environment: EDGELITE_MAX_ISA=scalar|avx2|avxvnni|avx512|avx512vnni|avx512vbmi|neon|neonfp16|neondot|neoni8mm caps the instruction set.
        """;

    public static int Dispatch(string[] args)
    {
        string command = args.Length > 0 ? args[0] : "";
        if (command is "" or "--help" or "-h" or "help" || Array.IndexOf(args, "--help") >= 0 || Array.IndexOf(args, "-h") >= 0)
        {
            foreach (string line in Help.Split('\n')) Output.WriteLine(line);
            return command.Length == 0 ? 1 : 0;
        }
        if (command == "--version")
        {
            Output.WriteLine($"edgelite-run {Release.Version}");
            return 0;
        }
        CpuKernels.CheckCap();
        var arguments = new Arguments(args.AsSpan(1), ["--json", "--half"]);
        switch (command)
        {
            case "run": RunCommand.Execute(arguments); return 0;
            case "bench": BenchCommand.Execute(arguments); return 0;
            case "profile": ProfileCommand.Execute(arguments); return 0;
            case "tune": TuneCommand.Execute(arguments); return 0;
            case "selftest": SelfTestCommand.Execute(arguments); return 0;
            case "verify": VerifyCommand.Execute(arguments); return 0;
            case "doctor": DoctorCommand.Execute(arguments); return 0;
            default: throw Arguments.Usage($"unknown command '{command}'");
        }
    }

    /// <summary>The key that a model must be signed by; null when none is named.</summary>
    public static LoadOptions? ReadLoadOptions(Arguments arguments)
    {
        if (arguments.Value("--key") is not { } file) return null;
        try
        {
            return new LoadOptions { Key = PublicKey.FromPem(TextFile.Read(file), $"'{file}'") };
        }
        catch (Exception e) when (FileFailure.Is(e))
        {
            throw FileFailure.Reading(file, e);
        }
    }

    public static SessionOptions ReadOptions(Arguments arguments, int defaultThreads) => new()
    {
        Threads = arguments.Int("--threads", defaultThreads),
        Device = arguments.Value("--device") ?? "cpu",
        AllowHalf = arguments.Flag("--half"),
    };

    /// <summary>A session with the common options applied.</summary>
    public static Session OpenSession(Model model, Arguments arguments, int defaultThreads)
    {
        Session session = model.CreateSession(ReadOptions(arguments, defaultThreads));
        foreach (string text in arguments.All("--shape"))
        {
            int equals = text.IndexOf('=');
            int input = equals > 0 ? session.FindInput(text[..equals]) : 0;
            session.Resize(input, ParseShape(text[(equals + 1)..]));
        }
        if (!session.IsTuned && session.TuningNote.Length > 0) Output.Error(session.TuningNote);
        return session;
    }

    /// <summary>Says how long it will be silent, where that is long.</summary>
    public static void Announce(double seconds)
    {
        if (seconds > 2) Output.Error(FormattableString.Invariant($"measuring for about {seconds:0} s"));
    }

    private static Shape ParseShape(string text)
    {
        string[] parts = text.Split('x', ',');
        var dims = new long[parts.Length];
        for (int i = 0; i < dims.Length; i++)
            if (!long.TryParse(parts[i], out dims[i]) || dims[i] < 0) throw Arguments.Usage($"'{text}' is not a shape such as 1x3x224x224");
        return new Shape(dims);
    }
}
