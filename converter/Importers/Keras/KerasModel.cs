using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>
/// The architecture of a model: Sequential (a list of layers) or Functional (layers with their calls). A model may be a layer of
/// another one.
/// </summary>
internal sealed class KerasModel
{
    private const int MaxDepth = 32;

    private readonly List<Slot> _slots = [];
    private readonly List<KerasReference> _inputs = [];
    private readonly List<KerasReference> _outputs = [];
    private readonly Dictionary<string, int> _index = new(StringComparer.Ordinal);
    private readonly KerasConfig _config;

    private sealed record Slot(JsonElement Json, string ClassName, string Name, KerasModel? Model, List<KerasCall> Calls)
    {
        /// <summary>The number of the first call: 1 for a model, whose call number 0 was its own making.</summary>
        public int FirstCall { get; set; }
    }

    /// <summary>A keyword that is only switched on has an empty list.</summary>
    private sealed record KerasCall(List<object> Inputs, Dictionary<string, List<object>> Named, KerasArguments Arguments);

    public KerasModel(JsonElement json, int depth = 0)
    {
        if (depth > MaxDepth) throw KerasConfig.Damaged($"models are nested deeper than {MaxDepth}");
        ClassName = KerasLayer.ClassOf(json);
        _config = KerasLayer.ConfigOf(json);
        Name = _config.Text("name", KerasLayer.NameOf(json));
        JsonElement layers = _config.Json.ValueKind == JsonValueKind.Array ? _config.Json
            : _config.Get("layers") ?? throw KerasConfig.Damaged($"model '{Name}' has no list of layers; a model written as a class of its own (subclassed) cannot be rebuilt from its configuration");
        if (layers.ValueKind != JsonValueKind.Array) throw KerasConfig.Damaged($"the layers of model '{Name}' are {layers.ValueKind}, expected a list");
        foreach (JsonElement layer in layers.EnumerateArray())
        {
            string className = KerasLayer.ClassOf(layer);
            string name = KerasLayer.NameOf(layer);
            KerasModel? model = IsModel(layer) ? new KerasModel(layer, depth + 1) : null;
            if (name.Length == 0) name = model?.Name is { Length: > 0 } inner ? inner : $"{KerasFolders.SnakeCase(className)}_{_slots.Count + 1}";
            if (!_index.TryAdd(name, _slots.Count)) throw KerasConfig.Damaged($"two layers are called '{name}'");
            _slots.Add(new Slot(layer, className, name, model, []));
        }
        if (_slots.Count == 0) throw KerasConfig.Damaged($"model '{Name}' has no layers");
        IsSequential = _config.Get("input_layers") == null;
        if (!IsSequential) ReadCalls();
    }

    public string ClassName { get; }
    public string Name { get; }
    public bool IsSequential { get; }

    public static bool IsModel(JsonElement layer) =>
        KerasLayer.ClassOf(layer) is "Sequential" or "Functional" or "Model" or "Graph"
        || new KerasConfig(layer).Get("config") is { ValueKind: JsonValueKind.Object } config && new KerasConfig(config).Get("layers") is { ValueKind: JsonValueKind.Array }
            && new KerasConfig(config).Has("input_layers");

    /// <summary>Names all layers that have no conversion at once.</summary>
    public void RefuseUnknown(Func<string, bool> isKnown)
    {
        var unknown = new List<(string Kind, string Place)>();
        Collect(unknown, isKnown);
        UnknownLayers.Refuse("The Keras model", unknown, "Replace them in the source model by layers of docs/importers.md, or export it as a TensorFlow SavedModel.",
            kind => kind switch
            {
                "Lambda" => "holds Python code, which is not in the file in a form that can be read",
                "TextVectorization" or "Hashing" or "HashedCrossing" => "looks up words; do so in the application and make the numbers an input of the model",
                _ => null,
            });
    }

