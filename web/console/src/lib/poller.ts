// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Asks again and again: `everyMs` after each answer, later and later while there is none, at once
// when told to, and not at all while paused. One question at a time; a newer one replaces an older.

const firstRetryMs = 1000;
const longestRetryMs = 8000;

export interface Listener<T> {
  answer: (value: T) => void;
  failure: (error: Error) => void;
}

export class Poller<T> {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | undefined;
  #failures = 0;
  #paused = false;
  #stopped = false;

  constructor(
    private readonly load: (signal: AbortSignal) => Promise<T>,
    private readonly everyMs: number,
    private readonly listener: Listener<T>,
  ) {}

  /** Asks now, whatever is under way. */
  kick(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#abort?.abort();
    void this.#round();
  }

  /** While nobody looks, nothing is asked; on return at once. */
  pause(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    if (paused) clearTimeout(this.#timer);
    else this.kick();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#abort?.abort();
  }

  async #round(): Promise<void> {
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const value = await this.load(abort.signal);
      if (abort.signal.aborted) return;
      this.#failures = 0;
      this.listener.answer(value);
    } catch (error) {
      if (abort.signal.aborted) return;
      this.#failures += 1;
      this.listener.failure(error instanceof Error ? error : new Error(String(error)));
    }
    this.#again();
  }

  #again(): void {
    if (this.#stopped || this.#paused || this.everyMs === Infinity) return;
    const retry = Math.min(longestRetryMs, firstRetryMs * 2 ** (this.#failures - 1));
    this.#timer = setTimeout(() => this.kick(), this.#failures > 0 ? retry : this.everyMs);
  }
}
