namespace EdgeLite.Ops;

/// <summary>A small generator of random numbers: splitmix64 (Steele, Lea, Flood 2014). Not for secrets.</summary>
internal struct RandomSource
{
    private ulong _state;

    /// <summary>Starts from a seed, or from the clock of the process where there is none.</summary>
    public RandomSource(float? seed) =>
        _state = seed is { } s ? BitConverter.SingleToUInt32Bits(s) * 0x9e3779b97f4a7c15UL : (ulong)Random.Shared.NextInt64();

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double NextUniform()
    {
        ulong z = _state += 0x9e3779b97f4a7c15UL;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9UL;
        z = (z ^ z >> 27) * 0x94d049bb133111ebUL;
        return ((z ^ z >> 31) >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>Normal with mean 0 and deviation 1 (Box and Muller).</summary>
    public double NextNormal() => Math.Sqrt(-2 * Math.Log(1 - NextUniform())) * Math.Cos(2 * Math.PI * NextUniform());
}
