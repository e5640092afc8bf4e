using System.Runtime.InteropServices;
using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Ops;
using EdgeLite.Tests.Architecture;
using EdgeLite.Tests.Importers;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Ops;

/// <summary>
/// Every element type that ONNX's specification names for an operator (operator-types.tsv) is taken, and gives what the same numbers give in float32 or
/// in the integers of the case, as far as the type can hold them.
/// </summary>
public class DataTypeTests
{
    private const long OperatorSet = 28;

    private sealed record Signature(string[] Inputs, string[] Outputs, Dictionary<string, DType[]> Types)
    {
        public string Input(int i) => Variable(Inputs, i);
        public string Output(int i) => Variable(Outputs, i);

        private static string Variable(string[] all, int i) => i < all.Length ? all[i].TrimStart('*') : all[^1].StartsWith('*') ? all[^1][1..] : "";
    }

    private static readonly Dictionary<string, DType> s_names = Enum.GetValues<DType>().Where(t => t != DType.Undefined)
        .ToDictionary(t => t switch { DType.Float32 => "float", DType.Float64 => "double", _ => t.Name() });

    private static readonly Dictionary<string, Signature> s_signatures = SourceTree.Read("tests/EdgeLite.Tests/Ops/operator-types.tsv").Split('\n').Where(l => l.Length > 0 && l[0] != '#').Select(l => l.Split('\t'))
        .ToDictionary(f => f[0], f => new Signature(f[2].Split(' '), f[3].Split(' '), f[4].Split(';').ToDictionary(c => c.Split('=')[0], c => c.Split('=')[1].Split(',').Select(t => s_names[t]).ToArray())));

    private static readonly Dictionary<string, Func<EdgeShapes, string, EdgeCase>> s_makers = EdgeShapeMakers.All.Concat(RarerShapeMakers.All).Concat(MlShapeMakers.All).ToDictionary();

    public static TheoryData<string> Operators => [.. s_makers.Keys.Where(s_signatures.ContainsKey)];

    /// <summary>Operators on lists and with graphs inside, and what only moves bits: they are tried together by type.</summary>
    private static readonly string[] s_moving =
    [
        "SequenceConstruct", "SequenceInsert", "SequenceErase", "SequenceAt", "SequenceLength", "ConcatFromSequence", "SplitToSequence", "SequenceMap", "Optional", "OptionalGetElement", "OptionalHasElement",
        "If", "Loop", "Scan", "BitCast",
    ];

    /// <summary>No types to choose: ImageDecoder reads bytes and is an extension, the others have no input or inputs of one type.</summary>
    private static readonly string[] s_withoutTypes = ["ImageDecoder", "Constant", "SequenceEmpty", "RandomNormal", "RandomUniform", "StringNormalizer", "NonMaxSuppression"];

    /// <summary>Attributes have elements of the type that the input or the output has: cases choose among them.</summary>
    private static readonly string[] s_byAttributes = ["CategoryMapper", "Imputer", "LabelEncoder", "TreeEnsemble", "ZipMap"];

    /// <summary>A new operator is missing here until it has a case and its types.</summary>
    [Fact]
    public void Every_operator_is_tried()
    {
        string[] known = [.. OperatorTable.All.Where(d => d.Domain is "" or "ai.onnx.ml").Select(d => d.Name), .. s_signatures.Keys];
        string[] missing = [.. known.Distinct().Where(op => !s_moving.Contains(op) && !s_withoutTypes.Contains(op) && !s_byAttributes.Contains(op) && !(s_makers.ContainsKey(op) && s_signatures.ContainsKey(op)))];
        Assert.True(missing.Length == 0, string.Join(' ', missing));
    }

    public static TheoryData<DType> Types => [.. s_names.Values];