    /// <summary>Builds the graph: inputs and outputs carry the names of their layers.</summary>
    public void BuildInto(KerasImporter importer, KerasWeights weights, IReadOnlyDictionary<string, Shape> shapes)
    {
        Graph graph = importer.Graph;
        KerasTensor[] inputs;
        if (IsSequential)
        {
            (string name, KerasConfig config) = InputOfSequence();
            inputs = [AddInput(graph, name, config, IsStateful(), shapes)];
        }
        else inputs = [.. _inputs.Select(r => AddInput(graph, r.Layer, KerasLayer.ConfigOf(_slots[_index[r.Layer]].Json), IsStateful(), shapes))];
        var self = new KerasLayer(ClassName, Name, _config, weights);
        KerasTensor[] results = Call(importer, self, inputs, isTop: true);
        importer.Refusals.ThrowIfAny();
        for (int i = 0; i < results.Length; i++)
        {
            string name = IsSequential ? _slots[^1].Name : _outputs[i].Layer;
            Value value = results[i].Value;
            if (value.IsConstant || graph.Inputs.Contains(value) || graph.Outputs.Contains(value))
                value = importer.Graph.Add("Identity", name, [value], type: value.Type);
            else if (value.Name != name && graph.Find(name) == null) graph.Rename(value, name);
            graph.AddOutput(value);
        }
    }

    /// <summary>Calls the model as a layer. <paramref name="self"/> keeps its layers between calls.</summary>
    public KerasTensor[] Call(KerasImporter importer, KerasLayer self, KerasTensor[] inputs, bool isTop = false)
    {
        return IsSequential ? CallSequence(importer, self, inputs, isTop) : CallGraph(importer, self, inputs, isTop);
    }

    private KerasTensor[] CallSequence(KerasImporter importer, KerasLayer self, KerasTensor[] inputs, bool isTop)
    {
        KerasTensor[] current = inputs;
        for (int i = 0; i < _slots.Count; i++)
        {
            if (_slots[i].ClassName == "InputLayer") continue;
            current = CallSlot(importer, self, i, current, null, null, isTop);
        }
        return current;
    }

    private KerasTensor[] CallGraph(KerasImporter importer, KerasLayer self, KerasTensor[] inputs, bool isTop)
    {
        if (inputs.Length != _inputs.Count) throw KerasConfig.Damaged($"model '{Name}' takes {_inputs.Count} inputs and is called with {inputs.Length}");
        var results = new Dictionary<(string Layer, int Node), KerasTensor[]>();
        for (int i = 0; i < inputs.Length; i++) results[(_inputs[i].Layer, _inputs[i].Node)] = [inputs[i]];
        var pending = new List<(int Slot, int Call)>();
        for (int s = 0; s < _slots.Count; s++)
            for (int c = 0; c < _slots[s].Calls.Count; c++)
                if (!results.ContainsKey((_slots[s].Name, c + _slots[s].FirstCall))) pending.Add((s, c));
        while (pending.Count > 0)
        {
            int before = pending.Count;
            pending.RemoveAll(p =>
            {
                Slot slot = _slots[p.Slot];
                KerasCall call = slot.Calls[p.Call];
                if (call.Inputs.Concat(call.Named.Values.SelectMany(n => n)).OfType<KerasReference>().Any(r => !results.ContainsKey((r.Layer, r.Node)))) return false;
                KerasTensor[] arguments = [.. call.Inputs.Select(Resolve)];
                Dictionary<string, KerasTensor[]> named = call.Named.ToDictionary(n => n.Key, n => n.Value.Select(Resolve).ToArray());
                results[(slot.Name, p.Call + slot.FirstCall)] = CallSlot(importer, self, p.Slot, arguments, named, call.Arguments.Map<KerasReference>(r => Resolve(r)), isTop);
                return true;
            });
            if (pending.Count == before)
            {
                // Layers that nothing asks for may lack inputs; the outputs must have theirs.
                if (_outputs.All(o => results.ContainsKey((o.Layer, o.Node)))) break;
                throw KerasConfig.Damaged($"layer '{_slots[pending[0].Slot].Name}' of model '{Name}' waits for an input that no layer computes");
            }
        }
        return [.. _outputs.Select(o => Resolve(o))];

        KerasTensor Resolve(object argument)
        {
            if (argument is double number) return new(importer.Graph.AddConstant("number", Tensor.FromScalar((float)number)));
            var reference = (KerasReference)argument;
            if (!results.TryGetValue((reference.Layer, reference.Node), out KerasTensor[]? tensors)) tensors = [];
            if (tensors is [{ } only] && importer.Refusals.IsPlaceholder(only.Value)) return only;
            if ((uint)reference.Tensor >= (uint)tensors.Length)
                throw KerasConfig.Damaged($"model '{Name}' refers to output {reference.Tensor} of call {reference.Node} of layer '{reference.Layer}', which does not exist");
            return tensors[reference.Tensor];
        }
    }

