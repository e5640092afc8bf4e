using EdgeLite.Core;

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
        return File.Exists(Board) ? TextFile.Read(Board).Trim('\0', '\n') : ProcessorName();
    }

    public static string ProcessorName()
    {
        string model = Field("/proc/cpuinfo", "model name");
        return model.Length > 0 ? model.TrimStart('\t', ' ', ':') : "unknown";
    }

    /// <summary>Part of the time of all processors that other programs took during a quarter of a second, 0 to 1.</summary>
    public static double Busy()
    {
        (long idle, long all) before = ProcessorTime();
        Thread.Sleep(250);
        (long idle, long all) after = ProcessorTime();
        return after.all > before.all ? 1 - (after.idle - before.idle) / (double)(after.all - before.all) : 0;
    }

    /// <summary>The line of all processors: user, nice, system, idle, waiting for a disk, ... (proc_stat(5)).</summary>
    private static (long Idle, long All) ProcessorTime()
    {
        string[] times = Field("/proc/stat", "cpu ").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        long idle = 0, all = 0;
        for (int i = 0; i < times.Length; i++)
        {
            if (!long.TryParse(times[i], out long time)) continue;
            all += time;
            if (i is 3 or 4) idle += time;
        }
        return (idle, all);
    }

    private static long Number(string path, string name)
    {
        string field = Field(path, name).Trim().TrimEnd('B', 'k').TrimEnd();
        return long.TryParse(field, out long value) ? value : 0;
    }

    private static string Field(string path, string name)
    {
        if (!File.Exists(path)) return "";
        foreach (string line in TextFile.Read(path).Split('\n'))
            if (line.StartsWith(name, StringComparison.Ordinal)) return line[name.Length..];
        return "";
    }
}
