using System.Runtime.InteropServices;

namespace EdgeLite.Native;

/// <summary>Zero-terminated UTF-8 texts for C, freed with their owner.</summary>
internal sealed class NativeText : IDisposable
{
    private readonly List<nint> _texts = [];

    ~NativeText() => Dispose();

    public nint Add(string text)
    {
        nint memory = Marshal.StringToCoTaskMemUTF8(text);
        _texts.Add(memory);
        return memory;
    }

    public void Dispose()
    {
        foreach (nint text in _texts) Marshal.FreeCoTaskMem(text);
        _texts.Clear();
        GC.SuppressFinalize(this);
    }
}
