import { describe, expect, it } from 'vitest';
import { addressBlock } from '../../../server/transport/address-block.ts';
import { fc } from '../../support/properties.ts';

describe('the block that an address is counted by', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['::FFFF:203.0.113.7', '203.0.113.7'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['2001:db8:0:7::1', '2001:db8:0:7::/64'],
    ['2001:db8:0:7:8:9:a:b', '2001:db8:0:7::/64'],
    ['2001:0DB8::7:0:0:0:1', '2001:db8:0:7::/64'],
    ['2001:db8:0:8::1', '2001:db8:0:8::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::203.0.113.7', '64:ff9b:0:0::/64'],
    [undefined, ''],
  ])('of %s is %s', (address, block) => {
    expect(addressBlock(address)).toBe(block);
  });

  it('of two IPv6 addresses is the same exactly where their first 64 bits are', () => {
    const groups = fc.array(fc.integer({ min: 1, max: 0xffff }), { minLength: 8, maxLength: 8 });
    const written = (found: readonly number[]): string => found.map((group) => group.toString(16)).join(':');
    fc.assert(
      fc.property(groups, groups, fc.nat({ max: 7 }), (one, other, at) => {
        const suffixChanged = [...one.slice(0, 4), ...other.slice(4)];
        expect(addressBlock(written(suffixChanged))).toBe(addressBlock(written(one)));
        const changed = one.map((group, i) => (i === at ? group ^ 1 : group));
        expect(addressBlock(written(changed)) === addressBlock(written(one))).toBe(at > 3);
      }),
    );
  });
});
