using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Ir;

/// <summary>
/// A readable text form of a graph, for dumps between passes and for tests. One line a definition:
/// <code>
/// graph "net" {
///   symbols N
///   meta "author" = "somebody"
///   input %x : float32[N,3,8,8]
///   const %w : float32[4,3,3,3] = seeded(42)
///   const %b : float32[4] = [0.5, 0, 1, 2]
///   %y : float32[N,4,6,6] = Conv(%x, %w, %b) {group=1}
///   %z = edgelite.Conv "name of the node" (%y, _, %w) {kernel_shape=[3,3], alpha=0.5}
///   output %z
/// }
/// </code>
/// Constants of up to <see cref="InlineLimit"/> elements are written out, larger ones as <c>hash(..)</c> of their content. On
/// parse <c>seeded(n)</c> or <c>seeded(n, low, high)</c> fills with random numbers that depend on n alone, and so does
/// <c>hash(..)</c>; both are remembered, so that <c>Dump(Parse(text)) == text</c>. The type of a node's output may be left
/// out: the operator's shape rule then gives it. <c>#</c> starts a comment.
/// </summary>
public static class GraphText
{
    public const int InlineLimit = 16;

    // How a tensor was written in the text it was parsed from.
    private static readonly ConditionalWeakTable<Tensor, string> s_origin = [];

    internal static void Remember(Tensor tensor, string origin) => s_origin.AddOrUpdate(tensor, origin);

    /// <summary>Reads a graph. Throws an <see cref="EdgeLiteException"/> that names line and column.</summary>
    public static Graph Parse(string text) => new GraphTextParser(text).Parse();

    public static string Dump(Graph graph)
    {
        var text = new StringBuilder();
        Write(text, graph, 0);
        return text.Append('\n').ToString();
    }

    private static void Write(StringBuilder text, Graph graph, int depth)
    {
        string indent = new(' ', 2 * (depth + 1));
        text.Append("graph ").Append(Quote(graph.Name)).Append(" {\n");
        if (graph.Symbols.Count > 0)
            text.Append(indent).Append("symbols ").AppendJoin(", ", graph.Symbols.Select(Symbol)).Append('\n');
        foreach ((string key, string value) in graph.Metadata)
            text.Append(indent).Append("meta ").Append(Quote(key)).Append(" = ").Append(Quote(value)).Append('\n');
        foreach (Value input in graph.Inputs)
            text.Append(indent).Append("input ").Append(Name(input)).Append(" : ").Append(Type(graph, input.Type)).Append('\n');
        foreach (Value value in graph.Values)
            if (value.Constant is { } tensor)
                text.Append(indent).Append("const ").Append(Name(value)).Append(" : ").Append(Type(graph, value.Type))
                    .Append(" = ").Append(Data(tensor)).Append('\n');
        foreach (Node node in graph.Nodes)
        {
            text.Append(indent).AppendJoin(", ", node.Outputs.Select(o => o == null ? "_" : $"{Name(o)} : {Type(graph, o.Type)}"))
                .Append(" = ");
            if (node.Domain.Length > 0) text.Append(node.Domain).Append('.');
            text.Append(node.OpType);
            if (node.Name != DefaultName(node)) text.Append(' ').Append(Quote(node.Name)).Append(' ');
            text.Append('(').AppendJoin(", ", node.Inputs.Select(i => i == null ? "_" : Name(i))).Append(')');
            if (node.Attributes.Count > 0)
            {
                text.Append(" {");
                for (int i = 0; i < node.Attributes.Count; i++)
                {
                    (string name, AttributeValue value) = node.Attributes.Items[i];
                    text.Append(i > 0 ? ", " : "").Append(name).Append('=');
                    WriteAttribute(text, graph, value, depth);
                }
                text.Append('}');
            }
            text.Append('\n');
        }
        foreach (Value output in graph.Outputs) text.Append(indent).Append("output ").Append(Name(output)).Append('\n');
        text.Append(' ', 2 * depth).Append('}');
    }

    /// <summary>The name that a node has when the text gives none: that of its first output.</summary>
    internal static string DefaultName(Node node) => node.Outputs.FirstOrDefault(o => o != null)?.Name ?? "";

