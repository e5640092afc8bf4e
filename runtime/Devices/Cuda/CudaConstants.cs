namespace EdgeLite.Devices.Cuda;

/// <summary>Constants in the memory of one device, shared by all plans that use them: uploaded by the first, freed by the last.</summary>
internal sealed unsafe class CudaConstants(CudaDevice device)
{
    private sealed class Entry
    {
        public nint Memory;
        public int Users;
    }

    private readonly Dictionary<(nint Address, long Bytes), Entry> _entries = [];

    /// <summary>Bytes of all that are there now.</summary>
    public long Bytes { get; private set; }

    /// <summary>The copy of a block of host memory, which must stay as it is until <see cref="Release"/>.</summary>
    public nint Acquire(nint address, long bytes)
    {
        lock (_entries)
        {
            if (_entries.TryGetValue((address, bytes), out Entry? entry))
            {
                entry.Users++;
                return entry.Memory;
            }
            entry = new Entry { Memory = device.Allocate(Math.Max(bytes, 1)), Users = 1 };
            using var stream = new CudaStream(device);
            stream.CopyToDevice(entry.Memory, address, bytes);
            stream.Synchronize();
            _entries.Add((address, bytes), entry);
            Bytes += bytes;
            return entry.Memory;
        }
    }

    public void Release(nint address, long bytes)
    {
        lock (_entries)
        {
            if (!_entries.TryGetValue((address, bytes), out Entry? entry) || --entry.Users > 0) return;
            _entries.Remove((address, bytes));
            Bytes -= bytes;
            device.Driver.Check(device.Driver.MemoryFree(entry.Memory), "freeing memory");
        }
    }
}
