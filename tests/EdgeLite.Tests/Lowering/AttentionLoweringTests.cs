namespace EdgeLite.Tests.Lowering;

/// <summary>Attention as exporters write it.</summary>
public class AttentionLoweringTests
{
    [Fact]
    public void Bert_with_a_mask() => LoweredRun.Check("""
        input %x : float32[2,7,24]
        input %mask : float32[2,1,1,7]
        const %wq : float32[24,24] = seeded(1)
        const %bq : float32[24] = seeded(2)
        const %wk : float32[24,24] = seeded(3)
        const %wv : float32[24,24] = seeded(4)
        const %wo : float32[24,24] = seeded(5)
        const %split : int64[4] = [2,7,3,8]
        const %join : int64[3] = [2,7,24]
        const %root : float32[] = 2.828427
        %q0 = MatMul(%x, %wq)
        %q1 = Add(%bq, %q0)
        %k0 = MatMul(%x, %wk)
        %v0 = MatMul(%x, %wv)
        %q2 = Reshape(%q1, %split)
        %q = Transpose(%q2) {perm=[0,2,1,3]}
        %k1 = Reshape(%k0, %split)
        %kt = Transpose(%k1) {perm=[0,2,3,1]}
        %v1 = Reshape(%v0, %split)
        %v = Transpose(%v1) {perm=[0,2,1,3]}
        %s0 = MatMul(%q, %kt)
        %s1 = Div(%s0, %root)
        %s2 = Add(%s1, %mask)
        %p = Softmax(%s2) {axis=-1}
        %c0 = MatMul(%p, %v)
        %c1 = Transpose(%c0) {perm=[0,2,1,3]}
        %c2 = Reshape(%c1, %join)
        %y = MatMul(%c2, %wo)
        output %y
        """, "edgelite.Gemm edgelite.Gemm edgelite.Gemm Reshape Reshape Reshape edgelite.Attention Reshape edgelite.Gemm");

    /// <summary>As a quantizer leaves it: layers before and behind it hand over integers, which are reordered as such.</summary>
    [Fact]
    public void Between_integer_layers() => LoweredRun.Check("""
        input %q : int8[2,7,24]
        input %k : int8[2,7,24]
        input %v : int8[2,7,24]
        const %scale : float32[] = 0.02
        const %zero : int8[] = -3
        const %split : int64[4] = [2,7,3,8]
        const %root : float32[] = 2.828427
        %q0 = Reshape(%q, %split)
        %q1 = Transpose(%q0) {perm=[0,2,1,3]}
        %q2 = DequantizeLinear(%q1, %scale, %zero)
        %k0 = Reshape(%k, %split)
        %k1 = Transpose(%k0) {perm=[0,2,3,1]}
        %k2 = DequantizeLinear(%k1, %scale, %zero)
        %v0 = Reshape(%v, %split)
        %v1 = Transpose(%v0) {perm=[0,2,1,3]}
        %v2 = DequantizeLinear(%v1, %scale, %zero)
        %s0 = MatMul(%q2, %k2)
        %s1 = Div(%s0, %root)
        %p = Softmax(%s1) {axis=-1}
        %y = MatMul(%p, %v2)
        output %y
        """, "Reshape DequantizeLinear Reshape DequantizeLinear Reshape DequantizeLinear edgelite.Attention");

    [Fact]
    public void Scaled_before_the_product_and_heads_from_a_transposed_sequence() => LoweredRun.Check("""
        input %q : float32[9,4,8]
        input %k : float32[11,4,8]
        input %v : float32[11,4,6]
        const %shape_q : int64[4] = [1,4,9,8]
        const %shape_k : int64[4] = [1,4,11,8]
        const %shape_v : int64[4] = [1,4,11,6]
        const %root : float32[] = 0.594604
        %q0 = Transpose(%q) {perm=[1,0,2]}
        %q1 = Reshape(%q0, %shape_q)
        %k0 = Transpose(%k) {perm=[1,0,2]}
        %k1 = Reshape(%k0, %shape_k)
        %v0 = Transpose(%v) {perm=[1,0,2]}
        %v1 = Reshape(%v0, %shape_v)
        %k2 = Transpose(%k1) {perm=[0,1,3,2]}
        %qs = Mul(%q1, %root)
        %ks = Mul(%k2, %root)
        %s = MatMul(%qs, %ks)
        %p = Softmax(%s)
        %c = MatMul(%p, %v1)
        %y = Transpose(%c) {perm=[2,0,1,3]}
        output %y
        """, "edgelite.Attention Reshape");

