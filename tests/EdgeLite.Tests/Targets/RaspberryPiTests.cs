using System.Device.Gpio;
using System.Device.Pwm;
using System.Globalization;
using EdgeLite.RaspberryPi;
using EdgeLite.Vision;

namespace EdgeLite.Tests.Targets;

/// <summary>targets/raspberry-pi without a board: simulated pins, frames from memory, real networks.</summary>
public class RaspberryPiTests
{
    private const int SensorPin = 17, LedPin = 27;

    private sealed class Frames(Func<int, Picture> frame) : IFrameSource
    {
        public int Taken { get; private set; }
        public Picture Take() => frame(Taken++);
    }

    private sealed class Brightness : IDetector
    {
        public Finding Look(Picture frame) => new(frame.Rgb[0] > 128, frame.Rgb[0] / 255f, "light");
    }

    private sealed class FakePwm : PwmChannel
    {
        public int Starts { get; private set; }
        public override int Frequency { get; set; } = Servo.Frequency;
        public override double DutyCycle { get; set; }
        public override void Start() => Starts++;
        public override void Stop() => Starts--;
    }

    private static Picture Plain(byte level) => new(2, 2, [.. Enumerable.Repeat(level, 12)]);

    private static (Watch Watch, SimulatedGpioDriver Pins, StringWriter Log) Build(IFrameSource frames, TriggerSettings? trigger = null)
    {
        var driver = new SimulatedGpioDriver();
        var controller = new GpioController(driver);
        var log = new StringWriter();
        var watch = new Watch(new PinTrigger(controller, trigger ?? new TriggerSettings { Pin = SensorPin }), frames, new Brightness(), new Led(controller, LedPin),
            TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(5), log);
        return (watch, driver, log);
    }

    [Fact]
    public async Task Movement_with_something_to_see_lights_the_LED_and_puts_it_out()
    {
        var frames = new Frames(i => i == 2 ? throw new FrameException("lens cap") : Plain((byte)(i == 1 ? 200 : 20)));
        var (watch, pins, log) = Build(frames);
        Task<int> run = Task.Run(() => watch.Run(CancellationToken.None, looks: 4));
        for (int i = 0; i < 4; i++)
        {
            pins.Drive(SensorPin, PinValue.High);
            Assert.True(SpinWait.SpinUntil(() => frames.Taken > i, TimeSpan.FromSeconds(10)));
            pins.Drive(SensorPin, PinValue.Low);
        }
        Assert.Equal(1, await run);
        Assert.Equal(PinMode.InputPullDown, pins.ModeOf(SensorPin));
        Assert.Equal(4, frames.Taken);
        PinValue[] led = [.. pins.Written.Where(w => w.Pin == LedPin).Select(w => w.Value)];
        Assert.Equal(1, led.Count(v => v == PinValue.High));
        int lit = Array.IndexOf(led, PinValue.High);
        Assert.Equal(PinValue.Low, led[0]);
        Assert.Equal(PinValue.Low, led[lit + 1]);
        string[] lines = log.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("nothing: light", lines[0]);
        Assert.StartsWith("found: light, score 0.78", lines[1]);
        Assert.Equal("no frame: lens cap", lines[2].TrimEnd());
    }

