using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Tflite;

// The facts of the TensorFlow Lite file format, version 3 (file identifier "TFL3"): numbers of tables' fields, in the order of the
// schema, and of enumerations. Source: tensorflow/compiler/mlir/lite/schema/schema.fbs. A union takes two field numbers, its
// type's and its table's; the constant is the table's.

/// <summary>BuiltinOperator of the schema; names as there.</summary>
internal enum TfliteOp
{
    ADD = 0, AVERAGE_POOL_2D = 1, CONCATENATION = 2, CONV_2D = 3, DEPTHWISE_CONV_2D = 4, DEPTH_TO_SPACE = 5, DEQUANTIZE = 6,
    EMBEDDING_LOOKUP = 7, FLOOR = 8, FULLY_CONNECTED = 9, HASHTABLE_LOOKUP = 10, L2_NORMALIZATION = 11, L2_POOL_2D = 12,
    LOCAL_RESPONSE_NORMALIZATION = 13, LOGISTIC = 14, LSH_PROJECTION = 15, LSTM = 16, MAX_POOL_2D = 17, MUL = 18, RELU = 19,
    RELU_N1_TO_1 = 20, RELU6 = 21, RESHAPE = 22, RESIZE_BILINEAR = 23, RNN = 24, SOFTMAX = 25, SPACE_TO_DEPTH = 26,
    SVDF = 27, TANH = 28, CONCAT_EMBEDDINGS = 29, SKIP_GRAM = 30, CALL = 31, CUSTOM = 32, EMBEDDING_LOOKUP_SPARSE = 33,
    PAD = 34, UNIDIRECTIONAL_SEQUENCE_RNN = 35, GATHER = 36, BATCH_TO_SPACE_ND = 37, SPACE_TO_BATCH_ND = 38, TRANSPOSE = 39,
    MEAN = 40, SUB = 41, DIV = 42, SQUEEZE = 43, UNIDIRECTIONAL_SEQUENCE_LSTM = 44, STRIDED_SLICE = 45,
    BIDIRECTIONAL_SEQUENCE_RNN = 46, EXP = 47, TOPK_V2 = 48, SPLIT = 49, LOG_SOFTMAX = 50, DELEGATE = 51,
    BIDIRECTIONAL_SEQUENCE_LSTM = 52, CAST = 53, PRELU = 54, MAXIMUM = 55, ARG_MAX = 56, MINIMUM = 57, LESS = 58, NEG = 59,
    PADV2 = 60, GREATER = 61, GREATER_EQUAL = 62, LESS_EQUAL = 63, SELECT = 64, SLICE = 65, SIN = 66, TRANSPOSE_CONV = 67,
    SPARSE_TO_DENSE = 68, TILE = 69, EXPAND_DIMS = 70, EQUAL = 71, NOT_EQUAL = 72, LOG = 73, SUM = 74, SQRT = 75, RSQRT = 76,
    SHAPE = 77, POW = 78, ARG_MIN = 79, FAKE_QUANT = 80, REDUCE_PROD = 81, REDUCE_MAX = 82, PACK = 83, LOGICAL_OR = 84,
    ONE_HOT = 85, LOGICAL_AND = 86, LOGICAL_NOT = 87, UNPACK = 88, REDUCE_MIN = 89, FLOOR_DIV = 90, REDUCE_ANY = 91,
    SQUARE = 92, ZEROS_LIKE = 93, FILL = 94, FLOOR_MOD = 95, RANGE = 96, RESIZE_NEAREST_NEIGHBOR = 97, LEAKY_RELU = 98,
    SQUARED_DIFFERENCE = 99, MIRROR_PAD = 100, ABS = 101, SPLIT_V = 102, UNIQUE = 103, CEIL = 104, REVERSE_V2 = 105,
    ADD_N = 106, GATHER_ND = 107, COS = 108, WHERE = 109, RANK = 110, ELU = 111, REVERSE_SEQUENCE = 112, MATRIX_DIAG = 113,
    QUANTIZE = 114, MATRIX_SET_DIAG = 115, ROUND = 116, HARD_SWISH = 117, IF = 118, WHILE = 119,
    NON_MAX_SUPPRESSION_V4 = 120, NON_MAX_SUPPRESSION_V5 = 121, SCATTER_ND = 122, SELECT_V2 = 123, DENSIFY = 124,
    SEGMENT_SUM = 125, BATCH_MATMUL = 126, PLACEHOLDER_FOR_GREATER_OP_CODES = 127, CUMSUM = 128, CALL_ONCE = 129,
    BROADCAST_TO = 130, RFFT2D = 131, CONV_3D = 132, IMAG = 133, REAL = 134, COMPLEX_ABS = 135, HASHTABLE = 136,
    HASHTABLE_FIND = 137, HASHTABLE_IMPORT = 138, HASHTABLE_SIZE = 139, REDUCE_ALL = 140, CONV_3D_TRANSPOSE = 141,
    VAR_HANDLE = 142, READ_VARIABLE = 143, ASSIGN_VARIABLE = 144, BROADCAST_ARGS = 145, RANDOM_STANDARD_NORMAL = 146,
    BUCKETIZE = 147, RANDOM_UNIFORM = 148, MULTINOMIAL = 149, GELU = 150, DYNAMIC_UPDATE_SLICE = 151, RELU_0_TO_1 = 152,
    UNSORTED_SEGMENT_PROD = 153, UNSORTED_SEGMENT_MAX = 154, UNSORTED_SEGMENT_SUM = 155, ATAN2 = 156,
    UNSORTED_SEGMENT_MIN = 157, SIGN = 158, BITCAST = 159, BITWISE_XOR = 160, RIGHT_SHIFT = 161, STABLEHLO_LOGISTIC = 162,
    STABLEHLO_ADD = 163, STABLEHLO_DIVIDE = 164, STABLEHLO_MULTIPLY = 165, STABLEHLO_MAXIMUM = 166, STABLEHLO_RESHAPE = 167,
    STABLEHLO_CLAMP = 168, STABLEHLO_CONCATENATE = 169, STABLEHLO_BROADCAST_IN_DIM = 170, STABLEHLO_CONVOLUTION = 171,
    STABLEHLO_SLICE = 172, STABLEHLO_CUSTOM_CALL = 173, STABLEHLO_REDUCE = 174, STABLEHLO_ABS = 175, STABLEHLO_AND = 176,
    STABLEHLO_COSINE = 177, STABLEHLO_EXPONENTIAL = 178, STABLEHLO_FLOOR = 179, STABLEHLO_LOG = 180, STABLEHLO_MINIMUM = 181,
    STABLEHLO_NEGATE = 182, STABLEHLO_OR = 183, STABLEHLO_POWER = 184, STABLEHLO_REMAINDER = 185, STABLEHLO_RSQRT = 186,
    STABLEHLO_SELECT = 187, STABLEHLO_SUBTRACT = 188, STABLEHLO_TANH = 189, STABLEHLO_SCATTER = 190, STABLEHLO_COMPARE = 191,
    STABLEHLO_CONVERT = 192, STABLEHLO_DYNAMIC_SLICE = 193, STABLEHLO_DYNAMIC_UPDATE_SLICE = 194, STABLEHLO_PAD = 195,
    STABLEHLO_IOTA = 196, STABLEHLO_DOT_GENERAL = 197, STABLEHLO_REDUCE_WINDOW = 198, STABLEHLO_SORT = 199,
    STABLEHLO_WHILE = 200, STABLEHLO_GATHER = 201, STABLEHLO_TRANSPOSE = 202, DILATE = 203,
    STABLEHLO_RNG_BIT_GENERATOR = 204, REDUCE_WINDOW = 205, STABLEHLO_COMPOSITE = 206, STABLEHLO_SHIFT_LEFT = 207,
    STABLEHLO_CBRT = 208, STABLEHLO_CASE = 209,
}

