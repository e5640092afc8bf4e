using System.Device.Gpio;
using System.Device.Pwm;

namespace EdgeLite.RaspberryPi;

/// <summary>An edge on a pin: a PIR sensor or a button. Bounces shorter than <see cref="Steady"/> are passed over.</summary>
internal sealed class PinTrigger : ITrigger
{
    /// <summary>The level must stay so long.</summary>
    public static readonly TimeSpan Steady = TimeSpan.FromMilliseconds(20);

    private readonly GpioController _controller;
    private readonly int _pin;
    private readonly bool _rising;

    public PinTrigger(GpioController controller, TriggerSettings settings)
    {
        _controller = controller;
        _pin = settings.Pin;
        _rising = settings.Edge == "rising";
        controller.OpenPin(_pin, settings.Pull switch { "up" => PinMode.InputPullUp, "down" => PinMode.InputPullDown, _ => PinMode.Input });
    }

    public bool Wait(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            WaitForEventResult result = _controller.WaitForEvent(_pin, _rising ? PinEventTypes.Rising : PinEventTypes.Falling, stop);
            if (result.TimedOut) continue;
            stop.WaitHandle.WaitOne(Steady);
            if (!stop.IsCancellationRequested && _controller.Read(_pin) == (_rising ? PinValue.High : PinValue.Low)) return true;
        }
        return false;
    }
}

/// <summary>A light on a pin.</summary>
internal sealed class Led : IActuator
{
    private readonly GpioController _controller;
    private readonly int _pin;

    public Led(GpioController controller, int pin)
    {
        _controller = controller;
        _pin = pin;
        controller.OpenPin(pin, PinMode.Output, PinValue.Low);
    }

    public void On() => _controller.Write(_pin, PinValue.High);
    public void Off() => _controller.Write(_pin, PinValue.Low);
}

/// <summary>A hobby servo: 50 pulses a second of 0.5 ms (0 degrees) to 2.5 ms (180 degrees).</summary>
internal sealed class Servo(PwmChannel channel, double offAngle, double onAngle) : IActuator
{
    public const int Frequency = 50;

    private bool _started;

    public void On() => Turn(onAngle);
    public void Off() => Turn(offAngle);

    /// <summary>Share of the period that the pulse lasts.</summary>
    internal static double DutyCycle(double angle) => (0.0005 + angle / 180 * 0.002) * Frequency;

    private void Turn(double angle)
    {
        channel.DutyCycle = DutyCycle(angle);
        if (_started) return;
        channel.Start();
        _started = true;
    }
}
