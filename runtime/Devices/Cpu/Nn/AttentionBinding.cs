using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Devices.Cpu;

/// <summary>attention_f32, rotary_f32; copy2d_b1 for keys and values that are kept.</summary>
internal static class AttentionBinding
{
    /// <summary><c>EL_ALL_KEYS</c>.</summary>
    private const int AllKeys = int.MaxValue;

    /// <summary><c>el_attention_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters(in HeadView q, in HeadView k, in HeadView v, in HeadView y)
    {
        public int Batch = checked((int)q.Batch), Heads = checked((int)q.Heads), S = checked((int)q.Rows), T = checked((int)k.Rows),
            D = checked((int)q.Width), E = checked((int)v.Width);
        public float Scale, Softcap;
        public int Group = k.Heads > 0 ? (int)(q.Heads / k.Heads) : 1;
        public int First, Left = AllKeys, Right = AllKeys;
        public int MaskIsBool, HiddenIsZero;
        public Strides Q = new(q), K = new(k), V = new(v), Y = new(y);
        public MaskStrides Mask;
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Strides(in HeadView view)
    {
        private readonly long _batch = view.BatchStride, _head = view.HeadStride, _row = view.RowStride;
    }

    [System.Runtime.CompilerServices.InlineArray(4)]
    private struct MaskStrides
    {
        private long _first;
    }

    /// <summary><c>el_rotary_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct RotaryParameters
    {
        public long Batch, Heads, Rows, Width, Dim, Places;
        public Strides X;
        public int Interleaved;
    }

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(RotaryEmbedding op, BindContext c)
    {
        if (!c.All(DType.Float32, 3) || c.HasInput(3) && c.DType(3) != DType.Int64) return false;
        HeadView x = HeadView.OfFolded(c.Shape(0), op.NumHeads);
        if (c.Shape(0).Count == 0) return false;
        c.Call("rotary_f32", new RotaryParameters
        {
            Batch = x.Batch, Heads = x.Heads, Rows = x.Rows, Width = x.Width, Dim = op.RotatedOf(x.Width), X = new(x), Interleaved = op.Interleaved ? 1 : 0,
            Places = c.HasInput(3) ? c.Shape(1)[0] : x.Batch * x.Rows,
        }, Operand.Input(0), Operand.Input(1), Operand.Input(2), c.Optional(3), Operand.Output(0));
        return true;
    }

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(FusedAttention op, BindContext c)
    {
        var q = HeadView.Of(c.Shape(0), op.QRowsFirst);
        var k = HeadView.Of(c.Shape(1), op.KRowsFirst);
        var parameters = new Parameters(q, k, HeadView.Of(c.Shape(2), op.VRowsFirst), HeadView.Of(c.Output(0).Shape, op.YRowsFirst)) { Scale = op.Scale };
        if (c.HasInput(3)) FusedAttention.MaskStrides(c.Shape(3), [q.Batch, q.Heads, q.Rows, k.Rows], parameters.Mask);
        c.Call("attention_f32", parameters, Operand.Input(0), Operand.Input(1), Operand.Input(2), c.Optional(3), Operand.None, Operand.Output(0));
        return true;
    }

    /// <summary>ONNX's operator in float32 without its fourth output. Past and new keys are copied to present_key, which is read.</summary>
    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(Attention op, BindContext c)
    {
        bool hasPast = c.HasInput(4), keepsKeys = IsWanted(c, 1), keepsValues = IsWanted(c, 2), hasLengths = c.HasInput(6);
        for (int i = 0; i < 6; i++)
            if (c.HasInput(i) && c.DType(i) != DType.Float32 && !(i == 3 && c.DType(i) == DType.Bool)) return false;
        if (IsWanted(c, 3) || hasPast && (hasLengths || !keepsKeys || !keepsValues) || hasLengths && c.DType(6) != DType.Int64) return false;

        HeadView q = HeadView.OfFolded(c.Shape(0), op.QNumHeads), k = HeadView.OfFolded(c.Shape(1), op.KvNumHeads), v = HeadView.OfFolded(c.Shape(2), op.KvNumHeads);
        if (q.Batch != k.Batch || q.Batch != v.Batch || k.Heads != v.Heads || k.Heads == 0) return false;
        long past = hasPast ? c.Shape(4)[2] : 0, total = past + k.Rows;
        var sizes = (Span<long>)[q.Batch, q.Heads, q.Rows, total];
        Span<long> mask = stackalloc long[4];
        if (c.HasInput(3) && !FusedAttention.MaskStrides(c.Shape(3), sizes, mask)) return false;
        if (keepsKeys) Keep(c, 1, 4, k, past, total);
        if (keepsValues) Keep(c, 2, 5, v, past, total);
        if (hasPast) (k, v) = (HeadView.Of(c.Output(1).Shape, false), HeadView.Of(c.Output(2).Shape, false));
        var parameters = new Parameters(q, k, v, HeadView.OfFolded(c.Output(0).Shape, q.Heads))
        {
            Scale = op.Scale != 0 ? op.Scale : (float)(1 / Math.Sqrt(q.Width)), Softcap = op.Softcap, HiddenIsZero = 1, First = checked((int)past),
            Left = Limit(op.LeftWindowSize), Right = op.IsCausal ? 0 : Limit(op.RightWindowSize), MaskIsBool = c.HasInput(3) && c.DType(3) == DType.Bool ? 1 : 0,
        };
        mask.CopyTo(parameters.Mask);
        c.Call("attention_f32", parameters, Operand.Input(0), hasPast ? Operand.Output(1) : Operand.Input(1), hasPast ? Operand.Output(2) : Operand.Input(2),
            c.Optional(3), c.Optional(6), Operand.Output(0));
        return true;
    }

    /// <summary>Past entries [batch][heads][past][width], where there are any, and the new ones behind them as output [batch][heads][total][width].</summary>
    private static void Keep(BindContext c, int output, int pastInput, in HeadView now, long past, long total)
    {
        long row = now.Width * sizeof(float), heads = now.Batch * now.Heads, pitch = total * row;
        if (past * heads * row > 0)
            c.Call("copy2d_b1", new MovementBinding.CopyParameters { Rows = heads, RowBytes = past * row, XPitch = past * row, YPitch = pitch }, Operand.Input(pastInput), Operand.Output(output));
        if (now.Rows * heads * row == 0) return;
        if (!now.IsRowsFirst || now.Rows == 1)
        {
            c.Call("copy2d_b1", new MovementBinding.CopyParameters { Rows = heads, RowBytes = now.Rows * row, XPitch = now.Rows * row, YPitch = pitch, YOffset = past * row },
                Operand.Input(output), Operand.Output(output));
            return;
        }
        for (long b = 0; b < now.Batch; b++)
            for (long h = 0; h < now.Heads; h++)
                c.Call("copy2d_b1", new MovementBinding.CopyParameters
                {
                    Rows = now.Rows, RowBytes = row, XPitch = now.RowStride * sizeof(float), YPitch = row, XOffset = now.At(b, h, 0) * sizeof(float),
                    YOffset = (b * now.Heads + h) * pitch + past * row,
                }, Operand.Input(output), Operand.Output(output));
    }

    private static int Limit(long window) => window < 0 || window > AllKeys ? AllKeys : (int)window;

    private static bool IsWanted(BindContext c, int output) => output < c.OutputCount && c.Output(output).DType != DType.Undefined;
}
