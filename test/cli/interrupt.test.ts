import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { interruption } from '../../cli/interrupt.ts';

function listening() {
  const source = new EventEmitter();
  let ends = 0;
  const { signal, dispose } = interruption({ source, endAtOnce: () => ends++ });
  const send = (name: 'SIGINT' | 'SIGTERM') => void source.emit(name, name);
  return { source, signal, dispose, send, ends: () => ends };
}

describe('an interruption', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'asks for good order at the first %s and ends at once at the next',
    (name) => {
      const { signal, send, ends } = listening();
      expect(signal.aborted).toBe(false);
      send(name);
      expect([signal.aborted, ends()]).toEqual([true, 0]);
      send(name);
      expect(ends()).toBe(1);
    },
  );

  it('takes the SIGTERM of whoever started it for the Ctrl-C that it has heard already', () => {
    const { send, ends } = listening();
    send('SIGINT');
    send('SIGTERM');
    expect(ends()).toBe(0);
  });

  it('gives the signals back', () => {
    const { source, dispose } = listening();
    dispose();
    expect(source.eventNames()).toEqual([]);
  });
});
