// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest';
import { columnsOf, parseLayout, pickBig, type TileInfo } from './layout';

const tile = (identity: string, more: Partial<TileInfo> = {}): TileInfo => ({
  key: `${identity}/camera`, identity, isScreen: false, isLocal: false, ...more,
});
const me = tile('me', { isLocal: true });
const people = [me, tile('ada'), tile('grace')];
const screen = tile('ada', { key: 'ada/screen', isScreen: true });

describe('the large tile', () => {
  test.each([
    ['grid', people, undefined, 'ada', null],
    ['grid', [...people, screen], undefined, '', 'ada/screen'],
    ['grid', [...people, screen], null, '', null],
    ['grid', [...people, screen], 'grace/camera', '', 'grace/camera'],
    ['grid', people, 'gone/camera', '', null],
    ['speaker', people, undefined, 'grace', 'grace/camera'],
    ['speaker', people, undefined, '', 'ada/camera'],
    ['speaker', people, null, 'grace', 'grace/camera'],
    ['speaker', [...people, screen], undefined, 'grace', 'ada/screen'],
    ['sidebar', people, 'me/camera', 'grace', 'me/camera'],
    ['sidebar', [me], undefined, '', 'me/camera'],
    ['speaker', [], undefined, '', null],
  ] as const)('%s, case %#', (layout, tiles, pinned, speaker, key) => {
    expect(pickBig([...tiles], layout, pinned, speaker)).toBe(key);
  });
});

test.each([
  [1, 'grid', false, 1, 1], [2, 'grid', false, 2, 1], [5, 'grid', false, 3, 2], [3, 'grid', true, 2, 2], [9, 'grid', true, 4, 2],
  [1, 'speaker', true, 1, 1], [3, 'speaker', true, 2, 2], [20, 'speaker', true, 6, 3],
] as const)('%i tiles in %s, one large: %s, make %i and %i columns', (tiles, layout, big, wide, narrow) => {
  expect(columnsOf(tiles, layout, big)).toEqual({ wide, narrow });
});

test('an unknown layout is the grid', () => {
  expect(parseLayout('circle')).toBe('grid');
  expect(parseLayout('sidebar')).toBe('sidebar');
});
