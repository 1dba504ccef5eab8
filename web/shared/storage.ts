// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Small values kept in the browser. Storage may be switched off: then they last as long as the page.

function read(storage: () => Storage, key: string): string {
  try {
    return storage().getItem(`confab.${key}`) ?? '';
  } catch {
    return '';
  }
}

function write(storage: () => Storage, key: string, value: string): void {
  try {
    storage().setItem(`confab.${key}`, value);
  } catch {
    // Storage is blocked or full; nothing here is worth a message.
  }
}

/** Of this browser. */
export const remembered = {
  get: (key: string) => read(() => window.localStorage, key),
  set: (key: string, value: string) => { write(() => window.localStorage, key, value); },
};

/** Of this tab: a reload keeps them. */
export const tabValues = {
  get: (key: string) => read(() => window.sessionStorage, key),
  set: (key: string, value: string) => { write(() => window.sessionStorage, key, value); },
};
