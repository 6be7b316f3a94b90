/** Controls that nothing names. Runs in the page. */
export function unnamedControls(): string[] {
  return [...document.querySelectorAll<HTMLInputElement>('input, button, progress')]
    .filter((control) => !control.labels?.length && !control.textContent?.trim() && !control.ariaLabel)
    .map(({ outerHTML }) => outerHTML);
}

/** Texts whose contrast with what is behind them is below 4.5. Runs in the page. */
export function lowContrast(): string[] {
  const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour: string) => {
    const [r, g, b] = channels(colour)
      .slice(0, 3)
      .map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const ground = (element: Element | null): string => {
    if (!element) return 'rgb(255, 255, 255)';
    const { backgroundColor } = getComputedStyle(element);
    return channels(backgroundColor)[3] === 0 ? ground(element.parentElement) : backgroundColor;
  };
  const texts = [...document.querySelectorAll('body *')].filter(
    (element) =>
      element.checkVisibility() &&
      [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim()),
  );
  return texts.flatMap((element) => {
    const pair = [luminance(getComputedStyle(element).color), luminance(ground(element))].sort(
      (a, b) => b - a,
    );
    const contrast = (pair[0]! + 0.05) / (pair[1]! + 0.05);
    return contrast < 4.5 ? [`${element.textContent}: ${contrast.toFixed(2)}`] : [];
  });
}
