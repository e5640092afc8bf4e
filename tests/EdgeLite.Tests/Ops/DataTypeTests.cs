using System.Runtime.InteropServices;
using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Tests.Architecture;

namespace EdgeLite.Tests.Ops;

/// <summary>
/// Every element type that ONNX's specification names for an operator (operator-types.tsv) is taken, and gives what the same numbers give in float32 or
/// in the integers of the case, as far as the type can hold them.
/// </summary>
public class DataTypeTests
{
    private const long OperatorSet = 26;

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

    public static TheoryData<string> Operators => [.. EdgeShapeMakers.All.Keys.Where(s_signatures.ContainsKey)];

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
                    EdgeCase test = EdgeShapeMakers.All[op](new EdgeShapes(op.Aggregate(seed, (hash, c) => hash * 31 + c)), op);
                    int[] changed = [.. Enumerable.Range(0, test.Node.Input.Count).Where(i => test.Node.Input[i].Length > 0 && signature.Input(i) == variable)];
                    if (type is DType.String or DType.Complex64 or DType.Complex128 && Computes(test.Node)) continue;
                    if (changed.Length == 0 || test.Inputs.Any(i => i.Value.Count == 0) || Record.Exception(() => Run(test)) != null) continue;
                    tried++;
                    try
                    {
                        Check(test, signature, variable, type, [.. changed.Select(i => test.Node.Input[i])]);
                    }
                    catch (Exception e)
                    {
                        failures.Add($"{variable} {type.Name()}: {test}: {e.Message}");
                        break;
                    }
                }
        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    /// <summary>Modes that weigh or add up elements, which words are not made for.</summary>
    private static bool Computes(NodeProto node) => node.Attribute.Any(a => a.Name == "mode" && a.S.ToStringUtf8() is "linear" or "cubic" || a.Name == "reduction" && a.S.ToStringUtf8() != "none");

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

    private static Tensor[] Run(EdgeCase test)
    {
        ModelProto model = test.Model(OperatorSet, false);
        model.IrVersion = 13;
        return new GraphInterpreter(OnnxImporter.Import(model, null)).Run([.. test.Inputs.Select(i => i.Value)]);
    }

    private static Tensor Converted(Tensor value, DType type)
    {
        if (type == DType.String) return Tensor.FromStrings([.. Enumerable.Range(0, (int)value.Count).Select(i => $"s{value.GetDouble(i)}")], value.Shape);
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
