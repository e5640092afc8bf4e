using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>One instruction of PyTorch's mobile interpreter (torch/csrc/jit/runtime/instruction.h).</summary>
internal readonly record struct TorchInstruction(string Op, int X, int N);

/// <summary>An operator that bytecode calls.</summary>
/// <param name="Name">"aten::add"</param>
/// <param name="Overload">"Tensor"</param>
/// <param name="Arguments">how many arguments lie on the stack; -1: the file does not say</param>
internal readonly record struct TorchBytecodeOperator(string Name, string Overload, int Arguments);

/// <summary>A function as bytecode: instructions, and the tables that they refer to.</summary>
internal sealed record TorchBytecodeFunction(
    string QualifiedName, TorchInstruction[] Instructions, TorchBytecodeOperator[] Operators, object?[] Constants, string[] Types, TorchParameter[] Parameters)
{
    /// <summary>The functions of bytecode.pkl: (version, (name, tables[, schema])..), a table being a tuple of pairs of a name and a tuple.</summary>
    public static IEnumerable<TorchBytecodeFunction> Read(object? root)
    {
        if (root is not PickleTuple { Items: [long, .. var functions] }) throw Corrupt("it does not begin with a version");
        foreach (object? entry in functions)
        {
            if (entry is not PickleTuple { Items: [string name, var tables, .. var more] }) throw Corrupt("one of its functions has no name");
            TorchInstruction[] instructions = [.. Items(Table(tables, "instructions")).Select(i => i is PickleTuple { Items: [string op, long x, long n] } ? new TorchInstruction(op, checked((int)x), checked((int)n)) : throw Corrupt("an instruction is no triple"))];
            TorchBytecodeOperator[] operators = [.. Items(Table(tables, "operators")).Select(o => o is PickleTuple { Items: [string op, string overload, .. var count] } ? new TorchBytecodeOperator(op, overload, count is [long n] ? checked((int)n) : -1) : throw Corrupt("an operator has no name"))];
            TorchParameter[] parameters = more is [var schema, ..] ? [.. Items(Table(schema, "arguments")).Select(Parameter)] : [];
            yield return new(name, instructions, operators, Items(Table(tables, "constants")), [.. Items(Table(tables, "types")).Select(t => t as string ?? "")], parameters);
        }
    }

    /// <summary>A parameter by its name, type and default; None as a default is one only where the type allows it.</summary>
    public static TorchParameter Parameter(string name, string type, object? otherwise) =>
        new(name, type, otherwise != null || type.StartsWith("Optional[", StringComparison.Ordinal) ? new LiteralExpr(otherwise) : null);

    private static TorchParameter Parameter(object? argument) =>
        Parameter(Table(argument, "name") as string ?? "", Table(argument, "type") as string ?? "", Table(argument, "default_value"));

    private static object? Table(object? tables, string name) => Items(tables).OfType<PickleTuple>().FirstOrDefault(t => t.Items is [string key, _] && key == name)?.Items[1];

    private static object?[] Items(object? tuple) => tuple is PickleTuple t ? t.Items : throw Corrupt("a table is missing");

    private static EdgeLiteException Corrupt(string what) => new(Status.Corrupt, $"bytecode.pkl is damaged: {what}.");
}
