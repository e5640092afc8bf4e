using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// Greedy non-maximum suppression of boxes[batch][n][4] by scores[batch][classes][n]: for each batch and class, the boxes in order of
/// falling score, each dropped whose intersection over union with a chosen one exceeds the threshold. Output [chosen][3] of
/// (batch, class, box). center_point_box 0: corners (y1, x1, y2, x2) in any order; 1: (x, y, width, height).
/// </summary>
[Operator("NonMaxSuppression", "boxes, scores, max_output_boxes_per_class?, iou_threshold?, score_threshold?", "selected_indices")]
public sealed partial class NonMaxSuppression : Operator
{
    [Attr] public long CenterPointBox { get; set; }

    public override bool HasDataDependentShape => true;

    public override void Infer(InferContext c)
    {
        Shape boxes = c.Shape(0), scores = c.Shape(1);
        if (boxes.IsRanked && (boxes.Rank != 3 || boxes[2] >= 0 && boxes[2] != 4)) throw c.Error($"boxes have shape {boxes}; expected [batch,n,4]");
        if (scores.IsRanked && scores.Rank != 3) throw c.Error($"scores have shape {scores}; expected [batch,classes,n]");
        if (boxes.IsRanked && scores.IsRanked)
        {
            c.Unify(boxes[0], scores[0], "boxes and scores differ in the batch size");
            c.Unify(boxes[1], scores[2], "boxes and scores differ in the number of boxes");
        }
        c.SetOutput(0, DType.Int64, new Shape(Shape.Unknown, 3));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor boxes = c.Input(0), scores = c.Input(1);
        long limit = c.OptionalInput(2)?.GetInt64(0) ?? 0;
        double overlap = c.OptionalInput(3)?.GetDouble(0) ?? 0;
        double least = c.OptionalInput(4)?.GetDouble(0) ?? double.NegativeInfinity;
        long count = boxes.Shape[1];
        var chosen = new List<(long Batch, long Class, long Box)>();
        for (long b = 0; b < scores.Shape[0]; b++)
            for (long k = 0; k < scores.Shape[1]; k++)
            {
                long row = (b * scores.Shape[1] + k) * count;
                var order = new List<long>();
                for (long i = 0; i < count; i++)
                    if (scores.GetDouble(row + i) > least) order.Add(i);
                order.Sort((x, y) => scores.GetDouble(row + y).CompareTo(scores.GetDouble(row + x)) is var s && s != 0 ? s : x.CompareTo(y));
                int first = chosen.Count;
                foreach (long i in order)
                {
                    if (chosen.Count - first >= limit) break;
                    bool isFree = true;
                    for (int j = first; j < chosen.Count && isFree; j++)
                        isFree = Overlap(Corners(boxes, b * count + i), Corners(boxes, b * count + chosen[j].Box)) <= overlap;
                    if (isFree) chosen.Add((b, k, i));
                }
            }
        Tensor y = c.Allocate(0, DType.Int64, new Shape(chosen.Count, 3));
        for (int i = 0; i < chosen.Count; i++)
        {
            y.SetInt64(i * 3, chosen[i].Batch);
            y.SetInt64(i * 3 + 1, chosen[i].Class);
            y.SetInt64(i * 3 + 2, chosen[i].Box);
        }
    }

    private (float Y1, float X1, float Y2, float X2) Corners(Tensor boxes, long i)
    {
        float a = (float)boxes.GetDouble(i * 4), b = (float)boxes.GetDouble(i * 4 + 1);
        float d = (float)boxes.GetDouble(i * 4 + 2), e = (float)boxes.GetDouble(i * 4 + 3);
        if (CenterPointBox == 1) return (b - e / 2, a - d / 2, b + e / 2, a + d / 2);
        return (Math.Min(a, d), Math.Min(b, e), Math.Max(a, d), Math.Max(b, e));
    }

    private static float Overlap((float Y1, float X1, float Y2, float X2) a, (float Y1, float X1, float Y2, float X2) b)
    {
        float height = Math.Min(a.Y2, b.Y2) - Math.Max(a.Y1, b.Y1), width = Math.Min(a.X2, b.X2) - Math.Max(a.X1, b.X1);
        if (height <= 0 || width <= 0) return 0;
        float shared = height * width;
        float union = (a.Y2 - a.Y1) * (a.X2 - a.X1) + (b.Y2 - b.Y1) * (b.X2 - b.X1) - shared;
        return union <= 0 ? 0 : shared / union;
    }
}
