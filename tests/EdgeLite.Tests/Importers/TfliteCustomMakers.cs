using System.Text;
using static EdgeLite.Tests.Importers.TfliteFileBuilder;

namespace EdgeLite.Tests.Importers;

/// <summary>Custom operators that TFLite's interpreter brings along, and the options of such.</summary>
internal static class TfliteCustomMakers
{
    public static void Add(Action<string, Func<TfliteCaseMaker, TfliteCase>> add)
    {
        add("TFLite_Detection_PostProcess", m =>
        {
            int boxes = m.R.Int(6, 30), classes = m.R.Int(2, 6), background = m.R.Int(0, 1), most = m.R.Int(2, 12);
            bool everyClass = m.R.Int(0, 1) == 1;
            float[] anchors = [.. Enumerable.Range(0, boxes).SelectMany(i => new[] { m.R.Int(0, 16) / 16f, m.R.Int(0, 16) / 16f, m.R.Int(2, 8) / 16f, m.R.Int(2, 8) / 16f })];
            // Scores that are all different, so that their order is.
            float[] scores = [.. Enumerable.Range(0, boxes * (classes + background)).Select(i => i / (float)(boxes * (classes + background))).OrderBy(_ => m.R.Int(0, 1 << 20))];
            int given = m.Given(Tensor.FromArray<float>(scores, new Shape(1, boxes, classes + background)), Float32);
            int codes = m.In(Float32, [1, boxes, 4]), places = m.File.Constant("anchors", Float32, [boxes, 4], anchors);
            m.File.CustomOp("TFLite_Detection_PostProcess", [codes, given, places], [m.Out(Float32), m.Out(Float32), m.Out(Float32), m.Out(Float32)], FlexMap(
                ("detections_per_class", m.R.Int(1, 5)), ("h_scale", 5f), ("max_classes_per_detection", m.R.Int(1, 2)), ("max_detections", most), ("nms_iou_threshold", m.R.Int(4, 12) / 16f),
                ("nms_score_threshold", m.R.Int(2, 10) / 16f), ("num_classes", classes), ("use_regular_nms", everyClass ? 1 : 0), ("w_scale", 5f), ("x_scale", 10f), ("y_scale", 10f)));
            return m.Done();
        });
    }

    /// <summary>A map of FlexBuffers of int, float and int[]; keys must be sorted.</summary>
    public static byte[] FlexMap(params (string Key, object Value)[] entries)
    {
        const int Int = 1, Float = 3, Map = 9, Ints = 11, Wide = 2, Width = 4;
        var bytes = new List<byte>();
        void Number(int value) => bytes.AddRange(BitConverter.GetBytes(value));
        void Back(int to) => Number(bytes.Count - to);
        var keys = new List<int>();
        foreach ((string key, _) in entries)
        {
            keys.Add(bytes.Count);
            bytes.AddRange([.. Encoding.UTF8.GetBytes(key), 0]);
        }
        while (bytes.Count % Width != 0) bytes.Add(0);
        var lists = new Dictionary<string, int>();
        foreach ((string key, object value) in entries)
        {
            if (value is not int[] list) continue;
            Number(list.Length);
            lists[key] = bytes.Count;
            foreach (int v in list) Number(v);
        }
        Number(entries.Length);
        int keyVector = bytes.Count;
        foreach (int key in keys) Back(key);
        Back(keyVector);
        Number(Width);
        Number(entries.Length);
        int map = bytes.Count;
        foreach ((string key, object value) in entries)
            if (value is int[]) Back(lists[key]);
            else Number(value is float f ? BitConverter.SingleToInt32Bits(f) : (int)value);
        foreach ((_, object value) in entries) bytes.Add((byte)((value switch { int[] => Ints, float => Float, _ => Int }) << 2 | Wide));
        while (bytes.Count % Width != 0) bytes.Add(0);
        Back(map);
        bytes.AddRange([Map << 2 | Wide, Width]);
        return [.. bytes];
    }
}
