/** Formats a whole number with commas: `12,345`. `toLocaleString` would load the data of a language first. */
export function groupDigits(whole: number): string {
  return `${whole}`.replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}
