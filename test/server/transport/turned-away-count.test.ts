import { expect, it } from 'vitest';
import { TurnedAwayCount } from '../../../server/transport/turned-away-count.ts';

it('a million of the same leave twenty lines, each reason counted by itself', () => {
  const lines: string[] = [];
  const count = new TurnedAwayCount((line) => lines.push(line));
  count.note('too late');
  for (let i = 0; i < 1_000_000; i++) count.note('too large');
  count.note('too late');
  expect(lines).toHaveLength(22);
  expect(lines.slice(0, 4)).toEqual([
    'socket turned away: too late (1 so far)',
    'socket turned away: too large (1 so far)',
    'socket turned away: too large (2 so far)',
    'socket turned away: too large (4 so far)',
  ]);
  expect(lines.at(-1)).toBe('socket turned away: too late (2 so far)');
});
