using EdgeLite.Core;

namespace EdgeLite.Run;

/// <summary>The command line: one command, positional arguments, options <c>--name value</c> or <c>--name=value</c>. Every option
/// must be taken by the command, so that a misspelt one is an error and not silence.</summary>
internal sealed class Arguments
{
    private readonly List<string> _positional = [];
    private readonly List<(string Name, string? Value)> _options = [];

    public Arguments(ReadOnlySpan<string> args, ReadOnlySpan<string> flags)
    {
        if (args.Contains("")) throw Usage("an argument is empty, as that of a variable which is not set");
        for (int i = 0; i < args.Length; i++)
        {
            string arg = args[i];
            if (!arg.StartsWith("--", StringComparison.Ordinal))
            {
                _positional.Add(arg);
                continue;
            }
            int equals = arg.IndexOf('=');
            if (flags.Contains(arg)) _options.Add((arg, null));
            else if (equals < 0 && i + 1 < args.Length) _options.Add((arg, args[++i]));
            else if (equals > 0 && equals + 1 < arg.Length) _options.Add((arg[..equals], arg[(equals + 1)..]));
            else _options.Add((arg.TrimEnd('='), null));
        }
    }

    public bool Flag(string name) => _options.RemoveAll(o => o.Name == name) > 0;

    public List<string> All(string name)
    {
        List<string> values = _options.FindAll(o => o.Name == name).ConvertAll(o => o.Value ?? throw Usage($"option {name} needs a value"));
        _options.RemoveAll(o => o.Name == name);
        return values;
    }

    public string? Value(string name)
    {
        List<string> values = All(name);
        return values.Count == 0 ? null : values.Count == 1 ? values[0] : throw Usage($"option {name} is given {values.Count} times");
    }

    public int Int(string name, int otherwise)
    {
        string? value = Value(name);
        if (value == null) return otherwise;
        return int.TryParse(value, out int number) && number >= 0 ? number : throw Usage($"option {name} takes a number of 0 or more, got '{value}'");
    }

    /// <summary>The next positional argument.</summary>
    public string Next(string what)
    {
        if (_positional.Count == 0) throw Usage($"{what} is missing");
        string value = _positional[0];
        _positional.RemoveAt(0);
        return value;
    }

    /// <summary>Throws when something was not taken.</summary>
    public void Finish()
    {
        if (_options.Count > 0) throw Usage($"unknown option {_options[0].Name}");
        if (_positional.Count > 0) throw Usage($"unexpected argument '{_positional[0]}'");
    }

    public static EdgeLiteException Usage(string message) => new(Status.InvalidArgument, $"{message}; see edgelite-run --help");
}
