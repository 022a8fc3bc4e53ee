// One provocation for every code of the catalogue, through the door at which that refusal is met: a code for which there
// is none does not compile.

import { describe, expect, it } from 'vitest';
import { isRefusalCode, type RefusalCode, refusalCatalogue } from '../../shared/protocol/refusals.ts';
import type { Provocation } from '../support/provocation.ts';
import { atAdmission } from '../support/provoked-at-admission.ts';
import { byStages } from '../support/provoked-by-stages.ts';
import { onSockets } from '../support/provoked-on-sockets.ts';
import { onTheCommandLine } from '../support/provoked-on-the-command-line.ts';

const provocations: Record<RefusalCode, Provocation> = {
  ...onSockets,
  ...atAdmission,
  ...byStages,
  ...onTheCommandLine,
};

describe('whoever provokes a refusal', () => {
  it.each(Object.keys(refusalCatalogue).filter(isRefusalCode))(
    'is told %s, with facts that say something',
    async (code) => {
      const { message, expected, found, hint, ...told } = await provocations[code]();
      expect(told.code).toBe(code);
      for (const fact of [message, expected, found, hint]) expect(fact?.trim()).not.toBe('');
    },
  );

  it('does so once for each code, in one place', () => {
    const codes = [onSockets, atAdmission, byStages, onTheCommandLine].flatMap((each) => Object.keys(each));
    expect(codes.toSorted()).toEqual(Object.keys(refusalCatalogue).toSorted());
  });
});
