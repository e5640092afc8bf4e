namespace EdgeLite.Devices.Cuda;

/// <summary>Constants in the memory of one device, shared by all plans that use them: uploaded by the first, freed by the last.</summary>
internal sealed unsafe class CudaConstants(CudaDevice device)
{
    private sealed class Entry
    {
        public nint Memory;
        public long Bytes;
        public int Users;
    }

    private readonly Dictionary<CudaConstant, Entry> _entries = [];

    /// <summary>Bytes of all that are there now.</summary>
    public long Bytes { get; private set; }

    /// <summary>The copy of blocks of host memory, which must stay as they are until <see cref="Release"/>.</summary>
    public nint Acquire(CudaConstant constant)
    {
        lock (_entries)
        {
            if (!_entries.TryGetValue(constant, out Entry? entry))
            {
                entry = new Entry { Bytes = constant.IsHalf ? constant.WholeBytes / 2 : constant.WholeBytes };
                entry.Memory = Upload(constant, entry.Bytes);
                _entries.Add(constant, entry);
                Bytes += entry.Bytes;
            }
            entry.Users++;
            return entry.Memory;
        }
    }

    public void Release(CudaConstant constant)
    {
        lock (_entries)
        {
            if (!_entries.TryGetValue(constant, out Entry? entry) || --entry.Users > 0) return;
            _entries.Remove(constant);
            Bytes -= entry.Bytes;
            _ = device.Driver.MemoryFree(entry.Memory);
        }
    }

    private nint Upload(CudaConstant constant, long bytes)
    {
        nint memory = device.Allocate(Math.Max(bytes, 1)), whole = 0;
        try
        {
            using var stream = new CudaStream(device);
            if (constant.IsHalf) whole = device.Allocate(Math.Max(constant.WholeBytes, 1));
            nint to = constant.IsHalf ? whole : memory;
            stream.CopyToDevice(to, constant.First.Address, constant.First.Bytes);
            stream.CopyToDevice(to + (nint)constant.First.Bytes, constant.Second.Address, constant.Second.Bytes);
            stream.CopyToDevice(to + (nint)(constant.First.Bytes + constant.Second.Bytes), constant.Third.Address, constant.Third.Bytes);
            using CudaConversion? conversion = constant.IsHalf ? new CudaConversion(device, whole, memory, constant.WholeBytes / sizeof(float), toHalf: true) : null;
            conversion?.Enqueue(stream);
            stream.Synchronize();
            return memory;
        }
        catch
        {
            _ = device.Driver.MemoryFree(memory);
            throw;
        }
        finally
        {
            if (whole != 0) _ = device.Driver.MemoryFree(whole);
        }
    }
}

/// <summary>A block of host memory.</summary>
internal readonly record struct HostBlock(nint Address, long Bytes);

/// <summary>Blocks of host memory to be had on a device, one behind the other, as they are, or float32 made float16.</summary>
internal readonly record struct CudaConstant(HostBlock First, bool IsHalf, HostBlock Second = default, HostBlock Third = default)
{
    public long WholeBytes => First.Bytes + Second.Bytes + Third.Bytes;
}
