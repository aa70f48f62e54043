/** States of the gate between the native thread and the end of the process; `start-native-thread.ts` repeats them. */
const open = 0;
const inside = 1;

/** Runs `action` and delays the end of the process meanwhile. If the process is ending already, waits for the end. */
export function insideGate<Result>(gate: Int32Array, action: () => Result): Result {
  for (;;) {
    const found = Atomics.compareExchange(gate, 0, open, inside);
    if (found === open) break;
    Atomics.wait(gate, 0, found, 1000);
  }
  try {
    return action();
  } finally {
    Atomics.store(gate, 0, open);
    Atomics.notify(gate, 0);
  }
}
