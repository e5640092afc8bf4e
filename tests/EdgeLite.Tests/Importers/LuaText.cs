using System.Globalization;
using System.Text;
using EdgeLite.Converter;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Tests.Importers;

/// <summary>Torch7 files as torch.save writes ascii.</summary>
internal static class LuaText
{
    public sealed record Lua(string Type, Dictionary<object, object?> Fields);

    /// <summary>Numbers, texts, tables, tensors and objects in Torch7's ascii form; what stands twice is written once.</summary>
    public sealed class Writer
    {
        private readonly StringBuilder _text = new();
        private readonly Dictionary<object, int> _indices = new(ReferenceEqualityComparer.Instance);

        public string Write(object? value)
        {
            switch (value)
            {
                case null: _text.Append("0\n"); break;
                case double d: _text.Append(CultureInfo.InvariantCulture, $"1\n{d}\n"); break;
                case string s: _text.Append(CultureInfo.InvariantCulture, $"2\n{s.Length}\n{s}\n"); break;
                case Dictionary<object, object?> table when New(3, table):
                    _text.Append(CultureInfo.InvariantCulture, $"{table.Count}\n");
                    foreach ((object key, object? item) in table) { Write(key); Write(item); }
                    break;
                case Tensor t when New(4, t):
                    long[] sizes = t.Shape.AsSpan().ToArray(), strides = [.. sizes.Select((_, d) => t.Shape.Product(d + 1, sizes.Length))];
                    _text.Append(CultureInfo.InvariantCulture, $"3\nV 1\n17\ntorch.FloatTensor\n{sizes.Length}\n{string.Join(' ', sizes)}\n{string.Join(' ', strides)}\n1\n4\n{_indices.Count + 1}\n");
                    _indices.Add(new object(), _indices.Count + 1);
                    _text.Append(CultureInfo.InvariantCulture, $"3\nV 1\n18\ntorch.FloatStorage\n{t.Count}\n{string.Join(' ', t.ToArray<float>().Select(v => v.ToString(CultureInfo.InvariantCulture)))}\n");
                    break;
                case bool b: _text.Append(b ? "5\n1\n" : "5\n0\n"); break;
                case Lua o when New(4, o):
                    _text.Append(CultureInfo.InvariantCulture, $"3\nV 1\n{o.Type.Length}\n{o.Type}\n");
                    Write(o.Fields);
                    break;
            }
            return _text.ToString();
        }

        private bool New(int type, object value)
        {
            bool isNew = _indices.TryAdd(value, _indices.Count + 1);
            _text.Append(CultureInfo.InvariantCulture, $"{type}\n{_indices[value]}\n");
            return isNew;
        }
    }

    public static Dictionary<object, object?> Table(params (object, object?)[] entries) => entries.ToDictionary(e => e.Item1, e => e.Item2);

    public static Dictionary<object, object?> List(params object[] items) => items.Select((v, i) => ((object)(i + 1.0), (object?)v)).ToDictionary(e => e.Item1, e => e.Item2);

    /// <summary>A module of nn with these fields.</summary>
    public static Lua Nn(string type, params (object, object?)[] fields) => new("nn." + type, Table(fields));

    /// <summary>The results of a network in a table, as training scripts save it.</summary>
    public static Tensor[] Run(Lua network, params Tensor[] inputs) => TemporaryFolder.Use(folder =>
    {
        string path = Path.Combine(folder, "model.t7");
        File.WriteAllText(path, new Writer().Write(Table(("epoch", 3.0), ("protos", Table(("criterion", Nn("MSECriterion")), ("net", network))))));
        (Graph graph, string format) = Pipeline.Import(path, new ConversionOptions { Shapes = inputs.Select((x, i) => (x, i)).ToDictionary(p => inputs.Length == 1 ? "input" : $"input{p.i}", p => p.x.Shape) });
        Assert.Equal("Torch7", format);
        return ImportedRun.Run(graph, inputs);
    });
}
