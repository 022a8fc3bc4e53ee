// Every setting of a layer, those of layers that it wraps among them: [name, value], objects first and then what is in
// them.

export function* allSettings(config: unknown): Generator<readonly [string, unknown]> {
  if (typeof config !== 'object' || config === null) return;
  for (const [name, value] of Object.entries(config)) {
    yield [name, value];
    yield* allSettings(value);
  }
}