/// <summary>Field numbers of the tables.</summary>
internal static class TfliteField
{
    public static class Model
    {
        public const int Version = 0, OperatorCodes = 1, Subgraphs = 2, Description = 3, Buffers = 4, MetadataBuffer = 5,
            Metadata = 6, SignatureDefs = 7, ExternalBufferGroups = 8, ExternalBuffers = 9;
    }

    public static class OperatorCode
    {
        public const int DeprecatedBuiltinCode = 0, CustomCode = 1, Version = 2, BuiltinCode = 3;
    }

    public static class SubGraph
    {
        public const int Tensors = 0, Inputs = 1, Outputs = 2, Operators = 3, Name = 4;
    }

    public static class Tensor
    {
        public const int Shape = 0, Type = 1, Buffer = 2, Name = 3, Quantization = 4, IsVariable = 5, Sparsity = 6,
            ShapeSignature = 7, HasRank = 8, VariantTensors = 9, ExternalBuffer = 10;
    }

    public static class Quantization
    {
        public const int Min = 0, Max = 1, Scale = 2, ZeroPoint = 3, DetailsType = 4, Details = 5, QuantizedDimension = 6;
    }

    public static class Blockwise
    {
        public const int Scales = 0, ZeroPoints = 1, BlockSize = 2;
    }

    public static class Operator
    {
        public const int OpcodeIndex = 0, Inputs = 1, Outputs = 2, OptionsType = 3, Options = 4, CustomOptions = 5,
            CustomOptionsFormat = 6, MutatingVariableInputs = 7, Intermediates = 8, LargeCustomOptionsOffset = 9,
            LargeCustomOptionsSize = 10, Options2Type = 11, Options2 = 12;
    }

