// The complementary error function, to a relative 1e-12 and better: scaled, plain, and its logarithm, which stays finite where the
// function itself underflows. Our own because the library at hand (mathjs) has erf alone, from which erfc(5) keeps five
// digits. Near 0 by the Kummer series of erf, whose terms are positive (DLMF 7.6.2); beyond by the continued fraction
// of DLMF 7.9.1. No branch subtracts numbers that agree in more than two digits.

const SERIES_UP_TO = 1.5;
const ROOT_PI = Math.sqrt(Math.PI);
/** Enough at 1.5, where the fraction converges worst. */
const FRACTION_LEVELS = 120;

/** e^(x^2) erfc(x); overflows only where the plain function is 2 and x below -26. */
export function erfcx(x: number): number {
  if (x >= SERIES_UP_TO) return scaledByFraction(x);
  return Math.exp(x * x) * erfc(x);
}

export function erfc(x: number): number {
  if (x >= SERIES_UP_TO) return Math.exp(-x * x) * scaledByFraction(x);
  return x < 0 ? 2 - erfc(-x) : 1 - erfBySeries(x);
}

/** log erfc(x), for any x. */
export function logErfc(x: number): number {
  if (x >= SERIES_UP_TO) return -x * x + Math.log(scaledByFraction(x));
  if (x < -SERIES_UP_TO) return Math.log(2 - erfc(-x));
  return Math.log1p(x < 0 ? erfBySeries(-x) : -erfBySeries(x));
}

/** erf(x) = 2 / sqrt(pi) e^(-x^2) sum over n >= 0 of 2^n x^(2n+1) / (1 x 3 x ... x (2n+1)), for x from 0. */
function erfBySeries(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; term > (sum * Number.EPSILON) / 4; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / ROOT_PI) * Math.exp(-x * x) * sum;
}

/** sqrt(pi) e^(x^2) erfc(x) = 1 / (x + (1/2) / (x + (2/2) / (x + (3/2) / ...))), from the inside out. */
function scaledByFraction(x: number): number {
  let below = x;
  for (let level = FRACTION_LEVELS; level >= 1; level--) below = x + level / 2 / below;
  return 1 / (ROOT_PI * below);
}
