namespace EdgeLite.Ops;

/// <summary>An operator that draws random numbers: with a seed, the sequence is the same for every prepared model and goes on
/// from run to run.</summary>
public abstract class RandomOperator : Operator
{
    private RandomSource _random;
    private bool _isStarted;

    [Attr] public float? Seed { get; set; }

    public override bool IsPure => false;

    private protected ref RandomSource Random
    {
        get
        {
            if (!_isStarted) _random = new RandomSource(Seed);
            _isStarted = true;
            return ref _random;
        }
    }
}
