import { type Dialect, kernelsOwn, line, lines, word } from '../dialect.js';
import { flag, probes, time } from '../units.js';
import { cComments, operand, option } from './c-syntax.js';

const seconds = time({ bareMs: 1000, hasGroups: true });
const onOff = flag(['true', '1'], ['false', '0']);
const milliseconds = time({ bareMs: 1, hasGroups: true });
const call = (level: string, option: string, value: string | undefined) =>
  `        socket.SetSocketOption(SocketOptionLevel.${level}, SocketOptionName.${option}, ${value});`;

/** System.Net.Sockets, whose names for the numbers are those of .NET Core 3.0. */
export const dotnet = (): Dialect => ({
  name: 'dotnet',
  title: '.NET 5, on Linux with a user timeout',
  place: 'your program; SocketsHttpHandler takes such a socket in its ConnectCallback',
  source:
    'https://learn.microsoft.com/en-us/dotnet/api/system.net.sockets.socketoptionname, https://learn.microsoft.com/en-us/dotnet/api/system.net.sockets.socket.setrawsocketoption',
  unsure: ['whether .NET 5 has SetRawSocketOption already'],
  words: [
    word('KeepAlive', 'enabled', onOff, option),
    word('TcpKeepAliveTime', 'idle', seconds, option),
    word('TcpKeepAliveInterval', 'interval', seconds, option),
    word('TcpKeepAliveRetryCount', 'count', probes(), option),
    word('SetRawSocketOption', 'userTimeout', milliseconds, {
      separator: String.raw`\s*\(\s*6\s*,\s*18\s*,\s*(?:System\.)?BitConverter\.GetBytes\s*\(\s*`,
      value: operand,
      onlyBefore: String.raw`\s*\(\s*6\s*,\s*18\b`,
    }),
    {
      word: 'SetTcpKeepAlive',
      says: { enabled: onOff, idle: milliseconds, interval: milliseconds },
      value: /\s*\(\s*(?<enabled>\w+)\s*,\s*(?<idle>\w+)\s*,\s*(?<interval>\w+)\s*\)/y,
      allowed: '(true, time, interval), in milliseconds',
      isReadOnly: true,
    },
  ],
  comment: cComments,
  isCode: true,
  turnedOnBy: 'SocketOptionName.KeepAlive',
  unsaid: kernelsOwn,
  off: { text: 'socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, false);\n' },
  notes: ['6 and 18 are IPPROTO_TCP and TCP_USER_TIMEOUT of Linux; leave that line out elsewhere'],
  write: ({ idle, interval, count, userTimeout }) =>
    lines(
      'using System;',
      'using System.Net.Sockets;',
      '',
      'static class SocketPolicy',
      '{',
      '    public static void Set(Socket socket)',
      '    {',
      call('Tcp', 'TcpKeepAliveInterval', interval),
      call('Tcp', 'TcpKeepAliveRetryCount', count),
      line(userTimeout, (text) => `        socket.SetRawSocketOption(6, 18, BitConverter.GetBytes(${text}));`),
      call('Socket', 'KeepAlive', 'true'),
      call('Tcp', 'TcpKeepAliveTime', idle),
      '    }',
      '}',
    ),
});
