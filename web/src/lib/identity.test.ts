// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { beforeEach, describe, expect, test, vi } from 'vitest';
import { slug, tabIdentity } from './identity';

describe('slug', () => {
  test.each([
    ['Ada Lovelace', 'ada-lovelace'], ['  Zoë! ', 'zoe'], ['日本', 'guest'], ['a'.repeat(80), 'a'.repeat(24)],
  ])('%s becomes %s', (name, expected) => {
    expect(slug(name)).toBe(expected);
  });
});

describe('tabIdentity', () => {
  beforeEach(() => {
    const values = new Map<string, string>();
    const sessionStorage = {
      getItem: (key: string) => values.get(key) ?? null,
      setItem: (key: string, value: string) => void values.set(key, value),
    };
    vi.stubGlobal('window', { sessionStorage });
  });

  test('stays for the same name and changes with the name', () => {
    const ada = tabIdentity('Ada');
    expect(ada).toMatch(/^ada-[0-9a-z]+$/);
    expect(tabIdentity('Ada')).toBe(ada);
    expect(tabIdentity('Ada Two')).not.toBe(ada);
  });

  test('works without storage', () => {
    vi.stubGlobal('window', {});
    expect(tabIdentity('Ada')).toMatch(/^ada-/);
  });
});
