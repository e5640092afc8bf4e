using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;

namespace EdgeLite.Tests.Passes;

public class PassTests
{
    private static Graph Optimize(string body, string operators, double tolerance = 1e-5)
    {
        Graph graph = Equivalence.Check("graph \"g\" {\n" + body + "\n}", g => PassList.Optimize(g), tolerance);
        Assert.Equal(operators, Equivalence.Operators(graph));
        return graph;
    }

    [Fact]
    public void Constants_are_computed_and_unused_nodes_go()
    {
        Graph g = Optimize("""
            input %x : float32[2]
            const %a : float32[2] = [1, 2]
            %b = Add(%a, %a)
            %c = Mul(%x, %b)
            %unused = Exp(%c)
            output %c
            """, "Mul");
        Assert.Equal([2f, 4f], g.Nodes[0].Inputs[1]!.Constant!.Span<float>());
    }

    [Fact]
    public void Zeros_joined_to_a_value_are_its_padding()
    {
        Optimize("""
            input %x : float32[1,2,2,2]
            const %a : float32[1,1,2,2] = [0, 0, 0, 0]
            const %b : float32[1,2,2,2] = [0, 0, 0, 0, 0, 0, 0, 0]
            %y = Concat(%a, %x, %b, %a) {axis=-3}
            output %y
            """, "Pad");
        Optimize("""
            input %x : float32[1,2]
            const %a : float32[1,2] = [0, 1]
            %y = Concat(%x, %a) {axis=1}
            output %y
            """, "Concat");
        Optimize("""
            input %x : float32[1,2]
            const %a : float32[1,2] = [0, 0]
            %y = Concat(%x, %a, %x) {axis=1}
            output %y
            """, "Concat");
    }

    [Fact]
    public void A_constant_output_keeps_its_name()
    {
        Optimize("""
            input %x : float32[2]
            const %a : float32[2] = [1, 2]
            %b = Add(%a, %a)
            %c = Identity(%x)
            output %b
            output %c
            """, "Identity Identity");
    }

    [Fact]
    public void Large_expansions_and_random_numbers_are_not_folded()
    {
        Optimize("""
            const %a : float32[1] = [1]
            const %shape : int64[1] = [100000]
            %b = Expand(%a, %shape)
            output %b
            """, "Expand");
    }

    /// <summary>300 KB between a constant and the 4 KB that are read of it.</summary>
    [Fact]
    public void A_large_result_that_folding_makes_small_again_is_computed()
    {
        static string Body(string more) => $$"""
            input %x : float32[1024]
            const %a : float32[1024,1] = seeded(1)
            const %b : float32[1,76] = seeded(2)
            const %axis : int64[1] = [1]
            %wide = MatMul(%a, %b)
            %high = Relu(%wide)
            %sums = ReduceSum(%high, %axis) {keepdims=0}
            %y = Add(%x, %sums)
            output %y
            {{more}}
            """;
        Optimize(Body(""), "Add");
        Optimize(Body("output %high"), "MatMul Relu ReduceSum Add");
    }

    [Fact]
    public void Operators_that_return_their_input_go()
    {
        Optimize("""
            input %x : float32[2,3]
            const %zero : float32[] = 0
            const %one : float32[1,3] = [1, 1, 1]
            const %starts : int64[1] = [0]
            const %ends : int64[1] = [9223372036854775807]
            const %pads : int64[4] = [0,0,0,0]
            %a = Identity(%x)
            %b = Cast(%a) {to=1}
            %c = Add(%b, %zero)
            %d = Mul(%one, %c)
            %e = Slice(%d, %starts, %ends)
            %f = Pad(%e, %pads)
            %g = Transpose(%f) {perm=[1,0]}
            %h = Transpose(%g) {perm=[1,0]}
            %i = Relu(%h)
            output %i
            """, "Relu");
    }

    [Fact]
    public void A_sum_that_broadcasts_is_not_a_no_op()
    {
        Optimize("""
            input %x : float32[1,3]
            const %zeros : float32[2,3] = [0,0,0,0,0,0]
            %y = Add(%x, %zeros)
            output %y
            """, "Add");
    }

    [Fact]
    public void Chains_of_views_are_one_reshape()
    {
        Optimize("""
            input %x : float32[2,3,4]
            const %s : int64[2] = [6,4]
            const %axis : int64[1] = [0]
            %a = Reshape(%x, %s)
            %b = Unsqueeze(%a, %axis)
            %c = Flatten(%b) {axis=2}
            %d = Relu(%c)
            output %d
            """, "Reshape Relu".Replace("Reshape Relu", "Reshape Relu"));
    }

