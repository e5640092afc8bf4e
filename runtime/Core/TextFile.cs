using System.Text;

namespace EdgeLite.Core;

/// <summary>Small files of UTF-8 text, those of /proc and /sys too. The readers of .NET that find out an encoding bring all of them.</summary>
public static class TextFile
{
    /// <summary>All of it; throws as the functions of <see cref="File"/> do.</summary>
    public static string Read(string path) => Encoding.UTF8.GetString(File.ReadAllBytes(path));
}
