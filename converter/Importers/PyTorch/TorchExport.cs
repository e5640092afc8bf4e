using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>
/// Reads what torch.export.save writes (.pt2): a graph of aten operators in JSON and its weights, raw or as torch.save writes them. The
/// graph becomes a function in the syntax of TorchScript's code, which the same interpreter runs with the same operators. Field names:
/// torch/_export/serde/schema.py, schema versions 1 to 8; files of the archive: torch/export/pt2_archive/constants.py.
/// </summary>
internal sealed class TorchExport
{
    private const int MaxNesting = 512;

    private readonly string _path;
    private readonly TorchArchive _archive;
    private readonly IReadOnlyDictionary<string, Shape> _shapes;
    private readonly Graph _graph;
    private readonly TorchInterpreter _interpreter;

    public TorchExport(string path, TorchArchive archive, IReadOnlyDictionary<string, Shape> shapes)
    {
        (_path, _archive, _shapes) = (path, archive, shapes);
        _graph = new Graph(Path.GetFileNameWithoutExtension(path));
        _interpreter = new TorchInterpreter(new TorchCode(archive), [], _graph);
    }

    public Graph Import()
    {
        string program = ProgramEntry();
        string model = Path.GetFileNameWithoutExtension(program);
        try
        {
            using JsonDocument document = Parse(program);
            JsonElement module = document.RootElement.Field("graph_module"), graph = module.Field("graph"), signature = module.Field("signature");
            var state = new TorchExportState(_path, _archive, model);
            TorchFunction forward = new TorchExportCode(program).Function("forward", graph, Outputs(graph, signature));
            object?[] arguments = [.. Inputs(graph, signature).Select(i => Argument(i, graph, state))];
            return TorchImporter.Finish(_path, _interpreter, () => _interpreter.Call(forward, arguments));
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException or OverflowException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{_path}': {program} is no exported program, or contradicts itself: {e.Message}", e);
        }
    }

    private string ProgramEntry()
    {
        if (_archive.Has("serialized_exported_program.json")) return "serialized_exported_program.json";
        string[] programs = [.. _archive.Names.Where(n => n.StartsWith("models/", StringComparison.Ordinal) && n.EndsWith(".json", StringComparison.Ordinal) && n.IndexOf('/', 7) < 0)];
        return programs.Length switch
        {
            1 => programs[0],
            0 when _archive.Names.Any(n => n.StartsWith("data/aotinductor/", StringComparison.Ordinal)) => throw new EdgeLiteException(Status.Unsupported,
                $"'{_path}' holds a network that AOTInductor compiled for one machine, not the program; save it with torch.export.save(program, file)."),
            0 => throw new EdgeLiteException(Status.Corrupt, $"'{_path}' holds no exported program (models/*.json)."),
            _ => throw new EdgeLiteException(Status.Unsupported, $"'{_path}' holds {programs.Length} programs ({string.Join(", ", programs)}); save the one to convert alone."),
        };
    }

    /// <summary>Python writes Infinity and NaN as bare words, which JSON does not know; they become strings.</summary>
    private JsonDocument Parse(string entry)
    {
        byte[] text = _archive.Bytes(entry);
        var options = new JsonDocumentOptions { MaxDepth = MaxNesting };
        try
        {
            return JsonDocument.Parse(text, options);
        }
        catch (JsonException) when (text.AsSpan().IndexOf("Infinity"u8) >= 0 || text.AsSpan().IndexOf("NaN"u8) >= 0)
        {
            return JsonDocument.Parse(WithQuotedWords(text), options);
        }
    }

