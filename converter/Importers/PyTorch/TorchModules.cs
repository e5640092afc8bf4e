using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>Builds a network of torch.nn's classes and of PyTorch's operators from their descriptions in JSON, with parameters by name.</summary>
internal sealed class TorchModules
{
    /// <summary>The classes, as functions in TorchScript's syntax: x (or x, y) is what flows in; a parameter of the state_dict or a setting
    /// of the layer has the name of its argument, and the defaults are those of torch.nn. "flat_weights" is the list of all the
    /// layer's parameters in their order.</summary>
    private const string Library = """
        def Conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
          return torch.conv1d(x, weight, bias, stride, padding, dilation, groups)
        def Conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
          return torch.conv2d(x, weight, bias, stride, padding, dilation, groups)
        def Conv3d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
          return torch.conv3d(x, weight, bias, stride, padding, dilation, groups)
        def ConvTranspose1d(x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
          return torch.conv_transpose1d(x, weight, bias, stride, padding, output_padding, groups, dilation)
        def ConvTranspose2d(x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
          return torch.conv_transpose2d(x, weight, bias, stride, padding, output_padding, groups, dilation)
        def ConvTranspose3d(x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
          return torch.conv_transpose3d(x, weight, bias, stride, padding, output_padding, groups, dilation)
        def Linear(x, weight, bias=None):
          return torch.linear(x, weight, bias)
        def Embedding(x, weight):
          return torch.embedding(weight, x)
        def BatchNorm1d(x, running_mean, running_var, weight=None, bias=None, eps=1e-05):
          return torch.batch_norm(x, weight, bias, running_mean, running_var, False, 0.1, eps, False)
        def BatchNorm2d(x, running_mean, running_var, weight=None, bias=None, eps=1e-05):
          return torch.batch_norm(x, weight, bias, running_mean, running_var, False, 0.1, eps, False)
        def BatchNorm3d(x, running_mean, running_var, weight=None, bias=None, eps=1e-05):
          return torch.batch_norm(x, weight, bias, running_mean, running_var, False, 0.1, eps, False)
        def LayerNorm(x, weight, bias=None, eps=1e-05):
          return torch.layer_norm(x, torch.size(weight), weight, bias, eps)
        def RMSNorm(x, weight, eps=None):
          return torch.rms_norm(x, torch.size(weight), weight, eps)
        def GroupNorm(x, num_groups, weight=None, bias=None, eps=1e-05):
          return torch.group_norm(x, num_groups, weight, bias, eps)
        def InstanceNorm2d(x, weight=None, bias=None, running_mean=None, running_var=None, eps=1e-05):
          return torch.instance_norm(x, weight, bias, None, None, True, 0.1, eps, False)
        def LSTM(x, flat_weights, hidden_size, num_layers=1, bias=True, batch_first=False, bidirectional=False):
          h = __torch__.initial_state(x, hidden_size, num_layers, batch_first, bidirectional)
          return torch.lstm(x, [h, h], flat_weights, bias, num_layers, 0.0, False, bidirectional, batch_first)
        def GRU(x, flat_weights, hidden_size, num_layers=1, bias=True, batch_first=False, bidirectional=False):
          h = __torch__.initial_state(x, hidden_size, num_layers, batch_first, bidirectional)
          return torch.gru(x, h, flat_weights, bias, num_layers, 0.0, False, bidirectional, batch_first)
        def RNN(x, flat_weights, hidden_size, num_layers=1, bias=True, batch_first=False, bidirectional=False, nonlinearity='tanh'):
          h = __torch__.initial_state(x, hidden_size, num_layers, batch_first, bidirectional)
          if torch.__eq__(nonlinearity, 'tanh'):
            y = torch.rnn_tanh(x, h, flat_weights, bias, num_layers, 0.0, False, bidirectional, batch_first)
          else:
            y = torch.rnn_relu(x, h, flat_weights, bias, num_layers, 0.0, False, bidirectional, batch_first)
          return y
        def initial_state(x, hidden_size, num_layers, batch_first, bidirectional):
          if batch_first:
            n = torch.size(x, 0)
          else:
            n = torch.size(x, 1)
          if bidirectional:
            layers = torch.mul(num_layers, 2)
          else:
            layers = num_layers
          return torch.zeros([layers, n, hidden_size])
        def MaxPool1d(x, kernel_size, stride=[], padding=0, dilation=1, ceil_mode=False):
          return torch.max_pool1d(x, kernel_size, stride, padding, dilation, ceil_mode)
        def MaxPool2d(x, kernel_size, stride=[], padding=0, dilation=1, ceil_mode=False):
          return torch.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)
        def MaxPool3d(x, kernel_size, stride=[], padding=0, dilation=1, ceil_mode=False):
          return torch.max_pool3d(x, kernel_size, stride, padding, dilation, ceil_mode)
        def AvgPool1d(x, kernel_size, stride=[], padding=0, ceil_mode=False, count_include_pad=True):
          return torch.avg_pool1d(x, kernel_size, stride, padding, ceil_mode, count_include_pad)
        def AvgPool2d(x, kernel_size, stride=[], padding=0, ceil_mode=False, count_include_pad=True):
          return torch.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad)
        def AvgPool3d(x, kernel_size, stride=[], padding=0, ceil_mode=False, count_include_pad=True):
          return torch.avg_pool3d(x, kernel_size, stride, padding, ceil_mode, count_include_pad)
        def AdaptiveAvgPool1d(x, output_size):
          return torch.adaptive_avg_pool1d(x, output_size)
        def AdaptiveAvgPool2d(x, output_size):
          return torch.adaptive_avg_pool2d(x, output_size)
        def AdaptiveAvgPool3d(x, output_size):
          return torch.adaptive_avg_pool3d(x, output_size)
        def ReLU(x):
          return torch.relu(x)
        def ReLU6(x):
          return torch.hardtanh(x, 0.0, 6.0)
        def LeakyReLU(x, negative_slope=0.01):
          return torch.leaky_relu(x, negative_slope)
        def PReLU(x, weight):
          return torch.prelu(x, weight)
        def ELU(x, alpha=1.0):
          return torch.elu(x, alpha)
        def CELU(x, alpha=1.0):
          return torch.celu(x, alpha)
        def SELU(x):
          return torch.selu(x)
        def GELU(x, approximate='none'):
          return torch.gelu(x, approximate=approximate)
        def SiLU(x):
          return torch.silu(x)
        def Mish(x):
          return torch.mish(x)
        def Hardswish(x):
          return torch.hardswish(x)
        def Hardsigmoid(x):
          return torch.hardsigmoid(x)
        def Hardtanh(x, min_val=-1.0, max_val=1.0):
          return torch.hardtanh(x, min_val, max_val)
        def Sigmoid(x):
          return torch.sigmoid(x)
        def Tanh(x):
          return torch.tanh(x)
        def Softplus(x, beta=1.0, threshold=20.0):
          return torch.softplus(x, beta, threshold)
        def Softsign(x):
          return torch.softsign(x)
        def Softmax(x, dim):
          return torch.softmax(x, dim)
        def LogSoftmax(x, dim):
          return torch.log_softmax(x, dim)
        def Flatten(x, start_dim=1, end_dim=-1):
          return torch.flatten(x, start_dim, end_dim)
        def Unflatten(x, dim, unflattened_size):
          return torch.unflatten(x, dim, unflattened_size)
        def PixelShuffle(x, upscale_factor):
          return torch.pixel_shuffle(x, upscale_factor)
        def ZeroPad2d(x, padding):
          return torch.constant_pad_nd(x, padding, 0.0)
        def ConstantPad2d(x, padding, value):
          return torch.constant_pad_nd(x, padding, value)
        def ReflectionPad2d(x, padding):
          return torch.reflection_pad2d(x, padding)
        def ReplicationPad2d(x, padding):
          return torch.replication_pad2d(x, padding)
        def UpsamplingNearest2d(x, scale_factor):
          return torch.upsample_nearest2d(x, None, [scale_factor, scale_factor])
        def UpsamplingBilinear2d(x, scale_factor):
          return torch.upsample_bilinear2d(x, None, True, [scale_factor, scale_factor])
        def Dropout(x):
          return x
        def Dropout2d(x):
          return x
        def Identity(x):
          return x
        """;

