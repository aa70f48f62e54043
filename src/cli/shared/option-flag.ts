/** Returns the flag of an option that commander has under a name: `--user-timeout` for `userTimeout`. */
export function optionFlag(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
