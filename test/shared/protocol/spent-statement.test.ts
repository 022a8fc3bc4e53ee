import { expect, it } from 'vitest';
import { spentStatementBytes } from '../../../shared/protocol/spent-statement.ts';

const statement = { federation: 'digits', client: 'c1'.repeat(32), rounds: [6, 7, 12] };
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

it('what a client signs of the rounds it has spent is canonical JSON with its domain: pinned for other languages', () => {
  expect(text(spentStatementBytes(statement))).toBe(
    `{"client":"${'c1'.repeat(32)}","domain":"muster/spent-rounds/v1","federation":"digits","rounds":[6,7,12]}`,
  );
});

it('is other bytes for another federation, client or list, and holds nothing else', () => {
  const others = [{ federation: 'digit' }, { client: 'c2'.repeat(32) }, { rounds: [6, 71, 2] }, { rounds: [6, 7] }];
  const all = [{}, ...others].map((changes) => text(spentStatementBytes({ ...statement, ...changes })));
  expect(new Set(all).size).toBe(5);
  const more = { ...statement, signature: '00' };
  expect(spentStatementBytes(more)).toEqual(spentStatementBytes(statement));
});