    private KerasTensor[] CallSlot(KerasImporter importer, KerasLayer self, int index, KerasTensor[] inputs, Dictionary<string, KerasTensor[]>? named, KerasArguments? arguments, bool isTop)
    {
        Slot slot = _slots[index];
        KerasLayer layer = self.Child(slot.Name, () =>
        {
            int occurrence = _slots.Take(index).Count(s => s.ClassName == slot.ClassName);
            KerasWeights weights = self.Weights.OfLayer(slot.Name, AllNames(slot), slot.ClassName, occurrence);
            // TensorFlow.js names the weights of a wrapped layer after that layer.
            if (weights.Entries.Count == 0 && WrappedName(slot) is { } wrapped) weights = self.Weights.OfLayer(wrapped, [wrapped], slot.ClassName, occurrence);
            return new KerasLayer(slot.ClassName, slot.Name, KerasLayer.ConfigOf(slot.Json), weights);
        });
        KerasTensor[] results = slot.Model != null ? slot.Model.Call(importer, layer, inputs) : importer.CallOrRefuse(layer, inputs, named, arguments);
        if (isTop && results.Length > 0 && results[0].Value is { IsConstant: false } value && !importer.Graph.Inputs.Contains(value)
            && value.Name.StartsWith(slot.Name + "/", StringComparison.Ordinal) && importer.Graph.Find(slot.Name) == null)
            importer.Graph.Rename(value, slot.Name);
        return results;
    }

    private static string? WrappedName(Slot slot) => slot.Model == null && KerasLayer.ConfigOf(slot.Json).Get("layer") is { ValueKind: JsonValueKind.Object } layer && KerasLayer.NameOf(layer) is { Length: > 0 } name ? name : null;

    private static List<string> AllNames(Slot slot)
    {
        List<string> names = [slot.Name];
        if (slot.Model != null)
            foreach (Slot inner in slot.Model._slots) names.AddRange(AllNames(inner));
        return names;
    }

    private bool IsStateful() => _slots.Any(s => s.Model?.IsStateful() ?? s.Json.GetRawText().Contains("\"stateful\": true", StringComparison.Ordinal));

    private static KerasTensor AddInput(Graph graph, string name, KerasConfig config, bool isStateful, IReadOnlyDictionary<string, Shape> shapes)
    {
        long[]? dims = config.Ints("batch_input_shape", "batch_shape");
        if (dims == null && config.Ints("input_shape") is { } inner) dims = [-1, .. inner];
        if (dims == null && config.Get("input_dim") is { } width && width.ValueKind == JsonValueKind.Number) dims = [-1, width.GetInt64()];
        if (dims == null && (shapes.TryGetValue(name, out Shape told) || shapes.TryGetValue("", out told))) dims = told.AsSpan().ToArray();
        if (dims == null) throw new EdgeLiteException(Status.InvalidShape, $"The file does not tell the shape of input '{name}' (Keras leaves that of an InputLayer out of a Sequential model); give it with --shape {name}=..");
        if (dims.Length > Shape.MaxRank) throw KerasConfig.Damaged($"input '{name}' has {dims.Length} dimensions");
        // A batch size above 1 is how the model was trained; nothing but stateful layers depends on it.
        if (!isStateful && dims.Length > 0 && dims[0] > 1) dims[0] = -1;
        for (int i = 0; i < dims.Length; i++)
            if (dims[i] < 0) dims[i] = graph.SymbolDim(i == 0 ? "batch" : $"{name}_{i}");
        string dtype = config.Get("dtype", "input_dtype") is { ValueKind: JsonValueKind.String } text ? text.GetString()! : "float32";
        DType type = dtype switch
        {
            "int32" => DType.Int32,
            "int64" => DType.Int64,
            "bool" => DType.Bool,
            "uint8" => DType.UInt8,
            "string" => DType.String,
            _ => DType.Float32,
        };
        return new(graph.AddInput(graph.FreshName(name), new TensorType(type, new Shape(dims))));
    }

