using EdgeLite.Core;

namespace EdgeLite.Sessions;

/// <summary>
/// How one state goes from a run to the next. One block of memory stays where it is. Two blocks of memory change places: every address of a step and every tensor that
/// lies in one of them is moved to the other, some ten additions whatever the size of the state.
/// </summary>
internal sealed unsafe class StateSwap
{
    private readonly Tensor _input, _output;
    private readonly nint[] _inputSlots = [], _outputSlots = [];
    private readonly Tensor[] _inputTensors = [], _outputTensors = [];
    private readonly bool _swaps;
    private nint _distance;

    /// <param name="input">the state input</param>
    /// <param name="output">the output that it takes over, of the same type</param>
    /// <param name="swaps">whether both have memory of their own</param>
    /// <param name="slots">addresses of all entries of the steps' address lists</param>
    /// <param name="tensors">all tensors of the plan</param>
    public StateSwap(Tensor input, Tensor output, bool swaps, List<nint> slots, Tensor?[] tensors)
    {
        if (input.Type != output.Type)
            throw new EdgeLiteException(Status.InvalidShape, $"A state must keep its type: the input is {input.Type}, the output that it takes over {output.Type}.");
        _input = input;
        _output = output;
        _swaps = swaps;
        if (!swaps) return;
        _distance = (nint)output.Data - (nint)input.Data;
        _inputSlots = Inside(slots, input);
        _outputSlots = Inside(slots, output);
        _inputTensors = Inside(tensors, input);
        _outputTensors = Inside(tensors, output);
    }

    public void Advance()
    {
        if (!_swaps)
        {
            if (_input.Data != _output.Data) _output.CopyTo(_input);
            return;
        }
        foreach (nint slot in _inputSlots) *(nint*)slot += _distance;
        foreach (nint slot in _outputSlots) *(nint*)slot -= _distance;
        foreach (Tensor tensor in _inputTensors) tensor.Data += _distance;
        foreach (Tensor tensor in _outputTensors) tensor.Data -= _distance;
        _distance = -_distance;
    }

    private static bool IsInside(nint address, Tensor block) => address >= (nint)block.Data && address < (nint)block.Data + Math.Max(1, block.ByteLength);

    private static nint[] Inside(List<nint> slots, Tensor block) => [.. slots.FindAll(slot => IsInside(*(nint*)slot, block))];

    private static Tensor[] Inside(Tensor?[] tensors, Tensor block)
    {
        var inside = new List<Tensor>();
        foreach (Tensor? tensor in tensors)
            if (tensor != null && IsInside((nint)tensor.Data, block)) inside.Add(tensor);
        return [.. inside];
    }
}
