// A command that did its work and whose result, printed already, says that what it looked at did not hold. Apart from a
// refusal: the input was as it should be.

export class FailedCheckError extends Error {
  override readonly name = 'FailedCheckError';
}

export const EXIT_FAILED_CHECK = 3;
