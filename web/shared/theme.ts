// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Light, dark, or what the system prefers. The stylesheet reads data-theme on the root element.

import { remembered } from './storage';

export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

export function loadTheme(): Theme {
  return themes.find((theme) => theme === remembered.get('theme')) ?? 'auto';
}

export function applyTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  remembered.set('theme', theme);
}

export function nextTheme(theme: Theme): Theme {
  return themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'auto';
}
