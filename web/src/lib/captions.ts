// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Captions: text streams of transcribers (topic lk.transcription). A segment is said anew, under the
// same id, until it is final; what was said a while ago goes.

export const captionTopic = 'lk.transcription';

export interface Caption {
  segment: string;
  /** Who spoke. */
  identity: string;
  text: string;
  /** When it was heard last, in ms. */
  at: number;
}

const maxLines = 3;
const maxLetters = 400;
export const captionMs = 8000;

export function addCaption(lines: readonly Caption[], line: Caption): Caption[] {
  const text = line.text.trim().slice(-maxLetters);
  const others = lines.filter((known) => known.segment !== line.segment);
  const at = lines.findIndex((known) => known.segment === line.segment);
  if (!text) return others;
  others.splice(at < 0 ? others.length : at, 0, { ...line, text });
  return others.slice(-maxLines);
}

export function dropOld(lines: readonly Caption[], now: number): Caption[] {
  return lines.filter((line) => now - line.at < captionMs);
}
