import { describe, expect, it } from 'vitest';
import { isAudience } from '../../../server/admission/audience.ts';

const here = { publicUrl: null, port: 8080 };
const published = { publicUrl: 'https://fl.example.org/', port: 8080 };

describe('the address that a join is signed for', () => {
  it.each(['http://127.0.0.1:8080', 'http://localhost:8080', 'http://[::1]:8080', 'http://LOCALHOST:8080/'])(
    'is this machine under the port that is listened on, where no public one is told: %s',
    (origin) => {
      expect(isAudience(origin, here)).toBe(true);
    },
  );

  it.each([
    'http://127.0.0.1:8081',
    'http://127.0.0.1',
    'http://10.0.0.7:8080',
    'http://localhost.evil.example:8080',
    'http://localhost@evil.example:8080',
    'https://fl.example.org',
    'localhost:8080',
    '',
    'null',
  ])('is nowhere else then: %j', (origin) => {
    expect(isAudience(origin, here)).toBe(false);
  });

  it('may leave out the port that its scheme implies', () => {
    for (const origin of ['http://localhost', 'http://localhost:80'])
      expect(isAudience(origin, { publicUrl: null, port: 80 })).toBe(true);
    expect(isAudience('https://localhost', { publicUrl: null, port: 443 })).toBe(true);
    expect(isAudience('https://localhost', { publicUrl: null, port: 80 })).toBe(false);
    expect(isAudience('http://localhost', { publicUrl: null, port: 0 })).toBe(false);
  });

  it('is any name of this machine where the public one is on it, under that one’s port', () => {
    const local = { publicUrl: 'http://127.0.0.1:9000', port: 8080 };
    for (const origin of ['http://localhost:9000', 'http://[::1]:9000']) expect(isAudience(origin, local)).toBe(true);
    for (const origin of ['http://localhost:8080', 'https://localhost:9000', 'http://elsewhere.example:9000'])
      expect(isAudience(origin, local)).toBe(false);
  });

  it('is the public one and no other, not even this machine, where a public one is told', () => {
    for (const origin of ['https://fl.example.org', 'https://fl.example.org:443', 'https://FL.example.org'])
      expect(isAudience(origin, published)).toBe(true);
    for (const origin of [
      'http://fl.example.org',
      'https://fl.example.org:8443',
      'https://example.org',
      'https://fl.example.org.evil.example',
      'http://localhost:8080',
      'not an address',
    ])
      expect(isAudience(origin, published)).toBe(false);
  });
});
