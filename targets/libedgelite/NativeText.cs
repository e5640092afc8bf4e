using System.Runtime.InteropServices;

namespace EdgeLite.Native;

/// <summary>Zero-terminated UTF-8 texts for C, freed with their owner. A text has the same address each time.</summary>
internal sealed class NativeText : IDisposable
{
    private readonly List<string> _texts = [];
    private readonly List<nint> _addresses = [];

    ~NativeText() => Dispose();

    public nint AddressOf(string text)
    {
        for (int i = 0; i < _texts.Count; i++)
            if (_texts[i] == text) return _addresses[i];
        nint memory = Marshal.StringToCoTaskMemUTF8(text);
        _texts.Add(text);
        _addresses.Add(memory);
        return memory;
    }

    public void Dispose()
    {
        foreach (nint address in _addresses) Marshal.FreeCoTaskMem(address);
        _texts.Clear();
        _addresses.Clear();
        GC.SuppressFinalize(this);
    }
}