    [Theory]
    [MemberData(nameof(Types))]
    public void Lists_and_graphs_inside_carry_every_type(DType type)
    {
        bool Named(string op) => s_signatures[op].Types.Values.Any(t => t.Contains(type));
        Tensor a = Converted(Tensor.FromArray<float>([0, 1, 1, 0, 1, 1], new Shape(3, 2)), type), b = Converted(Tensor.FromArray<float>([1, 1, 0, 0, 1, 0], new Shape(3, 2)), type);
        var failures = new List<string>();

        void Gives(string operators, Tensor expected, params NodeProto[] nodes)
        {
            if (!operators.Split(' ').All(Named)) return;
            try
            {
                ModelProto model = OnnxModels.Model(OperatorSet, nodes).In("a", type, 3, 2).In("b", type, 3, 2).Const(Raw("zero", DType.Int64, [], new byte[8])).Const(Raw("two", DType.Int64, [], [2, 0, 0, 0, 0, 0, 0, 0])).Const(Raw("yes", DType.Bool, [], 1)).Out("y");
                model.IrVersion = 13;
                Tensor y = new GraphInterpreter(OnnxImporter.Import(model, null)).Run(a, b)[0];
                Assert.Equal(expected.DType, y.DType);
                Assert.Equal(expected.Shape, y.Shape);
                if (type == DType.String) Assert.Equal(expected.Strings, y.Strings);
                else Assert.True(expected.Bytes.SequenceEqual(y.Bytes), "other elements");
            }
            catch (Exception e)
            {
                failures.Add($"{operators}: {e.Message}");
            }
        }

        GraphProto Body(string inputs, string outputs, params NodeProto[] nodes)
        {
            var body = new GraphProto { Name = "body" };
            body.Node.AddRange(nodes);
            if (inputs.Length > 0) body.Input.AddRange(inputs.Split(' ').Select(n => Info(n, n[0] == 'i' ? DType.Int64 : n[0] == 'c' ? DType.Bool : type, n[0] is 'i' or 'c' ? [] : n[0] == 'r' ? [2] : [3, 2])));
            body.Output.AddRange(outputs.Split(' ').Select(n => Info(n, n[0] == 'c' ? DType.Bool : type, n[0] == 'c' ? [] : n[0] == 'r' ? [2] : [3, 2])));
            return body;
        }

        NodeProto list = Node("SequenceConstruct", "a b", "l");
        Gives("SequenceConstruct SequenceInsert SequenceErase SequenceAt", b, list, Node("SequenceInsert", "l b zero", "m"), Node("SequenceErase", "m two", "n"), Node("SequenceAt", "n zero", "y"));
        Gives("SplitToSequence ConcatFromSequence", a, Node("SplitToSequence", "a", "l", Attr("axis", 1)), Node("ConcatFromSequence", "l", "y", Attr("axis", 1)));
        Gives("SequenceMap SequenceConstruct SequenceAt", b, list, Node("SequenceMap", "l", "m", Attr("body", Body("x", "xo", Node("Identity", "x", "xo")))), Node("SequenceErase", "m zero", "n"), Node("SequenceAt", "n zero", "y"));
        Gives("Optional OptionalGetElement OptionalHasElement", a, Node("Optional", "a", "o"), Node("OptionalGetElement", "o", "y"));
        Gives("If", b, Node("If", "yes", "y", Attr("then_branch", Body("", "t", Node("Identity", "b", "t"))), Attr("else_branch", Body("", "e", Node("Identity", "a", "e")))));
        Gives("Loop", b, Node("Loop", "two - a", "y", Attr("body", Body("i c x", "co xo", Node("Identity", "c", "co"), Node("Identity", "b", "xo")))));
        Gives("Scan", a, Node("Scan", "b a", "s y", Attr("num_scan_inputs", 1), Attr("body", Body("x r", "xo ro", Node("Identity", "x", "xo"), Node("Identity", "r", "ro")))));
        DType bits = type.Bits() switch { 2 => DType.UInt2, 4 => DType.UInt4, 8 => DType.UInt8, 16 => DType.UInt16, 32 => DType.UInt32, 64 => DType.UInt64, _ => type };
        Gives("BitCast", a, Node("BitCast", "a", "u", Attr("to", (long)bits)), Node("BitCast", "u", "y", Attr("to", (long)type)));
        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    [Theory]
    [MemberData(nameof(Operators))]
    public void Every_named_type_is_taken(string op)
    {
        Signature signature = s_signatures[op];
        var failures = new List<string>();
        foreach (var (variable, types) in signature.Types)
            foreach (DType type in types)
                for (int seed = 0, tried = 0; tried < 3 && seed < 24; seed++)
                {
                    EdgeCase test = s_makers[op](new EdgeShapes(op.Aggregate(seed, (hash, c) => hash * 31 + c)), op);
                    int[] changed = [.. Enumerable.Range(0, test.Node.Input.Count).Where(i => test.Node.Input[i].Length > 0 && signature.Input(i) == variable)];
                    if (type is DType.String or DType.Complex64 or DType.Complex128 && Computes(test.Node)) continue;
                    if (type == DType.String && test.Node.OpType is "Col2Im") continue; // there is no sum of words
                    AttributeProto? chosen = changed.Length == 0 && signature.Output(0) == variable ? test.Node.Attribute.FirstOrDefault(a => a.Name is "to" or "dtype" or "output_datatype") : null;
                    if (changed.Length == 0 && chosen == null || test.Inputs.Any(i => i.Value.Count == 0) || Record.Exception(() => Run(test)) != null) continue;
                    tried++;
                    try
                    {
                        if (chosen != null) CheckChosen(test, chosen, type);
                        else Check(test, signature, variable, type, [.. changed.Select(i => test.Node.Input[i])]);
                    }
                    catch (Exception e)
                    {
                        failures.Add($"{variable} {type.Name()}: {test}: {e.Message}");
                        break;
                    }
                }
        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    [Fact]
    public void Integers_keep_all_their_bits_where_some_are_replaced()
    {
        ModelProto model = OnnxModels.Model(OperatorSet, Node("Imputer", "x", "y", Attr("imputed_value_int64s", long.MaxValue - 2, 5L), Attr("replaced_value_int64", (1L << 60) + 1))).In("x", DType.Int64, 2, 2).Out("y");
        model.Graph.Node[0].Domain = "ai.onnx.ml";
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "ai.onnx.ml", Version = 3 });
        Tensor y = OnnxModels.Run(model, Tensor.FromArray<long>([(1L << 60) + 1, 1L << 60, -(1L << 57) - 1, (1L << 60) + 1], new Shape(2, 2)))[0];
        Assert.Equal([long.MaxValue - 2, 1L << 60, -(1L << 57) - 1, 5], y.ToInt64Array());
    }

