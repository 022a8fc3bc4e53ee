// Where a window that slides over an image finds its values: the geometry of convolutions and of pooling, after
// TensorFlow's rules for padding. One table serves all of them, on every backend: for result position p and window
// position k it holds the position in the image, or -1 beside it.

import type { Room } from './room.ts';

export interface WindowSettings {
  /** [height, width] of the image, of the window, and of the steps. */
  readonly image: readonly [number, number];
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: 'valid' | 'same';
}

export interface Windows {
  readonly imagePositions: number;
  readonly windowPositions: number;
  readonly resultPositions: number;
  /** At p x windowPositions + k. */
  readonly sources: Int32Array;
  /** The same as stretches of neighbours on both sides: where in the table, where in the image, how many. */
  readonly runs: Int32Array;
}

export interface Extent {
  /** Of examples. */
  readonly count: number;
  /** Values at each position. */
  readonly channels: number;
  /** Takes the result. */
  readonly room: Room;
}

export function windowsOf({ image, window, strides, dilation, padding }: WindowSettings): Windows {
  const rows = axisSources({ length: image[0], window: window[0], stride: strides[0], dilation: dilation[0] }, padding);
  const columns = axisSources(
    { length: image[1], window: window[1], stride: strides[1], dilation: dilation[1] },
    padding,
  );
  const sources: number[] = [];
  for (const row of rows) {
    for (const column of columns) {
      for (const y of row) for (const x of column) sources.push(y < 0 || x < 0 ? -1 : y * image[1] + x);
    }
  }
  return {
    imagePositions: image[0] * image[1],
    windowPositions: window[0] * window[1],
    resultPositions: rows.length * columns.length,
    sources: Int32Array.from(sources),
    runs: runsOf(sources),
  };
}

const RUN = 3;

function runsOf(sources: readonly number[]): Int32Array {
  const runs: number[] = [];
  sources.forEach((source, s) => {
    const before = s === 0 ? -1 : (sources[s - 1] ?? -1);
    if (source < 0) return;
    if (before >= 0 && source === before + 1) runs.push((runs.pop() ?? 0) + 1);
    else runs.push(s, source, 1);
  });
  return Int32Array.from(runs);
}

interface Axis {
  readonly length: number;
  readonly window: number;
  readonly stride: number;
  readonly dilation: number;
}

/** For each result along one axis the places of its window; `same` pads the odd place at the end. */
function axisSources({ length, window, stride, dilation }: Axis, padding: 'valid' | 'same'): readonly number[][] {
  const reach = (window - 1) * dilation + 1;
  const results = padding === 'same' ? Math.ceil(length / stride) : Math.floor((length - reach) / stride) + 1;
  const padded = padding === 'same' ? Math.max(0, (results - 1) * stride + reach - length) : 0;
  const start = -Math.floor(padded / 2);
  return Array.from({ length: results }, (_r, result) =>
    Array.from({ length: window }, (_w, place) => {
      const source = start + result * stride + place * dilation;
      return source >= 0 && source < length ? source : -1;
    }),
  );
}

/** Each window's values end to end, 0 beside the image: [count, resultPositions, windowPositions, channels]. */
export function gatherPatches(values: Float32Array, windows: Windows, { count, channels, room }: Extent): Float32Array {
  const { sources, runs, imagePositions } = windows;
  const patches = room(count * sources.length * channels);
  for (let example = 0; example < count; example++) {
    const image = example * imagePositions * channels;
    const start = example * sources.length * channels;
    for (let r = 0; r < runs.length; r += RUN) {
      let read = image + (runs[r + 1] ?? 0) * channels;
      let write = start + (runs[r] ?? 0) * channels;
      const end = write + (runs[r + 2] ?? 0) * channels;
      // Four at a time: half the cost of the loop is the loop.
      for (; write + 4 <= end; write += 4, read += 4) {
        patches[write] = values[read] ?? 0;
        patches[write + 1] = values[read + 1] ?? 0;
        patches[write + 2] = values[read + 2] ?? 0;
        patches[write + 3] = values[read + 3] ?? 0;
      }
      while (write < end) patches[write++] = values[read++] ?? 0;
    }
  }
  return patches;
}

/** The transpose: adds every patch value to the place it was taken from. */
export function scatterPatches(
  patches: Float32Array,
  windows: Windows,
  { count, channels, room }: Extent,
): Float32Array {
  const { sources, runs, imagePositions } = windows;
  const values = room(count * imagePositions * channels);
  for (let example = 0; example < count; example++) {
    const image = example * imagePositions * channels;
    const start = example * sources.length * channels;
    for (let r = 0; r < runs.length; r += RUN) {
      const read = start + (runs[r] ?? 0) * channels;
      const write = image + (runs[r + 1] ?? 0) * channels;
      const length = (runs[r + 2] ?? 0) * channels;
      for (let i = 0; i < length; i++) values[write + i] = (values[write + i] ?? 0) + (patches[read + i] ?? 0);
    }
  }
  return values;
}
