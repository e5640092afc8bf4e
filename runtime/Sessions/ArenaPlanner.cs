using EdgeLite.Devices.Cuda;
using EdgeLite.Format;
using EdgeLite.Ops;

namespace EdgeLite.Sessions;

/// <summary>
/// Decides where in one block of memory each value of a static graph lives. Views and in-place operators share their input's
/// memory; the rest is placed greedily by size, largest first, at the lowest gap among buffers alive at the same time
/// (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, section 5).
/// Graph inputs and outputs live for the whole run; the next value of a state may be written over the last one. Offsets are multiples
/// of 64 bytes.
/// </summary>
public static class ArenaPlanner
{
    public const int Alignment = 64;

    private sealed class Buffer
    {
        public long Bytes, Offset = -1;
        public int First, Last;
        public bool IsListed, IsPlaced;

        /// <summary>Of a state's input: the output that it takes over, the only one that an operator may write in its place; else -1.</summary>
        public int Successor = -1;
    }

    /// <summary>Offset of each value (-1: constant or unused) and the bytes of the whole arena.</summary>
    /// <param name="graph">a static graph</param>
    /// <param name="keepAll">every value keeps memory of its own until the end of the run, so that all can be read afterwards</param>
    /// <param name="isPlaced">for memory that holds some of the values only: which ones; those that share with one of them are there too</param>
    /// <param name="part">values take this part of their bytes there</param>
    public static (long[] Offsets, long ArenaBytes) Plan(TypedGraph graph, bool keepAll = false, Predicate<int>? isPlaced = null, int part = 1)
    {
        GraphDefinition definition = graph.Definition;
        int valueCount = definition.Values.Length, nodeCount = definition.Nodes.Length;
        int[] lastUse = LastUses(graph);
        var buffers = new Buffer?[valueCount];
        var isOutput = new bool[valueCount];
        foreach (int v in definition.Outputs) isOutput[v] = true;
        foreach (int v in definition.Inputs)
            buffers[v] = new Buffer { Bytes = Aligned(Math.Max(graph.Types[v].ByteLength, 1)), First = -1, Last = nodeCount };

        // The next state and the last one change places after each run, so that both keep their memory for the whole of it; unless they
        // share it, as a cache does to which a run adds an entry.
        var isState = new bool[valueCount];
        foreach (StateBinding state in definition.States)
        {
            int input = definition.Inputs[state.Input], output = definition.Outputs[state.Output];
            isState[output] = true;
            buffers[input]!.Successor = output;
            if (!keepAll && !isOutput[input]) buffers[input]!.Last = lastUse[input];
        }

        for (int n = 0; n < nodeCount; n++)
        {
            if (graph.IsFolded[n]) continue;
            NodeDefinition node = definition.Nodes[n];
            for (int i = 0; i < node.Outputs.Length; i++)
            {
                int v = node.Outputs[i];
                if (v < 0) continue;
                int last = isOutput[v] || keepAll ? nodeCount : Math.Max(lastUse[v], n);
                Buffer? shared = i == 0 ? FindShared(graph, n, buffers) : null;
                if (shared != null)
                {
                    if (isState[v]) shared.First = -1;
                    shared.Last = Math.Max(shared.Last, last);
                    buffers[v] = shared;
                    continue;
                }
                buffers[v] = new Buffer { Bytes = Aligned(Math.Max(graph.Types[v].ByteLength, 1)), First = isState[v] ? -1 : n, Last = last };
            }
        }

        foreach (StateBinding state in definition.States) buffers[definition.Inputs[state.Input]]!.Last = nodeCount;
        if (CudaDevice.IsSupported && isPlaced != null) LeaveOut(buffers, isPlaced, part);
        long arena = Place(buffers);
        var offsets = new long[valueCount];
        for (int v = 0; v < valueCount; v++) offsets[v] = buffers[v]?.Offset ?? -1;
        return (offsets, arena);
    }

    /// <summary>Drops the buffers that hold no value of this memory.</summary>
    private static void LeaveOut(Buffer?[] buffers, Predicate<int> isPlaced, int part)
    {
        for (int v = 0; v < buffers.Length; v++)
            if (buffers[v] is { } buffer && isPlaced(v)) buffer.IsPlaced = true;
        for (int v = 0; v < buffers.Length; v++)
            if (buffers[v] is { IsPlaced: false }) buffers[v] = null;
        if (part == 1) return;
        foreach (Buffer? buffer in buffers)
        {
            if (buffer is not { IsPlaced: true }) continue;
            buffer.Bytes = Aligned(buffer.Bytes / part);
            buffer.IsPlaced = false; // is done: several values may share one
        }
    }

    private static int[] LastUses(TypedGraph graph)
    {
        var lastUse = new int[graph.Definition.Values.Length];
        Array.Fill(lastUse, -1);
        for (int n = 0; n < graph.Definition.Nodes.Length; n++)
        {
            if (graph.IsFolded[n]) continue;
            foreach (int v in graph.Definition.Nodes[n].Inputs)
                if (v >= 0) lastUse[v] = n;
        }
        return lastUse;
    }

    /// <summary>The buffer that output 0 of node <paramref name="n"/> can share, or null. A view shares whenever its source lives in
    /// the arena; an in-place operator only when nobody reads the memory after it.</summary>
    private static Buffer? FindShared(TypedGraph graph, int n, Buffer?[] buffers)
    {
        NodeDefinition node = graph.Definition.Nodes[n];
        Operator op = graph.Operators[n];
        int output = node.Outputs[0];
        long bytes = graph.Types[output].ByteLength;
        for (int i = 0; i < node.Inputs.Length; i++)
        {
            int v = node.Inputs[i];
            if (v < 0 || buffers[v] is not { } source || graph.Types[v].ByteLength != bytes) continue;
            if (i == 0 && op.IsView) return source;
            if (!op.CanRunInPlace(i) || source.Last > n || source.Successor >= 0 && source.Successor != output) continue;
            if (Array.FindAll(node.Inputs, x => x >= 0 && buffers[x] == source).Length == 1) return source;
        }
        return null;
    }

    /// <summary>Sets the offset of every buffer, of which several values may share one; returns the bytes of all.</summary>
    private static long Place(Buffer?[] buffers)
    {
        var order = new List<long>(buffers.Length);
        for (int v = 0; v < buffers.Length; v++)
            if (buffers[v] is { IsListed: false } buffer)
            {
                buffer.IsListed = true;
                order.Add(v);
            }
        order.Sort((v, w) => buffers[v]!.Bytes != buffers[w]!.Bytes ? buffers[w]!.Bytes.CompareTo(buffers[v]!.Bytes)
            : buffers[v]!.First != buffers[w]!.First ? buffers[v]!.First.CompareTo(buffers[w]!.First) : v.CompareTo(w));
        var placed = new List<Buffer>(order.Count);
        long arena = 0;
        foreach (long v in order)
        {
            Buffer buffer = buffers[v]!;
            long offset = 0;
            foreach (Buffer other in placed)
            {
                if (other.Last < buffer.First || other.First > buffer.Last) continue;
                if (other.Offset - offset >= buffer.Bytes) break;
                offset = Math.Max(offset, other.Offset + other.Bytes);
            }
            buffer.Offset = offset;
            arena = Math.Max(arena, offset + buffer.Bytes);
            int index = placed.FindIndex(b => b.Offset > offset);
            placed.Insert(index < 0 ? placed.Count : index, buffer);
        }
        return arena;
    }

    /// <summary>The next place that is aligned.</summary>
    public static long Aligned(long offset) => (offset + Alignment - 1) / Alignment * Alignment;
}
