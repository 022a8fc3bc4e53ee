import { expect, it } from 'vitest';
import { withBoundedFragments } from '../../../server/transport/bounded-fragments.ts';

it('the server is made with the bound beside the options it was to have', () => {
  class Made {
    readonly options: object;
    constructor(options: object) {
      this.options = options;
    }
  }
  const Bounded = withBoundedFragments(Made, 64);
  expect(new Bounded({ noServer: true, maxFragments: 9_999 })).toMatchObject({
    options: { noServer: true, maxFragments: 64 },
  });
});

it('an engine without a websocket server is a fault, not an open door', () => {
  expect(() => withBoundedFragments(undefined, 64)).toThrow(TypeError);
});
