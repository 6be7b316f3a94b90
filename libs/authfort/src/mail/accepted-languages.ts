/**
 * The languages of an `Accept-Language` header, the most wanted first: `de-CH, fr;q=0.9` gives `de`, `fr` (RFC 9110 §12.4.2, §12.5.4).
 * Regions are left out.
 */
export function acceptedLanguages(header: string | null): string[] {
  const ranges = (header ?? '').split(',').map((range) => {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    return { language: tag.split('-')[0]!, quality: quality === undefined ? 1 : Number(quality) || 0 };
  });
  const wanted = ranges.filter(({ language, quality }) => /^[a-z]{2,3}$/.test(language) && quality > 0);
  return [...new Set(wanted.sort((a, b) => b.quality - a.quality).map(({ language }) => language))];
}
