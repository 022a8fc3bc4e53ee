import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { repositoryRoot } from '../support/fixture-repository.ts';
import { repositoryFiles } from '../support/repository-files.ts';

const read = (file: string): string => readFileSync(join(repositoryRoot, file), 'utf8');
const firstGroups = (text: string, pattern: RegExp): string[] =>
  Array.from(text.matchAll(pattern), ([, group = '']) => group);

const documents = repositoryFiles().filter((file) => file.endsWith('.md'));

describe('the documents', () => {
  it('name only scripts that package.json has', () => {
    const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read('package.json')));
    const named = documents.flatMap((file) =>
      firstGroups(read(file), /\bnpm run (?:-\S+ )*([a-z][\w:-]*)/g).map((script) => ({ file, script })),
    );
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter(({ script }) => !Object.hasOwn(scripts, script))).toEqual([]);
  });

  it('link only to files and headings that exist', () => {
    const links = documents.flatMap((file) =>
      firstGroups(withoutCode(read(file)), /\]\(([^)\s]+)\)/g).map((link) => ({ file, link })),
    );
    expect(links.filter(({ link }) => !/^[a-z]+:/.test(link)).length).toBeGreaterThan(0);
    expect(links.filter(({ file, link }) => !resolves(file, link))).toEqual([]);
  });
});

function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
}

function resolves(file: string, link: string): boolean {
  if (/^[a-z]+:/.test(link)) return true;
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? file : join(dirname(file), path);
  if (!existsSync(join(repositoryRoot, target))) return false;
  return anchor === undefined || !target.endsWith('.md') || headingAnchors(read(target)).includes(anchor);
}

/** GitHub's rule: lower case, punctuation dropped, spaces to hyphens. */
function headingAnchors(markdown: string): string[] {
  const headings = firstGroups(markdown.replaceAll(/^```[\s\S]*?^```/gm, ''), /^#+ (.*)$/gm);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
