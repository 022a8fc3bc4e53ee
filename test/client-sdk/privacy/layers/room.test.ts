import { describe, expect, it } from 'vitest';
import { newRoom } from '../../../../client-sdk/privacy/layers/room.ts';

describe('a room', () => {
  it('gives zeros of the length asked for, in the same memory as long as that is enough', () => {
    const room = newRoom();
    const first = room(5).fill(7);
    const second = room(3);
    expect([...second]).toEqual([0, 0, 0]);
    expect(second.buffer).toBe(first.buffer);
    expect([...room(9)]).toEqual(Array.from({ length: 9 }, () => 0));
    expect(newRoom()(3).buffer).not.toBe(second.buffer);
  });
});
