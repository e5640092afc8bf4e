using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Core;
using EdgeLite.Devices.Cpu;
using EdgeLite.Format;
using EdgeLite.Ops;
using Spectre.Console;

namespace EdgeLite.Converter.Cli;

/// <summary><c>edgelite inspect</c>: what an .edgl file holds and exactly what it will take to run.</summary>
internal static class InspectCommand
{
    private sealed record OperatorUse(string Operator, int Steps, long WeightBytes);

    /// <summary>Of the oldest GPU that there are kernels for (docs/cuda.md).</summary>
    private const int LeastCapability = 53;

    public static Command Create()
    {
        var file = new Argument<FileInfo>("model") { Description = "The .edgl file." };
        var threads = new Option<int>("--threads") { HelpName = "N", Description = "Threads that the scratch memory is stated for.", DefaultValueFactory = _ => 1 };
        var device = new Option<string>("--device") { HelpName = "NAME", Description = "Where it runs, as in edgelite-run: cpu, cuda, cuda:N, auto. Lists every step and where it runs.", DefaultValueFactory = _ => "" };
        var gpu = new Option<int>("--gpu") { HelpName = "CAPABILITY", Description = "Lists the steps on a GPU of that compute capability, which need not be there: 53 (Jetson Nano), 72 (Xavier), 87 (Orin), 80, 90." };
        var half = new Option<bool>("--half") { Description = "A GPU may compute in float16." };
        var needs = new Option<bool>("--needs") { Description = "Only the operators and kernels that it takes, a line each: a list for a build with -p:EdgeLiteOperators." };
        var json = new Option<bool>("--json") { Description = "Machine-readable output." };
        var command = new Command("inspect", "Show inputs, outputs, operators, sizes and the exact arena of an .edgl file, and where each step runs.") { file, threads, device, gpu, half, needs, json };
        gpu.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && int.TryParse(text, CultureInfo.InvariantCulture, out int capability) && capability < LeastCapability)
                result.AddError($"--gpu takes a compute capability of {LeastCapability} (Jetson Nano) or more, got {capability}.");
        });
        command.Validators.Add(result =>
        {
            if (result.GetValue(needs) && result.GetValue(json)) result.AddError("--needs prints a list for a build, not JSON: take one of --needs and --json.");
        });
        command.SetAction(result =>
        {
            using Model model = Model.Load(result.GetValue(file)!.FullName);
            string name = result.GetValue(device)!;
            using Session session = model.CreateSession(new SessionOptions
            {
                Threads = result.GetValue(threads), Device = name.Length > 0 ? name : "cpu", AllowHalf = result.GetValue(half),
            });
            StepPlacement[] steps = result.GetValue(gpu) is not 0 and int architecture ? session.StepsOnGpu(architecture, result.GetValue(half))
                : session.IsPrepared && session.IsStatic ? session.Steps() : [];
            if (result.GetValue(needs)) PrintNeeds(model, session);
            else if (result.GetValue(json)) PrintJson(model, session, steps);
            else
            {
                Print(model, session);
                if (name.Length > 0 || result.GetValue(gpu) != 0) PrintSteps(steps);
            }
            return 0;
        });
        return command;
    }

    private static OperatorUse[] Operators(Model model) =>
    [
        .. model.Graphs.SelectMany(g => g.Nodes.Select(n => (Graph: g, Node: n)))
            .GroupBy(x => x.Node.OperatorName)
            .Select(g => new OperatorUse(g.Key, g.Count(), g.Sum(x => WeightBytes(x.Graph, x.Node))))
            .OrderByDescending(u => u.WeightBytes).ThenBy(u => u.Operator, StringComparer.Ordinal),
    ];

    /// <summary>Kernels are known of a model whose shapes are; of others a build keeps them all. Operators of the application are not part of
    /// the runtime.</summary>
    private static void PrintNeeds(Model model, Session session)
    {
        foreach (string name in model.Graphs.SelectMany(g => g.Nodes).Where(n => OperatorTable.Find(n.Domain, n.OpType) != null).Select(n => n.OperatorName).Distinct().Order(StringComparer.Ordinal))
            Console.WriteLine($"operator {name}");
        if (!session.IsPrepared || !session.IsStatic)
        {
            Console.WriteLine("kernel *");
            return;
        }
        // What was chosen on another machine takes part, beside the kernel that it stands in for.
        HashSet<string> known = [.. CpuKernels.All.Select(k => k.Name)];
        var kernels = session.Profile(1).Select(s => s.Kernel.Split('/')[0]).Where(k => k != "reference")
            .Concat(model.Tunings.SelectMany(t => t.Choices).Select(c => c.Kernel.Split('/')[0])).SelectMany(k => new[] { k, k.Split("__")[0] });
        foreach (string kernel in kernels.Where(known.Contains).Distinct().Order(StringComparer.Ordinal))
            Console.WriteLine($"kernel {kernel}");
    }

    private static long WeightBytes(GraphDefinition graph, NodeDefinition node) =>
        node.Inputs.Where(v => v >= 0).Sum(v => graph.Values[v].Constant?.ByteLength ?? 0);

    private static (long Arena, long Scratch) Memory(Session session) =>
        session.IsPrepared ? (session.ArenaBytes, session.ScratchBytes) : (-1, -1);

    private static void PrintSteps(StepPlacement[] steps)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("step", "node", "kernel and where it runs");
        foreach (StepPlacement step in steps) table.AddRow(Markup.Escape(step.Operator), Markup.Escape(PlainText.OneLine(step.Node)), Markup.Escape(step.Kernel));
        AnsiConsole.Write(table);
        int onGpu = steps.Count(s => s.Kernel.EndsWith("/cuda", StringComparison.Ordinal)), copies = steps.Count(s => s.Kernel.StartsWith("copy/", StringComparison.Ordinal));
        AnsiConsole.MarkupLineInterpolated($"  {onGpu} steps on the GPU, {steps.Length - onGpu - copies} on the processor, {copies} copies");
    }

    private static void PrintJson(Model model, Session session, StepPlacement[] steps)
    {
        (long arena, long scratch) = Memory(session);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            file = model.Name,
            bytes = model.ByteLength,
            format = model.FormatVersion,
            producer = model.Producer,
            target = model.Target,
            weight_bytes = model.DataBytes,
            arena_bytes = arena,
            scratch_bytes = scratch,
            threads = session.Threads,
            inputs = Enumerable.Range(0, session.InputCount).Select(i => new { name = session.InputName(i), dtype = session.InputType(i).DType.Name(), shape = session.DescribeInput(i) }),
            outputs = Enumerable.Range(0, session.OutputCount).Select(i => new { name = session.OutputName(i), dtype = session.OutputType(i).DType.Name(), shape = session.OutputType(i).Shape.ToString() }),
            self_test = model.HasSelfTest,
            content_sha512 = model.ContentHash,
            signer = model.Signer?.ToString(),
            signature = model.Signer == null ? null : Fault(model) ?? "valid",
            operators = Operators(model).Select(u => new { @operator = u.Operator, steps = u.Steps, weight_bytes = u.WeightBytes }),
            steps = steps.Select(s => new { @operator = s.Operator, node = s.Node, kernel = s.Kernel }),
            metadata = model.Metadata,
            tunings = model.Tunings.Select(t => new { machine = t.Machine, remark = t.Remark, choices = t.Choices.Select(c => new { call = c.Call.ToString("x16", CultureInfo.InvariantCulture), kernel = c.Kernel, remark = c.Remark }) }),
        }));
    }

    /// <summary>What is wrong with the signature; null when it is valid. Whether it is by the right key, only who knows that key can say.</summary>
    private static string? Fault(Model model)
    {
        try
        {
            Model.Load(model.Name, new LoadOptions { Key = model.Signer }).Dispose();
            return null;
        }
        catch (EdgeLiteException e) when (e.Status == Core.Status.BadSignature)
        {
            return e.Message;
        }
    }

    private static void Print(Model model, Session session)
    {
        (long arena, long scratch) = Memory(session);
        AnsiConsole.MarkupLineInterpolated($"[bold]{PlainText.OneLine(model.Name)}[/]  {model.ByteLength:N0} bytes, format {model.FormatVersion}, {PlainText.OneLine(model.Producer)}{(model.Target.Length > 0 ? $", for {PlainText.OneLine(model.Target)}" : "")}");
        for (int i = 0; i < session.InputCount; i++)
            AnsiConsole.MarkupLineInterpolated($"  input   {PlainText.OneLine(session.InputName(i))}  {session.InputType(i).DType.Name()}{session.DescribeInput(i)}");
        for (int i = 0; i < session.OutputCount; i++)
            AnsiConsole.MarkupLineInterpolated($"  output  {PlainText.OneLine(session.OutputName(i))}  {session.OutputType(i)}");
        AnsiConsole.MarkupLineInterpolated($"  weights {model.DataBytes:N0} bytes, used where they lie in the file");
        if (arena >= 0) AnsiConsole.MarkupLineInterpolated($"  arena   {arena:N0} bytes, scratch {scratch:N0} bytes on {session.Threads} thread{(session.Threads == 1 ? "" : "s")}");
        else AnsiConsole.MarkupLine("  arena   depends on the shapes chosen at run time");
        if (model.HasSelfTest) AnsiConsole.MarkupLine("  self-test for edgelite-run selftest");
        if (model.ContentHash is { } hash) AnsiConsole.MarkupLineInterpolated($"  SHA-512 {hash}");
        if (model.Signer is { } signer) AnsiConsole.MarkupLineInterpolated($"  signed  by key {signer}: {Fault(model) ?? "valid"}");
        var table = new Table().Border(TableBorder.Simple).AddColumns(new TableColumn("operator"), new TableColumn("steps").RightAligned(), new TableColumn("weight bytes").RightAligned());
        foreach (OperatorUse use in Operators(model)) table.AddRow(Markup.Escape(use.Operator), $"{use.Steps}", $"{use.WeightBytes:N0}");
        AnsiConsole.Write(table);
        foreach (Tuning tuning in model.Tunings)
            AnsiConsole.MarkupLineInterpolated($"  tuned: {tuning.Choices.Count} choices of kernels for {PlainText.OneLine(tuning.Machine)} ({PlainText.OneLine(tuning.Remark)})");
        foreach ((string key, string value) in model.Metadata)
            AnsiConsole.MarkupLineInterpolated($"  {PlainText.OneLine(key)}: {PlainText.OneLine(value.Length > 100 ? value[..100] + "..." : value)}");
    }
}
