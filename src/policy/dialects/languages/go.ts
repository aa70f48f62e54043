import { always, type Dialect, type Word, word } from '../dialect.js';
import { flag, probes, type Special, time, type Unit } from '../units.js';
import { cComments, operand } from './c-syntax.js';

const unitMs: Readonly<Record<string, number>> = { Millisecond: 1, Second: 1000, Minute: 60_000, Hour: 3_600_000 };
const names = Object.keys(unitMs).join('|');
const factor = String.raw`(?:\d{1,12}|time\.Duration\(\s*\d{1,12}\s*\))`;
const product = new RegExp(`^(-?)(?:(${factor})\\s*\\*\\s*)?time\\.(${names})(?:\\s*\\*\\s*(${factor}))?$`);
const numberOf = (text: string) => Number(text.replace(/\D/g, ''));

/** A time.Duration, written as a product: `30 * time.Second`. -1 has a meaning of its own. */
const duration = (negative: Special): Unit => ({
  name: 'time.Duration',
  allowed: 'a duration such as 30 * time.Second',
  read: (text) => {
    const [, sign, before = '1', unit = '', after = '1'] = product.exec(text.trim()) ?? [];
    const ms = unitMs[unit];
    if (ms === undefined) return undefined;
    const number = numberOf(before) * numberOf(after);
    if (sign === '-') return number === 1 ? negative : undefined;
    return number * ms;
  },
  write: (ms) => `${ms / 1000} * time.Second`,
  special: { 0: 'unsaid', '-1': negative },
});
const kept = duration('kernel');

const field = {
  separator: String.raw`\s*:\s*`,
  value: String.raw`[^,}\s](?:[^,}\n]*[^,}\s])?`,
  onlyBefore: String.raw`\s*:(?!=)`,
  onlyIn: 'KeepAliveConfig',
} as const;
/** The literal that the fields belong to: other structs have fields of the same names. */
const config: Word = {
  word: 'KeepAliveConfig',
  says: {},
  value: /\s*\{/y,
  allowed: '{',
  onlyBefore: /\s*(?:\{|$)/y,
};
const goDefault = "Go's default for KeepAliveConfig";
const older = "Go's default since 1.23; an older Go sets the idle time, and leaves the count to the kernel";

/** A word whose value is the idle time, or a switch: Go turns keepalive on for each connection that it makes. */
const connectionWord = (name: string, says: Word['says'], form: RegExp, rest: Partial<Word> = {}): Word => ({
  word: name,
  says,
  value: form,
  allowed: 'a duration such as 30 * time.Second, or true or false',
  isReadOnly: true,
  unsaid: { idle: always(15_000, goDefault), interval: always(15_000, older), count: always(9, older) },
  ...rest,
});
/** A function of the program may have the same name. */
const method = /(?<=\.\w{1,40})\s*(?:\(|$)/y;
/** Any value of the idle time but a negative one of KeepAlive means on. */
const anyValue: Unit = { ...flag(['on'], []), read: () => true };
const idleAfter = (before: string) => new RegExp(`${before}(?=(?<enabled>.))(?<idle>${field.value})`, 'y');
const connectionWords = [
  connectionWord('KeepAlive', { enabled: anyValue, idle: duration('off') }, idleAfter(field.separator), {
    onlyBefore: new RegExp(field.onlyBefore, 'y'),
    onlyIn: 'Dialer|ListenConfig',
  }),
  connectionWord(
    'SetKeepAlivePeriod',
    { enabled: anyValue, idle: duration('unsaid') },
    /\s*\(\s*(?=(?<enabled>.))(?<idle>(?:[^()\n]|\([^()\n]{0,40}\)){1,80}?)\s*\)/y,
    { onlyBefore: method },
  ),
  connectionWord(
    'SetKeepAlive',
    { enabled: flag(['true'], ['false']) },
    new RegExp(String.raw`\s*\(\s*(?<enabled>${operand})`, 'y'),
    { onlyBefore: method },
  ),
];

/** net.KeepAliveConfig (Go 1.23); TCP_USER_TIMEOUT is in no package of the standard library on amd64. */
export const go = (): Dialect => ({
  name: 'go',
  title: 'Go 1.23',
  place: 'your program; call it for each connection. net.Dialer and net.ListenConfig take the KeepAliveConfig as well',
  source: 'https://pkg.go.dev/net#KeepAliveConfig, newTCPConn() in src/net/tcpsock.go of Go 1.23',
  words: [
    config,
    word('Enable', 'enabled', flag(['true'], ['false']), field),
    word('Idle', 'idle', kept, field),
    word('Interval', 'interval', kept, field),
    word('Count', 'count', probes({ 0: 'unsaid', '-1': 'kernel' }), field),
    word('tcpUserTimeout', 'userTimeout', time({ bareMs: 1, hasGroups: true }), {
      separator: String.raw`\s*,\s*`,
      value: operand,
      onlyBefore: String.raw`\s*(?:,|$)`,
    }),
    word('TCP_USER_TIMEOUT', 'userTimeout', time({ bareMs: 1, hasGroups: true }), {
      separator: String.raw`\s*,\s*`,
      value: operand,
      isReadOnly: true,
    }),
    ...connectionWords,
  ],
  comment: cComments,
  isCode: true,
  turnedOnBy: 'Enable: true',
  unsaid: {
    idle: always(15_000, goDefault),
    interval: always(15_000, goDefault),
    count: always(9, goDefault),
  },
  off: { text: 'conn.SetKeepAliveConfig(net.KeepAliveConfig{Enable: false})\n' },
  notes: ['golang.org/x/sys/unix has TCP_USER_TIMEOUT by name; 0x12 is its number on Linux'],
  write: (texts) => (texts.userTimeout === undefined ? withoutTimeout(texts) : withTimeout(texts)),
});

type GoTexts = Parameters<Dialect['write']>[0];

const configOf = ({ idle, interval, count }: GoTexts) => `net.KeepAliveConfig{
		Enable:   true,
		Idle:     ${idle},
		Interval: ${interval},
		Count:    ${count},
	}`;

const withoutTimeout = (texts: GoTexts) => `import (
	"net"
	"time"
)

func setKeepAlive(conn *net.TCPConn) error {
	return conn.SetKeepAliveConfig(${configOf(texts)})
}
`;

const withTimeout = (texts: GoTexts) => `import (
	"net"
	"syscall"
	"time"
)

const tcpUserTimeout = 0x12

func setKeepAlive(conn *net.TCPConn) error {
	err := conn.SetKeepAliveConfig(${configOf(texts)})
	if err != nil {
		return err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var setErr error
	err = raw.Control(func(fd uintptr) {
		setErr = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, ${texts.userTimeout})
	})
	if err != nil {
		return err
	}
	return setErr
}
`;