    private static readonly TorchModule s_library = TorchParser.Parse("torch.nn", Library);

    /// <summary>The functions that are classes, not help for those.</summary>
    private static readonly Dictionary<string, TorchFunction> s_classes = s_library.Functions.Where(f => char.IsUpper(f.Key[0])).ToDictionary(f => f.Key, f => f.Value);

    /// <summary>Members of a layer that are no settings, and settings of torch.nn that the parameters tell or that matter in training alone.</summary>
    private static readonly HashSet<string> s_ignored = new(StringComparer.Ordinal)
    {
        "type", "name", "inputs", "in_channels", "out_channels", "in_features", "out_features", "num_features", "num_embeddings", "embedding_dim", "input_size", "kernel_size",
        "normalized_shape", "bias", "affine", "inplace", "momentum", "p", "dropout", "track_running_stats",
    };

    private readonly string _path;
    private readonly Graph _graph;
    private readonly TorchState _state;
    private readonly Dictionary<string, TorchBox> _parameters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, object?> _results = new(StringComparer.Ordinal);
    private int _layers;

    public TorchModules(string path, Graph graph, TorchState state)
    {
        (_path, _graph, _state) = (path, graph, state);
        Interpreter = new TorchInterpreter(new TorchCode(file => file == "code/__torch__.py" ? s_library : null), [], graph);
    }

    public static IReadOnlyList<LayerReference> References { get; } = [.. s_classes.Keys.Order(StringComparer.Ordinal).Select(k => new LayerReference(k))];

    public TorchInterpreter Interpreter { get; }

    /// <summary>The result of the last layer.</summary>
    public object? Last { get; private set; }

    public object? Find(string name) => _results.TryGetValue(name, out object? value) ? value
        : throw new EdgeLiteException(Status.NotFound, $"'{_path}' has no layer or input '{name}' before the place where it is used.");