    /// <summary>As PyTorch writes out the heads of a transformer: each Reshape takes its target from the shape of what the one before computed.</summary>
    [Fact]
    public void Shapes_behind_a_target_that_became_constant_are_known()
    {
        Graph g = Optimize("""
            input %x : float32[1,4,6]
            const %first : int64[] = 0
            const %second : int64[] = 1
            const %zero : int64[1] = [0]
            const %heads : int64[2] = [2, 3]
            const %width : int64[1] = [6]
            %s = Shape(%x)
            %b = Gather(%s, %first)
            %r = Gather(%s, %second)
            %b1 = Unsqueeze(%b, %zero)
            %r1 = Unsqueeze(%r, %zero)
            %apart.shape = Concat(%b1, %r1, %heads) {axis=0}
            %apart = Reshape(%x, %apart.shape)
            %t = Transpose(%apart) {perm=[0,2,1,3]}
            %e = Exp(%t)
            %back = Transpose(%e) {perm=[0,2,1,3]}
            %s2 = Shape(%back)
            %b2 = Gather(%s2, %first)
            %r2 = Gather(%s2, %second)
            %b3 = Unsqueeze(%b2, %zero)
            %r3 = Unsqueeze(%r2, %zero)
            %joined.shape = Concat(%b3, %r3, %width) {axis=0}
            %y = Reshape(%e, %joined.shape)
            output %y
            """, "Reshape Transpose Exp Reshape");
        Assert.Equal(new Shape(1, 4, 6), g.Outputs[0].Shape);
    }

    [Fact]
    public void Shapes_are_followed_through_their_arithmetic()
    {
        Graph g = Optimize("""
            input %x : float32[N,4,5]
            const %zero : int64[1] = [0]
            const %one : int64[1] = [1]
            const %rest : int64[1] = [-1]
            %s = Shape(%x)
            %n = Slice(%s, %zero, %one)
            %t = Concat(%n, %rest) {axis=0}
            %y = Reshape(%x, %t)
            output %y
            """, "Reshape");
        Assert.Equal([0L, -1L], g.Nodes[0].Inputs[1]!.Constant!.ToInt64Array());
    }

    [Fact]
    public void Equal_computations_are_done_once()
    {
        Optimize("""
            input %x : float32[4]
            const %a : float32[] = 2
            const %b : float32[] = 2
            %p = Mul(%x, %a)
            %q = Mul(%x, %b)
            %r = Sub(%p, %q)
            output %r
            """, "Mul Sub");
    }

    [Fact]
    public void Normalisation_and_scales_are_folded_into_layers()
    {
        Optimize("""
            input %x : float32[1,4,5,5]
            const %w : float32[6,2,3,3] = seeded(1)
            const %gamma : float32[6] = seeded(2, 0.5, 1.5)
            const %beta : float32[6] = seeded(3)
            const %mean : float32[6] = seeded(4)
            const %var : float32[6] = seeded(5, 0.5, 2)
            const %s : float32[6,1,1] = seeded(6)
            const %two : float32[] = 2
            const %tw : float32[6,3,2,2] = seeded(7)
            const %ts : float32[1,6,1,1] = seeded(8)
            %a = Conv(%x, %w) {group=2}
            %b = BatchNormalization(%a, %gamma, %beta, %mean, %var)
            %c = Mul(%b, %s)
            %d = Sub(%c, %two)
            %r = Relu(%d)
            %t = ConvTranspose(%r, %tw) {group=2}
            %u = Div(%t, %ts)
            output %u
            """, "Conv Relu ConvTranspose");
    }

    [Fact]
    public void A_normalisation_of_its_own_becomes_a_product_and_a_sum()
    {
        Optimize("""
            input %x : float32[2,3,4]
            const %gamma : float32[3] = seeded(2, 0.5, 1.5)
            const %beta : float32[3] = seeded(3)
            const %mean : float32[3] = seeded(4)
            const %var : float32[3] = seeded(5, 0.5, 2)
            %b = BatchNormalization(%x, %gamma, %beta, %mean, %var)
            output %b
            """, "Mul Add");
    }

    [Fact]
    public void Weights_that_two_layers_share_are_not_scaled()
    {
        Optimize("""
            input %x : float32[2,3]
            const %w : float32[3,3] = seeded(1)
            const %two : float32[] = 2
            %a = MatMul(%x, %w)
            %b = Mul(%a, %two)
            %c = MatMul(%b, %w)
            output %c
            """, "MatMul Mul MatMul");
    }

