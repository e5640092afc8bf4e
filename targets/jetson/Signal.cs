using System.Device.Gpio;

namespace EdgeLite.Jetson;

/// <summary>A pin that is high while something is seen, and for a while after it was last seen.</summary>
internal sealed class Signal : IDisposable
{
    private readonly GpioController _pins;
    private readonly int _line;
    private readonly TimeSpan _hold;
    private readonly Func<TimeSpan> _clock;
    private TimeSpan _until = TimeSpan.MinValue;

    /// <param name="pins">the controller of the chip</param>
    /// <param name="line">number of the line on the chip, as gpioinfo lists it</param>
    /// <param name="hold">how long the pin stays high</param>
    /// <param name="clock">time since some moment</param>
    public Signal(GpioController pins, int line, TimeSpan hold, Func<TimeSpan> clock)
    {
        _pins = pins;
        _line = line;
        _hold = hold;
        _clock = clock;
        pins.OpenPin(line, PinMode.Output, PinValue.Low);
    }

    public bool IsOn { get; private set; }

    /// <summary>To be told after every frame.</summary>
    public void Update(bool seen)
    {
        TimeSpan now = _clock();
        if (seen) _until = now + _hold;
        bool on = now < _until;
        if (on != IsOn) _pins.Write(_line, on ? PinValue.High : PinValue.Low);
        IsOn = on;
    }

    /// <summary>Puts the pin out, whatever was seen.</summary>
    public void Dispose()
    {
        _pins.Write(_line, PinValue.Low);
        IsOn = false;
    }
}
