using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeLite.Core;

namespace EdgeLite.RaspberryPi;

/// <summary>What the program does, as watch.json says it. Pins are GPIO (BCM) numbers.</summary>
internal sealed record Settings
{
    public TriggerSettings Trigger { get; init; } = new();
    public CameraSettings Camera { get; init; } = new();
    public DetectorSettings Detector { get; init; } = new();
    public ActuatorSettings Actuator { get; init; } = new();

    public static Settings Load(string path)
    {
        if (!File.Exists(path)) throw new EdgeLiteException(Status.FileNotFound, $"There is no configuration '{path}'.");
        return Parse(File.ReadAllText(path), path);
    }

    public static Settings Parse(string json, string name)
    {
        Settings settings;
        try
        {
            settings = JsonSerializer.Deserialize(json, SettingsJson.Default.Settings) ?? throw new JsonException("it is empty");
        }
        catch (JsonException e)
        {
            throw new EdgeLiteException(Status.InvalidArgument, $"'{name}' is no valid configuration: {e.Message}", e);
        }
        settings.Check(name);
        return settings;
    }

    private void Check(string name)
    {
        void Require(bool condition, string what)
        {
            if (!condition) throw new EdgeLiteException(Status.InvalidArgument, $"'{name}': {what}.");
        }
        Require(Trigger.Edge is "rising" or "falling", $"trigger.edge is '{Trigger.Edge}'; it is rising (PIR sensor) or falling (button to ground)");
        Require(Trigger.Pull is "none" or "up" or "down", $"trigger.pull is '{Trigger.Pull}'; it is none, up or down");
        Require(Camera.Source is "v4l2" or "still" or "file", $"camera.source is '{Camera.Source}'; it is v4l2, still or file");
        Require(Camera.Source != "file" || Camera.File.Length > 0, "camera.file is missing");
        Require(Camera.Width > 0 && Camera.Height > 0 && Camera.Width % 2 == 0, $"a frame of {Camera.Width} x {Camera.Height} is not possible");
        Require(Detector.Model.Length > 0, "detector.model is missing");
        Require(Detector.Kind is "face" or "class", $"detector.kind is '{Detector.Kind}'; it is face or class");
        Require(Detector.Threshold is > 0 and <= 1, $"detector.threshold is {Detector.Threshold}; it is above 0 and at most 1");
        Require(Actuator.Kind is "led" or "servo", $"actuator.kind is '{Actuator.Kind}'; it is led or servo");
        Require(Actuator.Pin != Trigger.Pin || Actuator.Kind == "servo", $"trigger and led are both on pin {Actuator.Pin}");
        Require(Actuator.Seconds >= 0 && Trigger.PauseSeconds >= 0, "a time is negative");
        Require(Actuator.OffAngle is >= 0 and <= 180 && Actuator.OnAngle is >= 0 and <= 180, "an angle is not within 0 to 180 degrees");
    }
}

/// <summary>What starts a look. <c>Edge</c> rising and <c>Pull</c> down suit a PIR sensor, falling and up a button to ground.</summary>
internal sealed record TriggerSettings
{
    public int Pin { get; init; } = 17;
    public string Edge { get; init; } = "rising";
    public string Pull { get; init; } = "down";

    /// <summary>Seconds after a look in which the trigger is not listened to (a PIR sensor stays high for some seconds).</summary>
    public double PauseSeconds { get; init; } = 2;
}

/// <summary>Where frames come from: a V4L2 device, the program rpicam-still, or a picture file.</summary>
internal sealed record CameraSettings
{
    public string Source { get; init; } = "still";
    public string Device { get; init; } = "/dev/video0";
    public string Command { get; init; } = "rpicam-still";
    public string File { get; init; } = "";
    public int Width { get; init; } = 640;
    public int Height { get; init; } = 480;
}

/// <summary>Which network looks, and when it has found something: a face, or class <c>Class</c> of the first output, from
/// <c>Threshold</c> (0..1) on.</summary>
internal sealed record DetectorSettings
{
    public string Model { get; init; } = "";
    public string Kind { get; init; } = "face";
    public int Class { get; init; } = 1;
    public float Threshold { get; init; } = 0.6f;
    public int Threads { get; init; } = 2;

    /// <summary>Values of black and white at a classifier's float input.</summary>
    public float Low { get; init; }

    public float High { get; init; } = 1;
}

/// <summary>What happens for <c>Seconds</c> when something was found: an LED on a pin, or a hobby servo on a PWM channel.</summary>
internal sealed record ActuatorSettings
{
    public string Kind { get; init; } = "led";
    public int Pin { get; init; } = 27;
    public int PwmChip { get; init; }
    public int PwmChannel { get; init; }
    public double OffAngle { get; init; }
    public double OnAngle { get; init; } = 90;
    public double Seconds { get; init; } = 3;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true)]
[JsonSerializable(typeof(Settings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