    public static class Buffer
    {
        public const int Data = 0, Offset = 1, Size = 2;
    }

    public static class Sparsity
    {
        public const int TraversalOrder = 0, BlockMap = 1, DimMetadata = 2;
    }

    public static class Dimension
    {
        public const int Format = 0, DenseSize = 1, SegmentsType = 2, Segments = 3, IndicesType = 4, Indices = 5;
    }

    public static class Signature
    {
        public const int Inputs = 0, Outputs = 1, Key = 2, DeprecatedTag = 3, Subgraph = 4;
    }

    public static class TensorMap
    {
        public const int Name = 0, Tensor = 1;
    }

    public static class Metadata
    {
        public const int Name = 0, Buffer = 1;
    }
}

/// <summary>Field numbers of the operators' option tables.</summary>
internal static class TfliteOption
{
    public static class Conv2D
    {
        public const int Padding = 0, StrideW = 1, StrideH = 2, Activation = 3, DilationW = 4, DilationH = 5, BiasType = 6;
    }

    public static class Depthwise
    {
        public const int Padding = 0, StrideW = 1, StrideH = 2, Multiplier = 3, Activation = 4, DilationW = 5, DilationH = 6;
    }

    public static class Conv3D
    {
        public const int Padding = 0, StrideD = 1, StrideW = 2, StrideH = 3, Activation = 4, DilationD = 5, DilationW = 6, DilationH = 7;
    }

    public static class Pool2D
    {
        public const int Padding = 0, StrideW = 1, StrideH = 2, FilterWidth = 3, FilterHeight = 4, Activation = 5;
    }

    public static class FullyConnected
    {
        public const int Activation = 0, WeightsFormat = 1, KeepNumDims = 2;
    }

    public static class Softmax
    {
        public const int Beta = 0;
    }

    public static class Concatenation
    {
        public const int Axis = 0, Activation = 1;
    }

    public static class Add
    {
        public const int Activation = 0, PotScaleInt16 = 1;
    }

    public static class Lrn
    {
        public const int Radius = 0, Bias = 1, Alpha = 2, Beta = 3;
    }

    public static class Lstm
    {
        public const int Activation = 0, CellClip = 1, ProjClip = 2, KernelType = 3;
    }

    public static class SequenceLstm
    {
        public const int Activation = 0, CellClip = 1, ProjClip = 2, TimeMajor = 3;
    }

    public static class BidirectionalLstm
    {
        public const int Activation = 0, CellClip = 1, ProjClip = 2, MergeOutputs = 3, TimeMajor = 4;
    }

    public static class Rnn
    {
        public const int Activation = 0;
    }

    public static class SequenceRnn
    {
        public const int TimeMajor = 0, Activation = 1;
    }

    public static class BidirectionalRnn
    {
        public const int TimeMajor = 0, Activation = 1, MergeOutputs = 2;
    }

    public static class Svdf
    {
        public const int Rank = 0, Activation = 1;
    }

    public static class ResizeBilinear
    {
        public const int NewHeight = 0, NewWidth = 1, AlignCorners = 2, HalfPixelCenters = 3;
    }

    public static class ResizeNearest
    {
        public const int AlignCorners = 0, HalfPixelCenters = 1;
    }

    public static class Call
    {
        public const int Subgraph = 0;
    }

    public static class Reshape
    {
        public const int NewShape = 0;
    }

    public static class BlockSize
    {
        public const int Size = 0;
    }

    public static class Gather
    {
        public const int Axis = 0, BatchDims = 1;
    }

    public static class Reducer
    {
        public const int KeepDims = 0;
    }

    public static class Squeeze
    {
        public const int Dims = 0;
    }

    public static class StridedSlice
    {
        public const int BeginMask = 0, EndMask = 1, EllipsisMask = 2, NewAxisMask = 3, ShrinkAxisMask = 4, Offset = 5;
    }

    public static class Cast
    {
        public const int InType = 0, OutType = 1;
    }

    public static class ArgMax
    {
        public const int OutputType = 0;
    }

    public static class TransposeConv
    {
        public const int Padding = 0, StrideW = 1, StrideH = 2, Activation = 3;
    }

    public static class ShapeOf
    {
        public const int OutType = 0;
    }

    public static class FakeQuant
    {
        public const int Min = 0, Max = 1, NumBits = 2, NarrowRange = 3;
    }

    public static class Pack
    {
        public const int ValuesCount = 0, Axis = 1;
    }

    public static class OneHot
    {
        public const int Axis = 0;
    }

    public static class Unpack
    {
        public const int Num = 0, Axis = 1;
    }

    public static class LeakyRelu
    {
        public const int Alpha = 0;
    }

    public static class MirrorPad
    {
        public const int Mode = 0;
    }

