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
    }
}
