using System.Collections.Concurrent;
using System.Device.Gpio;

namespace EdgeLite.Tests.Targets;

/// <summary>Pins without a board: a test drives inputs with <see cref="Drive"/> and reads what was written.</summary>
internal sealed class SimulatedGpioDriver : GpioDriver
{
    private readonly ConcurrentDictionary<int, PinMode> _modes = new();
    private readonly ConcurrentDictionary<int, PinValue> _values = new();
    private readonly object _edge = new();
    private readonly Dictionary<int, (long Count, PinEventTypes Last)> _edges = [];
    private int _waiting;

    /// <summary>Every level that was written to an output: pin and value, in order.</summary>
    public ConcurrentQueue<(int Pin, PinValue Value)> Written { get; } = new();

    public bool IsOpen(int pin) => _modes.ContainsKey(pin);
    public PinMode ModeOf(int pin) => _modes[pin];

    /// <summary>Changes the level of an input, once somebody waits for it.</summary>
    public void Drive(int pin, PinValue value)
    {
        SpinWait.SpinUntil(() => Volatile.Read(ref _waiting) > 0, TimeSpan.FromSeconds(10));
        Set(pin, value);
    }

    /// <summary>Changes the level of an input now.</summary>
    public void Set(int pin, PinValue value)
    {
        lock (_edge)
        {
            if (_values.TryGetValue(pin, out PinValue old) && old == value) return;
            _values[pin] = value;
            long count = _edges.TryGetValue(pin, out var edge) ? edge.Count : 0;
            _edges[pin] = (count + 1, value == PinValue.High ? PinEventTypes.Rising : PinEventTypes.Falling);
            Monitor.PulseAll(_edge);
        }
    }

    protected override int PinCount => 28;

    protected override void OpenPin(int pinNumber)
    {
        _modes[pinNumber] = PinMode.Input;
        _values.TryAdd(pinNumber, PinValue.Low);
    }

    protected override void ClosePin(int pinNumber) => _modes.TryRemove(pinNumber, out _);

    protected override void SetPinMode(int pinNumber, PinMode mode)
    {
        _modes[pinNumber] = mode;
        if (mode == PinMode.InputPullUp) _values[pinNumber] = PinValue.High;
    }

    protected override PinMode GetPinMode(int pinNumber) => _modes[pinNumber];

    protected override bool IsPinModeSupported(int pinNumber, PinMode mode) => true;

    protected override PinValue Read(int pinNumber) => _values[pinNumber];

    protected override void Write(int pinNumber, PinValue value)
    {
        _values[pinNumber] = value;
        Written.Enqueue((pinNumber, value));
    }

    protected override WaitForEventResult WaitForEvent(int pinNumber, PinEventTypes eventTypes, CancellationToken cancellationToken)
    {
        lock (_edge)
        {
            long seen = _edges.TryGetValue(pinNumber, out var before) ? before.Count : 0;
            Interlocked.Increment(ref _waiting);
            try
            {
                while (!cancellationToken.IsCancellationRequested)
                {
                    if (_edges.TryGetValue(pinNumber, out var edge) && edge.Count > seen)
                    {
                        if ((edge.Last & eventTypes) != 0) return new WaitForEventResult { EventTypes = edge.Last, TimedOut = false };
                        seen = edge.Count;
                    }
                    Monitor.Wait(_edge, 20);
                }
            }
            finally
            {
                Interlocked.Decrement(ref _waiting);
            }
        }
        return new WaitForEventResult { EventTypes = PinEventTypes.None, TimedOut = true };
    }

    protected override void AddCallbackForPinValueChangedEvent(int pinNumber, PinEventTypes eventTypes, PinChangeEventHandler callback) =>
        throw new NotSupportedException();

    protected override void RemoveCallbackForPinValueChangedEvent(int pinNumber, PinChangeEventHandler callback) => throw new NotSupportedException();
}
