/** The native thread: the only thread besides the main thread that loads koffi. It makes the system calls of all workers. */
import { serialize } from 'node:v8';
import { BroadcastChannel, workerData } from 'node:worker_threads';
import { whyNoLibc } from '../libc.js';
import { linuxCalls } from '../linux-calls.js';
import { descriptorFunctions } from './descriptor-calls.js';
import { insideGate } from './gate.js';
import { toPortable } from './portable.js';
import { mailbox, type Reply, type Request } from './request.js';
import { type NativeThreadData, threadKey } from './role.js';

const gate = new Int32Array((workerData as NativeThreadData).gate);

function replyTo(request: Request, reply: Reply): void {
  const { words, bytes } = mailbox(request.mailbox);
  if (request.replyTo === undefined) {
    const serialized = serialize(reply);
    bytes.set(serialized);
    words[1] = serialized.length;
  } else {
    const channel = new BroadcastChannel(request.replyTo);
    channel.postMessage(reply);
    channel.close();
  }
  Atomics.store(words, 0, 0);
  Atomics.notify(words, 0);
}

/** Runs `attempt` and sends its result or error to the worker. */
function sendResult(request: Request, attempt: () => unknown): void {
  let reply: Reply;
  try {
    reply = { value: toPortable(attempt()) };
  } catch (error) {
    reply = { error: toPortable(error) };
  }
  replyTo(request, reply);
}

async function callExported(request: Request, module: string): Promise<void> {
  try {
    const exported = (await import(module)) as Record<string, (...args: unknown[]) => unknown>;
    // Only the synchronous part holds the gate: a check takes seconds, and the end of the process would wait for it.
    const result = await insideGate(gate, () => exported[request.name]?.(...request.args));
    sendResult(request, () => result);
  } catch (error) {
    sendResult(request, () => {
      throw error;
    });
  }
}

function receive(request: Request): void {
  // A worker repeats its request until this thread has taken it.
  if (Atomics.compareExchange(mailbox(request.mailbox).words, 0, request.ticket, -request.ticket) !== request.ticket) {
    return;
  }
  const { module, name, args } = request;
  if (module !== undefined) void callExported(request, module);
  else sendResult(request, () => Reflect.apply(descriptorFunctions[name] as () => unknown, undefined, args));
}

insideGate(gate, () => {
  // Loads the slow part of the FFI first, before anybody can end this thread during the load.
  if (whyNoLibc() === undefined && process.platform === 'linux') linuxCalls();
});
const channel = new BroadcastChannel(threadKey);
channel.onmessage = (event) => receive((event as { data: Request }).data);
