using System.CommandLine;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Core;
using Status = EdgeLite.Core.Status;

namespace EdgeLite.Converter.Cli;

/// <summary><c>edgelite compare</c>: where an .edgl file differs from its source model, layer by layer, on given inputs.</summary>
internal static class CompareCommand
{
    /// <summary>One sample: the files of the command line.</summary>
    private sealed class GivenSample(IReadOnlyList<Tensor> inputs, string description) : ICalibrationData
    {
        public int Count => 1;
        public string Describe(int index) => description;
        public IReadOnlyList<Tensor> Load(int index) => inputs;
    }

    public static Command Create()
    {
        var source = new Argument<FileInfo>("source") { Description = "The source model." };
        var file = new Argument<FileInfo>("model") { Description = "The .edgl file made from it." };
        var inputs = new Option<string[]>("--in") { HelpName = "NAME=FILE", Description = "NAME=FILE.npy for each input, or FILE.npy for the only one.", Required = true };
        var shapes = new Option<string[]>("--shape") { HelpName = "NAME=SHAPE", Description = "Size of an input with free dimensions: NAME=1x3x224x224." };
        var fixedInputs = new Option<string[]>("--fix") { HelpName = "NAME=VALUE", Description = "An input that the conversion gave a value: NAME=16000." };
        var signature = new Option<string?>("--signature") { HelpName = "NAME", Description = ConvertCommand.SignatureHelp };
        var layers = new Option<int>("--layers") { HelpName = "N", Description = "How many of the worst layers to show.", DefaultValueFactory = _ => 20 };
        var report = new Option<FileInfo?>("--report") { HelpName = "FILE", Description = "Write the comparison to a .html or .json file." };
        var json = new Option<bool>("--json") { Description = "Print the comparison as JSON, as --report FILE.json has it, instead of tables." };
        var command = new Command("compare", "Layer-by-layer difference of an .edgl file from its source model.") { source, file, inputs, shapes, fixedInputs, signature, layers, report, json };
        command.SetAction(result =>
        {
            if (result.GetValue(report) is { } asked) ProofReport.RequireWritable(asked.FullName);
            Graph original = Pipeline.Import(result.GetValue(source)!.FullName, new ConversionOptions
            {
                Shapes = ConvertCommand.ParseShapes(result.GetValue(shapes) ?? []),
                Fixed = ConvertCommand.ParseFixed(result.GetValue(fixedInputs) ?? []),
                Signature = result.GetValue(signature),
            }).Graph;
            using Model model = Model.Load(result.GetValue(file)!.FullName);
            using var runner = new SessionRunner(GraphOfModel.Read(model), model);
            string[] given = result.GetValue(inputs)!;
            ProofReport comparison = Proof.Compare(new InterpreterRunner(original), runner, new GivenSample(ReadInputs(original, given), string.Join(", ", given)), 1);
            if (result.GetValue(json)) Console.WriteLine(comparison.ToJson());
            else comparison.Print(new TerminalReport(), result.GetValue(layers));
            if (result.GetValue(report) is { } path) comparison.Save(path.FullName);
            return 0;
        });
        return command;
    }

    private static Tensor[] ReadInputs(Graph graph, string[] files)
    {
        var tensors = new Tensor?[graph.Inputs.Count];
        foreach (string text in files)
        {
            int equals = text.IndexOf('=');
            bool named = equals > 0 && !File.Exists(text);
            int index = named ? graph.Inputs.ToList().FindIndex(i => i.Name == text[..equals]) : 0;
            if (index < 0 || (!named && tensors.Length != 1))
                throw new EdgeLiteException(Status.NotFound, $"--in '{text}' names no input; the model has: {string.Join(", ", graph.Inputs.Select(i => i.Name))}.");
            tensors[index] = NpyFile.Read(named ? text[(equals + 1)..] : text);
        }
        for (int i = 0; i < tensors.Length; i++)
            if (tensors[i] == null) throw new EdgeLiteException(Status.InvalidArgument, $"Input '{graph.Inputs[i].Name}' is missing: give it with --in {graph.Inputs[i].Name}=FILE.npy.");
        return [.. tensors.Select(t => t!)];
    }
}
