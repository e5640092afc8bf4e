using EdgeLite.Core;

namespace EdgeLite.Native;

/// <summary>
/// Objects behind opaque handles. A handle is a number: slot, generation of the slot, and a tag of the kind, so that a freed,
/// foreign or invented handle is found out instead of dereferenced. Bits: generation 63..32, slot + 1 31..8, tag 7..0.
/// </summary>
internal sealed class HandleTable<T>(byte tag, string kind) where T : class
{
    private readonly Lock _lock = new();
    private T?[] _targets = new T?[4];
    private uint[] _generations = new uint[4];

    public nint Add(T target)
    {
        lock (_lock)
        {
            int slot = 0;
            while (slot < _targets.Length && _targets[slot] != null) slot++;
            if (slot == _targets.Length)
            {
                Array.Resize(ref _targets, slot * 2);
                Array.Resize(ref _generations, slot * 2);
            }
            _targets[slot] = target;
            return (nint)((ulong)_generations[slot] << 32 | (uint)(slot + 1) << 8 | tag);
        }
    }

    public T Get(nint handle)
    {
        lock (_lock) return _targets[SlotOf(handle)]!;
    }

    /// <summary>Takes the object out; the handle is void from now on.</summary>
    public T Remove(nint handle)
    {
        lock (_lock)
        {
            int slot = SlotOf(handle);
            T target = _targets[slot]!;
            _targets[slot] = null;
            _generations[slot]++;
            return target;
        }
    }

    private int SlotOf(nint handle)
    {
        if (handle == 0) throw new EdgeLiteException(Status.InvalidArgument, $"The {kind} is NULL.");
        int slot = (int)((uint)handle >> 8) - 1;
        if ((byte)handle != tag || (uint)slot >= (uint)_targets.Length || _targets[slot] == null || _generations[slot] != (uint)((ulong)handle >> 32))
            throw new EdgeLiteException(Status.InvalidArgument, $"This is no {kind}: it was freed already, or never made.");
        return slot;
    }
}