    [Fact]
    public void Without_transposes_and_a_sample_dimension() => LoweredRun.Check("""
        input %q : float32[3,5,8]
        input %k : float32[3,6,8]
        input %v : float32[3,6,7]
        %kt = Transpose(%k) {perm=[0,2,1]}
        %s = MatMul(%q, %kt)
        %p = Softmax(%s)
        %y = MatMul(%p, %v)
        output %y
        """, "edgelite.Attention");

    /// <summary>As PyTorch's exporter writes scaled_dot_product_attention with a mask of booleans, here of two heads for four: the second query sees no key.</summary>
    [Fact]
    public void Without_a_key_for_every_query_and_with_repeated_heads() => LoweredRun.Check("""
        input %x : float32[1,3,32]
        input %kx : float32[1,3,16]
        input %vx : float32[1,3,16]
        const %seen : bool[1,1,3,3] = [1,0,1, 0,0,0, 1,1,0]
        const %zero : float32[] = 0
        const %hidden : float32[] = -inf
        const %split : int64[4] = [0,0,-1,8]
        const %two : int64[1] = [2]
        const %twice : int64[5] = [1,2,2,3,8]
        const %four : int64[4] = [1,4,3,8]
        const %join : int64[3] = [0,0,32]
        const %root : float32[] = 0.594604
        %q0 = Reshape(%x, %split)
        %q = Transpose(%q0) {perm=[0,2,1,3]}
        %k0 = Reshape(%kx, %split)
        %k1 = Transpose(%k0) {perm=[0,2,1,3]}
        %k2 = Unsqueeze(%k1, %two)
        %k3 = Expand(%k2, %twice)
        %k = Reshape(%k3, %four)
        %v0 = Reshape(%vx, %split)
        %v1 = Transpose(%v0) {perm=[0,2,1,3]}
        %v2 = Unsqueeze(%v1, %two)
        %v3 = Expand(%v2, %twice)
        %v = Reshape(%v3, %four)
        %kt = Transpose(%k) {perm=[0,1,3,2]}
        %qs = Mul(%q, %root)
        %ks = Mul(%kt, %root)
        %s = MatMul(%qs, %ks)
        %mask = Where(%seen, %zero, %hidden)
        %m = Add(%s, %mask)
        %p = Softmax(%m)
        %nan = IsNaN(%p)
        %w = Where(%nan, %zero, %p)
        %c = MatMul(%w, %v)
        %t = Transpose(%c) {perm=[0,2,1,3]}
        %y = Reshape(%t, %join)
        output %y
        """, "Attention");

    [Fact]
    public void The_onnx_operator_with_folded_heads() => LoweredRun.Check("""
        input %q : float32[2,5,12]
        input %k : float32[2,6,12]
        input %v : float32[2,6,15]
        input %mask : float32[5,6]
        %y = Attention(%q, %k, %v, %mask) {q_num_heads=3, kv_num_heads=3}
        output %y
        """, "Attention");

    [Fact]
    public void The_onnx_operator_between_transposes_with_a_cache() => LoweredRun.Check("""
        input %x : float32[2,5,24]
        input %kx : float32[2,5,12]
        input %vx : float32[2,5,18]
        input %pk : float32[2,2,3,6]
        input %pv : float32[2,2,3,9]
        const %split_q : int64[4] = [0,0,4,6]
        const %split_k : int64[4] = [0,0,2,6]
        const %split_v : int64[4] = [0,0,2,9]
        const %join : int64[3] = [0,0,36]
        %q0 = Reshape(%x, %split_q)
        %k0 = Reshape(%kx, %split_k)
        %v0 = Reshape(%vx, %split_v)
        %q = Transpose(%q0) {perm=[0,2,1,3]}
        %k = Transpose(%k0) {perm=[0,2,1,3]}
        %v = Transpose(%v0) {perm=[0,2,1,3]}
        %c0, %keys, %values = Attention(%q, %k, %v, _, %pk, %pv) {is_causal=1, softcap=1.5}
        %c1 = Transpose(%c0) {perm=[0,2,1,3]}
        %y = Reshape(%c1, %join)
        output %y
        output %keys
        output %values
        """, "Attention");

