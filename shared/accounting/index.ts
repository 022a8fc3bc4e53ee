// The door `muster-fl/accounting`: privacy events, accountants and calibration, usable alone, in Node and in browsers.

export {
  type Accountant,
  type AccountantName,
  accountantNames,
  type DeltaBound,
  type EpsilonBound,
  type Grounds,
} from './accountant.ts';
export { accountants } from './accountants.ts';
export { type CalibrationTarget, calibrateNoiseMultiplier, calibrateSteps, type StepsTarget } from './calibrate.ts';
export {
  composed,
  type ComposedEvent,
  counted,
  type CountedEvent,
  gaussian,
  type GaussianEvent,
  type PrivacyEvent,
  sampledGaussian,
  type SampledGaussianEvent,
} from './privacy-event.ts';
export { type RdpOptions, rdpAccountantWith } from './rdp-accountant.ts';
export type { Conversion } from './rdp-conversion.ts';
