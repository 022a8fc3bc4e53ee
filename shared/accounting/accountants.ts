// Every accountant by name. RDP is the one that is enforced (`./epsilon.ts`); PLD is the tightest wherever steps are few;
// exact holds for full participation alone.

import type { Accountant, AccountantName } from './accountant.ts';
import { exactAccountant } from './exact-gaussian.ts';
import { pldAccountant } from './pld-accountant.ts';
import { rdpAccountant } from './rdp-accountant.ts';

export const accountants: Readonly<Record<AccountantName, Accountant>> = {
  rdp: rdpAccountant,
  pld: pldAccountant,
  exact: exactAccountant,
};
