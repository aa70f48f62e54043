/** What all contestants of `dead-within` have in common. */
export const settings = {
  connections: 200,
  /** Each connection carries a message from its client as often as this, in milliseconds, so that it is in use. */
  messageEveryMs: 5000,
  /** What the application gives for a message. */
  messageBytes: 16,
  /** Of `ws` and of MQTT. */
  heartbeatMs: 1000,
  /** For connections that are not in use, and a watch that has ended. */
  policy: '30:5:3',
  loadForMs: 20_000,
  cutOffs: 10,
  connectionsPerCutOff: 5,
  /** Meets a period of one second, and each contestant's own, in every phase. */
  cutOffEveryMs: 370,
  lossPercents: [1, 5, 10],
  lossForMs: 30_000,
} as const;
