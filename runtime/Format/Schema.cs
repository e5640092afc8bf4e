namespace EdgeLite.Format;

/// <summary>Field numbers of the tables in edgelite.fbs, in the order they stand there.</summary>
public static class Schema
{
    public static class Value
    {
        public const int Name = 0, DType = 1, Ranked = 2, Shape = 3, Constant = 4, DataOffset = 5, DataLength = 6, ArenaOffset = 7, Strings = 8, SourceName = 9, DefaultShape = 10, ValueKind = 11, Near = 12;
        public const int Count = 13;
    }

    public static class Attribute
    {
        public const int Name = 0, Kind = 1, I = 2, F = 3, S = 4, Ints = 5, Floats = 6, Strings = 7, Tensor = 8, Graph = 9;
        public const int Count = 10;
    }

    public static class Node
    {
        public const int Domain = 0, OpType = 1, Name = 2, Inputs = 3, Outputs = 4, Attributes = 5;
        public const int Count = 6;
    }

    public static class Graph
    {
        public const int Name = 0, Values = 1, Nodes = 2, Inputs = 3, Outputs = 4, Symbols = 5, ArenaBytes = 6;
        public const int Count = 7;
    }

    public static class KeyValue
    {
        public const int Key = 0, Value = 1;
        public const int Count = 2;
    }

    public static class Model
    {
        public const int Producer = 0, Target = 1, Graphs = 2, Metadata = 3, NearWords = 4;
        public const int Count = 5;
    }

    public static class SelfTestSample
    {
        public const int Inputs = 0, Outputs = 1, MinSqnr = 2;
        public const int Count = 3;
    }

    public static class SelfTest
    {
        public const int Samples = 0;
        public const int Count = 1;
    }
}
