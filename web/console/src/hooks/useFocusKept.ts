// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What had the focus may be gone: a button of somebody who left, a row behind a panel. The browser then
// has it nowhere, and who works by keyboard begins at the top of the document.

import { useEffect, useRef } from 'react';

/** When `shown` changes and nothing has the focus, the first of `places` that there is gets it. */
export function useFocusKept(shown: string, places: string): void {
  const before = useRef(shown);
  useEffect(() => {
    if (before.current === shown) return;
    before.current = shown;
    if (document.activeElement !== document.body) return;
    const found = places.split(', ').map((place) => document.querySelector<HTMLElement>(place)).find(Boolean);
    found?.focus();
  }, [shown, places]);
}
