extern alias Jetson;
using System.Device.Gpio;
using EdgeLite.Tests.Sessions;
using Jetson::EdgeLite.Jetson;
using FaceDetector = Jetson::EdgeLite.Vision.FaceDetector;
using Picture = Jetson::EdgeLite.Vision.Picture;

namespace EdgeLite.Tests.Targets;

/// <summary>targets/jetson without a board: a simulated pin, a shell script as the camera, the face detector on the device cuda.</summary>
public class JetsonTests
{
    private const int Line = 144;

    [Fact]
    public void The_pin_is_high_while_something_is_seen_and_a_while_after()
    {
        var driver = new SimulatedGpioDriver();
        TimeSpan now = TimeSpan.Zero;
        using (var signal = new Signal(new GpioController(driver), Line, TimeSpan.FromSeconds(1), () => now))
        {
            bool[] on = new bool[6];
            bool[] seen = [false, true, false, false, false, true];
            for (int i = 0; i < seen.Length; i++)
            {
                now = TimeSpan.FromSeconds(0.4 * i);
                signal.Update(seen[i]);
                on[i] = signal.IsOn;
            }
            Assert.Equal([false, true, true, true, false, true], on); // last seen at 0.4 s, so off from 1.4 s on; seen again at 2 s
        }
        PinValue[] written = [.. driver.Written.Where(w => w.Pin == Line).Select(w => w.Value)];
        Assert.Equal([PinValue.Low, PinValue.High, PinValue.Low, PinValue.High, PinValue.Low], written);
        Assert.Equal(PinMode.Output, driver.ModeOf(Line));
    }

    [Fact]
    public void Frames_come_from_a_program_as_RGBA()
    {
        using var stream = new PipelineStream("printf 'abcdefghABCDEFGH'; : {width}x{height}", 2, 1);
        Assert.Equal("abcefg"u8.ToArray(), stream.Next()!.Rgb);
        Assert.Equal("ABCEFG"u8.ToArray(), stream.Next()!.Rgb);
        Assert.Null(stream.Next());
    }

    [Fact]
    public void A_program_that_ends_within_a_frame_or_fails_is_an_error()
    {
        using var cut = new PipelineStream("printf abc", 2, 1);
        Assert.Contains("after 3 of 8 bytes", Assert.Throws<EdgeLiteException>(() => cut.Next()).Message);
        using var failed = new PipelineStream("false", 2, 1);
        Assert.Contains("exit status 1", Assert.Throws<EdgeLiteException>(() => failed.Next()).Message);
    }

    [Fact]
    public void Options_are_checked()
    {
        Options options = Options.Parse(["--model", "m.edgl", "--size", "320x240", "--gpio", "1:43", "--hold", "0.5", "--device", "cuda:1"]);
        Assert.Equal((320, 240), (options.Width, options.Height));
        Assert.Equal((1, 43), options.Pin);
        Assert.Equal(0.5, options.Hold.TotalSeconds);
        Assert.Equal("cuda:1", options.Device);
        foreach (string[] wrong in new string[][] { [], ["--model"], ["--model", "m", "--size", "320"], ["--model", "m", "--gpio", "a:b"], ["--model", "m", "--gpi", "1:2"] })
            Assert.Throws<EdgeLiteException>(() => Options.Parse(wrong));
    }

    [SharedFact("zoo/onnx/blazeface_front")]
    public void Faces_are_the_same_on_the_GPU_as_on_the_processor()
    {
        using Model model = ConvertedModels.Load("onnx/blazeface_front");
        using Session cpu = model.CreateSession(new SessionOptions { Threads = 1 });
        using Session cuda = model.CreateSession(new SessionOptions { Threads = 1, Device = CudaRun.SharedMemoryDevice });
        var random = new Random(5);
        var frame = new Picture(160, 120, [.. Enumerable.Range(0, 160 * 120 * 3).Select(_ => (byte)random.Next(256))]);
        var expected = new FaceDetector(cpu).Find(frame, 0.001f);
        var actual = new FaceDetector(cuda).Find(frame, 0.001f);
        Assert.NotEmpty(expected);
        Assert.Equal(expected.Count, actual.Count);
        for (int i = 0; i < expected.Count; i++) Assert.Equal(expected[i].Score, actual[i].Score, 1e-4f);
    }
}