    /// <summary>Modes that weigh or add up elements, which words are not made for.</summary>
    private static bool Computes(NodeProto node) => node.OpType is "TfIdfVectorizer" || node.Attribute.Any(a => a.Name == "mode" && a.S.ToStringUtf8() is "linear" or "cubic" || a.Name == "reduction" && a.S.ToStringUtf8() != "none");

    private static void Check(EdgeCase test, Signature signature, string variable, DType type, string[] changed)
    {
        var before = new List<(string, Tensor, bool)>();
        var after = new List<(string, Tensor, bool)>();
        foreach (var (name, value, isConstant) in test.Inputs)
        {
            bool changes = changed.Contains(name);
            Tensor other = changes ? Converted(value, type) : value;
            after.Add((name, other, false));
            before.Add((name, changes && other.Strings == null && !type.IsComplex() ? Back(other, value.DType) : value, false));
        }
        Tensor[] expected = Run(test with { Inputs = before }), got = Run(test with { Inputs = after });
        for (int k = 0; k < got.Length; k++)
        {
            bool follows = signature.Output(k) == variable;
            // EyeLike has the type of its input where it is told none; of a quantization the scale or the zero point tells the result's.
            if (test.Node.OpType is not ("EyeLike" or "QuantizeLinear" or "DequantizeLinear")) Assert.True(got[k].DType == (follows ? type : expected[k].DType), $"output {k} is {got[k].DType.Name()}");
            if (test.Node.OpType is "NonZero" && type == DType.String) continue; // no word is empty here
            if (test.Node.OpType is "IsInf" or "DynamicQuantizeLinear" or "Bernoulli" or "Multinomial") continue; // as far as the type tells infinities and borders apart
            Assert.True(got[k].Shape == expected[k].Shape, $"output {k} has shape {got[k].Shape}, expected {expected[k].Shape}");
            // Integers have a float's result only where the case is one of integers; small floats and wrapped integers have their own tests.
            bool isNumber = type is DType.Float64 or DType.Float16 or DType.BFloat16 || type.IsInteger() && test.Inputs.First(i => changed.Contains(i.Name)).Value.DType.IsInteger();
            if (!isNumber || test.Node.OpType is "QuantizeLinear" or "DequantizeLinear" || got[k].Strings != null) continue;
            double precision = type switch { DType.Float64 => 1e-6, DType.Float16 => 4e-3, DType.BFloat16 => 3e-2, _ => 0 }, largest = 1;
            for (long i = 0; i < got[k].Count; i++) largest = Math.Max(largest, double.IsFinite(expected[k].GetDouble(i)) ? Math.Abs(expected[k].GetDouble(i)) : 0);
            if (type.IsInteger() && largest > 100 || type.IsUnsigned() && Enumerable.Range(0, (int)got[k].Count).Any(i => expected[k].GetDouble(i) < 0)) continue;
            for (long i = 0; i < got[k].Count; i++)
            {
                double wanted = expected[k].GetDouble(i), given = got[k].GetDouble(i);
                Assert.True(wanted.Equals(given) || Math.Abs(wanted - given) <= precision * largest, $"output {k}, element {i} of {got[k]}: {given}, expected {wanted}");
            }
        }
    }