    private static void WriteAttribute(StringBuilder text, Graph graph, AttributeValue value, int depth)
    {
        switch (value.Kind)
        {
            case AttributeKind.Int: text.Append(value.Int); break;
            case AttributeKind.Float: text.Append(FloatLiteral(value.Float)); break;
            case AttributeKind.String: text.Append(Quote(value.String)); break;
            case AttributeKind.Ints: text.Append('[').AppendJoin(',', value.Ints).Append(']'); break;
            case AttributeKind.Floats when value.Floats.Length == 0: text.Append("floats[]"); break;
            case AttributeKind.Floats: text.Append('[').AppendJoin(',', value.Floats.Select(FloatLiteral)).Append(']'); break;
            case AttributeKind.Strings when value.Strings.Length == 0: text.Append("strings[]"); break;
            case AttributeKind.Strings: text.Append('[').AppendJoin(',', value.Strings.Select(Quote)).Append(']'); break;
            case AttributeKind.Tensor:
                text.Append("tensor ").Append(Type(graph, new TensorType(value.Tensor.DType, value.Tensor.Shape))).Append(" = ").Append(Data(value.Tensor));
                break;
            case AttributeKind.Graph: Write(text, (Graph)value.Graph, depth + 1); break;
        }
    }

    /// <summary>A float with a mark that tells it from an integer.</summary>
    private static string FloatLiteral(float value)
    {
        string text = Number(value);
        return text.AsSpan().IndexOfAnyExceptInRange('0', '9') is -1 || (text[0] == '-' && text.AsSpan(1).IndexOfAnyExceptInRange('0', '9') < 0)
            ? text + ".0" : text;
    }

    private static string Number(double value, bool isSingle = true) =>
        double.IsNaN(value) ? "nan"
        : double.IsPositiveInfinity(value) ? "inf"
        : double.IsNegativeInfinity(value) ? "-inf"
        : isSingle ? ((float)value).ToString("R", CultureInfo.InvariantCulture)
        : value.ToString("R", CultureInfo.InvariantCulture);

    private static string Data(Tensor tensor)
    {
        if (s_origin.TryGetValue(tensor, out string? origin)) return origin;
        if (tensor.Count > InlineLimit || tensor.DType.IsComplex()) return $"hash({Hash(tensor)})";
        var items = new List<string>();
        for (long i = 0; i < tensor.Count; i++)
            items.Add(tensor.Strings != null ? Quote(tensor.Strings[i])
                : tensor.DType.IsFloat() ? Number(tensor.GetDouble(i), tensor.DType != DType.Float64)
                : tensor.DType == DType.UInt64 ? ((ulong)tensor.GetInt64(i)).ToString(CultureInfo.InvariantCulture)
                : tensor.GetInt64(i).ToString(CultureInfo.InvariantCulture));
        return tensor.Shape.Rank == 0 ? items[0] : $"[{string.Join(", ", items)}]";
    }

    private static unsafe string Hash(Tensor tensor)
    {
        if (tensor.Strings != null)
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', tensor.Strings))).AsSpan(0, 8));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long at = 0; at < tensor.ByteLength; at += 1 << 30)
            hash.AppendData(new ReadOnlySpan<byte>(tensor.Data + at, (int)Math.Min(1 << 30, tensor.ByteLength - at)));
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }

    /// <summary>A type with the names of free dimensions: <c>float32[batch,3,224,224]</c>.</summary>
    public static string Type(Graph graph, TensorType type)
    {
        if ((type.Kind & ValueKind.Optional) != 0) return $"optional({Type(graph, type with { Kind = type.Kind & ~ValueKind.Optional })})";
        if (type.Kind == ValueKind.Sequence) return $"seq({Type(graph, type with { Kind = ValueKind.Tensor })})";
        if (!type.Shape.IsRanked) return $"{type.DType.Name()}[*]";
        var dims = new List<string>();
        foreach (long dim in type.Shape.AsSpan())
            dims.Add(dim >= 0 ? dim.ToString(CultureInfo.InvariantCulture)
                : dim == Shape.Unknown ? "?"
                : graph.Sizes.Name(dim) is { } name ? Symbol(name)
                : "?");
        return $"{type.DType.Name()}[{string.Join(',', dims)}]";
    }

    private static string Symbol(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') ? name : Quote(name);

    private static string Name(Value value) => value.Name.Length > 0 && value.Name.All(IsNameChar) ? "%" + value.Name : "%" + Quote(value.Name);

    internal static bool IsNameChar(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '/' or '-';

    private static string Quote(string value)
    {
        var text = new StringBuilder("\"");
        foreach (char c in value)
            text.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                < ' ' => $"\\u{(int)c:x4}",
                _ => c.ToString(),
            });
        return text.Append('"').ToString();
    }
}
