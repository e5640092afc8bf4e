namespace EdgeLite.Ops.EdgeLite;

/// <summary>
/// Where weights of 2, 3, 4 or 8 bits lie in the packing of block_gemm (kernels-native/include/el_quant.h): panels of 16 columns,
/// units of 64 bytes (192 for 3 bits) that hold 16, 32, 8 or 4 rows. Scales and zero points are [panels][blocks][16].
/// </summary>
public readonly record struct BlockLayout(int Bits, int Rows, int Columns, long BlockSize)
{
    public const int Panel = 16;

    /// <summary>Rows of one unit.</summary>
    public int UnitRows => Bits == 3 ? 32 : 32 / Bits;

    private int UnitBytes => Bits == 3 ? 192 : 64;
    private int Units => (Rows + UnitRows - 1) / UnitRows;
    private int Panels => (Columns + Panel - 1) / Panel;

    /// <summary>Blocks along the rows.</summary>
    public int Blocks => Rows == 0 ? 0 : BlockSize >= Rows ? 1 : (int)((Rows + BlockSize - 1) / BlockSize);

    /// <summary>Bytes of the packed weights.</summary>
    public long Bytes => (long)Panels * Units * UnitBytes;

    /// <summary>Numbers of scales and of zero points, padding included.</summary>
    public long Parameters => (long)Panels * Blocks * Panel;

    /// <summary>True when this size of blocks can be packed.</summary>
    public bool IsPossible => Bits is 2 or 3 or 4 or 8 && Rows > 0 && Columns > 0 && BlockSize > 0 && (BlockSize >= Rows || BlockSize % UnitRows == 0);

    /// <summary>Index of the scale or zero point of a column in a block.</summary>
    public long Parameter(int block, int column) => ((long)(column / Panel) * Blocks + block) * Panel + column % Panel;

    /// <summary>The weight at a row and column, in [0, 2^bits).</summary>
    public unsafe int Get(byte* packed, int row, int column)
    {
        int r = row % UnitRows, s = r / 4;
        byte* at = packed + ((long)(column / Panel) * Units + row / UnitRows) * UnitBytes + 4 * (column % Panel) + r % 4;
        return Bits switch
        {
            8 => *at ^ 0x80,
            4 => (*at >> (4 * s)) & 15,
            2 => (*at >> (2 * s)) & 3,
            _ => ((at[s / 4 * 64] >> (2 * (s % 4))) & 3) | (((at[128] >> s) & 1) << 2),
        };
    }

    /// <summary>Sets a weight in memory that was zero there.</summary>
    public unsafe void Set(byte* packed, int row, int column, int value)
    {
        int r = row % UnitRows, s = r / 4;
        byte* at = packed + ((long)(column / Panel) * Units + row / UnitRows) * UnitBytes + 4 * (column % Panel) + r % 4;
        if (Bits == 8) *at = (byte)(value ^ 0x80);
        else if (Bits == 4) *at |= (byte)(value << (4 * s));
        else if (Bits == 2) *at |= (byte)(value << (2 * s));
        else
        {
            at[s / 4 * 64] |= (byte)((value & 3) << (2 * (s % 4)));
            at[128] |= (byte)((value >> 2) << s);
        }
    }
}