    private static byte[] WithQuotedWords(byte[] text)
    {
        var result = new MemoryStream(text.Length + 64);
        bool inside = false;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '"') inside = !inside;
            if (inside && text[i] == '\\' && i + 1 < text.Length) result.WriteByte(text[i++]);
            ReadOnlySpan<byte> rest = text.AsSpan(i);
            ReadOnlySpan<byte> word = inside ? [] : rest.StartsWith("-Infinity"u8) ? "-Infinity"u8 : rest.StartsWith("Infinity"u8) ? "Infinity"u8 : rest.StartsWith("NaN"u8) ? "NaN"u8 : [];
            if (word.IsEmpty)
            {
                result.WriteByte(text[i]);
                continue;
            }
            result.WriteByte((byte)'"');
            result.Write(word);
            result.WriteByte((byte)'"');
            i += word.Length - 1;
        }
        return result.ToArray();
    }

    /// <summary>An input of the graph: what the user gives, or a tensor of the file by its name.</summary>
    private readonly record struct Input(string Name, string? State, bool IsTensor, JsonElement Constant);

    private static IEnumerable<Input> Inputs(JsonElement graph, JsonElement signature)
    {
        if (!signature.TryField("input_specs", out JsonElement specs))
        {
            // Schema version 1: a dictionary for each kind.
            foreach (JsonElement argument in graph.Field("inputs").Items())
            {
                string name = TorchExportCode.NameOf(argument);
                string? state = null;
                foreach (string kind in new[] { "inputs_to_parameters", "inputs_to_buffers", "inputs_to_lifted_tensor_constants" })
                    if (signature.TryField(kind, out JsonElement map) && map.ValueKind == JsonValueKind.Object && map.TryField(name, out JsonElement held)) state = held.Text();
                yield return new(name, state, state == null && argument.TryField("as_tensor", out _), default);
            }
            yield break;
        }
        foreach (JsonElement spec in specs.Items())
        {
            JsonProperty kind = TorchExportCode.Only(spec);
            JsonElement value = kind.Value;
            yield return kind.Name switch
            {
                "user_input" => new(TorchExportCode.NameOf(value.Field("arg")), null, value.Field("arg").TryField("as_tensor", out _), default),
                "parameter" => new(TorchExportCode.Text(value.Field("arg"), "name"), TorchExportCode.Text(value, "parameter_name"), false, default),
                "buffer" => new(TorchExportCode.Text(value.Field("arg"), "name"), TorchExportCode.Text(value, "buffer_name"), false, default),
                "tensor_constant" => new(TorchExportCode.Text(value.Field("arg"), "name"), TorchExportCode.Text(value, "tensor_constant_name"), false, default),
                "constant_input" => new(TorchExportCode.Text(value, "name"), null, false, value.Field("value")),
                _ => throw new EdgeLiteException(Status.Unsupported, $"The exported program takes an input of kind '{kind.Name}', which has no conversion; tensors, numbers and constants are supported."),
            };
        }
    }

    /// <summary>The values that the user gets, in order; what the program writes back to its buffers stands before them.</summary>
    private JsonElement[] Outputs(JsonElement graph, JsonElement signature)
    {
        JsonElement[] all = [.. graph.Field("outputs").Items()];
        if (!signature.TryField("output_specs", out JsonElement specs))
        {
            var wanted = signature.Field("user_outputs").Items().Select(o => o.Text()).ToHashSet();
            return [.. all.Where(o => wanted.Contains(TorchExportCode.NameOf(o)))];
        }
        JsonElement[] kinds = [.. specs.Items()];
        if (kinds.Length != all.Length) throw new FormatException($"{all.Length} outputs have {kinds.Length} descriptions");
        foreach (JsonElement spec in kinds)
            if (spec.TryField("buffer_mutation", out JsonElement mutation)) _interpreter.ChangedState.Add(TorchExportCode.Text(mutation, "buffer_name"));
        return [.. all.Where((_, i) => kinds[i].TryField("user_output", out _) || kinds[i].TryField("loss_output", out _))];
    }

    /// <summary>"s0" of "Symbol('s0', positive=True, integer=True)", as newer programs write it.</summary>
    private static string SymbolName(string expression) =>
        expression.StartsWith("Symbol('", StringComparison.Ordinal) && expression.IndexOf('\'', 8) is > 8 and var end ? expression[8..end] : expression;

    private object? Argument(Input input, JsonElement graph, TorchExportState state)
    {
        if (input.State != null) return _interpreter.Lift(state.Find(input.State));
        if (input.Constant.ValueKind != JsonValueKind.Undefined) return TorchExportCode.Literal(TorchExportCode.Only(input.Constant));
        if (input.Name.Length == 0) return null; // an argument that was None when the program was exported
        if (!input.IsTensor) return new TorchScalar(_graph.AddInput(input.Name, new TensorType(DType.Int64, Shape.Scalar)), ScalarKind.Int);
        JsonElement meta = graph.Field("tensor_values").Field(input.Name);
        long[] dims = [.. meta.Field("sizes").Items().Select(s => s.TryField("as_int", out JsonElement n) ? n.Whole()
            : _graph.SymbolDim(SymbolName(TorchExportCode.Text(s.Field("as_expr"), "expr_str"))))];
        if (dims.Length > Shape.MaxRank) throw new FormatException($"input '{input.Name}' has {dims.Length} dimensions");
        var shape = new Shape(dims);
        // Sizes that were given are used at once, so that what depends on them is decided now.
        if ((_shapes.TryGetValue(input.Name, out Shape given) || _shapes.TryGetValue("", out given)) && given.IsRanked && given.Rank == shape.Rank)
            for (int d = 0; d < dims.Length; d++)
                if (shape[d] < 0 && given[d] >= 0) shape = shape.With(d, given[d]);
        return new TorchBox(_graph.AddInput(input.Name, new TensorType(TorchExportState.ElementType(meta.Field("dtype").Whole(), input.Name), shape)));
    }
}
