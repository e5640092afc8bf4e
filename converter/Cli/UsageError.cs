using System.CommandLine;
using System.CommandLine.Parsing;

namespace EdgeLite.Converter.Cli;

/// <summary>What is wrong with a command line, and what may have been meant.</summary>
internal static class UsageError
{
    public static string Describe(ParseResult result)
    {
        Command command = result.CommandResult.Command;
        // A token that nothing takes makes other errors follow.
        string what = result.UnmatchedTokens is [var unknown, ..] ? Unknown(command, unknown)
            : string.Join(' ', result.Errors.Select(Text).Distinct());
        string path = string.Join(' ', command.Parents.OfType<Command>().Reverse().Append(command).Select(c => c is RootCommand ? "edgelite" : c.Name));
        return $"{what} See {path} --help.";
    }

    /// <summary>What the parser says, or more plainly where it does not name the option, or names types of .NET.</summary>
    private static string Text(ParseError error)
    {
        string text = error.Message.ReplaceLineEndings(" ").Replace("\t", "").Trim();
        if (error.SymbolResult is not OptionResult { Tokens: [var token, ..] } given) return text;
        if (text.Contains("as expected type", StringComparison.Ordinal)) return $"{given.Option.Name} takes a {(given.Option.ValueType == typeof(double) ? "" : "whole ")}number, got '{token.Value}'.";
        return text.Contains(given.Option.Name, StringComparison.Ordinal) ? text : $"{given.Option.Name}: {text.TrimEnd('.')}.";
    }

    /// <summary>"There is no option --quantise; did you mean --quantize?"</summary>
    public static string Unknown(Command command, string token)
    {
        string name = token.Split('=')[0];
        bool isOption = name.StartsWith('-');
        IEnumerable<string> known = isOption ? command.Options.SelectMany(o => o.Aliases.Prepend(o.Name)) : command.Subcommands.Select(c => c.Name);
        string? nearest = known.Where(k => Distance(name, k) <= Math.Max(1, name.Length / 3)).MinBy(k => Distance(name, k));
        string what = isOption ? $"There is no option {name}" : command.Subcommands.Count > 0 ? $"There is no command '{name}'" : $"'{name}' is one argument too many";
        return nearest != null ? $"{what}; did you mean {nearest}?" : isOption || command.Subcommands.Count == 0 ? what + "." : $"{what}; edgelite-run, the program of the device, has others.";
    }

    /// <summary>Characters to insert, delete or replace to make one of the other (Levenshtein distance).</summary>
    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int above = row[j];
                row[j] = Math.Min(diagonal + (a[i - 1] == b[j - 1] ? 0 : 1), Math.Min(above, row[j - 1]) + 1);
                diagonal = above;
            }
        }
        return row[^1];
    }
}
