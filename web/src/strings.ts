// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Every text of the page, in the language that was chosen: strings/ has one file for each.
// `strings` and `problems` change with it, so they are read while something is shown, not before.

import { problems as englishProblems, strings as english } from './strings/en';
import { problems as germanProblems, strings as german } from './strings/de';

/** The same members with any texts. */
type Texts<T> = T extends string
  ? string
  : T extends (...args: infer A) => string
    ? (...args: A) => string
    : { readonly [K in keyof T]: Texts<T[K]> };

export type Strings = Texts<typeof english>;
export type ProblemTexts = Texts<typeof englishProblems>;
export type ProblemKey = keyof ProblemTexts;

export interface Catalogue {
  readonly strings: Strings;
  readonly problems: ProblemTexts;
}

export const catalogues = {
  en: { strings: english, problems: englishProblems },
  de: { strings: german, problems: germanProblems },
} as const satisfies Record<string, Catalogue>;

export type Language = keyof typeof catalogues;
export const languages = Object.keys(catalogues) as Language[];

export let strings: Strings = english;
export let problems: ProblemTexts = englishProblems;

/** What is shown from now on; who shows it has to look again. */
export function setTexts(language: Language): void {
  ({ strings, problems } = catalogues[language] as Catalogue);
}
