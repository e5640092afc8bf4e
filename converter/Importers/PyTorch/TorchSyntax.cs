namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>Expressions of the subset of Python that TorchScript archives hold.</summary>
internal abstract record TorchExpr;

internal sealed record LiteralExpr(object? Value) : TorchExpr;
internal sealed record NameExpr(string Name) : TorchExpr;
internal sealed record MemberExpr(TorchExpr Target, string Name) : TorchExpr;
/// <summary>An attribute by its place in the object, as bytecode names it.</summary>
internal sealed record SlotExpr(TorchExpr Target, int Slot) : TorchExpr;
internal sealed record IndexExpr(TorchExpr Target, TorchExpr Index) : TorchExpr;
internal sealed record CallExpr(TorchExpr Function, TorchExpr[] Arguments, (string Name, TorchExpr Value)[] Named) : TorchExpr;
internal sealed record ListExpr(TorchExpr[] Items) : TorchExpr;
internal sealed record TupleExpr(TorchExpr[] Items) : TorchExpr;
internal sealed record DictExpr((TorchExpr Key, TorchExpr Value)[] Items) : TorchExpr;
internal sealed record NegateExpr(TorchExpr Operand) : TorchExpr;

/// <summary>Statements of it.</summary>
internal abstract record TorchStatement(int Line);

internal sealed record AssignStatement(TorchExpr[] Targets, bool Unpack, TorchExpr Value, int Line) : TorchStatement(Line)
{
    /// <summary>Path of the module that the value is computed for, where that is not the one whose code runs.</summary>
    public string? Module { get; init; }
}

internal sealed record ExprStatement(TorchExpr Value, int Line) : TorchStatement(Line);
internal sealed record ReturnStatement(TorchExpr? Value, int Line) : TorchStatement(Line);
internal sealed record IfStatement(TorchExpr Condition, TorchStatement[] Then, TorchStatement[] Else, int Line) : TorchStatement(Line);
internal sealed record ForStatement(string Variable, TorchExpr Range, TorchStatement[] Body, int Line) : TorchStatement(Line);
internal sealed record WhileStatement(TorchExpr Condition, TorchStatement[] Body, int Line) : TorchStatement(Line);
internal sealed record WithStatement(TorchStatement[] Body, int Line) : TorchStatement(Line);
internal sealed record PassStatement(int Line) : TorchStatement(Line);

internal sealed record TorchParameter(string Name, string Type, TorchExpr? Default);

internal sealed record TorchFunction(string Name, string File, TorchParameter[] Parameters, TorchStatement[] Body);

/// <summary>A class: its methods, and constants of the class (<c>x : Final[int] = 3</c>).</summary>
internal sealed record TorchClass(string Name, Dictionary<string, TorchFunction> Methods, Dictionary<string, TorchExpr> Constants, List<string> Fields);

/// <summary>One file of the code folder.</summary>
internal sealed record TorchModule(Dictionary<string, TorchFunction> Functions, Dictionary<string, TorchClass> Classes);