    /// <summary>{"name": "x", "shape": [null, 3, 32, 32], "type": "float32"}</summary>
    public void AddInput(JsonElement input, IReadOnlyDictionary<string, Shape> shapes)
    {
        string name = input.TryField("name", out JsonElement given) && given.Text() is { Length: > 0 } text ? text : $"x{_results.Count}";
        long[] dims = [.. input.Field("shape").Items().Select((d, i) => d.ValueKind == JsonValueKind.Null ? _graph.SymbolDim(i == 0 ? "N" : $"{name}_{i}") : d.Whole())];
        if (shapes.TryGetValue(name, out Shape wanted) && wanted.IsRanked && wanted.Rank == dims.Length)
            for (int i = 0; i < dims.Length; i++)
                if (dims[i] < 0) dims[i] = wanted[i];
        DType type = (input.TryField("type", out JsonElement told) ? told.Text() : "float32") switch
        {
            "float32" => DType.Float32, "int64" => DType.Int64, "int32" => DType.Int32, "bool" => DType.Bool,
            var other => throw new EdgeLiteException(Status.InvalidType, $"'{_path}': input '{name}' has type '{other}'; float32, int64, int32 and bool are known."),
        };
        _results[name] = Last = new TorchBox(_graph.AddInput(name, new TensorType(type, new Shape(dims))));
    }

    public void Add(JsonElement layer)
    {
        string type = layer.Field("type").Text() ?? "", name = layer.TryField("name", out JsonElement given) && given.Text() is { Length: > 0 } text ? text : $"{type}{_layers}";
        _layers++;
        object?[] inputs = layer.TryField("inputs", out JsonElement named) ? [.. named.Items().Select(n => Find(n.Text() ?? ""))] : [Last];
        // A recurrent layer's first result is what goes on.
        for (int i = 0; i < inputs.Length; i++) if (inputs[i] is TorchTuple { Items: [var first, ..] }) inputs[i] = first;
        Last = _results[name] = s_classes.TryGetValue(type, out TorchFunction? known) ? Class(known, name, inputs, layer) : Operator(type, inputs, layer);
    }

    private object? Class(TorchFunction known, string name, object?[] inputs, JsonElement layer)
    {
        var used = new HashSet<string>(StringComparer.Ordinal);
        var arguments = new List<(string, object?)>();
        foreach (TorchParameter p in known.Parameters.Skip(inputs.Length))
        {
            string path = $"{name}.{p.Name}";
            if (p.Name == "flat_weights") arguments.Add((p.Name, new TorchList(_state.Tensors.Where(t => t.Key.StartsWith(name + ".", StringComparison.Ordinal)).Select(t => (object?)Parameter(t.Key, t.Value)))));
            else if (layer.TryField(p.Name, out JsonElement setting) && !(p is { Name: "bias", Default: LiteralExpr { Value: null } })) arguments.Add((p.Name, Setting(setting)));
            else if (_state.Tensors.FirstOrDefault(t => t.Key == path) is { Value: { } read }) arguments.Add((p.Name, Parameter(path, read)));
            else if (p.Default == null) throw new EdgeLiteException(Status.NotFound, $"'{_path}': layer '{name}' of type {known.Name} lacks '{p.Name}', which is neither a setting of it nor the parameter '{path}'.");
            used.Add(p.Name);
        }
        foreach (JsonProperty member in layer.Members())
            if (!s_ignored.Contains(member.Name) && !used.Contains(member.Name))
                throw new EdgeLiteException(Status.Unsupported, $"'{_path}': layer '{name}' of type {known.Name} has the setting '{member.Name}', which is not known; known are {string.Join(", ", known.Parameters.Skip(1).Select(p => p.Name))}.");
        return Interpreter.CallIn(name, known, inputs, [.. arguments]);
    }

    /// <summary>An operator by its name; cat and stack take a list.</summary>
    private object? Operator(string type, object?[] inputs, JsonElement layer)
    {
        object?[] more = layer.TryField("args", out JsonElement args) ? [.. args.Items().Select(Setting)] : [];
        return Interpreter.Apply(type, type is "cat" or "stack" ? [new TorchList(inputs), .. more] : [.. inputs, .. more], []);
    }

    private TorchBox Parameter(string path, Func<Tensor> read)
    {
        if (_parameters.TryGetValue(path, out TorchBox? known)) return known;
        Tensor tensor = read();
        return _parameters[path] = new TorchBox(Interpreter.Root.Constant(path, tensor.DType.IsFloat() && tensor.DType != DType.Float32 ? tensor.ConvertTo(DType.Float32) : tensor));
    }

    private static object? Setting(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.String => value.Text(),
        JsonValueKind.Array => new TorchList(value.Items().Select(Setting)),
        JsonValueKind.Number => value.GetRawText().AsSpan().IndexOfAny('.', 'e', 'E') < 0 ? value.Whole() : value.Real(),
        _ => throw new FormatException($"{value.GetRawText()} is no setting"),
    };
}