    /// <summary>An attribute says what type the result has: that of the result as it is, converted.</summary>
    private static void CheckChosen(EdgeCase test, AttributeProto chosen, DType type)
    {
        Tensor before = Run(test)[0];
        chosen.I = (long)type;
        Tensor got = Run(test)[0];
        Assert.Equal(type, got.DType);
        Assert.Equal(before.Shape, got.Shape);
        if (type is not (DType.Float64 or DType.Float16 or DType.BFloat16)) return;
        for (long i = 0; i < got.Count; i++) Assert.Equal(before.GetDouble(i), got.GetDouble(i), 3e-2 * Math.Max(1, Math.Abs(before.GetDouble(i))));
    }

    private static Tensor[] Run(EdgeCase test)
    {
        ModelProto model = test.Model(OperatorSet, false);
        model.IrVersion = 13;
        return new GraphInterpreter(OnnxImporter.Import(model, null)).Run([.. test.Inputs.Select(i => i.Value)]);
    }

    private static Tensor Converted(Tensor value, DType type)
    {
        if (value.Strings != null) return value;
        if (type == DType.String) return Tensor.FromStrings([.. Enumerable.Range(0, (int)value.Count).Select(i => value.GetDouble(i).ToString(System.Globalization.CultureInfo.InvariantCulture))], value.Shape);
        var other = new Tensor(type, value.Shape);
        bool unsigned = type is DType.UInt8 or DType.UInt16 or DType.UInt32 or DType.UInt64 or DType.UInt4 or DType.UInt2 or DType.Bool;
        for (long i = 0; i < value.Count; i++)
        {
            double v = value.GetDouble(i);
            if (unsigned) v = Math.Abs(v);
            if (type is DType.UInt2 or DType.Int2 or DType.Bool) v = Math.Clamp(Math.Round(v), 0, 1);
            else if (type.IsInteger()) v = Math.Round(v);
            if (type.IsComplex()) SetReal(other, i, v);
            else if (type.IsInteger() || type == DType.Bool) other.SetInt64(i, (long)v);
            else other.SetDouble(i, v);
        }
        return other;
    }

    private static void SetReal(Tensor complex, long i, double v)
    {
        if (complex.DType == DType.Complex64) MemoryMarshal.Cast<byte, float>(complex.Bytes)[(int)(2 * i)] = (float)v;
        else MemoryMarshal.Cast<byte, double>(complex.Bytes)[(int)(2 * i)] = v;
    }

    private static Tensor Back(Tensor value, DType type)
    {
        var other = new Tensor(type, value.Shape);
        for (long i = 0; i < value.Count; i++)
            if (type.IsInteger() || type == DType.Bool) other.SetInt64(i, (long)value.GetDouble(i));
            else other.SetDouble(i, value.GetDouble(i));
        return other;
    }
}
