using System.Runtime.InteropServices;
using EdgeLite.Devices.Cpu;
using EdgeLite.Ops;

namespace EdgeLite.Run;

/// <summary><c>edgelite-run doctor</c>: what this device is, which kernels it gets, what is missing.</summary>
internal static class DoctorCommand
{
    public static void Execute(Arguments arguments)
    {
        bool json = arguments.Flag("--json");
        arguments.Finish();
        string isas = string.Join(' ', CpuKernels.IsaNames);
        string best = CpuKernels.IsaNames.Last();
        string? cap = Environment.GetEnvironmentVariable("EDGELITE_MAX_ISA");
        List<string> kernels = [.. CpuKernels.All.Select(k => k.Name).Distinct().Order(StringComparer.Ordinal)];
        bool cuda = NativeLibrary.TryLoad("libcuda.so.1", out _);
        string cudaText = cuda ? "driver found; this build has no CUDA device" : "no driver (libcuda.so.1 is not there)";
        if (json)
        {
            string chosen = "{" + string.Join(",", kernels.Select(k => $"{Json.Text(k)}:{Json.Text(CpuKernels.ChosenIsa(k))}")) + "}";
            Console.WriteLine($$"""{"os":{{Json.Text(RuntimeInformation.OSDescription)}},"architecture":{{Json.Text(RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant())}},"processors":{{Environment.ProcessorCount}},"processor":{{Json.Text(ProcessMemory.ProcessorName())}},"memory_kb":{{ProcessMemory.TotalKilobytes()}},"isa":[{{string.Join(",", CpuKernels.IsaNames.Select(Json.Text))}}],"max_isa":{{Json.Text(cap ?? "")}},"cuda":{{Json.Text(cudaText)}},"operators":{{OperatorTable.All.Length}},"kernels":{{chosen}}}""");
            return;
        }
        Console.WriteLine($"processor     {ProcessMemory.ProcessorName()}, {Environment.ProcessorCount} usable");
        Console.WriteLine($"system        {RuntimeInformation.OSDescription} ({RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()})");
        Console.WriteLine($"memory        {ProcessMemory.TotalKilobytes() / 1024} MB");
        Console.WriteLine($"instructions  {isas}{(cap is { Length: > 0 } ? $"  (capped by EDGELITE_MAX_ISA={cap})" : "")}");
        Console.WriteLine($"cuda          {cudaText}");
        Console.WriteLine($"operators     {OperatorTable.All.Length}, of which the reference loop always serves");
        Console.WriteLine($"kernels       {kernels.Count}, best instruction set {best}:");
        foreach (var group in kernels.GroupBy(CpuKernels.ChosenIsa))
            Console.WriteLine($"  {group.Key,-11} {string.Join(' ', group)}");
    }
}
