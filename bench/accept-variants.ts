/** How a server gives keepalive to the connections it accepts. */
export const variants = [
  'bare',
  'tcp-keepalive listener',
  'applyToProcess',
  'createServer keepAlive',
  'net-keepalive',
] as const;

export type Variant = (typeof variants)[number];

export const bare: Variant = 'bare';
export const ours: readonly Variant[] = ['tcp-keepalive listener', 'applyToProcess'];
