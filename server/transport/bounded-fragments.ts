// The websocket server of ws with fewer frames a message than its own 16,384: a frame of one byte costs some 200 bytes
// until its message is whole. socket.io passes no such option on, but takes the class that it is to use.

interface WebSocketServerClass {
  new (options: object): object;
}

/** `engineClass`: engine.io's option `wsEngine`. @throws TypeError when that is no class, as no ws has it. */
export function withBoundedFragments(engineClass: unknown, maxFragments: number): WebSocketServerClass {
  if (!isClass(engineClass)) throw new TypeError('expected the class WebSocketServer of ws');
  return class extends engineClass {
    constructor(options: object) {
      super({ ...options, maxFragments });
    }
  };
}

const isClass = (value: unknown): value is WebSocketServerClass => typeof value === 'function';
