// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest';
import { nextLanguage, pickLanguage } from './language';

test.each([
  [['de-AT', 'en'], 'de'], [['fr', 'de'], 'de'], [['en-US', 'de'], 'en'], [['', 'DE'], 'de'], [['fr'], 'en'], [[], 'en'],
  [['den'], 'en'],
])('%j is spoken to in %s', (wanted, language) => {
  expect(pickLanguage(wanted)).toBe(language);
});

test('the switch goes round', () => {
  expect(nextLanguage('en')).toBe('de');
  expect(nextLanguage('de')).toBe('en');
});
