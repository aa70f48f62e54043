/** One end of a connection. */
export interface Endpoint {
  /** An IPv4 or IPv6 address as text. */
  readonly address: string;
  readonly port: number;
}
