import { setTimeout } from 'node:timers';
import type { BroadcastChannel, MessagePort } from 'node:worker_threads';
import { UnsupportedError } from '../errors.js';
import { inodeOf } from '../inode.js';
import type { DescriptorCalls } from './descriptor-calls.js';
import { PendingRequest } from './pending-request.js';
import { type ErrorClasses, fromPortable, toPortable } from './portable.js';
import { mailbox, mailboxLength, type Reply, type Request } from './request.js';
import { threadKey, workerThreads } from './role.js';

type Call = Pick<Request, 'name' | 'args'> & Partial<Pick<Request, 'module' | 'replyTo'>>;

let lastTicket = 0;

function request({ module, name, args, replyTo }: Call, memory: SharedArrayBuffer): Request {
  lastTicket += 1;
  return { mailbox: memory, ticket: lastTicket, module, name, args, replyTo };
}

function resultOf(reply: Reply, classes?: ErrorClasses): unknown {
  if ('error' in reply) throw fromPortable(reply.error, classes);
  return fromPortable(reply.value, classes);
}

let memory: SharedArrayBuffer | undefined;

/** Calls a function in the native thread whose result is small, and waits for the reply. */
function askBriefly(name: string, args: readonly unknown[]): unknown {
  const own = memory ?? new SharedArrayBuffer(mailboxLength);
  // The native thread may still write into the mailbox of a request that failed.
  memory = undefined;
  new PendingRequest(request({ name, args }, own)).wait();
  memory = own;
  const { words, bytes } = mailbox(own);
  const { deserialize } = process.getBuiltinModule('node:v8');
  return resultOf(deserialize(bytes.slice(0, words[1])) as Reply);
}

/** Makes a call on a descriptor in the native thread. Returns the result, or throws the error. */
export function callInNativeThread<Name extends keyof DescriptorCalls>(
  name: Name,
  ...args: Parameters<DescriptorCalls[Name]>
): ReturnType<DescriptorCalls[Name]> {
  return askBriefly('callOn', [inodeOf(args[0]) ?? -1, name, ...args]) as ReturnType<DescriptorCalls[Name]>;
}

/** Returns why the native thread cannot make system calls. Returns undefined if it can. */
export function whyNoNativeThread(): UnsupportedError | undefined {
  try {
    return askBriefly('whyNoLibc', []) as UnsupportedError | undefined;
  } catch (error) {
    if (error instanceof UnsupportedError) return error;
    return new UnsupportedError('making system calls in a worker thread', 'a main thread that runs', error);
  }
}

/** An exported function of a module, for a call in the native thread. */
export interface ExportedFunction {
  /** The URL of the module. */
  readonly module: string;
  readonly name: string;
  /** The errors that the function may throw, besides those of system calls. */
  readonly classes: ErrorClasses;
}

function openReplyChannel(): { readonly channel: BroadcastChannel; readonly replyTo: string } {
  const { BroadcastChannel, threadId } = workerThreads();
  const replyTo = `${threadKey}:${process.pid}:${threadId}:${lastTicket + 1}`;
  return { channel: new BroadcastChannel(replyTo), replyTo };
}

function takeReply(channel: BroadcastChannel, classes: ErrorClasses): unknown {
  // Node's types do not know that the function takes a BroadcastChannel too.
  const received = workerThreads().receiveMessageOnPort(channel as unknown as MessagePort) as {
    readonly message: Reply;
  };
  return resultOf(received.message, classes);
}

/** Calls a synchronous function in the native thread, and waits for the result. */
export function callExported({ module, name, classes }: ExportedFunction, args: readonly unknown[]): unknown {
  const { channel, replyTo } = openReplyChannel();
  try {
    const portable = toPortable(args) as unknown[];
    new PendingRequest(request({ module, name, args: portable, replyTo }, new SharedArrayBuffer(mailboxLength))).wait();
    return takeReply(channel, classes);
  } finally {
    channel.close();
  }
}

/** Calls an asynchronous function in the native thread. */
export async function callExportedLater(
  { module, name, classes }: ExportedFunction,
  args: readonly unknown[],
): Promise<unknown> {
  const { channel, replyTo } = openReplyChannel();
  try {
    const reply = new Promise<Reply>((resolve) => {
      channel.onmessage = (event) => resolve((event as { data: Reply }).data);
    });
    const portable = toPortable(args) as unknown[];
    const pending = new PendingRequest(
      request({ module, name, args: portable, replyTo }, new SharedArrayBuffer(mailboxLength)),
    );
    while (!pending.isTaken) await new Promise((resolve) => setTimeout(resolve, pending.repeat()));
    return resultOf(await reply, classes);
  } finally {
    channel.close();
  }
}
