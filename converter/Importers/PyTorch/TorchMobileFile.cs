using System.Buffers.Binary;
using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>
/// A mobile module in FlatBuffers' form (torch/csrc/jit/serialization/mobile_bytecode.fbs; fields below by their place in it): values by
/// index, storages and functions of bytecode. Values come out as the pickle reader makes them.
/// </summary>
internal sealed class TorchMobileFile
{
    private const int MaxNesting = 200;

    /// <summary>Element types of quantized tensors (c10/core/ScalarType.h).</summary>
    private const sbyte QInt8 = 12, QUInt8 = 13;

    /// <summary>Instructions by number (torch/csrc/jit/runtime/instruction.h).</summary>
    private static readonly string[] s_instructions =
    [
        "OP", "OPN", "LOAD", "MOVE", "STOREN", "STORE", "DROP", "DROPR", "LOADC", "JF", "JMP", "LOOP", "RET", "WAIT", "CALL", "GUARD", "TYPECHECK", "FAIL_GUARD", "PROFILE_OP", "TAIL_CALL",
        "INTERFACE_CALL", "GET_ATTR", "SET_ATTR", "LIST_UNPACK", "TUPLE_CONSTRUCT", "NAMED_TUPLE_CONSTRUCT", "LIST_CONSTRUCT", "DICT_CONSTRUCT", "CREATE_OBJECT", "ISINSTANCE", "TUPLE_SLICE",
        "TUPLE_INDEX", "RAISE_EXCEPTION", "DICT_INDEX", "UNCHECKED_CAST", "__IS__", "UN_INITIALIZED", "__ISNOT__", "FORMAT", "DEVICE", "DTYPE", "DIM", "__NOT__", "TO_LIST", "NUM_TO_TENSOR",
        "IS_CUDA", "FORK", "WARN", "ENTER", "EXIT", "AWAITABLE",
    ];

    private enum Kind : byte { None, Int, Bool, Double, Complex, Tensor, String, List, Tuple, Dict, Object, IntList, DoubleList, BoolList, Device, Enum, Function }

    private readonly byte[] _file;
    private readonly Dictionary<uint, object?> _values = [];
    private readonly Dictionary<(uint, DType), TorchStorage> _storages = [];
    private int _nesting;

    public TorchMobileFile(byte[] file)
    {
        _file = file;
        FlatTable root = FlatTable.Root(file, "PTMF"u8);
        State = Value(root.UInt32(3));
        var functions = new List<TorchBytecodeFunction>();
        foreach (uint method in root.Scalars<uint>(2))
        {
            FlatTable value = Entry(method, out Kind kind);
            if (kind == Kind.Function) functions.Add(Function(value.Table(1)));
        }
        Functions = [.. functions];
    }

    /// <summary>The module.</summary>
    public object? State { get; }

    public TorchBytecodeFunction[] Functions { get; }

    private FlatTable Entry(uint index, out Kind kind)
    {
        FlatTable value = FlatTable.Root(_file).Vector(4).Table(index);
        kind = (Kind)value.UInt8(0);
        return value;
    }

    private object? Value(uint index)
    {
        if (_values.TryGetValue(index, out object? known)) return known;
        if (++_nesting > MaxNesting) throw Corrupt("its values nest too deeply");
        FlatTable entry = Entry(index, out Kind kind);
        object? value = kind switch
        {
            Kind.None => null,
            Kind.Int => BinaryPrimitives.ReadInt64LittleEndian(entry.Pointed(1, 8)),
            Kind.Bool => entry.Pointed(1, 1)[0] != 0,
            Kind.Double => BinaryPrimitives.ReadDoubleLittleEndian(entry.Pointed(1, 8)),
            Kind.Tensor => Tensor(entry.Table(1)),
            Kind.String or Kind.Device => entry.Table(1).String(0) ?? "",
            Kind.IntList => Elements<long>(entry),
            Kind.DoubleList => Elements<double>(entry),
            Kind.BoolList => entry.Table(1).Bytes(0).ToArray().Select(b => (object?)(b != 0)).ToList(),
            Kind.Tuple => new PickleTuple([.. Values(entry.Table(1).Scalars<uint>(0))]),
            Kind.Enum => Value(entry.Table(1).UInt32(1)),
            Kind.List or Kind.Dict or Kind.Object => Container(index, kind, entry.Table(1)),
            _ => throw new EdgeLiteException(Status.Unsupported, $"The mobile module holds a value of kind {(byte)kind} (complex numbers, functions), which has no conversion."),
        };
        _nesting--;
        return _values[index] = value;
    }

    private List<object?> Values(ReadOnlySpan<uint> indices)
    {
        var values = new List<object?>(indices.Length);
        foreach (uint i in indices) values.Add(Value(i));
        return values;
    }

    private static List<object?> Elements<T>(FlatTable entry) where T : unmanaged
    {
        var values = new List<object?>();
        foreach (T value in entry.Table(1).Scalars<T>(0)) values.Add(value);
        return values;
    }

