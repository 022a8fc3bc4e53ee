import { describe, expect, it } from 'vitest';
import { admitUpload, type UploadRequest } from '../../../server/admission/admit-upload.ts';
import { asFederationId } from '../../../shared/ids.ts';
import { codeOf } from '../../support/refusal-code.ts';
import {
  beginFor,
  envelopeFor,
  federation,
  roundFor,
  threeMembers,
  updateFile,
} from '../../support/small-federation.ts';

const [anna, ben] = await threeMembers();
const { client } = anna;
const begin = await beginFor(await envelopeFor(anna, updateFile([1, 2, 3, 4, 5, 6])), anna.key);
const request: UploadRequest = { federation, client, begin, round: roundFor([anna, ben]) };

describe('an upload', () => {
  it('is admitted from a member of the cohort of the open round', () => {
    expect(admitUpload(request)).toEqual({ kind: 'admitted-upload', client, begin, round: request.round });
  });

  it.each<[string, Partial<UploadRequest>]>([
    ['wrong-federation', { begin: { ...begin, federation: asFederationId('letters') } }],
    ['not-enrolled', { client: undefined }],
    ['banned', { client: { ...client, status: 'banned' } }],
    ['revoked', { client: { ...client, status: 'revoked' } }],
    ['revoked', { client: { ...client, status: 'rotated' } }],
    ['round-closed', { round: undefined }],
    ['round-closed', { begin: { ...begin, round: 2 } }],
    ['round-closed', { round: roundFor([anna], { number: 2 }) }],
    ['not-in-cohort', { round: roundFor([ben]) }],
  ])('is refused as %s', (code, changes) => {
    expect(codeOf(admitUpload({ ...request, ...changes }))).toBe(code);
  });

  it('is told which round is open, where it is for another', () => {
    const later = admitUpload({ ...request, round: roundFor([anna], { number: 2 }) });
    expect(later).toMatchObject({ refusal: { expected: 'round 2', found: 'round 1' } });
    expect(admitUpload({ ...request, round: undefined })).toMatchObject({
      refusal: { expected: 'no round is open', found: 'round 1' },
    });
  });
});
