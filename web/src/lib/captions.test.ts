// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest';
import { addCaption, type Caption, captionMs, dropOld } from './captions';

const line = (segment: string, text: string, at = 0): Caption => ({ segment, identity: 'ada', text, at });
const texts = (lines: Caption[]) => lines.map(({ text }) => text);

describe('captions', () => {
  test('a segment that is said anew stays in its place', () => {
    const lines = [line('1', 'Good'), line('2', 'Hello')].reduce<Caption[]>(addCaption, []);
    expect(texts(addCaption(lines, line('1', 'Good morning')))).toEqual(['Good morning', 'Hello']);
  });

  test('there are three at most, of four hundred letters', () => {
    const lines = ['1', '2', '3', '4'].map((id) => line(id, id)).reduce<Caption[]>(addCaption, []);
    expect(texts(lines)).toEqual(['2', '3', '4']);
    expect(addCaption([], line('1', `${'a'.repeat(1000)}z`))[0]?.text).toMatch(/^a{399}z$/);
  });

  test('one without text goes', () => {
    expect(addCaption([line('1', 'Hm')], line('1', '  '))).toEqual([]);
  });

  test('each stands for a while after it was last heard', () => {
    const lines = [line('1', 'a', 0), line('2', 'b', 1000)];
    expect(texts(dropOld(lines, captionMs - 1))).toEqual(['a', 'b']);
    expect(texts(dropOld(lines, captionMs))).toEqual(['b']);
    expect(dropOld(lines, captionMs + 1000)).toEqual([]);
  });
});