    /// <summary>The input of a Sequential model: an InputLayer, or what its first layer (of its first layer ...) declares.</summary>
    private (string Name, KerasConfig Config) InputOfSequence()
    {
        Slot first = _slots[0];
        if (first.ClassName == "InputLayer") return (first.Name, KerasLayer.ConfigOf(first.Json));
        if (first.Model is { } model)
            return model.IsSequential ? model.InputOfSequence() : (model._inputs[0].Layer, KerasLayer.ConfigOf(model._slots[model._index[model._inputs[0].Layer]].Json));
        KerasConfig config = KerasLayer.ConfigOf(first.Json);
        if (!config.Has("batch_input_shape") && !config.Has("batch_shape") && _config.Has("build_input_shape"))
        {
            using JsonDocument built = JsonDocument.Parse($"{{\"batch_input_shape\":{_config.Get("build_input_shape")!.Value.GetRawText()}}}");
            config = new KerasConfig(built.RootElement.Clone());
        }
        return (first.Name + "_input", config);
    }

    private void Collect(List<(string Kind, string Place)> unknown, Func<string, bool> isKnown)
    {
        foreach (Slot slot in _slots)
        {
            if (slot.Model != null)
            {
                slot.Model.Collect(unknown, isKnown);
                continue;
            }
            for (JsonElement layer = slot.Json; ;)
            {
                string className = KerasLayer.ClassOf(layer);
                if (className != "InputLayer" && !isKnown(className) && !IsModel(layer))
                    unknown.Add((className, $"'{slot.Name}'"));
                if (new KerasConfig(KerasLayer.ConfigOf(layer).Json).Get("layer") is not { ValueKind: JsonValueKind.Object } inner) break;
                layer = inner;
            }
        }
    }

    private void ReadCalls()
    {
        foreach (Slot slot in _slots)
        {
            var outer = new KerasConfig(slot.Json);
            if (outer.Get("inbound_nodes") is not { ValueKind: JsonValueKind.Array } nodes) continue;
            foreach (JsonElement node in nodes.EnumerateArray())
            {
                KerasArguments arguments = node.ValueKind == JsonValueKind.Object ? KerasArguments.OfKeras3(node) : KerasArguments.OfKeras2(node);
                var call = new KerasCall([], [], arguments);
                if (KerasLayer.IsFunction(slot.ClassName)) call.Inputs.AddRange(arguments.All<KerasReference>().Cast<object>());
                else if (node.ValueKind == JsonValueKind.Object) ReadCall3(node, call);
                else if (node.ValueKind == JsonValueKind.Array) ReadCall2(node, call);
                slot.Calls.Add(call);
            }
            if (slot.ClassName == "InputLayer" && slot.Calls.Count == 0) slot.Calls.Add(new KerasCall([], [], KerasArguments.None));
        }
        ReadReferences(_config.Get("input_layers")!.Value, _inputs, 0);
        ReadReferences(_config.Get("output_layers") ?? throw KerasConfig.Damaged($"model '{Name}' has no output_layers"), _outputs, 0);
        foreach (KerasReference r in _inputs.Concat(_outputs))
            if (!_index.ContainsKey(r.Layer)) throw KerasConfig.Damaged($"model '{Name}' has no layer '{r.Layer}'");
        if (_inputs.Count == 0 || _outputs.Count == 0) throw KerasConfig.Damaged($"model '{Name}' has no inputs or no outputs");
        var last = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (KerasReference r in _slots.SelectMany(s => s.Calls).SelectMany(c => c.Inputs.Concat(c.Named.Values.SelectMany(n => n))).OfType<KerasReference>().Concat(_outputs))
            last[r.Layer] = Math.Max(r.Node, last.GetValueOrDefault(r.Layer));
        foreach (Slot slot in _slots.Where(s => s.Model != null)) slot.FirstCall = Math.Max(0, last.GetValueOrDefault(slot.Name) - (slot.Calls.Count - 1));
    }

    /// <summary>Keras 1 and 2: [[layer, node, tensor, {keyword arguments}] ..], a single input may stand without the outer list.</summary>
    private static void ReadCall2(JsonElement node, KerasCall call)
    {
        if (node.GetArrayLength() > 0 && node[0].ValueKind == JsonValueKind.String)
        {
            ReadInput2(node, call);
            return;
        }
        foreach (JsonElement input in node.EnumerateArray())
            if (input.ValueKind == JsonValueKind.Array) ReadInput2(input, call);
            else if (input.ValueKind == JsonValueKind.Object)
                foreach (JsonProperty named in input.EnumerateObject()) ReadInput2(named.Value, call);
    }