    [Fact]
    public async Task A_bounce_is_no_trigger_and_a_stop_ends_the_watch()
    {
        var frames = new Frames(_ => Plain(200));
        var (watch, pins, _) = Build(frames);
        using var stop = new CancellationTokenSource();
        Task<int> run = Task.Run(() => watch.Run(stop.Token));
        pins.Drive(SensorPin, PinValue.High);
        pins.Set(SensorPin, PinValue.Low);
        await Task.Delay(10 * PinTrigger.Steady);
        Assert.Equal(0, frames.Taken);
        stop.Cancel();
        Assert.Equal(0, await run.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.All(pins.Written, w => Assert.Equal(PinValue.Low, w.Value));
    }

    [Fact]
    public async Task A_button_to_ground_triggers_on_the_falling_edge()
    {
        var frames = new Frames(_ => Plain(200));
        var (watch, pins, _) = Build(frames, new TriggerSettings { Pin = SensorPin, Edge = "falling", Pull = "up" });
        Task<int> run = Task.Run(() => watch.Run(CancellationToken.None, looks: 1));
        Assert.Equal(PinMode.InputPullUp, pins.ModeOf(SensorPin));
        pins.Drive(SensorPin, PinValue.Low);
        Assert.Equal(1, await run.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void The_LED_is_out_even_when_the_network_fails()
    {
        var driver = new SimulatedGpioDriver();
        var controller = new GpioController(driver);
        var led = new Led(controller, LedPin);
        led.On();
        var watch = new Watch(new Always(), new Frames(_ => throw new InvalidOperationException("broken")), new Brightness(), led, TimeSpan.Zero, TimeSpan.Zero, TextWriter.Null);
        Assert.Throws<InvalidOperationException>(() => watch.Run(CancellationToken.None));
        Assert.Equal(PinValue.Low, driver.Written.Last().Value);
    }

    private sealed class Always : ITrigger
    {
        public bool Wait(CancellationToken stop) => true;
    }

    [Fact]
    public void A_servo_gets_pulses_of_half_to_two_and_a_half_milliseconds()
    {
        var pwm = new FakePwm();
        var servo = new Servo(pwm, offAngle: 0, onAngle: 180);
        servo.Off();
        Assert.Equal(0.5e-3 * 50, pwm.DutyCycle, 6);
        servo.On();
        Assert.Equal(2.5e-3 * 50, pwm.DutyCycle, 6);
        Assert.Equal(1, pwm.Starts);
        Assert.Equal(1.5e-3 * 50, Servo.DutyCycle(90), 6);
    }

    [Fact]
    public void The_configuration_that_is_shipped_is_valid()
    {
        Settings settings = Settings.Load(Path.Combine(SharedData.Root, "targets/raspberry-pi/watch.json"));
        Assert.Equal(SensorPin, settings.Trigger.Pin);
        Assert.Equal("/opt/edgelite/face.edgl", settings.Detector.Model);
        Assert.Equal(3, settings.Actuator.Seconds);
    }

    [Theory]
    [InlineData("{", "no valid configuration")]
    [InlineData("{\"triger\":{}}", "triger")]
    [InlineData("{}", "detector.model")]
    [InlineData("{\"detector\":{\"model\":\"a\"},\"trigger\":{\"edge\":\"up\"}}", "'up'")]
    [InlineData("{\"detector\":{\"model\":\"a\"},\"actuator\":{\"pin\":17}}", "both on pin 17")]
    [InlineData("{\"detector\":{\"model\":\"a\"},\"camera\":{\"source\":\"file\"}}", "camera.file")]
    [InlineData("{\"detector\":{\"model\":\"a\",\"threshold\":2}}", "threshold")]
    public void A_wrong_configuration_is_refused_with_the_reason(string json, string reason)
    {
        var error = Assert.Throws<EdgeLiteException>(() => Settings.Parse(json, "test.json"));
        Assert.Contains("test.json", error.Message);
        Assert.Contains(reason, error.Message);
    }

    [Fact]
    public void A_missing_picture_or_camera_is_no_frame_and_says_which()
    {
        Assert.Contains("/no/such.jpg", Assert.Throws<FrameException>(() => new FileSource("/no/such.jpg").Take()).Message);
        Assert.Contains("/dev/no-video", Assert.Throws<FrameException>(() => new V4l2Source(new CameraSettings { Device = "/dev/no-video" }).Take()).Message);
        Assert.Contains("no-such-program", Assert.Throws<FrameException>(() => new StillSource(new CameraSettings { Command = "no-such-program" }).Take()).Message);
    }

    [Fact]
    public void Colours_of_a_YUYV_frame_are_those_of_BT601()
    {
        // Y U Y V of 100 % white, black, red, blue (ITU-R BT.601: red is Y 81, U 90, V 240; blue is Y 41, U 240, V 110).
        byte[] frame = [235, 128, 16, 128, 81, 90, 81, 240, 41, 240, 41, 110, 0, 0, 0, 0];
        byte[] rgb = V4l2Source.ToRgb(frame, 2, 3, 4);
        Assert.Equal([255, 255, 255, 0, 0, 0], rgb[..6]);
        byte[] expected = [255, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 255];
        for (int i = 0; i < expected.Length; i++) Assert.InRange(rgb[6 + i], expected[i] - 2, expected[i] + 2);
    }

    [ProgramFact("gcc", "/usr/include/linux/videodev2.h")]
    public void Numbers_of_V4L2_are_those_of_the_kernel_header()
    {
        string folder = Directory.CreateTempSubdirectory("edgelite-v4l2-").FullName;
        try
        {
            string source = Path.Combine(folder, "v.c"), program = Path.Combine(folder, "v");
            File.WriteAllText(source, """
                #include <linux/videodev2.h>
                #include <stddef.h>
                #include <stdio.h>
                #define P(x) printf("%lu\n", (unsigned long)(x));
                int main(void) {
                    P(VIDIOC_S_FMT) P(VIDIOC_REQBUFS) P(VIDIOC_QUERYBUF) P(VIDIOC_QBUF) P(VIDIOC_DQBUF) P(VIDIOC_STREAMON) P(VIDIOC_STREAMOFF)
                    P(V4L2_PIX_FMT_YUYV) P(sizeof(struct v4l2_format)) P(sizeof(struct v4l2_requestbuffers)) P(sizeof(struct v4l2_buffer))
                    P(offsetof(struct v4l2_format, fmt.pix.width)) P(offsetof(struct v4l2_format, fmt.pix.height))
                    P(offsetof(struct v4l2_format, fmt.pix.pixelformat)) P(offsetof(struct v4l2_format, fmt.pix.bytesperline))
                    P(offsetof(struct v4l2_buffer, type)) P(offsetof(struct v4l2_buffer, bytesused)) P(offsetof(struct v4l2_buffer, memory))
                    P(offsetof(struct v4l2_buffer, m.offset)) P(offsetof(struct v4l2_buffer, length))
                    return 0;
                }
                """);
            ChildProcess.Succeed("gcc", source, "-o", program);
            long[] header = [.. ChildProcess.Succeed(program).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => long.Parse(l, CultureInfo.InvariantCulture))];
            Assert.Equal([V4l2Source.SetFormat, V4l2Source.RequestBuffers, V4l2Source.QueryBuffer, V4l2Source.QueueBuffer, V4l2Source.DequeueBuffer,
                V4l2Source.StreamOn, V4l2Source.StreamOff, V4l2Source.Yuyv, V4l2Source.FormatSize, V4l2Source.RequestSize, V4l2Source.BufferSize,
                V4l2Source.FormatWidth, V4l2Source.FormatHeight, V4l2Source.FormatPixels, V4l2Source.FormatStride, V4l2Source.BufferType,
                V4l2Source.BufferUsed, V4l2Source.BufferMemory, V4l2Source.BufferOffset, V4l2Source.BufferLength], header);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Probabilities_are_read_from_every_kind_of_output()
    {
        Assert.Equal(0.75f, ClassWatch.Probability(Tensor.FromArray<float>([0.25f, 0.75f], new Shape(1, 2)), 1));
        Assert.Equal(0.5f, ClassWatch.Probability(Tensor.FromArray<float>([0f], new Shape(1, 1)), 0));
        Assert.Equal(0.880797f, ClassWatch.Probability(Tensor.FromArray<float>([3f, 5f], new Shape(1, 2)), 1), 5);
        Assert.Equal(0.75f, ClassWatch.Probability(Tensor.FromArray<sbyte>([-64, 64], new Shape(1, 2)), 1));
        Assert.Throws<EdgeLiteException>(() => ClassWatch.Probability(Tensor.FromArray<float>([0f], new Shape(1, 1)), 1));
    }
}
