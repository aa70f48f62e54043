import { expect, it } from 'vitest';
import { closestName, nearestNames } from './closest-name.js';

const names = ['TCP_KEEPALIVE', 'TCP_KEEPALIVE_MODE', 'TCP_KEEPALIVE_RULES'];

it.each([
  ['a letter too few', 'TCP_KEEPALIVE_RULE', 'TCP_KEEPALIVE_RULES'],
  ['a letter too many', 'TCP_KEEP_ALIVE', 'TCP_KEEPALIVE'],
  ['another letter', 'TCP_KEEPALIVE_MOBE', 'TCP_KEEPALIVE_MODE'],
  ['two letters swapped', 'TCP_KEEPALIVE_MOED', 'TCP_KEEPALIVE_MODE'],
  ['two letters wrong', 'TCPKEEPALIV', 'TCP_KEEPALIVE'],
  ['itself', 'TCP_KEEPALIVE', 'TCP_KEEPALIVE'],
  ['three letters wrong', 'TCPKEEPALI', undefined],
  ['another word', 'TCP_KEEPALIVE_POLICY', undefined],
  ['nothing', '', undefined],
])('%s', (_, given, meant) => {
  expect(closestName(given, names)).toBe(meant);
});

it.each([
  ['lb', ['aws-lb', 'azure-lb', 'nlbs']],
  ['azure-b', ['azure-lb']],
  ['alb', ['nlbs']],
  ['', []],
  ['x', []],
])('the names nearest to %j', (given, near) => {
  expect(nearestNames(given, ['aws-lb', 'azure-lb', 'nlbs'])).toEqual(near);
});
