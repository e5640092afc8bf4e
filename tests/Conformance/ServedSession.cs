using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using EdgeLite.Core;

namespace EdgeLite.Conformance;

/// <summary>Runs model files in another process, which serves tests/capi/serve.c's requests: a build for another processor, under an
/// emulator. Each thread of the runner takes a process that is free, or starts one.</summary>
internal sealed class ServedSession(string command) : IDisposable
{
    private readonly string[] _command = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    private readonly ConcurrentBag<Process> _idle = [];

    public Tensor[] Run(byte[] file, Tensor[] inputs)
    {
        if (inputs.Any(i => i.IsList || i.Strings != null)) throw new NotSupportedException("C sees no strings and no lists");
        Process process = _idle.TryTake(out Process? free) ? free : Process.Start(new ProcessStartInfo(_command[0], _command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        try
        {
            Send(process.StandardInput.BaseStream, file, inputs);
            return Receive(process.StandardOutput.BaseStream, () => _idle.Add(process));
        }
        catch (Exception e) when (e is IOException or EndOfStreamException)
        {
            process.WaitForExit();
            throw new TestFailure($"the process that runs the models ended with exit code {process.ExitCode}");
        }
    }

    public void Dispose()
    {
        foreach (Process process in _idle)
        {
            process.StandardInput.Close();
            process.WaitForExit();
            process.Dispose();
        }
    }

    private static unsafe void Send(Stream to, byte[] file, Tensor[] inputs)
    {
        using var request = new BinaryWriter(to, Encoding.UTF8, leaveOpen: true);
        request.Write((ulong)file.Length);
        request.Write(file);
        request.Write(inputs.Length);
        foreach (Tensor input in inputs)
        {
            request.Write(input.Shape.Rank);
            foreach (long dim in input.Shape.AsSpan()) request.Write(dim);
            request.Write((ulong)input.ByteLength);
            request.Write(input.Bytes);
        }
    }

    private static Tensor[] Receive(Stream from, Action isComplete)
    {
        using var answer = new BinaryReader(from, Encoding.UTF8, leaveOpen: true);
        var status = (Status)answer.ReadInt32();
        if (status != Status.Ok)
        {
            string sentence = Encoding.UTF8.GetString(answer.ReadBytes(answer.ReadInt32()));
            isComplete();
            throw NativeLibrarySession.Failure(status, sentence);
        }
        var outputs = new Tensor[answer.ReadInt32()];
        for (int i = 0; i < outputs.Length; i++)
        {
            var type = (DType)answer.ReadInt32();
            long[] dims = new long[answer.ReadInt32()];
            for (int d = 0; d < dims.Length; d++) dims[d] = answer.ReadInt64();
            outputs[i] = new Tensor(type, new Shape(dims));
            if (answer.ReadUInt64() != (ulong)outputs[i].ByteLength) throw new TestFailure($"output {i} of another size than {outputs[i]}");
            from.ReadExactly(outputs[i].Bytes);
        }
        isComplete();
        return outputs;
    }
}