    [Theory]
    [InlineData(1, 7, "is_causal=1, left_window_size=3")]
    [InlineData(3, 0, "left_window_size=2, right_window_size=1, softcap=0.7")]
    [InlineData(40, 25, "is_causal=1, scale=0.4")]
    public void Grouped_queries_over_a_cache(int rows, int past, string options) => LoweredRun.Check($$"""
        input %q : float32[2,6,{{rows}},10]
        input %k : float32[2,3,{{rows}},10]
        input %v : float32[2,3,{{rows}},7]
        input %mask : float32[{{rows}},{{rows + past}}]
        input %pk : float32[2,3,{{past}},10]
        input %pv : float32[2,3,{{past}},7]
        %y, %keys, %values = Attention(%q, %k, %v, %mask, %pk, %pv) {{{options}}}
        output %y
        output %keys
        output %values
        """, "Attention");

    [Fact]
    public void Weights_that_are_read_twice_stay_apart() => LoweredRun.Check("""
        input %q : float32[3,5,8]
        input %k : float32[3,8,6]
        input %v : float32[3,6,7]
        %s = MatMul(%q, %k)
        %p = Softmax(%s)
        %y = MatMul(%p, %v)
        output %y
        output %p
        """, "MatMul Softmax MatMul");

    /// <summary>Of normalised queries and keys, with a factor for each head, as Swin transformers V2 have it.</summary>
    private static string Cosine(string factors, string sums) => $$"""
        input %q : float32[4,6,3,8]
        input %k : float32[4,6,3,8]
        input %v : float32[4,6,3,8]
        const %factor : float32[{{factors}}] = seeded(3, 0.5, 1.5)
        const %bias : float32[1,3,6,6] = seeded(4)
        const %windows : float32[4,1,6,6] = seeded(5)
        const %last : int64[1] = [-1]
        const %least : float32[] = 0.0001
        const %whole : int64[4] = [4,3,6,8]
        const %seen : int64[5] = [1,4,3,6,6]
        const %back : int64[4] = [4,3,6,6]
        %qt = Transpose(%q) {perm=[0,2,1,3]}
        %kt = Transpose(%k) {perm=[0,2,1,3]}
        %vt = Transpose(%v) {perm=[0,2,1,3]}
        %ql = ReduceL2(%qt, %last) {keepdims=1}
        %qc = Clip(%ql, %least)
        %qe = Expand(%qc, %whole)
        %qn = Div(%qt, %qe)
        %kl = ReduceL2(%kt, %last) {keepdims=1}
        %kc = Clip(%kl, %least)
        %ke = Expand(%kc, %whole)
        %kn = Div(%kt, %ke)
        %ktt = Transpose(%kn) {perm=[0,1,3,2]}
        %s0 = MatMul(%qn, %ktt)
        %s1 = Mul(%s0, %factor)
        %s2 = Add(%s1, %bias)
        {{sums}}
        %p = Softmax(%s3) {axis=-1}
        %c = MatMul(%p, %vt)
        %y = Transpose(%c) {perm=[0,2,1,3]}
        output %y
        """;

    private const string Normalised = "ReduceL2 Clip Div ReduceL2 Clip Div Mul edgelite.Attention";

    [Fact]
    public void Of_cosines_with_a_factor_for_each_head() => LoweredRun.Check(Cosine("3,1,1", "%s3 = Identity(%s2)"), Normalised);

    /// <summary>A factor for each key is none of a head.</summary>
    [Fact]
    public void A_factor_for_each_key_stays() =>
        Assert.DoesNotContain(LoweredRun.Unchecked(Cosine("3,1,6", "%s3 = Identity(%s2)")).Nodes, n => n.Is("Attention", "edgelite"));

    /// <summary>Masks that are added between views with one more dimension.</summary>
    [Fact]
    public void Of_shifted_windows() => LoweredRun.Check(Cosine("3,1,1", "%w = Reshape(%s2, %seen) %w1 = Add(%w, %windows) %w2 = Add(%w1, %windows) %s3 = Reshape(%w2, %back)"), Normalised);

    /// <summary>The new dimension is not 1: the mask means other elements.</summary>
    [Fact]
    public void A_view_that_divides_a_dimension_stays() => Assert.DoesNotContain(LoweredRun.Unchecked(
        Cosine("3,1,1", "const %four : int64[5] = [2,2,3,6,6] const %parts : float32[2,1,1,6,6] = seeded(6) %w = Reshape(%s2, %four) %w1 = Add(%w, %parts) %s3 = Reshape(%w1, %back)")).Nodes, n => n.Is("Attention", "edgelite"));
}
