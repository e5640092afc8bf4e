namespace EdgeLite.Run;

/// <summary>Facts of the process and the machine that Linux keeps under /proc; 0 or "unknown" elsewhere.</summary>
internal static class ProcessMemory
{
    public static long PeakResidentKilobytes() => Number("/proc/self/status", "VmHWM:");
    public static long TotalKilobytes() => Number("/proc/meminfo", "MemTotal:");

    /// <summary>The board as its firmware names it (<c>Raspberry Pi 5 Model B Rev 1.0</c>), otherwise the processor.</summary>
    public static string MachineName()
    {
        const string Board = "/proc/device-tree/model";
        return File.Exists(Board) ? File.ReadAllText(Board).Trim('\0', '\n') : ProcessorName();
    }

    public static string ProcessorName()
    {
        string model = Field("/proc/cpuinfo", "model name");
        return model.Length > 0 ? model.TrimStart('\t', ' ', ':') : "unknown";
    }

    private static long Number(string path, string name)
    {
        string field = Field(path, name).Replace("kB", "", StringComparison.Ordinal).Trim();
        return long.TryParse(field, out long value) ? value : 0;
    }

    private static string Field(string path, string name)
    {
        if (!File.Exists(path)) return "";
        foreach (string line in File.ReadLines(path))
            if (line.StartsWith(name, StringComparison.Ordinal)) return line[name.Length..];
        return "";
    }
}
