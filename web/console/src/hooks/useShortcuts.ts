// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Single keys: / to the search, ? for help, g and a letter to a page. They can be switched off, for
// people whose input method types letters by itself.

import { useEffect } from 'react';
import { addressOf, type PageName } from '../lib/route';
import { remembered } from '../../../shared/storage';

const letters: Record<string, PageName> = {
  o: 'overview', r: 'rooms', h: 'history', s: 'sessions', e: 'events', w: 'webhooks', c: 'config',
};
const waitMs = 1500;

export const singleKeys = {
  on: () => remembered.get('console.keys') !== 'off',
  set: (on: boolean) => remembered.set('console.keys', on ? 'on' : 'off'),
};

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function focusSearch(): boolean {
  const field = document.querySelector<HTMLInputElement>('[data-search]');
  field?.focus();
  field?.select();
  return Boolean(field);
}

export function useShortcuts(showHelp: () => void): void {
  useEffect(() => {
    let goneAt = -Infinity;
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (event.key === 'Escape' && event.target instanceof HTMLElement && event.target.matches('[data-search]')) event.target.blur();
      if (typing(event.target) || document.querySelector('dialog[open]') || !singleKeys.on()) return;
      const page = event.timeStamp - goneAt < waitMs ? letters[event.key] : undefined;
      goneAt = event.key === 'g' ? event.timeStamp : -Infinity;
      if (page) location.hash = addressOf(page);
      else if (event.key === '?') showHelp();
      else if (event.key !== '/' || !focusSearch()) return;
      event.preventDefault();
    };
    window.addEventListener('keydown', pressed);
    return () => window.removeEventListener('keydown', pressed);
  }, [showHelp]);
}