    /// <summary>What may hold itself is known before its elements are read.</summary>
    private object? Container(uint index, Kind kind, FlatTable table)
    {
        switch (kind)
        {
            case Kind.List:
            {
                var list = new List<object?>();
                _values[index] = list;
                list.AddRange(Values(table.Scalars<uint>(0)));
                return list;
            }
            case Kind.Dict:
            {
                var dict = new PickleDict();
                _values[index] = dict;
                ReadOnlySpan<uint> keys = table.Scalars<uint>(0), values = table.Scalars<uint>(1);
                if (keys.Length != values.Length) throw Corrupt($"a dict has {keys.Length} keys and {values.Length} values");
                for (int i = 0; i < keys.Length; i++) dict.Items.Add(new(Value(keys[i]), Value(values[i])));
                return dict;
            }
            default:
            {
                FlatTable type = FlatTable.Root(_file).Vector(7).Table(table.UInt32(0));
                string name = type.String(0) ?? "";
                int dot = name.LastIndexOf('.');
                var made = new PickleObject(new PickleGlobal(dot < 0 ? "" : name[..dot], name[(dot + 1)..]), null);
                _values[index] = made;
                const byte WithFields = 1;
                if (type.UInt8(1) != WithFields)
                {
                    made.State = Value(table.UInt32(1));
                    return made;
                }
                var fields = new PickleDict();
                FlatVector names = type.Vector(2);
                ReadOnlySpan<uint> attributes = table.Scalars<uint>(2);
                if (names.Count < attributes.Length) throw Corrupt($"an object of {name} has {attributes.Length} attributes, its type {names.Count}");
                for (int i = 0; i < attributes.Length; i++) fields.Items.Add(new(names.String(i), Value(attributes[i])));
                made.State = fields;
                return made;
            }
        }
    }

    private TorchTensor Tensor(FlatTable table)
    {
        DType type = table.Int8(1) switch { QInt8 => DType.Int8, QUInt8 => DType.UInt8, var other => TorchArchive.ScalarType(other) };
        uint index = table.UInt32(0);
        if (!_storages.TryGetValue((index, type), out TorchStorage? storage))
        {
            byte[] bytes = FlatTable.Root(_file).Vector(6).Table(index).Bytes(0).ToArray();
            _storages[(index, type)] = storage = new TorchStorage(type, bytes.Length / type.Size(), () => bytes);
        }
        return new TorchTensor(storage, table.Int32(2), Longs(table.Scalars<int>(3)), Longs(table.Scalars<int>(4))) { Quantizer = table.TryTable(6, out FlatTable how) ? Quantizer(how, type) : null };
    }

    /// <summary>{ qscheme, scale, zero_point, scales, zero_points, axis }</summary>
    private TorchQuantizer Quantizer(FlatTable how, DType type)
    {
        var kind = new PickleGlobal("torch", $"qscheme {how.Int8(0)}");
        bool isPerAxis = how.Int8(0) is 1 or 3 or 4;
        return TorchQuantizer.Read(new PickleTuple(isPerAxis ? [kind, Tensor(how.Table(3)), Tensor(how.Table(4)), (long)how.Int32(5)] : [kind, how.Float64(1), (long)how.Int32(2)]), type);
    }

    private static long[] Longs(ReadOnlySpan<int> values)
    {
        var wide = new long[values.Length];
        for (int i = 0; i < wide.Length; i++) wide[i] = values[i];
        return wide;
    }

    private TorchBytecodeFunction Function(FlatTable table)
    {
        FlatVector code = table.Structs(1, 8), called = table.Vector(2), typed = table.Vector(4);
        var instructions = new TorchInstruction[code.Count];
        for (int i = 0; i < instructions.Length; i++)
        {
            // struct { op:byte; n:ushort; x:int; }
            ReadOnlySpan<byte> s = code.Struct(i);
            instructions[i] = new(s[0] < s_instructions.Length ? s_instructions[s[0]] : $"number {s[0]}", BinaryPrimitives.ReadInt32LittleEndian(s[4..]), BinaryPrimitives.ReadUInt16LittleEndian(s[2..]));
        }
        var operators = new TorchBytecodeOperator[called.Count];
        for (int i = 0; i < operators.Length; i++) operators[i] = new(called.Table(i).String(0) ?? "", called.Table(i).String(1) ?? "", called.Table(i).Int32(2, -1));
        var types = new string[typed.Count];
        for (int i = 0; i < types.Length; i++) types[i] = typed.String(i);
        TorchParameter[] parameters = [];
        if (table.TryTable(6, out FlatTable schema))
        {
            FlatVector arguments = schema.Vector(0);
            parameters = new TorchParameter[arguments.Count];
            for (int i = 0; i < parameters.Length; i++)
            {
                FlatTable argument = arguments.Table(i);
                parameters[i] = TorchBytecodeFunction.Parameter(argument.String(0) ?? "", argument.String(1) ?? "", Value(argument.UInt32(2)));
            }
        }
        return new(table.String(0) ?? "", instructions, operators, [.. Values(table.Scalars<uint>(3))], types, parameters);
    }

    private static EdgeLiteException Corrupt(string what) => new(Status.Corrupt, $"The mobile module is damaged: {what}.");
}
