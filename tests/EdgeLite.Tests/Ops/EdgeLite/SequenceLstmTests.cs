using EdgeLite.Converter.Ir;

namespace EdgeLite.Tests.Ops.EdgeLite;

/// <summary>A model file is hostile: what the loops of recurrent layers read is as large as they take it for.</summary>
public class SequenceLstmTests
{
    /// <summary>Of 3 cells with 2 results and 4 features; each case spoils one parameter.</summary>
    [Theory]
    [InlineData("[4,3]", "[3,3]", "[4,3]", "[2,3]", "[2]", null)]
    [InlineData("[3,3]", "[3,3]", "[4,3]", "[2,3]", "[2]", "input 3 has shape [3,3], expected [4,3]")]
    [InlineData("[4,3]", "[4,3]", "[4,3]", "[2,3]", "[2]", "input 4 has shape [4,3], expected [3,3]")]
    [InlineData("[4,3]", "[3,3]", "[12]", "[2,3]", "[2]", "input 5 has shape [12], expected [4,3]")]
    [InlineData("[4,3]", "[3,3]", "[4,3]", "[1,3]", "[2]", "input 6 has shape [1,3], expected [2,3]")]
    [InlineData("[4,3]", "[3,3]", "[4,3]", "[2,3]", "[3]", "input 7 has shape [3], expected [2]")]
    public void Parameters_have_the_shapes_that_the_loops_read(string b, string peephole, string norm, string projection, string projectionBias, string? message)
    {
        string text = $$"""
            graph "g" {
            input %x : float32[5,1,4]
            const %w : float32[4,3,4] = seeded(1)
            const %r : float32[4,3,2] = seeded(2)
            const %b : float32{{b}} = seeded(3)
            const %p : float32{{peephole}} = seeded(4)
            const %n : float32{{norm}} = seeded(5)
            const %j : float32{{projection}} = seeded(6)
            const %k : float32{{projectionBias}} = seeded(7)
            %y : float32[5,1,2] = edgelite.SequenceLstm(%x, %w, %r, %b, %p, %n, %j, %k) {time_major=1}
            output %y
            }
            """;
        if (message == null) ShapeInference.Run(GraphText.Parse(text));
        else Assert.Contains(message, Assert.Throws<EdgeLiteException>(() => ShapeInference.Run(GraphText.Parse(text))).Message);
    }

    [Theory]
    [InlineData("[256]", "[256]", "[2,4,16]", "[2,4]", "out_features=3", null)]
    [InlineData("[192]", "[256]", "[2,4,16]", "[2,4]", "out_features=3", "input 1 has shape [192], expected [256]")]
    [InlineData("[192]", "[256]", "[2,3,16]", "[2,4]", "out_features=3, coupled=1", "input 2 has shape [256], expected [192]")]
    [InlineData("[256]", "[512]", "[2,4,16]", "[2,4]", "out_features=3", "input 2 has shape [512], expected [256]")]
    [InlineData("[256]", "[256]", "[2,4,3]", "[2,4]", "out_features=3", "input 3 has shape [2,4,3], expected [2,4,16]")]
    [InlineData("[256]", "[256]", "[2,4,16]", "[4]", "out_features=3", "input 5 has shape [4], expected [2,4]")]
    [InlineData("[256]", "[256]", "[2,4,16]", "[2,4]", "out_features=2", "out_features is 2 and hidden_size is 3: they differ only where there is a Projection")]
    [InlineData("[256]", "[256]", "[2,4,16]", "[2,4]", "out_features=2000000", "hidden_size is 3 and out_features is 2000000, expected 1 to 1048576")]
    public void Those_of_the_integer_LSTM_too(string w, string r, string b, string shift, string attributes, string? message)
    {
        string text = $$"""
            graph "g" {
            input %x : int8[1,5,4]
            const %w : int8{{w}} = seeded(1)
            const %r : int8{{r}} = seeded(2)
            const %b : int32{{b}} = seeded(3)
            const %m : int32[2,4] = seeded(4)
            const %s : int32{{shift}} = seeded(5)
            %y : int8[1,5,3] = edgelite.QLstm(%x, %w, %r, %b, %m, %s) {hidden_size=3, {{attributes}}, cell_shift=-11, hidden_multiplier=1073741824, hidden_shift=0}
            output %y
            }
            """;
        if (message == null) ShapeInference.Run(GraphText.Parse(text));
        else Assert.Contains(message, Assert.Throws<EdgeLiteException>(() => ShapeInference.Run(GraphText.Parse(text))).Message);
    }

    /// <summary>Of 3 cells with 2 results.</summary>
    [Theory]
    [InlineData("[3,3]", "[4,3]", "[4,3]", "[64]", "[2]", "[4,4]", null)]
    [InlineData("[2,3]", "[4,3]", "[4,3]", "[64]", "[2]", "[4,4]", "input 8 has shape [2,3], expected [3,3]")]
    [InlineData("[3,3]", "[3,3]", "[4,3]", "[64]", "[2]", "[4,4]", "input 9 has shape [3,3], expected [4,3]")]
    [InlineData("[3,3]", "[4,3]", "[12]", "[64]", "[2]", "[4,4]", "input 10 has shape [12], expected [4,3]")]
    [InlineData("[3,3]", "[4,3]", "[4,3]", "[2,3]", "[2]", "[4,4]", "input 11 has shape [2,3], expected [64]")]
    [InlineData("[3,3]", "[4,3]", "[4,3]", "[64]", "[3]", "[4,4]", "input 12 has shape [3], expected [2]")]
    [InlineData("[3,3]", "[4,3]", "[4,3]", "[64]", "[2]", "[2,4]", "input 4 has shape [2,4], expected [4,4]")]
    public void And_those_of_its_parts(string peephole, string norm, string normBias, string projection, string projectionBias, string scaling, string? message)
    {
        string text = $$"""
            graph "g" {
            input %x : int8[1,5,4]
            input %h : int16[1,2]
            input %c : int16[1,3]
            const %w : int8[256] = seeded(1)
            const %r : int8[256] = seeded(2)
            const %b : int32[2,4,16] = seeded(3)
            const %m : int32{{scaling}} = seeded(4)
            const %s : int32{{scaling}} = seeded(5)
            const %p : int16{{peephole}} = seeded(6)
            const %n : int16{{norm}} = seeded(7)
            const %nb : int32{{normBias}} = seeded(8)
            const %j : int8{{projection}} = seeded(9)
            const %jb : int32{{projectionBias}} = seeded(10)
            %y : int8[1,5,2] = edgelite.QLstm(%x, %w, %r, %b, %m, %s, %h, %c, %p, %n, %nb, %j, %jb) {hidden_size=3, out_features=2, cell_shift=-11, hidden_multiplier=1073741824, hidden_shift=0, variance_guards=[1,1,1,1]}
            output %y
            }
            """;
        if (message == null) ShapeInference.Run(GraphText.Parse(text));
        else Assert.Contains(message, Assert.Throws<EdgeLiteException>(() => ShapeInference.Run(GraphText.Parse(text))).Message);
    }
}
