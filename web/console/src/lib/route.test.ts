// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import { addressOf, parseRoute } from './route';

test('nothing behind # is the overview', () => {
  for (const hash of ['', '#', '#/']) expect(parseRoute(hash).page).toBe('overview');
  expect(parseRoute('#/nothing-of-ours').page).toBe('unknown');
});

test('names with every character come back as they were', () => {
  for (const name of ['daily', 'a/b', 'what?', 'é#%', '100%', '..', 'a b&c=d']) {
    const route = parseRoute(addressOf('rooms', [name, 'me'], { search: name }));
    expect(route).toEqual({ page: 'rooms', parts: [name, 'me'], params: { search: name } });
  }
});

test('an address that somebody broke is taken as it stands', () => {
  expect(parseRoute('#/rooms/100%').parts).toEqual(['100%']);
});

test('empty parameters are left out', () => {
  expect(addressOf('rooms', [], { search: '', sort: 'name' })).toBe('#/rooms?sort=name');
});
