using System.Text;
using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// Operators by domain and name. The built-in ones are rows of generated text, sorted by domain and name:
/// <c>domain|name|inputs|outputs|attributes</c>, slots with ? or * as <see cref="OperatorAttribute"/> writes them, attributes as
/// name:kind with a letter for the kind and ! where required. A row is decoded when it is first asked for.
/// </summary>
public static partial class OperatorTable
{
    private static readonly Dictionary<string, OperatorDefinition> s_custom = [];
    private static readonly OperatorDefinition?[] s_builtIn = new OperatorDefinition?[BuiltInCount];

    /// <summary>All built-in operators, sorted by domain and name.</summary>
    public static OperatorDefinition[] All
    {
        get
        {
            var all = new OperatorDefinition[BuiltInCount];
            for (int i = 0; i < all.Length; i++) all[i] = At(i);
            return all;
        }
    }

    public static OperatorDefinition? Find(string domain, string name)
    {
        if (domain == "ai.onnx") domain = "";
        int index = IndexOf(domain, name);
        if (index >= 0) return At(index);
        lock (s_custom) return s_custom.GetValueOrDefault(Key(domain, name));
    }

    /// <summary>Adds an operator of the application's own, found by models prepared from now on.</summary>
    public static void Register(OperatorDefinition definition)
    {
        if (IndexOf(definition.Domain, definition.Name) >= 0)
            throw new EdgeLiteException(Status.InvalidArgument, $"Operator {definition.FullName} is built in and cannot be registered again.");
        lock (s_custom) s_custom[Key(definition.Domain, definition.Name)] = definition;
    }

    /// <summary>As <see cref="Register(OperatorDefinition)"/>.</summary>
    /// <param name="domain">the domain of the operator, best one of the application's own: <c>com.example</c></param>
    /// <param name="name">the operator type of the nodes</param>
    /// <param name="inputs">names as in <see cref="OperatorAttribute"/>: <c>X, scale?</c> or <c>X*</c></param>
    /// <param name="outputs">likewise</param>
    /// <param name="create">makes an operator object for one node</param>
    public static void Register(string domain, string name, string inputs, string outputs, Func<Operator> create) =>
        Register(new OperatorDefinition(domain, name, Slots(inputs.Replace(" ", "")), Slots(outputs.Replace(" ", "")), [], create));

    private static string Key(string domain, string name) => domain + '|' + name;

    internal static Operator Instantiate(int index) => CreateBuiltIn(index);

    private static ReadOnlySpan<byte> Row(int index) => Rows[Offsets[index]..(Offsets[index + 1] - 1)];

    private static int IndexOf(string domain, string name)
    {
        int low = 0, high = BuiltInCount - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            ReadOnlySpan<byte> row = Row(middle);
            int order = Compare(domain, ref row);
            if (order == 0) order = Compare(name, ref row);
            if (order == 0) return middle;
            if (order < 0) high = middle - 1;
            else low = middle + 1;
        }
        return -1;
    }

    /// <summary>Order of <paramref name="text"/> and the field that <paramref name="row"/> begins with, which is taken off.</summary>
    private static int Compare(string text, ref ReadOnlySpan<byte> row)
    {
        int end = row.IndexOf((byte)'|');
        ReadOnlySpan<byte> field = row[..end];
        row = row[(end + 1)..];
        for (int i = 0; i < field.Length && i < text.Length; i++)
            if (text[i] != field[i]) return text[i] - field[i];
        return text.Length - field.Length;
    }

    private static OperatorDefinition At(int index)
    {
        if (Volatile.Read(ref s_builtIn[index]) is { } known) return known;
        string[] fields = Encoding.ASCII.GetString(Row(index)).Split('|');
        var definition = new OperatorDefinition(fields[0], fields[1], Slots(fields[2]), Slots(fields[3]), Attributes(fields[4]), null) { Index = index };
        return Interlocked.CompareExchange(ref s_builtIn[index], definition, null) ?? definition;
    }

    private static OperatorSlot[] Slots(string field)
    {
        if (field.Length == 0) return [];
        string[] parts = field.Split(',');
        var slots = new OperatorSlot[parts.Length];
        for (int i = 0; i < slots.Length; i++)
        {
            bool isOptional = parts[i][^1] == '?', isVariadic = parts[i][^1] == '*';
            slots[i] = new OperatorSlot(isOptional || isVariadic ? parts[i][..^1] : parts[i], isOptional, isVariadic);
        }
        return slots;
    }

    private static OperatorAttributeInfo[] Attributes(string field)
    {
        if (field.Length == 0) return [];
        string[] parts = field.Split(',');
        var attributes = new OperatorAttributeInfo[parts.Length];
        for (int i = 0; i < attributes.Length; i++)
        {
            int colon = parts[i].IndexOf(':');
            var kind = (AttributeKind)(1 + "ifsIFSTG".IndexOf(parts[i][colon + 1]));
            attributes[i] = new OperatorAttributeInfo(parts[i][..colon], kind, parts[i][^1] == '!');
        }
        return attributes;
    }
}
