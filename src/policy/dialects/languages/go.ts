import { always, type Dialect, type Word, word } from '../dialect.js';
import { flag, probes, time, type Unit } from '../units.js';
import { cComments, operand } from './c-syntax.js';

const unitMs: Readonly<Record<string, number>> = { Millisecond: 1, Second: 1000, Minute: 60_000, Hour: 3_600_000 };
const names = Object.keys(unitMs).join('|');
const product = new RegExp(`^(?:(\\d+)\\s*\\*\\s*)?time\\.(${names})(?:\\s*\\*\\s*(\\d+))?$`);

/** A time.Duration, written as a product: `30 * time.Second`. */
const duration: Unit = {
  name: 'time.Duration',
  allowed: 'a duration such as 30 * time.Second',
  read: (text) => {
    const [, before = '1', unit = '', after = '1'] = product.exec(text.trim()) ?? [];
    const ms = unitMs[unit];
    return ms === undefined ? undefined : Number(before) * Number(after) * ms;
  },
  write: (ms) => `${ms / 1000} * time.Second`,
  special: { 0: 'unsaid', '-1': 'kernel' },
};

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

/** net.KeepAliveConfig (Go 1.23); TCP_USER_TIMEOUT is in no package of the standard library on amd64. */
export const go = (): Dialect => ({
  name: 'go',
  title: 'Go 1.23',
  place: 'your program; call it for each connection. net.Dialer and net.ListenConfig take the KeepAliveConfig as well',
  source: 'https://pkg.go.dev/net#KeepAliveConfig',
  words: [
    config,
    word('Enable', 'enabled', flag(['true'], ['false']), field),
    word('Idle', 'idle', duration, field),
    word('Interval', 'interval', duration, field),
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
