import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explainPolicy } from '../../src/cli/verbs/explain/explanation.js';
import { type DetectionConditions, type DetectionScenario, detectionTime } from '../../src/index.js';
import { timerLatenessMs } from '../../src/policy/model/timer-wheel.js';
import { parsePolicy } from '../../src/policy/parse.js';

function page(name: string): string {
  return readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
}

/** The cells of every table row of a page whose first cell matches. */
function rows(name: string, first: RegExp): string[][] {
  return page(name)
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter(([cell]) => first.test(cell ?? ''));
}

const millisecondsPer: Readonly<Record<string, number>> = { ms: 1, s: 1000 };

/** `'5.128 s'` in milliseconds. */
function milliseconds(text: string): number {
  const match = /(\d+(?:\.\d+)?) (ms|s)\b/.exec(text);
  if (match === null) throw new Error(`no duration in '${text}'`);
  return Math.round(Number(match[1]) * (millisecondsPer[match[2] as string] as number));
}

function userTimeoutOf(label: string): string {
  const match = /, user timeout (.*)$/.exec(label);
  return match === null ? '' : `:${milliseconds(match[1] as string)}ms`;
}

function scenarioOf(label: string): DetectionScenario {
  if (label.startsWith('rebooted')) return 'rebooted';
  return label.startsWith('data in flight') ? 'data-in-flight' : 'idle';
}

describe('README.md', () => {
  it('leads to every page', () => {
    const pages = readdirSync(new URL('../../docs', import.meta.url)).filter((name) => name.endsWith('.md'));
    const readme = page('../README.md');
    expect(pages.filter((name) => !readme.includes(`](docs/${name}`))).toEqual([]);
  });
});

describe('docs/explain-a-policy.md', () => {
  it('shows the JSON that explain prints, with some numbers rounded', () => {
    const json = /```json\n([\s\S]*?)```/.exec(page('explain-a-policy.md'))?.[1] ?? '';
    const { timeline, inFlightTimeline, traffic, falseAlarm, warnings, ...facts } = JSON.parse(json);
    const path = { loss: 0.05 };
    const surroundings = { connections: 1, middleboxes: [], path, heartbeatMs: undefined, retries2: 15 };
    const printed = JSON.parse(JSON.stringify(explainPolicy(parsePolicy('30:5:3'), surroundings)));
    expect(printed).toMatchObject(facts);
    expect(printed.timeline.slice(0, timeline.length)).toEqual(timeline);
    expect(printed.inFlightTimeline.slice(0, inFlightTimeline.length)).toEqual(inFlightTimeline);
    expect(printed.warnings).toMatchObject(warnings.map(({ code }: { code: string }) => ({ code })));
    for (const [name, number] of Object.entries<number>({ ...printed.traffic, ...printed.falseAlarm })) {
      expect(Math.abs({ ...traffic, ...falseAlarm }[name] / number - 1), name).toBeLessThan(0.001);
    }
  });
});

describe('docs/predict-detection.md', () => {
  it('states how late a timer can be', () => {
    const table = rows('predict-detection.md', /^(from|below) [\d.]+ m?s$/);
    expect(table).toHaveLength(6);
    for (const [delay = '', late = ''] of table) {
      const edge = milliseconds(delay);
      const delayMs = delay.startsWith('below') ? edge - 4 : edge;
      expect(timerLatenessMs(delayMs, 250), delay).toBe(milliseconds(late));
      if (delay.startsWith('from')) expect(timerLatenessMs(delayMs - 4, 250), delay).toBeLessThan(milliseconds(late));
    }
  });

  it('states the ranges that detectionTime gives, and measurements inside them', () => {
    const table = rows('predict-detection.md', /^(idle|data in flight|rebooted)\b/);
    expect(table).toHaveLength(12);
    const conditions: DetectionConditions = { hz: 250 };
    for (const [label = '', predicted = '', measured = ''] of table) {
      const [from = '', to = ''] = predicted.split(' to ');
      const { earliestMs, latestMs } = detectionTime(`2:1:3${userTimeoutOf(label)}`, scenarioOf(label), conditions);
      // A range of minutes is printed in tenths of a second.
      const roundingMs = latestMs > 100_000 ? 100 : 0;
      expect(Math.abs(milliseconds(from) - earliestMs), label).toBeLessThanOrEqual(roundingMs);
      expect(Math.abs(milliseconds(to) - latestMs), label).toBeLessThanOrEqual(roundingMs);
      if (measured.startsWith('alive')) continue;
      expect(milliseconds(measured), label).toBeGreaterThanOrEqual(earliestMs);
      expect(milliseconds(measured), label).toBeLessThanOrEqual(latestMs);
    }
  });
});

describe('docs/how-keepalive-works.md', () => {
  it('shows deaths inside their predicted ranges', () => {
    const line = /^dead, ETIMEDOUT +([\d.]+ s) +([\d.]+ s)$/m.exec(page('how-keepalive-works.md'));
    for (const [index, policy] of ['2:1:3', '30:5:3'].entries()) {
      const { earliestMs, latestMs } = detectionTime(policy, 'idle', { hz: 250 });
      const measured = milliseconds(line?.[index + 1] ?? '');
      expect(measured, policy).toBeGreaterThanOrEqual(earliestMs);
      expect(measured, policy).toBeLessThanOrEqual(latestMs);
    }
  });
});