    [Fact]
    public void Padding_is_drawn_into_convolutions_but_not_into_a_pool_that_does_not_count_it()
    {
        Optimize("""
            input %x : float32[1,2,5,5]
            const %pads : int64[8] = [0,0,1,0,0,0,2,1]
            const %w : float32[3,2,3,3] = seeded(1)
            %p = Pad(%x, %pads)
            %a = Conv(%p, %w) {pads=[1,1,1,1]}
            %q = Pad(%a, %pads)
            %b = MaxPool(%q) {kernel_shape=[3,3]}
            output %b
            """, "Conv Pad MaxPool");
    }

    [Theory]
    [InlineData("%s = Sigmoid(%x) %y = Mul(%x, %s)", "Swish")]
    [InlineData("%a = Add(%x, %three) %c = Clip(%a, %zero, %six) %d = Div(%c, %six) %y = Mul(%d, %x)", "HardSwish")]
    [InlineData("%a = Add(%three, %x) %c = Clip(%a, %zero, %six) %m = Mul(%x, %c) %y = Div(%m, %six)", "HardSwish")]
    [InlineData("%a = Add(%three, %x) %c = Clip(%a, %zero, %six) %m = Mul(%x, %c) %y = Mul(%m, %sixth)", "HardSwish")]
    [InlineData("%a = Add(%x, %three) %c = Clip(%a, %zero, %six) %y = Div(%c, %six)", "HardSigmoid")]
    [InlineData("%a = Add(%three, %x) %c = Clip(%a, %zero, %six) %m = Mul(%x, %c) %y = Mul(%m, %halfsixth)", "HardSwish Mul")]
    [InlineData("%a = Add(%three, %x) %c = Clip(%a, %zero, %six) %m = Mul(%halfsixth, %x) %y = Mul(%m, %c)", "HardSwish Mul")]
    [InlineData("%a = Add(%three, %x) %c = Clip(%a, %zero, %six) %y = Mul(%halfsixth, %c)", "HardSigmoid Mul")]
    [InlineData("%d = Div(%x, %root2) %e = Erf(%d) %a = Add(%e, %one) %m = Mul(%x, %a) %y = Mul(%m, %half)", "Gelu")]
    [InlineData("%h = Mul(%x, %half) %d = Div(%x, %root2) %e = Erf(%d) %a = Add(%one, %e) %y = Mul(%h, %a)", "Gelu")]
    [InlineData("%q = Mul(%x, %x) %r = Mul(%q, %x) %s = Mul(%r, %c3) %t = Add(%x, %s) %u = Mul(%t, %cpi) %v = Tanh(%u) %w = Add(%v, %one) %h = Mul(%x, %half) %y = Mul(%h, %w)", "Gelu")]
    [InlineData("%s = Softplus(%x) %t = Tanh(%s) %y = Mul(%x, %t)", "Mish")]
    [InlineData("%a = Max(%x, %zero) %y = Min(%a, %six)", "Clip")]
    [InlineData("%a = Relu(%x) %y = Clip(%a, _, %six)", "Clip")]
    [InlineData("%y = Max(%zero, %x)", "Relu")]
    public void Activations_that_were_written_out_are_recognised(string nodes, string op)
    {
        Optimize($"""
            input %x : float32[4,25]
            const %zero : float32[] = 0
            const %half : float32[] = 0.5
            const %one : float32[] = 1
            const %three : float32[] = 3
            const %six : float32[] = 6
            const %sixth : float32[] = 0.16666667
            const %halfsixth : float32[] = 0.16662598
            const %root2 : float32[] = 1.4142135
            const %c3 : float32[] = 0.044715
            const %cpi : float32[] = 0.7978846
            {nodes}
            output %y
            """, op);
    }

