/** States of the gate between the native thread and the end of the process; `start-native-thread.ts` has them too. */
const open = 0;
const inside = 1;

/** Runs `action` while the end of the process waits for it. If the process is ending already, waits for the end instead. */
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
