using System.Globalization;
using System.Runtime.InteropServices;
using EdgeLite.Devices.Cpu;
using EdgeLite.Devices.Cuda;
using EdgeLite.Ops;

namespace EdgeLite.Run;

/// <summary><c>edgelite-run doctor</c>: what this device is, which kernels it gets, what is missing.</summary>
internal static class DoctorCommand
{
    public static void Execute(Arguments arguments)
    {
        bool json = arguments.Flag("--json");
        arguments.Finish();
        List<string> names = [.. CpuKernels.IsaNames];
        string isas = string.Join(' ', names), best = names[^1];
        string? cap = Environment.GetEnvironmentVariable("EDGELITE_MAX_ISA");
        var kernels = new List<string>();
        foreach ((string name, _) in CpuKernels.All)
            if (!kernels.Contains(name) && CpuKernels.ChosenIsa(name) != null) kernels.Add(name);
        kernels.Sort(StringComparer.Ordinal);
        // The name of an enumeration's value takes reflection, which this program goes without.
        string architecture = RuntimeInformation.OSArchitecture switch
        {
            Architecture.X64 => "x64",
            Architecture.Arm64 => "arm64",
            _ => "other",
        };
        string[] gpus = CudaDevice.IsSupported ? CudaDevice.Describe() : [];
        MachinePeaks peaks = MachinePeaks.Measure();
        if (json)
        {
            string chosen = "{" + string.Join(",", kernels.ConvertAll(k => $"{Json.Text(k)}:{Json.Text(CpuKernels.ChosenIsa(k)!)}")) + "}";
            Output.WriteLine($$"""{"os":{{Json.Text(RuntimeInformation.OSDescription)}},"architecture":{{Json.Text(architecture)}},"processors":{{Environment.ProcessorCount}},"processor":{{Json.Text(ProcessMemory.ProcessorName())}},"memory_kb":{{ProcessMemory.TotalKilobytes()}},"isa":[{{string.Join(",", names.ConvertAll(Json.Text))}}],"max_isa":{{Json.Text(cap ?? "")}},{{(CudaDevice.IsSupported ? $"\"cuda\":{Json.Text(string.Join("; ", gpus))}," : "")}}"peak_float_gops":{{peaks.FloatOperations.ToString("0.0", CultureInfo.InvariantCulture)}},"peak_int8_gops":{{peaks.Int8Operations.ToString("0.0", CultureInfo.InvariantCulture)}},"peak_read_gbs":{{peaks.Bytes.ToString("0.0", CultureInfo.InvariantCulture)}},"operators":{{OperatorTable.All.Length}},"kernels":{{chosen}}}""");
            return;
        }
        Output.WriteLine($"processor     {ProcessMemory.ProcessorName()}, {Environment.ProcessorCount} usable");
        Output.WriteLine($"system        {RuntimeInformation.OSDescription} ({architecture})");
        Output.WriteLine($"memory        {ProcessMemory.TotalKilobytes() / 1024} MB");
        Output.WriteLine($"instructions  {isas}{(cap is { Length: > 0 } ? $"  (capped by EDGELITE_MAX_ISA={cap})" : "")}");
        Output.WriteLine(FormattableString.Invariant($"one core      {peaks.FloatOperations:0} Gop/s in float32, {peaks.Int8Operations:0} in int8, reads {peaks.Bytes:0.0} GB/s from memory (measured)"));
        if (CudaDevice.IsSupported)
            for (int i = 0; i < gpus.Length; i++) Output.WriteLine($"{(i == 0 ? "cuda" : ""),-13} {gpus[i]}");
        Output.WriteLine($"operators     {OperatorTable.All.Length}, of which the reference loop always serves");
        Output.WriteLine($"kernels       {kernels.Count}, best instruction set {best}:");
        foreach (string isa in names)
            if (kernels.FindAll(k => CpuKernels.ChosenIsa(k) == isa) is { Count: > 0 } of) Output.WriteLine($"  {isa,-11} {string.Join(' ', of)}");
    }
}
