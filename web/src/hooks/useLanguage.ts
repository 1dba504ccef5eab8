// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The language of the page. Who holds it draws everything anew when it changes.

import { useCallback, useState } from 'react';
import { applyLanguage, loadLanguage, nextLanguage, rememberLanguage } from '../lib/language';
import type { Language } from '../strings';

export interface LanguageSwitch {
  language: Language;
  next: Language;
  change: () => void;
}

export function useLanguage(): LanguageSwitch {
  const [language, setLanguage] = useState(() => {
    const first = loadLanguage(location.search);
    applyLanguage(first);
    return first;
  });
  const next = nextLanguage(language);
  const change = useCallback(() => {
    applyLanguage(next);
    rememberLanguage(next);
    setLanguage(next);
  }, [next]);
  return { language, next, change };
}
