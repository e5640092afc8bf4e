using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Torch7;

/// <summary>
/// Layers over whole sequences, of the packages rnn (SeqLSTM, SeqGRU) and torch-rnn (LSTM, VanillaRNN). Weights are [inputs + states, gates], the
/// rows of the inputs first, one bias for each gate. States are zero at first.
/// </summary>
internal static class Torch7Recurrent
{
    /// <summary>Gates input, forget, output, new (tanh); ONNX's are input, output, forget, new.</summary>
    [Torch7("SeqLSTM", "LSTM", Notes = "SeqLSTM of rnn and LSTM of torch-rnn; states are zero at first and are not kept from run to run", Limits = "maskzero, initial states, rnn's LSTM of single steps")]
    private static object Lstm(Torch7Module m) => Run(m, "LSTM", [0, 2, 1, 3]);

    /// <summary>Gates reset, update, new: h = u h + (1 - u) tanh(..(r h)); ONNX's are update, reset, new.</summary>
    [Torch7("SeqGRU", Notes = "of rnn; states are zero at first and are not kept from run to run", Limits = "maskzero, initial states")]
    private static object Gru(Torch7Module m) => Run(m, "GRU", [1, 0, 2]);

    [Torch7("VanillaRNN", Notes = "of torch-rnn; states are zero at first and are not kept from run to run", Limits = "initial states")]
    private static object Vanilla(Torch7Module m) => Run(m, "RNN", [0]);

    private static object Run(Torch7Module m, string opType, int[] gates)
    {
        if (!m.Has("weight")) throw m.Error("a layer of single steps is not supported; make it one over sequences (SeqLSTM, SeqGRU) before it is saved");
        if (m.Bool("maskzero", false)) throw m.Error("maskzero is not supported");
        if (m.Input is not Value x) throw m.Error("initial states are not supported");
        long count = m.CountOf("bias"), states = count / gates.Length;
        long[] sizes = m.SizesOf("weight");
        if (sizes is not [var rows, var columns] || columns != count || count % gates.Length != 0 || states < 1 || rows <= states) throw m.Damaged($"its weight is {string.Join(" x ", sizes)}, its bias has {count} numbers");
        long inputs = rows - states;
        Tensor weight = m.Weights("weight", rows, columns), bias = m.Weights("bias", count);
        Tensor w = new(DType.Float32, new Shape(1, columns, inputs)), r = new(DType.Float32, new Shape(1, columns, states)), b = new(DType.Float32, new Shape(1, 2 * columns));
        for (long g = 0; g < gates.Length; g++)
            for (long s = 0; s < states; s++)
            {
                long from = gates[g] * states + s, to = g * states + s;
                b.SetDouble(to, bias.GetDouble(from));
                for (long i = 0; i < inputs; i++) w.SetDouble(to * inputs + i, weight.GetDouble(i * columns + from));
                for (long i = 0; i < states; i++) r.SetDouble(to * states + i, weight.GetDouble((inputs + i) * columns + from));
            }
        // rnn's newer versions take [steps, batch, inputs] unless batchfirst says otherwise; torch-rnn and rnn's first ones [batch, steps, inputs].
        bool batchFirst = m.Bool("batchfirst", true);
        m.Refine(-1, -1, inputs);
        if (m.RankOf(x) != 3) throw m.InputError($"its input has {m.RankOf(x)} dimensions; expected 3");
        Value steps = batchFirst ? m.Transpose(x, 1, 0, 2) : x;
        Value y = m.EmitMany(opType, 1, [steps, m.Constant("W", w), m.Constant("R", r), m.Constant("B", b)], ("hidden_size", states))[0];
        y = m.Emit("Squeeze", [y, m.Ints(1)]);
        return batchFirst ? m.Transpose(y, 1, 0, 2) : y;
    }
}
