// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, test } from 'vitest';
import { catalogues, languages, problems, setTexts, strings } from './strings';

/** What a catalogue has, without its texts: the path and the kind of each member. */
function shape(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) {
    const kind = typeof value === 'function' ? `function of ${value.length}` : typeof value;
    return [`${path}: ${kind}`];
  }
  return Object.entries(value).flatMap(([key, member]) => shape(member, `${path}/${key}`));
}

function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}

describe('the catalogues [DEMO-03]', () => {
  test.each(languages)('%s has what English has, and nothing else', (language) => {
    expect(shape(catalogues[language]).sort()).toEqual(shape(catalogues.en).sort());
  });

  test.each(languages)('%s leaves no text empty', (language) => {
    for (const text of texts(catalogues[language])) expect(text.trim()).not.toBe('');
  });

  test('German is not English', () => {
    const english = new Set(texts(catalogues.en));
    const same = texts(catalogues.de).filter((text) => english.has(text) && text.length > 8);
    expect(same).toEqual(['confab meet']);
  });
});

describe('setTexts', () => {
  afterEach(() => {
    setTexts('en');
  });

  test('what is read afterwards is in the other language', () => {
    setTexts('de');
    expect(strings.chat.send).toBe('Senden');
    expect(problems.unknown.title).toBe('Etwas ist schiefgegangen');
    setTexts('en');
    expect(strings.chat.send).toBe('Send');
  });
});
