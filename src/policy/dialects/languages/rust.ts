import { type Dialect, kernelsOwn, line, lines, type Word, word } from '../dialect.js';
import { flag, probes, type Unit } from '../units.js';
import { argumentEnd, cComments } from './c-syntax.js';

const unitMs: Readonly<Record<string, number>> = { millis: 1, secs: 1000, mins: 60_000, hours: 3_600_000 };

/** A std::time::Duration. */
const duration = (write: Unit['write']): Unit => ({
  name: 'Duration',
  allowed: 'a duration such as Duration::from_secs(30)',
  read: (text) => {
    const [, unit = '', number] = /from_(millis|secs|mins|hours)\s*\(\s*([\d_]+)\s*\)/.exec(text) ?? [];
    return number === undefined ? undefined : Number(number.replaceAll('_', '')) * (unitMs[unit] as number);
  },
  write,
});
const seconds = duration((ms) => `Duration::from_secs(${ms / 1000})`);
const milliseconds = duration((ms) => `Duration::from_millis(${ms})`);
const value = String.raw`[\w:]+(?:\s*\(\s*[\d_]+\s*\))?${argumentEnd}`;
const call = { separator: String.raw`\s*\(\s*`, value };

const isOn = { ...flag(['Some'], ['None']), read: (text: string) => text !== 'None' && text !== 'false' };

/** A switch or an optional idle time, as older crates and the builders of clients and servers have it: reqwest, tonic. */
const optional = (name: string): Word => ({
  word: name,
  says: { enabled: isOn, idle: seconds },
  value: new RegExp(
    String.raw`\s*\(\s*(?=(?<enabled>\w+))(?:(?:true|false|None)\b|(?:Some\s*\(\s*)?(?<idle>${value}))`,
    'y',
  ),
  allowed: 'a duration such as Duration::from_secs(30), Some of one, None, true or false',
  isReadOnly: true,
  onlyBefore: /\s*\(/y,
});

/** The crate socket2: the standard library has no keepalive. */
export const rust = (): Dialect => ({
  name: 'rust',
  title: 'Rust, with the crate socket2',
  place: 'your program; Cargo.toml needs socket2 = { version = "0.6", features = ["all"] }',
  source: 'https://docs.rs/socket2/latest/socket2/struct.TcpKeepalive.html',
  words: [
    {
      word: 'set_tcp_keepalive',
      says: { enabled: flag(['set_tcp_keepalive'], []) },
      value: /(?<=(?<enabled>set_tcp_keepalive))/y,
      allowed: 'its argument',
    },
    word('with_time', 'idle', seconds, call),
    word('with_interval', 'interval', seconds, call),
    word('with_retries', 'count', probes(), call),
    word('set_tcp_user_timeout', 'userTimeout', milliseconds, {
      separator: String.raw`\s*\(\s*Some\s*\(\s*`,
      value,
      onlyBefore: String.raw`(?!\s*\(\s*None\b)`,
    }),
    optional('set_keepalive'),
    optional('tcp_keepalive'),
  ],
  comment: cComments,
  isCode: true,
  turnedOnBy: 'set_tcp_keepalive',
  unsaid: kernelsOwn,
  off: { text: 'SockRef::from(&stream).set_keepalive(false)?;\n' },
  notes: ['tokio has no keepalive of its own: SockRef::from takes its TcpStream too'],
  write: ({ idle, interval, count, userTimeout }) =>
    lines(
      'use socket2::{SockRef, TcpKeepalive};',
      'use std::time::Duration;',
      '',
      'fn apply_keepalive(stream: &std::net::TcpStream) -> std::io::Result<()> {',
      '    let keepalive = TcpKeepalive::new()',
      `        .with_time(${idle})`,
      `        .with_interval(${interval})`,
      `        .with_retries(${count});`,
      '    let socket = SockRef::from(stream);',
      line(userTimeout, (text) => `    socket.set_tcp_user_timeout(Some(${text}))?;`),
      '    socket.set_tcp_keepalive(&keepalive)',
      '}',
    ),
});
