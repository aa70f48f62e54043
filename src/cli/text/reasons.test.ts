import { expect, it } from 'vitest';
import { renderReasons } from './reasons.js';

const rows = [
  ['10.0.0.1:80', 'EACCES, not permitted: run as root'],
  ['10.0.0.2:80', 'EACCES, not permitted: run as root'],
  ['10.0.0.3:80', 'it has ended'],
];

it('reasons that are cut are shown whole below the table, each once', () => {
  expect(renderReasons(['LOCAL', { title: 'WHY', least: 12 }], rows, 30)).toBe(
    [
      'LOCAL        WHY',
      '10.0.0.1:80  EACCES, not perm…',
      '10.0.0.2:80  EACCES, not perm…',
      '10.0.0.3:80  it has ended',
      '',
      '2 sockets: EACCES, not',
      'permitted: run as root',
    ].join('\n'),
  );
  expect(renderReasons(['LOCAL', 'WHY'], rows, 80)).not.toContain('sockets');
});