    [Theory]
    [InlineData("%p = Relu(%x) %m = Neg(%x) %q = Relu(%m) %n = Neg(%q) %s = Mul(%a, %n) %y = Add(%s, %p)", "PRelu")]
    [InlineData("%p = Relu(%x) %m = Neg(%x) %q = Relu(%m) %s = Mul(%q, %a) %y = Sub(%p, %s)", "PRelu")]
    [InlineData("%p = Relu(%x) %b = Abs(%x) %d = Sub(%x, %b) %s = Mul(%a, %d) %h = Mul(%s, %half) %y = Add(%p, %h)", "PRelu")]
    [InlineData("%p = Relu(%x) %n = Min(%x, %zero) %s = Mul(%n, %a) %y = Add(%p, %s)", "PRelu")]
    [InlineData("%p = Relu(%x) %n = Clip(%x, _, %zero) %s = Mul(%half, %n) %y = Add(%p, %s)", "LeakyRelu")]
    [InlineData("%s = Mul(%half, %x) %y = Max(%s, %x)", "LeakyRelu")]
    [InlineData("%m = ReduceMax(%x, %axis) %d = Sub(%x, %m) %e = Exp(%d) %s = ReduceSum(%e, %last) %y = Div(%e, %s)", "Softmax")]
    public void Rectifiers_and_softmax_that_were_written_out_are_recognised(string nodes, string op) => Optimize(Rectifier(nodes), op);

    /// <summary>One half of another value, slopes that give the result more elements, a maximum that is no rectifier, two different axes.</summary>
    [Theory]
    [InlineData("%p = Relu(%x) %m = Neg(%z) %q = Relu(%m) %s = Mul(%q, %a) %y = Add(%p, %s)", "Relu Neg Relu Mul Add")]
    [InlineData("%p = Relu(%x) %q = Relu(%x) %s = Mul(%q, %a) %y = Add(%p, %s)", "Relu Mul Add")]
    [InlineData("%p = Relu(%x) %n = Clip(%x, _, %zero) %s = Mul(%n, %wide) %y = Add(%p, %s)", "Relu Clip Mul Add")]
    [InlineData("%s = Mul(%two, %x) %y = Max(%s, %x)", "Mul Max")]
    [InlineData("%m = ReduceMax(%x, %axis) %d = Sub(%x, %m) %e = Exp(%d) %s = ReduceSum(%e, %first) %y = Div(%e, %s)", "ReduceMax Sub Exp ReduceSum Div")]
    public void What_only_looks_like_a_rectifier_or_softmax_stays(string nodes, string operators) => Optimize(Rectifier(nodes), operators);

    private static string Rectifier(string nodes) => $"""
        input %x : float32[4,5]
        input %z : float32[4,5]
        const %a : float32[5] = [-0.25, 0.5, 1.5, 0, 0.1]
        const %wide : float32[3,1,1] = [0.25, 0.5, 1.5]
        const %zero : float32[] = 0
        const %half : float32[] = 0.5
        const %two : float32[] = 2
        const %axis : int64[1] = [-1]
        const %last : int64[1] = [1]
        const %first : int64[1] = [0]
        {nodes}
        output %y
        """;

    /// <summary>A number of more dimensions than the operand gives the result as many.</summary>
    [Theory]
    [InlineData("%a = Add(%x, %three) %c = Clip(%a, %zero, %six) %y = Div(%c, %six)", "three")]
    [InlineData("%a = Add(%x, %three) %c = Clip(%a, %zero, %six) %d = Div(%c, %six) %y = Mul(%d, %x)", "six")]
    [InlineData("%a = Add(%three, %x) %c = Clip(%a, %zero, %six) %y = Mul(%halfsixth, %c)", "halfsixth")]
    [InlineData("%d = Div(%x, %root2) %e = Erf(%d) %a = Add(%e, %one) %m = Mul(%x, %a) %y = Mul(%m, %half)", "half")]
    [InlineData("%d = Div(%x, %root2) %e = Erf(%d) %a = Add(%e, %one) %m = Mul(%x, %a) %y = Mul(%m, %half)", "root2")]
    [InlineData("%m = ReduceMean(%x, %axis) %d = Sub(%x, %m) %q = Mul(%d, %d) %v = ReduceMean(%q, %axis) %e = Add(%v, %one) %s = Sqrt(%e) %y = Div(%d, %s)", "one")]
    [InlineData("%m = ReduceMean(%x, %axis) %d = Sub(%x, %m) %q = Mul(%d, %d) %v = ReduceMean(%q, %axis) %e = Add(%v, %one) %s = Sqrt(%e) %n = Div(%d, %s) %y = Mul(%n, %vector)", "vector")]
    [InlineData("%m = ReduceMean(%x, %axis) %d = Sub(%x, %m) %q = Mul(%d, %d) %v = ReduceMean(%q, %axis) %e = Add(%v, %one) %s = Sqrt(%e) %n = Div(%d, %s) %t = Mul(%n, %flat) %y = Add(%t, %vector)", "vector")]
    public void What_widens_the_result_is_no_activation_and_no_normalisation(string nodes, string wide)
    {
        string Number(string name, string value) => $"const %{name} : float32[{(name == wide ? "1,1,1" : "")}] = {(name == wide ? $"[{value}]" : value)}\n";
        Equivalence.Check($$"""
            graph "g" {
            input %x : float32[4,5]
            const %axis : int64[1] = [-1]
            const %flat : float32[5] = seeded(1)
            const %vector : float32[{{(wide == "vector" ? "1,1,5" : "5")}}] = seeded(2)
            {{Number("zero", "0")}}{{Number("half", "0.5")}}{{Number("one", "1")}}{{Number("three", "3")}}{{Number("six", "6")}}{{Number("halfsixth", "0.16662598")}}{{Number("root2", "1.4142135")}}
            {{nodes}}
            output %y
            }
            """, g => PassList.Optimize(g));
    }

