/**
 * The text between the two ends of `tcp-keepalive nat --from-server`. The client sends one line that says how long to rest, in
 * milliseconds. The server accepts at once, and speaks again after that rest.
 */

const request = /^tcp-keepalive rest (\d{1,9})\n/;

/** The longest text that can be a request. */
export const longestRequest = 40;

/** The longest rest that is accepted: a day. */
export const longestRestMs = 86_400_000;

export const accepted = 'tcp-keepalive rests\n';
export const alive = 'alive\n';

/** The length of all that the server says. */
export const longestReply = accepted.length + alive.length;

/** Returns the line that asks the server to speak again after a rest. */
export function restRequest(restMs: number): string {
  return `tcp-keepalive rest ${restMs}\n`;
}

/** Returns the rest that a client asks for; undefined if the text is no request, or is cut. */
export function parseRestRequest(text: string): number | undefined {
  const restMs = Number(request.exec(text)?.[1] ?? Number.NaN);
  return restMs <= longestRestMs ? restMs : undefined;
}

/** Returns whether the server has accepted a request. */
export function isAccepted(received: string): boolean {
  return received.includes(accepted);
}

/** Returns whether the server has spoken after the rest. */
export function isAlive(received: string): boolean {
  return received.endsWith(accepted + alive);
}
