// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// An error in words that say what to do.

import { Absence, Refusal } from '../api/client';
import { strings } from '../strings';

export function describeFailure(error: unknown): string {
  if (error instanceof Absence) return strings.actions.away;
  if (error instanceof Refusal) {
    if (error.status === 403 && !error.message.includes(' ')) return strings.failed.forbidden;
    return error.message;
  }
  return error instanceof Error ? error.message : String(error);
}