    private static void ReadInput2(JsonElement input, KerasCall call)
    {
        if (input.ValueKind != JsonValueKind.Array || input.GetArrayLength() < 3) throw KerasConfig.Damaged("an inbound node is no list of three or more entries");
        if (input[0].ValueKind == JsonValueKind.String && input[0].GetString() == "_CONSTANT_VALUE")
        {
            if (input[2].ValueKind == JsonValueKind.Number) call.Inputs.Add(input[2].GetDouble());
        }
        else call.Inputs.Add(KerasReference.Of(input));
        if (input.GetArrayLength() < 4 || input[3].ValueKind != JsonValueKind.Object) return;
        foreach (JsonProperty keyword in input[3].EnumerateObject())
        {
            var found = new List<object>();
            CollectKeyword2(keyword.Value, found, 0);
            if (found.Count > 0 || keyword.Value.ValueKind == JsonValueKind.True) call.Named[keyword.Name] = found;
        }
    }

    private static void CollectKeyword2(JsonElement value, List<object> found, int depth)
    {
        if (value.ValueKind != JsonValueKind.Array || depth > 8) return;
        if (value.GetArrayLength() is 3 or 4 && value[0].ValueKind == JsonValueKind.String && value[1].ValueKind == JsonValueKind.Number && value[2].ValueKind == JsonValueKind.Number)
            found.Add(KerasReference.Of(value));
        else foreach (JsonElement item in value.EnumerateArray()) CollectKeyword2(item, found, depth + 1);
    }

    /// <summary>Keras 3: {"args": [..], "kwargs": {..}} with tensors as {"class_name": "__keras_tensor__", "config": {"keras_history": [layer, node, tensor]}}.</summary>
    private static void ReadCall3(JsonElement node, KerasCall call)
    {
        if (node.TryGetProperty("args", out JsonElement arguments)) CollectTensors3(arguments, call.Inputs, true, 0);
        if (!node.TryGetProperty("kwargs", out JsonElement keywords) || keywords.ValueKind != JsonValueKind.Object) return;
        foreach (JsonProperty keyword in keywords.EnumerateObject())
        {
            var found = new List<object>();
            CollectTensors3(keyword.Value, found, false, 0);
            if (found.Count == 0 && keyword.Value.ValueKind != JsonValueKind.True) continue;
            if (keyword.Name is "inputs" or "x" && call.Inputs.Count == 0) call.Inputs.AddRange(found);
            else call.Named[keyword.Name] = found;
        }
    }

    private static void CollectTensors3(JsonElement value, List<object> found, bool numbers, int depth)
    {
        if (depth > 16) throw KerasConfig.Damaged("the arguments of a layer are nested too deeply");
        if (value.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement item in value.EnumerateArray()) CollectTensors3(item, found, numbers, depth + 1);
            return;
        }
        if (numbers && value.ValueKind == JsonValueKind.Number) found.Add(value.GetDouble());
        if (value.ValueKind != JsonValueKind.Object) return;
        var tensor = new KerasConfig(value);
        if (tensor.Text("class_name") == "__keras_tensor__")
        {
            JsonElement history = tensor.Section("config").Get("keras_history") ?? throw KerasConfig.Damaged("a tensor has no keras_history");
            found.Add(KerasReference.Of(history));
        }
        else foreach (JsonProperty item in value.EnumerateObject()) CollectTensors3(item.Value, found, false, depth + 1);
    }

    /// <summary>[[layer, node, tensor] ..], [layer, node, tensor], or a dictionary or list of these.</summary>
    private static void ReadReferences(JsonElement value, List<KerasReference> into, int depth)
    {
        if (depth > 8) throw KerasConfig.Damaged("input_layers or output_layers are nested too deeply");
        if (value.ValueKind == JsonValueKind.Object)
            foreach (JsonProperty item in value.EnumerateObject()) ReadReferences(item.Value, into, depth + 1);
        else if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() >= 3 && value[0].ValueKind == JsonValueKind.String)
            into.Add(KerasReference.Of(value));
        else if (value.ValueKind == JsonValueKind.Array)
            foreach (JsonElement item in value.EnumerateArray()) ReadReferences(item, into, depth + 1);
    }
}
