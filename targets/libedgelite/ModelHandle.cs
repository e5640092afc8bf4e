using EdgeLite.Core;

namespace EdgeLite.Native;

/// <summary>A model and those who use it: its own handle and one for each session. The last one to go disposes it.</summary>
internal sealed class ModelHandle(Model model)
{
    private readonly NativeText _texts = new();
    private readonly Lock _lock = new();
    private int _users = 1;

    public Model Model { get; } = model;

    public void Retain()
    {
        lock (_lock)
        {
            // A free in another thread may have come between the look-up of the handle and this call.
            if (_users == 0) throw new EdgeLiteException(Status.InvalidArgument, "This is no model: it was freed already.");
            _users++;
        }
    }

    public void Release()
    {
        lock (_lock)
        {
            if (--_users > 0) return;
            Model.Dispose();
            _texts.Dispose();
        }
    }

    /// <summary>The text of a metadata key; the same address each time.</summary>
    public nint Metadata(string key)
    {
        lock (_lock)
        {
            if (!Model.Metadata.TryGetValue(key, out string? value))
                throw new EdgeLiteException(Status.NotFound, $"The model has no metadata '{key}'; it has: {string.Join(", ", Model.Metadata.Keys)}.");
            return _texts.AddressOf(value);
        }
    }
}
