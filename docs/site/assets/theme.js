// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Before anything is drawn: the colours that the reader chose, else the system's.

const kept = (() => {
  try {
    return localStorage.getItem('theme');
  } catch {
    return null; // no storage for this page
  }
})();
if (kept) document.documentElement.dataset.theme = kept;
document.documentElement.classList.add('js');
