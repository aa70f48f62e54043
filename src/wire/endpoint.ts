/** One end of a connection. */
export interface Endpoint {
  /** An IPv4 or IPv6 address as text. */
  readonly address: string;
  readonly port: number;
}

/** Returns an end as text: `10.0.0.5:443`, `[2001:db8::1]:443`. */
export function endpointText({ address, port }: Endpoint): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