    [Fact]
    public void A_normalisation_counts_channels_on_axis_1_where_a_product_counts_columns_on_the_last()
    {
        Optimize("""
            input %x : float32[2,3,4]
            const %w : float32[4,3] = seeded(1)
            const %gamma : float32[3] = [1, 2, 3]
            const %zero : float32[3] = [0, 0, 0]
            const %var : float32[3] = [1, 2, 0.5]
            %a = MatMul(%x, %w)
            %b = BatchNormalization(%a, %gamma, %zero, %zero, %var)
            output %b
            """, "MatMul Mul");
    }

    [Fact]
    public void A_bias_that_a_Gemm_had_not_is_added_once()
    {
        Optimize("""
            input %x : float32[2,4]
            const %w : float32[4,3] = seeded(1)
            const %b : float32[3] = seeded(2)
            %a = Gemm(%x, %w) {beta=2.0}
            %y = Add(%a, %b)
            output %y
            """, "Gemm");
    }

    [Theory]
    [InlineData("Mul")]
    [InlineData("Div")]
    public void The_scale_of_a_dense_layers_channels_goes_into_its_weights(string op)
    {
        Optimize($"""
            input %x : float32[2,4,3]
            const %w : float32[3,5] = seeded(1)
            const %b : float32[5] = seeded(2)
            const %s : float32[5] = [0.5, -2, 3, 0.25, 4]
            %a = MatMul(%x, %w)
            %y = Add(%b, %a)
            %z = {op}(%y, %s)
            output %z
            """, "MatMul Add");
    }

    [Theory]
    [InlineData("[1,1]", "[2,3]", "Relu")]
    [InlineData("[0,0]", "[3]", "Relu Abs Where")]
    [InlineData("[0,0]", "[2,3]", "Abs")]
    [InlineData("[0,1]", "[2,3]", "Relu Abs Where")]
    public void A_choice_that_is_everywhere_the_same_goes(string condition, string other, string operators) => Optimize($"""
        input %x : float32[2,3]
        input %z : float32{other}
        const %c : bool[2,1] = {condition}
        %a = Relu(%x)
        %b = Abs(%z)
        %y = Where(%c, %a, %b)
        output %y
        """, operators);

    [Fact]
    public void A_layer_normalisation_that_was_written_out_is_recognised()
    {
        Optimize("""
            input %x : float32[2,3,8]
            const %axis : int64[1] = [-1]
            const %two : float32[] = 2
            const %eps : float32[] = 0.00001
            const %g : float32[8] = seeded(1)
            const %b : float32[8] = seeded(2)
            %m = ReduceMean(%x, %axis)
            %d = Sub(%x, %m)
            %q = Pow(%d, %two)
            %v = ReduceMean(%q, %axis)
            %e = Add(%v, %eps)
            %s = Sqrt(%e)
            %n = Div(%d, %s)
            %t = Mul(%n, %g)
            %y = Add(%t, %b)
            output %y
            """, "LayerNormalization");
    }

    [Theory]
    [InlineData("%r = Reciprocal(%s) %n = Mul(%x, %r)")]
    [InlineData("%r = Div(%one, %s) %n = Mul(%r, %x)")]
    [InlineData("%n = Div(%x, %s)")]
    public void A_root_mean_square_normalisation_that_was_written_out_is_recognised(string division)
    {
        Optimize($"""
            input %x : float32[2,3,8]
            const %axis : int64[1] = [2]
            const %two : float32[] = 2
            const %eps : float32[] = 0.00001
            const %one : float32[] = 1
            const %g : float32[8] = seeded(1)
            const %b : float32[8] = seeded(2)
            %q = Pow(%x, %two)
            %v = ReduceMean(%q, %axis)
            %e = Add(%eps, %v)
            %s = Sqrt(%e)
            {division}
            %t = Mul(%g, %n)
            %y = Add(%t, %b)
            output %y
            """, "RMSNormalization Add");
    }

