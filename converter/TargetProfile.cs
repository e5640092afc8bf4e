using System.Text.Json;
using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite.Converter;

/// <summary>A device that models are made for (targets/profiles/NAME.json): its processor, runtime identifier and cores, the main memory of
/// the smallest board of the name in 2^20 bytes, and its instruction sets as <c>edgelite-run doctor</c> names them.</summary>
public sealed record TargetProfile(string Name, string Processor, string Rid, int Cores, int MemoryMB, string[] InstructionSets)
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Every profile, by name.</summary>
    public static IReadOnlyList<TargetProfile> All { get; } =
    [
        .. typeof(TargetProfile).Assembly.GetManifestResourceNames().Where(n => n.StartsWith("profiles/", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(Read),
    ];

    /// <summary>The profile of a name. Throws an <see cref="EdgeLiteException"/> that lists those that exist.</summary>
    public static TargetProfile Find(string name) => All.FirstOrDefault(p => p.Name == name)
        ?? throw new EdgeLiteException(Status.NotFound, $"There is no target profile '{name}'; there are {string.Join(", ", All.Select(p => p.Name))}.");

    /// <summary>Choices of kernels that bench/tune.sh measured on such a device (targets/profiles/NAME.tuning); none where nobody has yet.</summary>
    public IReadOnlyList<Tuning> Tunings()
    {
        using Stream? stream = typeof(TargetProfile).Assembly.GetManifestResourceStream($"tunings/{Name}");
        if (stream == null) return [];
        var text = new MemoryStream();
        stream.CopyTo(text);
        return Tuning.Parse(text.ToArray(), $"{Name}.tuning");
    }

    /// <summary>Whether the processor computes in float16.</summary>
    public bool HasHalf => Array.IndexOf(InstructionSets, "neonfp16") >= 0;

    /// <summary>Refuses a model that the device's memory cannot hold.</summary>
    /// <param name="bytes">weights and arena</param>
    public void CheckMemory(long bytes)
    {
        if (bytes > (long)MemoryMB << 20)
            throw new EdgeLiteException(Status.InvalidArgument,
                $"The model needs {(bytes + (1 << 20) - 1) >> 20} MB for weights and arena, {Name} has {MemoryMB} MB. Quantize it (--quantize int8 or fp16) or choose smaller inputs (--shape).");
    }

    private static TargetProfile Read(string resource)
    {
        using Stream stream = typeof(TargetProfile).Assembly.GetManifestResourceStream(resource)!;
        return JsonSerializer.Deserialize<TargetProfile>(stream, s_json)!;
    }
}
