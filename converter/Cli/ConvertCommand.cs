using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Converter.Writer;
using EdgeLite.Core;
using EdgeLite.Format;
using Spectre.Console;
using Status = EdgeLite.Core.Status;

namespace EdgeLite.Converter.Cli;

/// <summary><c>edgelite convert</c>.</summary>
internal static class ConvertCommand
{
    private static readonly Argument<FileInfo[]> s_source = new("source") { Description = "The model to convert, a file or folder; its format is recognised from the content. Of a network and its weights one is enough where they lie side by side.", Arity = ArgumentArity.OneOrMore };
    private static readonly Option<FileInfo> s_output = new("--output", "-o") { HelpName = "FILE", Description = "The .edgl file to write.", Required = true };
    private static readonly Option<string> s_quantize = new("--quantize") { HelpName = "FORM", Description = "none, fp16 or bf16 (weights), half (weights and values between layers in float16, for processors that compute in it), int8-weights, int4-weights (or int4), int3-weights, int2-weights (matrices of dense layers in blocks, activations float), dynamic (dense layers in int8, ranges found as it runs), int8 (weights and activations; see --max-error), int16x8 (weights int8, activations int16) or auto (or mixed: int8, then more repairs and layers in float until a budget is met).", DefaultValueFactory = _ => "none" };
    private static readonly Option<int> s_group = new("--group") { HelpName = "N", Description = "For weights in blocks: how many share a scale, 32, 64 or 128.", DefaultValueFactory = _ => 32 };
    private static readonly Option<bool> s_asymmetric = new("--asymmetric") { Description = "For weights in blocks: each block gets a zero point too." };
    private static readonly Option<string?> s_calibrate = new("--calibrate") { HelpName = "PATH", Description = "For weights in blocks, where given, samples for GPTQ. For int8: a folder of pictures, of .npy, .npz, .wav or .txt files (a line of token numbers a sample), one such file, or 'random' for a trial without meaning." };
    private static readonly Option<string> s_method = new("--observer", "--method") { HelpName = "NAME", Description = "How ranges are taken from what calibration saw: minmax, moving-average, percentile, mse, entropy, or best (of these, what is nearest to the float model on calibration samples).", DefaultValueFactory = _ => "best" };
    private static readonly Option<string?> s_maxError = new("--max-error") { HelpName = "DECIBELS", Description = $"Lowest SQNR of an output: for auto on held-back samples, 30dB unless given; for int8 on calibration samples, {BudgetSearch.PlainSqnr}dB unless given, below which more repairs are tried and layers kept in float." };
    private static readonly Option<string?> s_evaluate = new("--evaluate") { HelpName = "COMMAND", Description = "For auto, in place of --max-error: a command that is run with a converted file as its last argument and prints a score, higher is better." };
    private static readonly Option<string> s_maxDrop = new("--max-drop") { HelpName = "SHARE", Description = "For --evaluate: the share of the float model's score that may be lost.", DefaultValueFactory = _ => "0.5%" };
    private static readonly Option<bool> s_noEqualization = new("--no-equalization") { Description = "For int8: do not rescale channels between convolutions." };
    private static readonly Option<bool> s_smooth = new("--smooth") { Description = "For int8 of transformers: move outlying channels of normalizations into the weights behind (SmoothQuant)." };
    private static readonly Option<bool> s_channelGroups = new("--channel-groups") { Description = "For int8: activations get a scale for each group of channels where channels differ much, not one for the tensor." };
    private static readonly Option<bool> s_noBiasCorrection = new("--no-bias-correction") { Description = "For int8: leave biases as they are." };
    private static readonly Option<bool> s_adaptiveRounding = new("--adaptive-rounding") { Description = "For int8: round weights up or down by what the layer's results lose on calibration samples." };
    private static readonly Option<string?> s_prefer = new("--prefer") { HelpName = "smallest|fastest", Description = "For auto: smallest tries int16 activations before float even where they are slower, and weights of 4 bits in dense layers; fastest keeps the fewest layers in float, and stores their weights as float32, which load faster than float16." };
    private static readonly Option<double> s_percentile = new("--percentile") { HelpName = "P", Description = "Percent of values that the percentile method keeps.", DefaultValueFactory = _ => 99.999 };
    private static readonly Option<string[]> s_keepFloat = new("--keep-float") { HelpName = "NAME", Description = "Nodes or operator types that stay float; a trailing * stands for anything." };
    private static readonly Option<bool> s_int8Io = new("--int8-io") { Description = "Inputs and outputs become int8 too (int16 with int16x8)." };
    private static readonly Option<string[]> s_shapes = new("--shape") { HelpName = "NAME=SHAPE", Description = "Size of an input with free dimensions: NAME=1x3x224x224." };
    private static readonly Option<string?> s_signature = new("--signature") { HelpName = "NAME", Description = SignatureHelp };
    private static readonly Option<string[]> s_fixed = new("--fix") { HelpName = "NAME=VALUE", Description = "An input that gets a value for good and is an input no more: NAME=16000." };
    private static readonly Option<string[]> s_tuning = new("--tuning") { HelpName = "FILE", Description = "Choices of kernels measured on the device: a table of edgelite-run tune --table, or a model that was tuned there. Those that fit this model are written into it.", DefaultValueFactory = _ => [] };
    private static readonly Option<string> s_target = new("--target") { HelpName = "PROFILE", Description = $"The device that the file is for: {string.Join(", ", TargetProfile.All.Select(p => p.Name))}. A model that its memory cannot hold is refused; the name is recorded.", DefaultValueFactory = _ => "" };
    private static readonly Option<FileInfo?> s_report = new("--report") { HelpName = "FILE", Description = "Write the proof to a .html or .json file." };
    private static readonly Option<int> s_samples = new("--samples") { HelpName = "N", Description = "Samples that the proof compares on.", DefaultValueFactory = _ => 2 };
    private static readonly Option<string[]> s_states = new("--state") { HelpName = "OUTPUT=INPUT", Description = "An output that an input of the next run takes over: OUTPUT=INPUT." };
    private static readonly Option<bool> s_allowCustom = new("--allow-custom") { Description = "Keep operators of an ONNX file that are not known, for the application to register." };
    private static readonly Option<int?> s_selfTest = new("--self-test") { HelpName = "N", Description = "Store so many samples (1 without a number), from --calibrate or of noise, with what this machine computes of them, for edgelite-run selftest on the device.", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<bool> s_hash = new("--hash") { Description = "Store a SHA-512 of the file in it, for edgelite-run verify." };
    private static readonly Option<bool> s_json = new("--json") { Description = "Print one JSON object instead of tables." };

    private static readonly string[] s_blocks = ["int8-weights", "int4-weights", "int4", "int3-weights", "int2-weights"];
    private static readonly string[] s_budgets = ["auto", "mixed"];
    private static readonly string[] s_integers = ["int8", "int16x8", .. s_budgets];

    /// <summary>Options that only some forms of quantization follow.</summary>
    private static readonly (Option Option, string[] Forms)[] s_uses =
    [
        (s_group, s_blocks), (s_asymmetric, s_blocks),
        (s_method, s_integers), (s_percentile, s_integers), (s_maxError, s_integers), (s_noEqualization, s_integers), (s_channelGroups, s_integers), (s_smooth, s_integers),
        (s_noBiasCorrection, s_integers), (s_adaptiveRounding, s_integers), (s_int8Io, s_integers),
        (s_evaluate, s_budgets), (s_maxDrop, s_budgets), (s_prefer, s_budgets),
        (s_keepFloat, [.. s_integers, "dynamic", .. s_blocks]),
    ];

    internal const string SignatureHelp = "Of a TFLite file or a SavedModel with several signatures, the one to take.";

    public static Command Create()
    {
        s_quantize.AcceptOnlyFromAmong("none", "fp16", "bf16", "half", "int8-weights", "int4-weights", "int4", "int3-weights", "int2-weights", "dynamic", "int8", "int16x8", "auto", "mixed");
        s_prefer.AcceptOnlyFromAmong("smallest", "fastest");
        s_method.AcceptOnlyFromAmong("minmax", "min-max", "moving-average", "percentile", "mse", "entropy", "best");
        s_output.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: "-" }]) result.AddError("The model is written to a file of a name, not to standard output.");
        });
        // It takes any number of names, and so would take a misspelt option too.
        s_source.Validators.Add(result =>
        {
            if (result.Tokens.Any(t => t.Value == "-")) result.AddError("The model is read from files that are named, not from standard input.");
            else if (result.Tokens.Select(t => t.Value).FirstOrDefault(t => t.StartsWith('-') && !Path.Exists(t)) is { } option)
                result.AddError(UsageError.Unknown(((CommandResult)result.Parent!).Command, option));
        });
        var command = new Command("convert", "Convert a model of any framework to one .edgl file, with the proof.")
        {
            s_source, s_output,
            s_quantize, s_calibrate, s_maxError, s_evaluate, s_maxDrop, s_prefer, s_keepFloat, s_int8Io,
            s_method, s_percentile, s_noEqualization, s_noBiasCorrection, s_adaptiveRounding, s_channelGroups, s_smooth, s_group, s_asymmetric,
            s_shapes, s_signature, s_fixed, s_states, s_allowCustom, s_target, s_tuning, s_selfTest, s_hash, s_samples, s_report, s_json,
        };
        s_samples.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && int.TryParse(text, CultureInfo.InvariantCulture, out int count) && count < 1) result.AddError($"--samples takes 1 or more, got {count}.");
        });
        s_selfTest.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text }] && int.TryParse(text, CultureInfo.InvariantCulture, out int count) && count is < 1 or > SelfTestSample.MaxCount)
                result.AddError($"--self-test takes 1 to {SelfTestSample.MaxCount} samples, got {count}.");
        });
        command.Validators.Add(result =>
        {
            foreach (string error in Contradictions(result)) result.AddError(error);
        });
        command.SetAction(Execute);
        return command;
    }

    /// <summary>Options that would change nothing: a conversion without what was asked for would look as if it had it.</summary>
    private static IEnumerable<string> Contradictions(CommandResult args)
    {
        bool IsGiven(Option option) => args.GetResult(option) is { Implicit: false };
        string form = args.GetResult(s_quantize)?.Tokens is [{ Value: var given }] ? given : "none";
        foreach ((Option option, string[] forms) in s_uses)
            if (IsGiven(option) && !forms.Contains(form)) yield return $"{option.Name} is for --quantize {string.Join(", ", forms)}, not {form}.";
        if (IsGiven(s_calibrate) && !IsGiven(s_selfTest) && !s_integers.Contains(form) && !s_blocks.Contains(form))
            yield return "--calibrate needs --quantize int8, int16x8, auto or weights in blocks, or --self-test.";
        if (IsGiven(s_evaluate) && IsGiven(s_maxError)) yield return "--evaluate and --max-error are two budgets; give one.";
        if (IsGiven(s_maxDrop) && !IsGiven(s_evaluate) && s_budgets.Contains(form)) yield return "--max-drop is for --evaluate.";
        if (IsGiven(s_percentile) && args.GetResult(s_method)?.Tokens is [{ Value: not "percentile" and var method }]) yield return $"--percentile is for --observer percentile, not {method}.";
    }

    private static int Execute(ParseResult args)
    {
        var remarks = new Remarks(args.GetValue(s_json));
        long start = Stopwatch.GetTimestamp();
        string[] sources = [.. args.GetValue(s_source)!.Select(f => f.FullName)];
        string path = args.GetValue(s_output)!.FullName;
        if (sources.FirstOrDefault(s => Resolved(s) == Resolved(path)) is { } source)
            throw new EdgeLiteException(Status.InvalidArgument, $"'{source}' is the model to convert, which would be overwritten; give the file to write another name with -o.");
        using var output = new WholeFile(path); // takes its name only once it is proven to run
        if (args.GetValue(s_report) is { } asked) ProofReport.RequireWritable(asked.FullName);
        double? maxError = args.GetValue(s_maxError) is { } decibels ? BudgetCommand.ParseDecibels(decibels) : null;
        double maxDrop = BudgetCommand.ParseDrop(args.GetValue(s_maxDrop)!);
        if (args.GetValue(s_calibrate) != null || s_integers.Contains(args.GetValue(s_quantize))) CalibrationData.RequireFiles(args.GetValue(s_calibrate));
        TargetProfile? target = args.GetValue(s_target) is { Length: > 0 } name ? TargetProfile.Find(name) : null;
        List<Tuning> tables = [.. args.GetValue(s_tuning)!.SelectMany(TuningTables.Read), .. target?.Tunings() ?? []];
        var options = new ConversionOptions
        {
            Shapes = ParseShapes(args.GetValue(s_shapes) ?? []),
            Signature = args.GetValue(s_signature),
            Fixed = ParseFixed(args.GetValue(s_fixed) ?? []),
            States = ParseStates(args.GetValue(s_states) ?? []),
            Target = target?.Name ?? "",
            AllowCustom = args.GetValue(s_allowCustom),
            Progress = remarks.Stage,
        };
        (Graph graph, string format) = Pipeline.Import(sources, options);
        DType? cameAs = args.GetValue(s_quantize) == "none" ? Quantizer.HalfType(graph) : null;
        Pipeline.Optimize(graph, options);
        ICalibrationData? calibration = null;
        QuantizationResult? quantization = null;
        BudgetResult? found = null;
        switch (args.GetValue(s_quantize))
        {
            case "int8" or "int16x8" when Quantizer.IsQuantized(graph):
                calibration = CalibrationData.Open(args.GetValue(s_calibrate), graph);
                remarks.Add("the model is quantized already; its own scales are kept");
                break;
            case "int8" or "int16x8" or "auto" or "mixed":
                calibration = CalibrationData.Open(args.GetValue(s_calibrate), graph);
                found = args.GetValue(s_quantize) is "int8" or "int16x8" ? WholeInt8(args, graph, calibration, maxError, remarks) : Search(args, graph, calibration, options, maxError, maxDrop, remarks);
                (graph, quantization) = (found.Quantization.Graph, found.Quantization);
                ShapeInference.Run(graph);
                if (found.Trials.Count == 0) break;
                if (!remarks.AreKept) BudgetCommand.Print(found, new TerminalReport());
                calibration = SplitSamples.Of(calibration, Math.Min(calibration.Count, new QuantizationOptions().MaxSamples), BudgetSearch.MaxHeldBack).HeldBack;
                break;
            case "dynamic":
                DynamicResult dynamic = Quantizer.Dynamic(graph, args.GetValue(s_keepFloat));
                RequireWork(dynamic.Layers + dynamic.Tables, args);
                remarks.Add($"{dynamic.Layers} layers in int8, {dynamic.BytesBefore:N0} -> {dynamic.BytesAfter:N0} bytes");
                break;
            case "int8-weights" or "int4-weights" or "int4" or "int3-weights" or "int2-weights":
                if (args.GetValue(s_calibrate) is { } samples) calibration = CalibrationData.Open(samples, graph);
                BlockWeightResult blocks = Quantizer.Weights(graph, Blocks(args, calibration), new ProgressLine(remarks.AreKept));
                RequireWork(blocks.Layers + blocks.Tables, args);
                remarks.Add($"{blocks.Layers} matrices in blocks, {blocks.BytesBefore:N0} -> {blocks.BytesAfter:N0} bytes");
                break;
        }
        if (WantsSelfTest(args) && calibration == null && args.GetValue(s_calibrate) is { } tested) calibration = CalibrationData.Open(tested, graph);
        Pipeline.Lower(graph, options);
        // Last, as folding would expand the weights again.
        if (HalfType(args) is { } half) Quantizer.Half(graph, half);
        else if (found?.Sensitivity.Count > 0 && args.GetValue(s_quantize) == "int8") Quantizer.Half(graph, DType.Float16);
        else if (cameAs is { } type) Quantizer.HalfAgain(graph, type);
        if (args.GetValue(s_quantize) == "int8" && quantization != null) Quantizer.StoreRecurrent(graph, args.GetValue(s_keepFloat));
        if (args.GetValue(s_quantize) == "half") Halve(graph, target, remarks);
        string partial = output.PartialPath;
        Pipeline.Write(graph, partial, options);
        if (tables.Count > 0) remarks.Add($"choices of kernels: {TuningTables.Apply(partial, tables)} of {tables.Sum(t => t.Choices.Count)} in the tables are about calls of this model");
        if (WantsSelfTest(args)) AddSelfTest(args, partial, graph, calibration, quantization, remarks);
        else if (args.GetValue(s_hash)) SealWriter.Seal(partial);
        target?.CheckMemory(MemoryOf(partial));
        ProofReport? proof = Prove(args, sources, partial, graph, options, calibration, quantization, found, remarks);
        output.Commit();
        Summarize(args, path, format, graph, quantization, proof, Stopwatch.GetElapsedTime(start), remarks);
        return 0;
    }

    /// <summary>The type that float weights are stored in; null: as they are.</summary>
    private static DType? HalfType(ParseResult args) => args.GetValue(s_quantize) switch
    {
        "fp16" => DType.Float16,
        "bf16" => DType.BFloat16,
        "auto" or "mixed" => args.GetValue(s_prefer) == "fastest" ? null : DType.Float16,
        _ => null,
    };

    /// <summary>A file that is called quantized and is not would come out otherwise.</summary>
    private static void RequireWork(int changed, ParseResult args)
    {
        if (changed == 0)
            throw new EdgeLiteException(Status.Unsupported, $"--quantize {args.GetValue(s_quantize)} is for dense layers (MatMul, Gemm) of at least {DenseWeights.MinElements} constant float32 weights; the model has none, or --keep-float names them all. Use int8 or fp16.");
    }

    private static void Halve(Graph graph, TargetProfile? target, Remarks remarks)
    {
        if (target is { HasHalf: false })
            throw new EdgeLiteException(Status.InvalidArgument, $"--quantize half is for processors that compute in float16; {target.Name} ({target.Processor}) does not. Use --quantize fp16, which stores weights so.");
        HalfResult halves = HalfLayers.Run(graph);
        remarks.Add($"weights in float16: {halves.Constants}, {halves.BytesBefore:N0} -> {halves.BytesAfter:N0} bytes");
        if (halves.TooLarge.Count > 0) remarks.Add($"kept in float32, as a number is beyond 65504: {string.Join(", ", halves.TooLarge)}");
    }

    private static BlockWeightOptions Blocks(ParseResult args, ICalibrationData? calibration) => new()
    {
        Bits = args.GetValue(s_quantize)![3] - '0',
        BlockSize = args.GetValue(s_group),
        IsAsymmetric = args.GetValue(s_asymmetric),
        KeepFloat = args.GetValue(s_keepFloat) ?? [],
        Calibration = calibration,
    };

    private static QuantizationOptions Quantization(ParseResult args) => new()
    {
        Activations = args.GetValue(s_quantize) == "int16x8" ? DType.Int16 : DType.Int8,
        Method = args.GetValue(s_method) switch
        {
            null or "best" => args.GetResult(s_percentile) is { Implicit: false } ? RangeMethod.Percentile : RangeMethod.Best,
            "min-max" => RangeMethod.MinMax,
            var name => RangeMethods.Named(name),
        },
        Percentile = args.GetValue(s_percentile),
        KeepFloat = args.GetValue(s_keepFloat) ?? [],
        Int8IO = args.GetValue(s_int8Io),
        EqualizeChannels = !args.GetValue(s_noEqualization),
        SmoothNormalizations = args.GetValue(s_smooth),
        GroupsActivations = args.GetValue(s_channelGroups),
        CorrectBias = !args.GetValue(s_noBiasCorrection),
        RoundAdaptively = args.GetValue(s_adaptiveRounding),
        HalvesFloatWeights = HalfType(args) != null,
        TriesInt16 = args.GetValue(s_prefer) == "smallest",
        TriesFourBits = args.GetValue(s_prefer) == "smallest",
        LeavesFewest = args.GetValue(s_prefer) == "fastest",
    };

    private static BudgetResult WholeInt8(ParseResult args, Graph graph, ICalibrationData calibration, double? maxError, Remarks remarks)
    {
        double least = CalibrationData.IsRandom(args.GetValue(s_calibrate)) ? double.NegativeInfinity : maxError ?? BudgetSearch.PlainSqnr;
        BudgetResult found = BudgetSearch.Int8(graph, calibration, Quantization(args), least, new ProgressLine(remarks.AreKept));
        if (found.Trials.Count > 0)
            remarks.Add(string.Create(CultureInfo.InvariantCulture, $"with all layers in int8 outputs keep {found.Trials[0].Sqnr:F1} dB, less than {least:G4} dB (--max-error): more repairs and layers in float were tried"));
        else if (found.Quantization.Sqnr < least && !args.GetValue(s_int8Io))
            remarks.Add(string.Create(CultureInfo.InvariantCulture, $"outputs keep {found.Quantization.Sqnr:F1} dB, less than {least:G4} dB (--max-error), and layers in float do not help: all are int8"));
        return found;
    }

    private static BudgetResult Search(ParseResult args, Graph graph, ICalibrationData calibration, ConversionOptions options, double? maxError, double maxDrop, Remarks remarks)
    {
        if (args.GetValue(s_evaluate) is not { } command)
            return BudgetSearch.Run(graph, calibration, Quantization(args), maxError ?? 30, progress: new ProgressLine(remarks.AreKept));
        double whole = BudgetCommand.Score(graph, command, options);
        remarks.Add(string.Create(CultureInfo.InvariantCulture, $"score of the float model: {whole:G5}"));
        return BudgetSearch.Run(graph, calibration, Quantization(args), 0, g => BudgetCommand.Score(g, command, options), whole - maxDrop * Math.Abs(whole), new ProgressLine(remarks.AreKept));
    }

    /// <summary>The file that a name leads to.</summary>
    private static string Resolved(string path) => new FileInfo(path).LinkTarget == null ? path : File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;

    private static bool WantsSelfTest(ParseResult args) => args.GetResult(s_selfTest) is { Implicit: false };

    private static void AddSelfTest(ParseResult args, string path, Graph graph, ICalibrationData? calibration, QuantizationResult? quantization, Remarks remarks)
    {
        int count = args.GetValue(s_selfTest) ?? 1;
        if (ShapeInference.FindUnknownOperators(graph) is { Count: > 0 } unknown)
            throw new EdgeLiteException(Status.UnknownOperator, $"--self-test has to run the model; the application brings {string.Join(", ", unknown.Select(u => u.Operator))}.");
        SelfTestSample[] samples = calibration == null ? SelfTestSamples.MakeOfNoise(path, graph, count) : SelfTestSamples.Make(path, graph, calibration, count, quantization?.Parameters);
        SealWriter.Seal(path, samples);
        remarks.Add($"self-test: {samples.Length} sample{(samples.Length == 1 ? "" : "s")} of {(calibration == null ? "noise" : "the calibration")}");
    }

    /// <summary>Bytes of weights and planned arena; of weights alone when shapes are chosen at run time.</summary>
    private static long MemoryOf(string path)
    {
        using Model model = Model.Load(path);
        return model.DataBytes + Math.Max(0, model.Graphs[0].ArenaBytes);
    }

    /// <summary>Compares the written file, run by the runtime, with the source model, run by the reference loops.</summary>
    private static ProofReport? Prove(ParseResult args, string[] sources, string path, Graph lowered, ConversionOptions options,
        ICalibrationData? calibration, QuantizationResult? quantization, BudgetResult? found, Remarks remarks)
    {
        Graph original = Pipeline.Import(sources, options with { Progress = null }).Graph;
        string without = args.GetValue(s_report) == null ? "no proof" : "no proof, and so no report";
        if (ShapeInference.FindUnknownOperators(original) is { Count: > 0 } unknown)
        {
            remarks.Add($"{without}: the application brings {string.Join(", ", unknown.Select(u => u.Operator))}");
            return null;
        }
        ICalibrationData samples;
        try
        {
            samples = calibration ?? TrialSizes.Samples(original, args.GetValue(s_samples));
        }
        catch (EdgeLiteException e) when (e.Status is Status.InvalidShape or Status.InvalidType)
        {
            remarks.Add($"{without}: {e.Message}");
            return null;
        }
        if (samples is CalibrationRandom random && TrialSizes.AreNeeded(original)) remarks.Add($"free sizes, found by trial: {TrialSizes.Chosen(original, random.Shapes)}");
        remarks.Stage("comparing with the source model");
        using Model model = Model.Load(path);
        using var runner = new SessionRunner(lowered, model);
        ProofReport report = Proof.Compare(new InterpreterRunner(original), runner, samples, args.GetValue(s_samples), quantization?.Parameters, new ProgressLine(remarks.AreKept));
        if (args.GetValue(s_report) is not { } file) return report;
        report = report with
        {
            Model = Path.GetFileName(sources[0]),
            Facts =
            [
                new("Quantization", args.GetValue(s_quantize)!),
                .. quantization == null ? [] : (KeyValuePair<string, string>[])[new("Source nodes in integers", $"{quantization.QuantizedNodes}"), new("Source nodes in float", $"{quantization.KeptFloat.Count}")],
                new("File", string.Create(CultureInfo.InvariantCulture, $"{new FileInfo(path).Length:N0} bytes")),
            ],
            Trials = found?.Pareto ?? [],
            Sensitivity = found?.Sensitivity ?? [],
            Steps = runner.MeasureSteps(),
        };
        report.Save(file.FullName);
        return report;
    }

    private static void Summarize(ParseResult args, string path, string format, Graph graph, QuantizationResult? quantization, ProofReport? proof, TimeSpan elapsed, Remarks remarks)
    {
        long bytes = new FileInfo(path).Length;
        if (remarks.AreKept)
        {
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                source_format = format,
                file = path,
                bytes,
                steps = graph.Nodes.Count,
                quantized_nodes = quantization?.QuantizedNodes ?? 0,
                kept_float = quantization?.KeptFloat.Select(k => new { node = k.Node, reason = k.Reason }) ?? [],
                worst_output_sqnr_db = proof == null ? (double?)null : InJson(proof.WorstOutputSqnr),
                outputs = proof?.Outputs.Select(o => new { name = o.Name, sqnr_db = InJson(o.Sqnr), cosine = o.Cosine, max_abs_error = o.MaxAbsError }) ?? [],
                remarks = remarks.Texts,
                seconds = elapsed.TotalSeconds,
            }));
            return;
        }
        proof?.Print(new TerminalReport(), quantization == null ? 0 : 8);
        if (quantization is { KeptFloat.Count: > 0 })
            AnsiConsole.MarkupLineInterpolated($"[yellow]{quantization.KeptFloat.Count} {(quantization.KeptFloat.Count == 1 ? "node stays" : "nodes stay")} float[/]: {string.Join(", ", quantization.KeptFloat.Take(6).Select(k => $"{k.Node} ({k.Reason})"))}{(quantization.KeptFloat.Count > 6 ? ", ..." : "")}");
        AnsiConsole.MarkupLineInterpolated($"[green]{format} -> {Path.GetFileName(path)}[/]  {bytes:N0} bytes, {graph.Nodes.Count} step{(graph.Nodes.Count == 1 ? "" : "s")}{(quantization != null ? $", {quantization.QuantizedNodes} source nodes in {args.GetValue(s_quantize) switch { "int16x8" => "int16x8", _ => "integers" }}, ranges by {quantization.Method.Name()}{(quantization.Method == RangeMethod.Percentile ? FormattableString.Invariant($" {quantization.Percentile}") : "")}" : "")}, {elapsed.TotalSeconds:0.0} s");
        if (args.GetValue(s_report) is { } file && proof != null) AnsiConsole.MarkupLineInterpolated($"report: {file.FullName}");
    }

    /// <summary>JSON has no infinity: 999 dB stand for equal, -999 for numbers where the source has zeros alone; what has no ratio is null.</summary>
    private static double? InJson(double decibels) => double.IsPositiveInfinity(decibels) ? 999 : double.IsNegativeInfinity(decibels) ? -999 : double.IsNaN(decibels) ? null : decibels;

    /// <summary>What is said beside the result: on standard error as it happens, so that standard output holds the result alone, or with --json in
    /// the object, which then is all that is printed.</summary>
    private sealed class Remarks(bool areKept)
    {
        public bool AreKept => areKept;

        public List<string> Texts { get; } = [];

        public void Stage(string stage)
        {
            if (!areKept) Console.Error.WriteLine($"{stage} ...");
        }

        public void Add(string text)
        {
            Texts.Add(text);
            if (!areKept) Console.Error.WriteLine(text);
        }
    }

    /// <summary>One line for each stage, rewritten in place on a terminal.</summary>
    private sealed class ProgressLine(bool quiet) : IProgress<QuantizationProgress>
    {
        private string _stage = "";
        private bool _isOpen;

        public void Report(QuantizationProgress value)
        {
            if (quiet) return;
            if (Console.IsErrorRedirected)
            {
                if (value.Stage != _stage) Console.Error.WriteLine($"{value.Stage} ...");
            }
            else
            {
                // A stage that ends early leaves its line unfinished.
                if (value.Stage != _stage && _isOpen) Console.Error.WriteLine();
                Console.Error.Write($"\r{value.Stage} {value.Done}/{value.Total}{(value.Done >= value.Total ? "\n" : "")}");
                _isOpen = value.Done < value.Total;
            }
            _stage = value.Stage;
        }
    }

    private static (string Output, string Input)[] ParseStates(string[] texts) =>
    [
        .. texts.Select(text => text.IndexOf('=') is > 0 and int equals && equals < text.Length - 1 ? (text[..equals], text[(equals + 1)..])
            : throw new EdgeLiteException(Status.InvalidArgument, $"--state '{text}' is not of the form OUTPUT=INPUT.")),
    ];

    internal static Dictionary<string, double> ParseFixed(IEnumerable<string> texts)
    {
        var values = new Dictionary<string, double>();
        foreach (string text in texts)
        {
            int equals = text.LastIndexOf('=');
            if (!double.TryParse(text[(equals + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out double value))
                throw new EdgeLiteException(Status.InvalidArgument, $"--fix '{text}' is not of the form NAME=16000.");
            values[equals < 0 ? "" : text[..equals]] = value;
        }
        return values;
    }

    internal static Dictionary<string, Shape> ParseShapes(IEnumerable<string> texts)
    {
        var shapes = new Dictionary<string, Shape>();
        foreach (string text in texts)
        {
            int equals = text.LastIndexOf('=');
            string[] parts = text[(equals + 1)..].Split('x');
            var dims = new long[parts.Length];
            for (int i = 0; i < dims.Length; i++)
                if (!long.TryParse(parts[i], out dims[i]) || dims[i] < 0)
                    throw new EdgeLiteException(Status.InvalidArgument, $"--shape '{text}' is not of the form NAME=1x3x224x224.");
            shapes[equals < 0 ? "" : text[..equals]] = new Shape(dims);
        }
        return shapes;
    }
}
