import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const project = fileURLToPath(new URL('../..', import.meta.url));
let unpacked: string;

beforeAll(() => {
  unpacked = mkdtempSync(path.join(tmpdir(), 'tcp-keepalive-links-'));
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', unpacked], { cwd: project, stdio: 'pipe' });
  const [tarball = ''] = readdirSync(unpacked);
  execFileSync('tar', ['xzf', tarball, '--strip-components=1'], { cwd: unpacked });
});

afterAll(() => rmSync(unpacked, { recursive: true }));

function pages(): string[] {
  return readdirSync(unpacked, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.md'));
}

const textOf = (page: string) => readFileSync(path.join(unpacked, page), 'utf8').replace(/^```[\s\S]*?^```/gm, '');

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  const headings = [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
  const seen = new Map<string, number>();
  return headings.map((anchor) => {
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

/** The links of a page to files of the package. */
function linksOf(page: string): string[] {
  const targets = [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets.filter((target) => !/^https?:/.test(target));
}

function isDead(page: string, target: string): boolean {
  const [file = '', anchor] = target.split('#');
  const found = file === '' ? page : path.join(path.dirname(page), file);
  if (!existsSync(path.join(unpacked, found))) return true;
  return anchor !== undefined && !anchorsOf(found).includes(anchor);
}

describe('the links of the packed package', () => {
  it('lead to files of the package and to headings that are there', () => {
    const links = pages().flatMap((page) => linksOf(page).map((target) => ({ page, target })));
    expect(links.filter(({ page, target }) => isDead(page, target))).toEqual([]);
    expect(links.length).toBeGreaterThan(100);
  });

  it('are all that leads to other files: what only the repository has is said to be there', () => {
    const onlyInRepository = /`(?:bench|test|scripts|\.ci)\//;
    const silent = pages()
      .filter((page) => !['ARCHITECTURE.md', 'CONTRIBUTING.md'].includes(page))
      .filter((page) => onlyInRepository.test(textOf(page)) && !textOf(page).includes('a clone of the repository'));
    expect(silent).toEqual([]);
  });

  it('can be resolved on the page of a registry: one address, in package.json', () => {
    const manifest = JSON.parse(readFileSync(path.join(unpacked, 'package.json'), 'utf8'));
    const address = manifest.homepage.replace('#readme', '');
    expect(manifest.repository).toEqual({ type: 'git', url: `git+${address}.git` });
    expect(manifest.bugs).toBe(`${address}/issues`);
    for (const page of pages()) expect(textOf(page), page).not.toContain(address);
  });
});
