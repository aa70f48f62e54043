const never = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread for some milliseconds: nothing else of this program runs on the thread meanwhile. */
export function pause(ms: number): void {
  Atomics.wait(never, 0, 0, ms);
}
