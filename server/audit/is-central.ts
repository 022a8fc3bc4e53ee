// The text of a configuration, as a folder holds it -> whether it is one under central privacy. A text that is no
// configuration is under none: no coordinator has run with it, and what it is instead is found elsewhere (verify-folder.ts).

import { federationConfigSchema } from '../config.ts';
import { parseJson } from './ledger-export.ts';

export function isUnderCentralPrivacy(text: string): boolean {
  const parsed = federationConfigSchema.safeParse(parseJson(text));
  return parsed.success && parsed.data.privacy.mode === 'central';
}