    [Theory]
    [InlineData("[n,1,5]", "%s = Concat(%n, %c3, %m) {axis=0}", "Expand")]
    [InlineData("[n,1,5]", "%s = Concat(%m, %n, %c3, %m) {axis=0}", "Expand")]
    [InlineData("[n,3,5]", "%s = Concat(%n, %c3, %m) {axis=0}", "Identity")]
    [InlineData("[1,n,5]", "%s = Concat(%n, %n, %m) {axis=0}", "Shape Slice Concat Expand")]
    public void An_Expand_as_PyTorch_exports_it_has_constant_sizes(string shape, string sizes, string operators)
    {
        Optimize($"""
            input %x : float32{shape}
            const %c3 : int64[1] = [3]
            const %least : int64[1] = [-1]
            const %ones : int64[{sizes.Count(c => c == '%') - 1}] = [{string.Join(',', Enumerable.Repeat(1, sizes.Count(c => c == '%') - 1))}]
            const %i0 : int64[1] = [{shape.IndexOf('n', StringComparison.Ordinal) / 2}]
            const %i1 : int64[1] = [{shape.IndexOf('n', StringComparison.Ordinal) / 2 + 1}]
            const %i2 : int64[1] = [2]
            const %i3 : int64[1] = [3]
            %d = Shape(%x)
            %n = Slice(%d, %i0, %i1)
            %m = Slice(%d, %i2, %i3)
            {sizes}
            %none = Mul(%ones, %least)
            %is = Equal(%s, %none)
            %t = Where(%is, %ones, %s)
            %y = Expand(%x, %t)
            output %y
            """, operators);
    }

    [Theory]
    [InlineData("%s = Concat(%n, %c3, %m) {axis=0} %y = Reshape(%x, %s)", "[n,3,1,m]", "Squeeze")]
    [InlineData("%s = Concat(%n, %c1, %m, %c3) {axis=0} %y = Reshape(%x, %s)", "[n,m,1,3]", "Squeeze Unsqueeze")]
    [InlineData("%s = Concat(%n, %m, %c3) {axis=0} %y = Reshape(%x, %s)", "[n,3,m]", "Shape Gather Gather Concat Reshape")]
    public void A_computed_shape_tells_sizes_of_0_too(string nodes, string shape, string operators)
    {
        string text = $$"""
            graph "g" {
            input %x : float32{{shape}}
            const %c1 : int64[1] = [1]
            const %c3 : int64[1] = [3]
            const %i0 : int64[1] = [0]
            const %im : int64[1] = [{{Array.IndexOf(shape[1..^1].Split(','), "m")}}]
            %d = Shape(%x)
            %n = Gather(%d, %i0)
            %m = Gather(%d, %im)
            {{nodes}}
            output %y
            }
            """;
        Graph original = GraphText.Parse(text), graph = GraphText.Parse(text);
        PassList.Optimize(graph);
        Assert.Equal(operators, Equivalence.Operators(graph));
        foreach (long n in new[] { 0, 2 })
        {
            var x = new Tensor(DType.Float32, new Shape([.. shape[1..^1].Split(',').Select(d => d == "n" ? n : d == "m" ? 5 : long.Parse(d, System.Globalization.CultureInfo.InvariantCulture))]));
            Assert.Equal(new GraphInterpreter(original).Run(x)[0].Shape, new GraphInterpreter(graph).Run(x)[0].Shape);
        }
    }

    [Fact]
    public void A_branch_whose_condition_is_known_is_inlined()
    {
        Optimize("""
            input %x : float32[3]
            const %c : bool[] = 1
            %y = If(%c, %x) {then_branch=graph "t" { input %i : float32[3] %r = Relu(%i) output %r }, else_branch=graph "e" { input %i : float32[3] %n = Neg(%i) output %n }}
            output %y
            """, "Relu");
    }

    [Fact]
    public void Weights_of_quantized_patterns_stay_quantized()
    {
        Optimize("""
            input %x : int8[2,3]
            const %w : int8[3,3] = seeded(1)
            const %s : float32[] = 0.5
            %xr = DequantizeLinear(%x, %s)
            %wr = DequantizeLinear(%w, %s)
            %a = MatMul(%xr, %wr)
            output %a
            """, "DequantizeLinear DequantizeLinear MatMul");
    }
}
