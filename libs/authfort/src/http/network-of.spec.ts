import { describe, expect, it } from '@jest/globals';
import { fairShareOf, networkOf, widerNetworksOf } from './network-of.js';

describe('networks of a client', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9', ['203.0.113/24', '203.0/16'], '203.0.113/24'],
    ['2001:db8:1:2::1', '2001:db8:1:2', ['2001:db8:1/48', '2001:db8/32'], '2001:db8:1/48'],
    ['2001:0DB8:1:2:3:4:5:6%eth0', '2001:db8:1:2', ['2001:db8:1/48', '2001:db8/32'], '2001:db8:1/48'],
    ['::1', '0:0:0:0', ['0:0:0/48', '0:0/32'], '0:0:0/48'],
    ['', '', [], ''],
  ])('%j', (ip, network, wider, line) => {
    expect([networkOf(ip), widerNetworksOf(ip), fairShareOf(ip)]).toEqual([network, wider, line]);
  });
});
