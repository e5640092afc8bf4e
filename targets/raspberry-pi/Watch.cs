using System.Diagnostics;
using EdgeLite.Vision;

namespace EdgeLite.RaspberryPi;

/// <summary>Waits for something to look at.</summary>
internal interface ITrigger
{
    /// <summary>Returns true when triggered, false when <paramref name="stop"/> was asked for.</summary>
    bool Wait(CancellationToken stop);
}

/// <summary>Takes one frame.</summary>
internal interface IFrameSource
{
    Picture Take();
}

/// <summary>Looks at a frame.</summary>
internal interface IDetector
{
    Finding Look(Picture frame);
}

/// <summary>Does something visible.</summary>
internal interface IActuator
{
    void On();
    void Off();
}

/// <summary>What a detector says of a frame; the score is 0..1.</summary>
internal readonly record struct Finding(bool Found, float Score, string What);

/// <summary>The program without its hardware: trigger, frame, network, actuator.</summary>
internal sealed class Watch(ITrigger trigger, IFrameSource camera, IDetector detector, IActuator actuator, TimeSpan hold, TimeSpan pause, TextWriter log)
{
    /// <summary>Looks until <paramref name="stop"/>, or <paramref name="looks"/> times. A frame that cannot be taken is reported and
    /// does not end the watch. The actuator is off at the end, whatever happens.</summary>
    public int Run(CancellationToken stop, int looks = int.MaxValue)
    {
        int found = 0;
        actuator.Off();
        try
        {
            for (int i = 0; i < looks && trigger.Wait(stop); i++)
            {
                if (Look(stop)) found++;
                stop.WaitHandle.WaitOne(pause);
            }
        }
        finally
        {
            actuator.Off();
        }
        return found;
    }

    private bool Look(CancellationToken stop)
    {
        long start = Stopwatch.GetTimestamp();
        Picture frame;
        try
        {
            frame = camera.Take();
        }
        catch (FrameException e)
        {
            log.WriteLine($"no frame: {e.Message}");
            return false;
        }
        double taken = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        start = Stopwatch.GetTimestamp();
        Finding finding = detector.Look(frame);
        double looked = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        log.WriteLine(FormattableString.Invariant($"{(finding.Found ? "found" : "nothing")}: {finding.What}, score {finding.Score:0.00}; frame {taken:0} ms, network {looked:0.0} ms"));
        if (!finding.Found) return false;
        actuator.On();
        stop.WaitHandle.WaitOne(hold);
        actuator.Off();
        return true;
    }
}

/// <summary>A frame could not be taken; the next one may.</summary>
internal sealed class FrameException(string message, Exception? inner = null) : Exception(message, inner);
