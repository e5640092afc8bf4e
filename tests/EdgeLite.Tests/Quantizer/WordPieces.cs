using System.Globalization;
using System.Text;

namespace EdgeLite.Tests.Quantizing;

/// <summary>Text as the token numbers of a BERT without upper case: words and single signs, without accents, split into the longest pieces that the
/// vocabulary has (Wu et al., "Google's Neural Machine Translation System", arXiv 1609.08144, section 4.1; Devlin et al., "BERT").</summary>
internal sealed class WordPieces(string vocabularyFile)
{
    private readonly Dictionary<string, long> _numbers = File.ReadAllLines(vocabularyFile).Index().ToDictionary(l => l.Item, l => (long)l.Index);

    /// <summary>[CLS], at most <paramref name="length"/> - 2 pieces, [SEP].</summary>
    public long[] Encode(string text, int length) => [_numbers["[CLS]"], .. Words(text).SelectMany(Pieces).Take(length - 2), _numbers["[SEP]"]];

    private List<long> Pieces(string word)
    {
        var pieces = new List<long>();
        for (int start = 0, end = word.Length; start < word.Length; end--)
        {
            if (end == start) return [_numbers["[UNK]"]];
            if (!_numbers.TryGetValue((start > 0 ? "##" : "") + word[start..end], out long number)) continue;
            pieces.Add(number);
            (start, end) = (end, word.Length + 1);
        }
        return pieces;
    }

    private static IEnumerable<string> Words(string text)
    {
        var word = new StringBuilder();
        foreach (char c in (text.ToLowerInvariant() + " ").Normalize(NormalizationForm.FormD))
        {
            if (CharUnicodeInfo.GetUnicodeCategory(c) == UnicodeCategory.NonSpacingMark) continue;
            bool isSign = char.IsPunctuation(c) || char.IsSymbol(c);
            if (!isSign && !char.IsWhiteSpace(c))
            {
                word.Append(c);
                continue;
            }
            if (word.Length > 0) yield return word.ToString();
            word.Clear();
            if (isSign) yield return c.ToString();
        }
    }
}
