using System.Text.RegularExpressions;
using EdgeLite.Tests.Architecture;

namespace EdgeLite.Tests.Sessions;

/// <summary>Every tile of every product by matrix instructions, asked for by name: rows and columns that are fewer than its own, and some more than whole tiles of
/// them, where blocks share k, too.</summary>
[Collection(nameof(CudaAlone))]
public partial class CudaTileTests
{
    private const string Bias = "const %b : float32[{1}] = seeded(2) ";

    /// <summary>Per product: a graph of {0} rows, {1} columns and {2} of k.</summary>
    private static readonly Dictionary<string, string> s_products = new()
    {
        ["gemm_f16"] = "input %x : float32[{0},{2}] const %w : float32[{2},{1}] = seeded(3) " + Bias + "%a = MatMul(%x, %w) %c = Add(%a, %b) %y = Gelu(%c) output %y",
        ["conv_f16_1x1"] = "input %x : float32[1,{2},{0},1] const %w : float32[{1},{2},1,1] = seeded(3) " + Bias + "%y = Conv(%x, %w, %b) output %y",
        ["conv_f16"] = "input %x : float32[1,{2},{0},2] const %w : float32[{1},{2},3,1] = seeded(3) " + Bias + "%a = Conv(%x, %w, %b) {{pads=[1,0,1,1], strides=[1,2]}} %y = Relu(%a) output %y",
        ["conv_transpose_f16"] = "input %x : float32[1,{2},{0},1] const %w : float32[{2},{1},3,2] = seeded(3) " + Bias + "%y = ConvTranspose(%x, %w, %b) {{strides=[2,1], pads=[1,0,0,1]}} output %y",
        ["matmul_f16"] = "input %x : float32[2,{0},{2}] input %z : float32[2,{2},{1}] %y = MatMul(%x, %z) output %y",
        ["qgemm_s8_matrix"] = CudaKernelTests.Scales + "input %x : int8[{0},{3}] const %w : int8[{3},{1}] = seeded(1) " + CudaKernelTests.QMatMul,
        ["qconv_s8_matrix"] = CudaKernelTests.Scales + "input %x : int8[1,{3},{0},2] const %w : int8[{1},{3},3,1] = seeded(1) " + CudaKernelTests.QConv("pads=[1,0,1,1], strides=[1,2]").Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal),
    };

    public static TheoryData<string, string, int, int, int> Cases
    {
        get
        {
            var data = new TheoryData<string, string, int, int, int>();
            foreach (string source in SourceTree.Files("kernels-native/cuda", ".cu"))
                foreach (Match entry in Entry().Matches(SourceTree.Read(source)))
                    foreach ((int rows, int columns, int k) in new[] { (11, 24, 40), (201, 136, 264) })
                        data.Add(entry.Groups[1].Value, entry.Groups[3].Value, rows, columns, k);
            return data;
        }
    }

    [Fact]
    public void Every_product_has_its_tiles() => Assert.InRange(Cases.Count, 40, 80);

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_tile_that_is_asked_for_computes_what_the_processor_computes(string entry, string tile, int rows, int columns, int k)
    {
        string product = entry.Replace("_" + tile, "", StringComparison.Ordinal);
        string body = product.StartsWith("block_gemm_f16_", StringComparison.Ordinal)
            ? CudaHalfTests.Block(rows, k, product[^1] - '0', 96, columns: columns)
            : string.Format(System.Globalization.CultureInfo.InvariantCulture, s_products[product], rows, columns, k, k / 16 * 16);
        Environment.SetEnvironmentVariable("EDGELITE_CUDA_TILE", tile);
        try
        {
            using Model model = CudaHalfTests.Make(body);
            using Session half = CudaHalfTests.Compare(model, new SessionOptions());
            if (CudaRun.IsEmulated) Assert.Contains(half.Profile(1), s => s.Kernel == entry + "/cuda"); // another GPU may have too little shared memory
        }
        finally
        {
            Environment.SetEnvironmentVariable("EDGELITE_CUDA_TILE", null);
        }
    }

    [Fact]
    public void What_is_no_tile_is_refused()
    {
        Environment.SetEnvironmentVariable("EDGELITE_CUDA_TILE", "large");
        try
        {
            using Model model = CudaHalfTests.Make("input %x : float32[20,48] const %w : float32[48,40] = seeded(3) %y = MatMul(%x, %w) output %y");
            Assert.Contains("'large'", Assert.Throws<EdgeLiteException>(() => model.CreateSession(new SessionOptions { Device = CudaRun.Device })).Message);
        }
        finally
        {
            Environment.SetEnvironmentVariable("EDGELITE_CUDA_TILE", null);
        }
    }

    /// <summary>By matrix instructions: of float16, or named so; without those that gather, which have one tile.</summary>
    [GeneratedRegex(@"^EL_CUDA_ENTRY\((?=\w+(?:f16\w*_\d+x\d+(?:_1x1)?|_matrix),)((\w+?)_(\d+x\d+)\w*),", RegexOptions.Multiline)]
    private static partial Regex Entry();
}
