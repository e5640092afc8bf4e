using System.Diagnostics;
using EdgeLite.Core;
using EdgeLite.Devices.Cpu;
using EdgeLite.Format;

namespace EdgeLite.Sessions;

/// <summary>
/// Measures the ways to make the native calls of a plan where they stand: whole runs, in each of which every call is made in another of
/// its ways, so that caches and threads are as they are in earnest. Calls with equal parameters are one. A way is chosen that is faster by
/// <see cref="MinGain"/> in the median and in nearly every round, and again when it is measured beside the usual one alone. In
/// the end whole runs with all choices and with none are compared.
/// </summary>
internal sealed unsafe class Tuner
{
    /// <summary>Part of the usual time that a choice saves at least: what is less is noise or not worth a line.</summary>
    private const double MinGain = 0.03;

    /// <summary>Microseconds that a choice saves at least: a clock's tick is 0.02 to 0.05.</summary>
    private const double MinMicroseconds = 0.1;

    /// <summary>Part of the rounds that a choice wins at least.</summary>
    private const double MinWins = 0.8;

    /// <summary>Rounds after which ways are dropped that take <see cref="Hopeless"/> times the shortest time of the usual one.</summary>
    private const int EarlyRounds = 3;
    private const double Hopeless = 1.25;

    /// <summary>One way to make a call.</summary>
    private sealed class Way(NativeKernel kernel, bool isAlone, int rounds)
    {
        public readonly NativeKernel Kernel = kernel;
        public readonly bool IsAlone = isAlone;
        public readonly double[] Us = new double[rounds];
        public int Measured;

        public string Label => IsAlone ? Kernel.Label + NativeKernel.Alone : Kernel.Label;

        public double Shortest()
        {
            double shortest = double.MaxValue;
            for (int r = 0; r < Measured; r++) shortest = Math.Min(shortest, Us[r]);
            return shortest;
        }

        public double Microseconds() => Median(Us.AsSpan(0, Measured));
    }

    /// <summary>Steps that make the same call, and the ways to make it, the usual one first.</summary>
    private sealed class Call(ulong id, int step, List<Way> ways)
    {
        public readonly ulong Id = id;
        public readonly int Step = step;
        public readonly List<Way> Ways = ways;
        public readonly List<Way> Live = [.. ways];
        public int Steps = 1;
        public Way Chosen = ways[0];
    }

    private readonly StaticPlan _plan;
    private readonly nint _pool;
    private readonly int _threads;
    private readonly int _rounds;
    private readonly List<Call> _calls = [];

    /// <summary>The call of each step; null: nothing to choose.</summary>
    private readonly Call?[] _callOf;
    private readonly long _scratchBytes;

    public Tuner(StaticPlan plan, nint pool, int threads, int rounds, bool triesOneThread)
    {
        (_plan, _pool, _threads, _rounds) = (plan, pool, threads, rounds);
        _callOf = new Call?[plan.StepCount];
        _scratchBytes = plan.ScratchBytes;
        for (int i = 0; i < _callOf.Length; i++)
        {
            ref readonly Step step = ref plan.Steps[i];
            if (!step.IsNative) continue;
            ulong id = step.Call;
            if (_calls.Find(c => c.Id == id) is { } known)
            {
                known.Steps++;
                _callOf[i] = known;
                continue;
            }
            var ways = new List<Way>();
            foreach (NativeKernel native in CpuKernels.Alternatives(step.Native.Base, (nint)step.Parameters, threads))
            {
                ways.Add(new Way(native, false, rounds));
                if (pool != 0 && triesOneThread) ways.Add(new Way(native, true, rounds));
                _scratchBytes = Math.Max(_scratchBytes, native.ScratchBytes((nint)step.Parameters, threads));
            }
            _calls.Add(_callOf[i] = new Call(id, i, ways));
        }
    }

    public TuningResult Run(string remark)
    {
        byte* scratch = CpuKernels.Allocate(Math.Max(64, _scratchBytes));
        try
        {
            CpuKernels.Context* contexts = stackalloc CpuKernels.Context[2];
            CpuKernels.Context.Fill(contexts, _pool, scratch, _scratchBytes);
            Measure(contexts);
            foreach (Call call in _calls)
            {
                Way? best = null;
                foreach (Way way in call.Live)
                    if (IsFaster(way, call.Ways[0]) && (best == null || way.Microseconds() < best.Microseconds())) best = way;
                call.Live.RemoveAll(w => w != call.Ways[0] && w != best);
            }
            Measure(contexts);
            foreach (Call call in _calls)
                if (call.Live.Count > 1 && IsFaster(call.Live[1], call.Ways[0])) call.Chosen = call.Live[1];
            (double before, double after) = Compare(contexts);
            // A step on one thread may leave the others asleep for the next one.
            if (after > before && _pool != 0) (before, after) = CompareWithout(contexts, call => call.Chosen.IsAlone);
            if (after > before) (before, after) = CompareWithout(contexts, _ => true);
            return Result(before, after, remark);
        }
        finally
        {
            CpuKernels.el_memory_free(scratch, (nuint)Math.Max(64, _scratchBytes));
        }
    }

