using EdgeLite.Core;

namespace EdgeLite.Sessions;

/// <summary>A graph bound for fixed input shapes: every tensor has its place, every step its function. Making one checks everything;
/// <see cref="Run"/> is blind and allocates nothing.</summary>
internal interface IStaticPlan : IDisposable
{
    TypedGraph Graph { get; }

    /// <summary>One per value, in memory that the processor reads; null for values that have no place there.</summary>
    Tensor?[] Tensors { get; }

    Tensor[] Inputs { get; }
    Tensor[] Outputs { get; }

    /// <summary>Bytes of all activations, as planned.</summary>
    long ArenaBytes { get; }

    /// <summary>Bytes that kernels need beside the arena while they run, on this number of threads.</summary>
    long ScratchBytes { get; }

    int StepCount { get; }

    /// <summary>The node that a step belongs to.</summary>
    int NodeOf(int step);

    /// <summary>Name of a step's kernel and where it runs, for profiles.</summary>
    string KernelOf(int step);

    void Run(nint pool);

    /// <summary>As <see cref="Run"/>; <paramref name="ticks"/> (one entry a step, of <see cref="System.Diagnostics.Stopwatch"/>) keeps the shortest time of each.</summary>
    void RunProfiled(nint pool, Span<long> ticks);

    /// <summary>Makes the state outputs of the last run the state inputs of the next.</summary>
    void AdvanceStates();
}
