using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow.Operators;

/// <summary>The fused cells of TensorFlow, written out (tensorflow/core/kernels/rnn).</summary>
internal static class Recurrent
{
    /// <summary>Gates r, u then c: h = u * h_prev + (1 - u) * c, c = tanh(w_c [x, r * h_prev] + b_c).</summary>
    [TensorFlow("GRUBlockCell")]
    private static void GruCell(TfNode n)
    {
        Value x = n.In(0), h = n.In(1);
        Value gates = n.Emit("Sigmoid", [n.Add(n.Emit("MatMul", [n.Concat(1, x, h), n.In(2)]), n.In(4))]);
        Value[] ru = n.EmitMany("Split", 2, [gates], ("axis", 1), ("num_outputs", 2));
        Value c = n.Emit("Tanh", [n.Add(n.Emit("MatMul", [n.Concat(1, x, n.Mul(ru[0], h)), n.In(3)]), n.In(5))]);
        Value next = n.Add(n.Mul(ru[1], h), n.Mul(n.Sub(n.Number(x, 1), ru[1]), c));
        Value[] results = [ru[0], ru[1], c, next];
        for (int i = 0; i < results.Length; i++) n.Set(i, results[i]);
    }

    /// <summary>Inputs x, cs_prev, h_prev, w, wci, wcf, wco, b; outputs i, cs, f, o, ci, co, h.</summary>
    [TensorFlow("LSTMBlockCell")]
    private static void LstmCell(TfNode n)
    {
        Value[] results = Step(n, n.In(0), n.In(1), n.In(2), 3, n.Float("cell_clip", 3));
        for (int i = 0; i < results.Length; i++) n.Set(i, results[i]);
    }

    /// <summary>Inputs seq_len_max, x [time, batch, in], cs_prev, h_prev, w, wci, wcf, wco, b; the steps are written out.</summary>
    [TensorFlow("BlockLSTM", "BlockLSTMV2")]
    private static void BlockLstm(TfNode n)
    {
        Value x = n.In(1), cs = n.In(2), h = n.In(3);
        long time = x.Shape[0];
        if (time is < 1 or > 1000) throw n.Error($"{time} steps; from 1 to 1000 are supported");
        long steps = Math.Clamp(n.RequiredInts(0, "the number of steps")[0], 0, time);
        var all = new List<Value?>[7];
        for (int k = 0; k < 7; k++) all[k] = [];
        for (long t = 0; t < steps; t++)
        {
            Value[] step = Step(n, n.Emit("Gather", [x, n.Scalar(DType.Int64, t)], ("axis", 0)), cs, h, 4, n.Float("cell_clip", n.Op == "BlockLSTM" ? 3 : 0));
            (cs, h) = (step[1], step[6]);
            for (int k = 0; k < 7; k++) all[k].Add(n.Unsqueeze(step[k], 0));
        }
        for (int k = 0; k < 7; k++)
        {
            Value joined = n.Concat(0, [.. all[k]]);
            if (steps < time) joined = n.Emit("Pad", [joined, n.Vector(0, 0, 0, time - steps, 0, 0)]);
            n.Set(k, joined);
        }
    }

    /// <summary>One step: gates in the order i, c, f, o (BlockLSTMV2: i, f, c, o); peepholes where use_peephole is set.</summary>
    private static Value[] Step(TfNode n, Value x, Value cs, Value h, int w, float clip)
    {
        Value gates = n.Add(n.Emit("MatMul", [n.Concat(1, x, h), n.In(w)]), n.In(w + 4));
        Value[] part = n.EmitMany("Split", 4, [gates], ("axis", 1), ("num_outputs", 4));
        bool second = n.Op == "BlockLSTMV2", peephole = n.Bool("use_peephole");
        Value inPart = part[0], cPart = part[second ? 2 : 1], fPart = part[second ? 1 : 2], oPart = part[3];
        float bias = n.Float("forget_bias", second ? 0 : 1);
        if (bias != 0) fPart = n.Add(fPart, n.Number(fPart, bias));
        if (peephole) (inPart, fPart) = (n.Add(inPart, n.Mul(cs, n.In(w + 1))), n.Add(fPart, n.Mul(cs, n.In(w + 2))));
        Value i = n.Emit("Sigmoid", [inPart]), f = n.Emit("Sigmoid", [fPart]), ci = n.Emit("Tanh", [cPart]);
        Value next = n.Add(n.Mul(ci, i), n.Mul(cs, f));
        if (clip > 0) next = n.Emit("Clip", [next, n.Number(next, -clip), n.Number(next, clip)]);
        if (peephole) oPart = n.Add(oPart, n.Mul(next, n.In(w + 3)));
        Value o = n.Emit("Sigmoid", [oPart]), co = n.Emit("Tanh", [next]);
        return [i, next, f, o, ci, co, n.Mul(co, o)];
    }
}