    /// <summary>Every living way of every call, <see cref="_rounds"/> times.</summary>
    private void Measure(CpuKernels.Context* contexts)
    {
        foreach (Call call in _calls)
            foreach (Way way in call.Live) way.Measured = 0;
        for (int i = 0; i < 2; i++) RunOnce(contexts, -1, 0); // warm
        for (int round = 0; round < _rounds; round++)
        {
            int most = 1;
            foreach (Call call in _calls) most = Math.Max(most, call.Live.Count);
            for (int turn = 0; turn < most; turn++) RunOnce(contexts, turn, round);
            foreach (Call call in _calls)
            {
                foreach (Way way in call.Live) way.Measured = round + 1;
                if (round + 1 != EarlyRounds) continue;
                double usual = call.Ways[0].Shortest();
                call.Live.RemoveAll(w => w != call.Ways[0] && w.Shortest() > Hopeless * usual);
            }
        }
    }

    /// <summary>One run, in which every call that has that many ways left is made in way <paramref name="turn"/> and timed.</summary>
    private void RunOnce(CpuKernels.Context* contexts, int turn, int round)
    {
        for (int i = 0; i < _callOf.Length; i++)
        {
            Step step = _plan.Steps[i];
            if (_callOf[i] is not { } call)
            {
                step.Run(contexts);
                continue;
            }
            bool isTimed = turn >= 0 && turn < call.Live.Count;
            Way way = isTimed ? call.Live[turn] : call.Ways[0];
            Take(ref step, way);
            long start = Stopwatch.GetTimestamp();
            step.Run(contexts);
            double us = MicrosecondsSince(start);
            if (isTimed) way.Us[round] = call.Step == i ? us : way.Us[round] + us;
        }
    }

    private static void Take(ref Step step, Way way)
    {
        step.Function = way.Kernel.Run;
        step.Native = way.Kernel;
        step.IsAlone = way.IsAlone;
    }

    private static bool IsFaster(Way way, Way usual)
    {
        if (way == usual) return false;
        int wins = 0;
        for (int r = 0; r < way.Measured; r++)
            if (way.Us[r] < usual.Us[r]) wins++;
        double us = way.Microseconds(), usualUs = usual.Microseconds();
        return us <= usualUs * (1 - MinGain) && us <= usualUs - MinMicroseconds && wins >= MinWins * way.Measured;
    }

    private (double Before, double After) CompareWithout(CpuKernels.Context* contexts, Predicate<Call> dropped)
    {
        foreach (Call call in _calls)
            if (dropped(call)) call.Chosen = call.Ways[0];
        return Compare(contexts);
    }

    /// <summary>Median microseconds of a whole run with no choice and with all, measured in turns; equal where there is no choice.</summary>
    private (double Before, double After) Compare(CpuKernels.Context* contexts)
    {
        Step[] usual = _plan.Steps.ToArray(), chosen = _plan.Steps.ToArray();
        bool differs = false;
        for (int i = 0; i < usual.Length; i++)
        {
            if (_callOf[i] is not { } call) continue;
            Take(ref usual[i], call.Ways[0]);
            Take(ref chosen[i], call.Chosen);
            differs |= call.Chosen != call.Ways[0];
        }
        int rounds = 2 * _rounds;
        double[] before = new double[rounds], after = new double[rounds];
        for (int r = 0; r < rounds; r++)
        {
            before[r] = Time(usual, contexts);
            after[r] = Time(chosen, contexts);
        }
        return (Median(before), Median(differs ? after : before));
    }

    private static double Time(Step[] steps, CpuKernels.Context* contexts)
    {
        long start = Stopwatch.GetTimestamp();
        foreach (ref readonly Step step in steps.AsSpan()) step.Run(contexts);
        return MicrosecondsSince(start);
    }

    private TuningResult Result(double before, double after, string remark)
    {
        var tuning = new Tuning(CpuKernels.Machine(_threads), remark);
        var steps = new StepTuning[_calls.Count];
        for (int i = 0; i < steps.Length; i++)
        {
            Call call = _calls[i];
            NodeDefinition node = _plan.Graph.Definition.Nodes[_plan.NodeOf(call.Step)];
            TensorType output = _plan.Graph.Types[Array.Find(node.Outputs, v => v >= 0)];
            var ways = new StepWay[call.Ways.Count];
            for (int w = 0; w < ways.Length; w++) ways[w] = new StepWay(call.Ways[w].Label, call.Ways[w].Microseconds());
            steps[i] = new StepTuning(node.OperatorName, node.Name, output, call.Steps, ways, call.Ways.IndexOf(call.Chosen));
            if (call.Chosen == call.Ways[0]) continue;
            tuning.Add(new TunedCall(call.Id, call.Chosen.Label, FormattableString.Invariant(
                $"{call.Chosen.Microseconds():0.00} us, {call.Ways[0].Label} {call.Ways[0].Microseconds():0.00}: {node.OperatorName} {output}")));
        }
        return new TuningResult(steps, before, after, tuning);
    }

    private static double MicrosecondsSince(long start) => (Stopwatch.GetTimestamp() - start) * 1e6 / Stopwatch.Frequency;

    private static double Median(ReadOnlySpan<double> values)
    {
        double[] sorted = values.ToArray();
        Array.Sort(sorted);
        return sorted[sorted.Length / 2];
    }
}
