// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The page that the address names, and the title of the document.

import { useEffect, useState } from 'react';
import { parseRoute, type Route } from '../lib/route';
import { strings } from '../strings';

export function useRoute(): Route {
  const [hash, setHash] = useState(() => location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    window.addEventListener('hashchange', changed);
    return () => window.removeEventListener('hashchange', changed);
  }, []);
  return parseRoute(hash);
}

/** Changes the address without a step in the history: for filters while they are typed. */
export function replaceAddress(address: string): void {
  if (location.hash === address) return;
  history.replaceState(null, '', address);
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}

export function useTitle(...parts: string[]): void {
  const title = [...parts, strings.product].join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
}
