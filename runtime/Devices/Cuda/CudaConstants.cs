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

    /// <summary>The copy of a block of host memory, which must stay as it is until <see cref="Release"/>.</summary>
    public nint Acquire(CudaConstant constant)
    {
        lock (_entries)
        {
            if (!_entries.TryGetValue(constant, out Entry? entry))
            {
                entry = new Entry { Bytes = constant.IsHalf ? constant.Bytes / 2 : constant.Bytes };
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
            if (constant.IsHalf) whole = device.Allocate(Math.Max(constant.Bytes, 1));
            stream.CopyToDevice(constant.IsHalf ? whole : memory, constant.Address, constant.Bytes);
            using CudaConversion? conversion = constant.IsHalf ? new CudaConversion(device, whole, memory, constant.Bytes / sizeof(float), toHalf: true) : null;
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

/// <summary>A block of host memory to be had on a device, as it is, or float32 made float16.</summary>
internal readonly record struct CudaConstant(nint Address, long Bytes, bool IsHalf);
