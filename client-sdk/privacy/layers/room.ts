// Where a layer writes its values: into the same memory for every batch, since megabytes that are new in each step make
// the garbage collector go through the whole heap once a step. What was written is lost when the same room is asked again:
// a layer has a room of its own for each thing it computes, and keeps nothing from one batch to the next.

/** Zeros. The memory grows with the largest batch and goes with the layer. */
export type Room = (length: number) => Float32Array<ArrayBuffer>;

export function newRoom(): Room {
  let memory = new Float32Array(0);
  return (length) => {
    if (memory.length < length) memory = new Float32Array(length);
    return memory.subarray(0, length).fill(0);
  };
}
