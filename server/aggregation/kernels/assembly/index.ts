// The compute kernel in AssemblyScript: what tile-kernel.ts loads and `npm run build:kernel` compiles to kernel.wasm. No
// memory of its own, no imports, no relaxed SIMD: the same bits on every machine.

export { combine } from './combine';
export { coordinateWise } from './coordinates';
export { distances, distancesOfLast } from './distances';
export { distances64, distancesToPoint } from './distances64';