    public static class Unique
    {
        public const int IndexType = 0;
    }

    public static class ReverseSequence
    {
        public const int SeqDim = 0, BatchDim = 1;
    }

    public static class If
    {
        public const int ThenSubgraph = 0, ElseSubgraph = 1;
    }

    public static class CallOnce
    {
        public const int InitSubgraph = 0;
    }

    public static class While
    {
        public const int CondSubgraph = 0, BodySubgraph = 1;
    }

    public static class BatchMatMul
    {
        public const int AdjX = 0, AdjY = 1;
    }

    public static class Cumsum
    {
        public const int Exclusive = 0, Reverse = 1;
    }

    public static class Hashtable
    {
        public const int TableId = 0;
    }

    public static class VarHandle
    {
        public const int Container = 0, SharedName = 1;
    }

    public static class Random
    {
        public const int Seed = 0, Seed2 = 1;
    }

    public static class Bucketize
    {
        public const int Boundaries = 0;
    }

    public static class EmbeddingLookupSparse
    {
        public const int Combiner = 0;
    }

    public static class ReduceWindow
    {
        public const int Function = 0;
    }

    public static class Gelu
    {
        public const int Approximate = 0;
    }

    /// <summary>Of the second union of options (StablehloConcatenateOptions and so on).</summary>
    public static class StableHlo
    {
        public static class Concatenate
        {
            public const int Dimension = 0;
        }

        public static class BroadcastInDim
        {
            public const int Dimensions = 0;
        }

        public static class Slice
        {
            public const int Start = 0, Limit = 1, Strides = 2;
        }

        public static class Convolution
        {
            public const int Strides = 0, Padding = 1, InputDilation = 2, KernelDilation = 3, Reversal = 4, InputBatch = 5, InputFeature = 6, InputSpatial = 7,
                KernelInputFeature = 8, KernelOutputFeature = 9, KernelSpatial = 10, OutputBatch = 11, OutputFeature = 12, OutputSpatial = 13, FeatureGroups = 14, BatchGroups = 15;
        }

        public static class Reduce
        {
            public const int Dimensions = 0, Body = 1;
        }

        public static class Scatter
        {
            public const int IndicesAreSorted = 0, UpdateWindowDims = 1, InsertedWindowDims = 2, ScatterDims = 3, IndexVectorDim = 4, UniqueIndices = 5, Computation = 6;
        }

        public static class Compare
        {
            public const int Direction = 0, Type = 1;
        }

        public static class DynamicSlice
        {
            public const int Sizes = 0;
        }

        public static class Pad
        {
            public const int Low = 0, High = 1, Interior = 2;
        }

        public static class Iota
        {
            public const int Dimension = 0;
        }

        public static class DotGeneral
        {
            public const int LeftBatch = 0, RightBatch = 1, LeftContracting = 2, RightContracting = 3;
        }

        public static class ReduceWindow
        {
            public const int Window = 0, Strides = 1, BaseDilations = 2, WindowDilations = 3, Padding = 4, Body = 5;
        }

        public static class Sort
        {
            public const int Dimension = 0, IsStable = 1, Comparator = 2;
        }

        public static class While
        {
            public const int Condition = 0, Body = 1;
        }

        public static class Gather
        {
            public const int OffsetDims = 0, CollapsedSliceDims = 1, StartIndexMap = 2, IndexVectorDim = 3, SliceSizes = 4;
        }

        public static class Transpose
        {
            public const int Permutation = 0;
        }

        public static class Case
        {
            public const int Branches = 0;
        }
    }

    public static class Composite
    {
        public const int Name = 0, DecompositionSubgraph = 1;
    }
}

/// <summary>ActivationFunctionType of the schema.</summary>
internal enum TfliteActivation
{
    None = 0, Relu = 1, ReluN1To1 = 2, Relu6 = 3, Tanh = 4, SignBit = 5,
}

/// <summary>TensorType of the schema.</summary>
internal static class TfliteType
{
    public const int String = 5, Resource = 13, Variant = 14;

    private static readonly DType[] s_types =
    [
        DType.Float32, DType.Float16, DType.Int32, DType.UInt8, DType.Int64, DType.String, DType.Bool, DType.Int16, DType.Complex64, DType.Int8,
        DType.Float64, DType.Complex128, DType.UInt64, DType.Undefined, DType.Undefined, DType.UInt32, DType.UInt16, DType.Int4, DType.BFloat16,
        DType.Int2, DType.UInt4, DType.Float8E4M3FN, DType.Float8E5M2,
    ];

    /// <summary>The element type; Undefined for resources and variants.</summary>
    public static DType ToDType(int type) => (uint)type < (uint)s_types.Length
        ? s_types[type]
        : throw new EdgeLiteException(Status.Unsupported, $"The file uses tensor type number {type}, which is not one of the known TFLite schema.");
}
