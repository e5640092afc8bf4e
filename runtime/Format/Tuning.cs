using System.Globalization;
using System.Text;
using EdgeLite.Core;

namespace EdgeLite.Format;

/// <summary>A call and the kernel that was chosen for it: <c>conv_f32__direct/avx2</c>, or <c>conv_f32/avx2/1</c> on the calling thread alone.</summary>
/// <param name="call">see <see cref="Tuning.CallOf"/></param>
/// <param name="kernel">name and instruction set</param>
/// <param name="remark">for people</param>
public sealed class TunedCall(ulong call, string kernel, string remark)
{
    public ulong Call { get; } = call;
    public string Kernel { get; } = kernel;
    public string Remark { get; } = remark;
}

/// <summary>
/// What <c>edgelite-run tune</c> found on one machine with one number of threads: the calls of native kernels for which another variant
/// is faster than the usual one. It is text, in the last section of a model file or in a file of its own:
/// <code>
/// edgelite tuning 1
/// machine PROCESSOR SET,SET,.. THREADS remark
/// CALL KERNEL/SET[/1] remark
/// </code>
/// CALL (16 hexadecimal digits) stands for a kernel and its parameters, see <see cref="CallOf"/>; <c>/1</c>: on the calling thread alone.
/// A line of a machine is followed by its calls; a file may hold several machines. Lines that begin with # and empty ones say nothing.
/// Nothing in it can make a session wrong: what names no variant of the very call that is being bound is passed over.
/// </summary>
public sealed class Tuning(string machine, string remark)
{
    /// <summary>Largest section or file that is read.</summary>
    public const int MaxBytes = 1 << 20;

    private const string Head = "edgelite tuning 1";
    private readonly List<TunedCall> _choices = [];

    /// <summary>Processor, instruction sets and threads, between spaces. The choices are for equal ones.</summary>
    public string Machine { get; } = machine;

    /// <summary>The machine's name, release and date, for people.</summary>
    public string Remark { get; } = remark;

    public IReadOnlyList<TunedCall> Choices => _choices;

    public void Add(TunedCall choice) => _choices.Add(choice);

    /// <summary>The kernel that was chosen for a call, or null.</summary>
    public string? Find(ulong call)
    {
        foreach (TunedCall choice in _choices)
            if (choice.Call == call) return choice.Kernel;
        return null;
    }

    /// <summary>FNV-1a (64 bits) of a kernel's name, a zero and the bytes of its parameters.</summary>
    public static ulong CallOf(string kernel, ReadOnlySpan<byte> parameters)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in kernel) hash = (hash ^ c) * 1099511628211;
        hash *= 1099511628211;
        foreach (byte b in parameters) hash = (hash ^ b) * 1099511628211;
        return hash;
    }

    /// <summary>Reads a section or file called <paramref name="name"/>; throws where a line is none of the above.</summary>
    public static Tuning[] Parse(ReadOnlySpan<byte> text, string name)
    {
        if (text.Length > MaxBytes) throw Corrupt(name, 0, $"its tuning has {text.Length} bytes, {MaxBytes} at most");
        var machines = new List<Tuning>();
        bool hasHead = false;
        int number = 0;
        foreach (string line in Encoding.UTF8.GetString(text).Split('\n', StringSplitOptions.TrimEntries))
        {
            number++;
            if (line.Length == 0 || line[0] == '#') continue;
            if (line == Head)
            {
                hasHead = true;
                continue;
            }
            if (!hasHead) throw Corrupt(name, number, $"'{Head}' is expected first");
            string[] words = line.Split(' ', 5);
            if (words[0] == "machine" && words.Length >= 4)
                machines.Add(new Tuning($"{words[1]} {words[2]} {words[3]}", words.Length == 5 ? words[4] : ""));
            else if (machines.Count > 0 && words.Length >= 2 && words[0].Length == 16 && ulong.TryParse(words[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong call))
                machines[^1].Add(new TunedCall(call, words[1], line[Math.Min(line.Length, words[0].Length + words[1].Length + 2)..]));
            else throw Corrupt(name, number, "a machine or a call with its kernel is expected");
        }
        return hasHead ? [.. machines] : throw Corrupt(name, number, $"'{Head}' is expected first");
    }

    /// <summary>The text of several machines.</summary>
    public static byte[] ToText(ReadOnlySpan<Tuning> machines)
    {
        var text = new StringBuilder(Head).Append('\n');
        foreach (Tuning machine in machines)
        {
            text.Append("machine ").Append(machine.Machine).Append(' ').Append(machine.Remark).Append('\n');
            foreach (TunedCall choice in machine._choices)
                text.Append(choice.Call.ToString("x16", CultureInfo.InvariantCulture)).Append(' ').Append(choice.Kernel).Append(' ').Append(choice.Remark).Append('\n');
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static EdgeLiteException Corrupt(string name, int line, string what) =>
        new(Status.Corrupt, $"'{name}' is corrupt: line {line} of its tuning: {what}. Tune it again, or convert it again.");
}
