using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeLite.Core;

namespace EdgeLite.RaspberryPi;

/// <summary>What the program does, as watch.json says it. Pins are GPIO (BCM) numbers. The properties are settable because generated
/// JSON readers overwrite the defaults of init-only ones.</summary>
internal sealed record Settings
{
    public TriggerSettings Trigger { get; set; } = new();
    public CameraSettings Camera { get; set; } = new();
    public DetectorSettings Detector { get; set; } = new();
    public ActuatorSettings Actuator { get; set; } = new();

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
    public int Pin { get; set; } = 17;
    public string Edge { get; set; } = "rising";
    public string Pull { get; set; } = "down";

    /// <summary>Seconds after a look in which the trigger is not listened to (a PIR sensor stays high for some seconds).</summary>
    public double PauseSeconds { get; set; } = 2;
}

/// <summary>Where frames come from: a V4L2 device, the program rpicam-still, or a picture file.</summary>
internal sealed record CameraSettings
{
    public string Source { get; set; } = "still";
    public string Device { get; set; } = "/dev/video0";
    public string Command { get; set; } = "rpicam-still";
    public string File { get; set; } = "";
    public int Width { get; set; } = 640;
    public int Height { get; set; } = 480;
}

/// <summary>Which network looks, and when it has found something: a face, or class <c>Class</c> of the first output, from
/// <c>Threshold</c> (0..1) on.</summary>
internal sealed record DetectorSettings
{
    public string Model { get; set; } = "";
    public string Kind { get; set; } = "face";
    public int Class { get; set; } = 1;
    public float Threshold { get; set; } = 0.6f;
    public int Threads { get; set; } = 2;

    /// <summary>Values of black and white at a classifier's float input.</summary>
    public float Low { get; set; }

    public float High { get; set; } = 1;
}

/// <summary>What happens for <c>Seconds</c> when something was found: an LED on a pin, or a hobby servo on a PWM channel.</summary>
internal sealed record ActuatorSettings
{
    public string Kind { get; set; } = "led";
    public int Pin { get; set; } = 27;
    public int PwmChip { get; set; }
    public int PwmChannel { get; set; }
    public double OffAngle { get; set; }
    public double OnAngle { get; set; } = 90;
    public double Seconds { get; set; } = 3;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true)]
[JsonSerializable(typeof(Settings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
