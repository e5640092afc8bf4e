using EdgeLite.Converter.Ir;
using EdgeLite.Tests.Passes;

namespace EdgeLite.Tests.Lowering;

public class RecurrentLoweringTests
{
    [Fact]
    public void An_lstm_is_a_dense_layer_over_all_steps_and_its_recurrent_part() => LoweredRun.Check("""
        input %x : float32[7,2,5]
        const %w : float32[1,84,5] = seeded(1)
        const %r : float32[1,84,21] = seeded(2)
        const %b : float32[1,168] = seeded(3)
        %y, %h, %c = LSTM(%x, %w, %r, %b) {hidden_size=21}
        output %y
        output %h
        output %c
        """, "edgelite.Gemm edgelite.Lstm");

    [Fact]
    public void Both_directions_and_initial_states() => LoweredRun.Check("""
        input %x : float32[5,3,4]
        input %h0 : float32[2,3,18]
        input %c0 : float32[2,3,18]
        const %w : float32[2,72,4] = seeded(1)
        const %r : float32[2,72,18] = seeded(2)
        %y, %h, %c = LSTM(%x, %w, %r, _, _, %h0, %c0) {hidden_size=18, direction="bidirectional"}
        output %y
        output %h
        output %c
        """, "edgelite.Gemm edgelite.Lstm");

    [Fact]
    public void Only_the_last_state_of_a_reversed_lstm() => LoweredRun.Check("""
        input %x : float32[5,1,4]
        const %w : float32[1,64,4] = seeded(1)
        const %r : float32[1,64,16] = seeded(2)
        const %b : float32[1,128] = seeded(3)
        _, %h = LSTM(%x, %w, %r, %b) {hidden_size=16, direction="reverse"}
        output %h
        """, "edgelite.Gemm edgelite.Lstm");

    [Fact]
    public void A_clip_of_the_cell_state()
    {
        const string Body = """
            input %x : float32[9,2,5]
            const %w : float32[4,21,5] = seeded(1)
            const %r : float32[4,21,21] = seeded(2)
            const %b : float32[4,21] = seeded(3)
            %y, %h, %c = edgelite.SequenceLstm(%x, %w, %r, %b) {time_major=1, cell_clip=0.25}
            output %c
            output %y
            output %h
            """;
        LoweredRun.Check(Body, "edgelite.Gemm edgelite.Lstm Squeeze Squeeze Squeeze");
        // Some cells, not all, must have come to the bound for the test to say anything.
        Graph graph = GraphText.Parse("graph \"g\" {\n" + Body + "\n}");
        int clipped = 0;
        foreach (float c in new GraphInterpreter(graph).Run([Equivalence.Random(graph.Inputs[0], 0)])[0].Span<float>())
            if (Math.Abs(c) == 0.25f) clipped++;
        Assert.InRange(clipped, 1, 41);
    }

    [Fact]
    public void Samples_before_steps() => LoweredRun.Check("""
        input %x : float32[3,7,5]
        const %w : float32[4,18,5] = seeded(1)
        const %r : float32[4,18,18] = seeded(2)
        const %b : float32[4,18] = seeded(3)
        %y = edgelite.SequenceLstm(%x, %w, %r, %b) {cell_clip=0.1}
        output %y
        """, "Transpose edgelite.Gemm edgelite.Lstm Squeeze Transpose");

    [Fact]
    public void A_gru_that_resets_after_the_product() => LoweredRun.Check("""
        input %x : float32[6,2,5]
        input %h0 : float32[2,2,19]
        const %w : float32[2,57,5] = seeded(1)
        const %r : float32[2,57,19] = seeded(2)
        const %b : float32[2,114] = seeded(3)
        %y, %h = GRU(%x, %w, %r, %b, _, %h0) {hidden_size=19, direction="bidirectional", linear_before_reset=1}
        output %y
        output %h
        """, "edgelite.Gemm edgelite.Gru");

    [Fact]
    public void What_the_kernels_do_not_know_stays_an_onnx_operator()
    {
        LoweredRun.Check("""
            input %x : float32[6,2,5]
            const %w : float32[1,57,5] = seeded(1)
            const %r : float32[1,57,19] = seeded(2)
            %y = GRU(%x, %w, %r) {hidden_size=19}
            output %y
            """, "GRU");
        LoweredRun.Check("""
            input %x : float32[6,2,5]
            const %w : float32[1,76,5] = seeded(1)
            const %r : float32[1,76,19] = seeded(2)
            %y = LSTM(%x, %w, %r) {hidden_size=19, clip=0.5}
            output %y
            """, "LSTM");
        LoweredRun.Check("""
            input %x : float32[6,2,5]
            const %w : float32[4,19,5] = seeded(1)
            const %r : float32[4,19,19] = seeded(2)
            const %b : float32[4,19] = seeded(3)
            const %p : float32[3,19] = seeded(4)
            %y = edgelite.SequenceLstm(%x, %w, %r, %b, %p) {time_major=1, cell_clip=0.5}
            output %y
            """, "edgelite.SequenceLstm");
    }
}
