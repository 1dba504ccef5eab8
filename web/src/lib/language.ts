// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which language the page speaks: the one of the address (lang=de), the one chosen before, or the
// first one of the browser's that there is a catalogue for.

import { type Language, languages, setTexts, strings } from '../strings';
import { remembered } from '../../shared/storage';

export function pickLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const found = languages.find((language) => tag.toLowerCase().split('-')[0] === language);
    if (found) return found;
  }
  return 'en';
}

export function loadLanguage(search: string): Language {
  const asked = new URLSearchParams(search).get('lang') ?? '';
  return pickLanguage([asked, remembered.get('language'), ...navigator.languages]);
}

/** Speaks it from now on. */
export function applyLanguage(language: Language): void {
  setTexts(language);
  document.documentElement.lang = language;
  document.title = strings.title;
}

export function rememberLanguage(language: Language): void {
  remembered.set('language', language);
}

export function nextLanguage(language: Language): Language {
  return languages[(languages.indexOf(language) + 1) % languages.length] ?? 'en';
}
