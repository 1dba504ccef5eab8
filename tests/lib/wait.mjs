// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Waiting without fixed sleeps: every wait polls and has a deadline.

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Calls `probe` until it returns something truthy and returns that. What it threw last, or the
// text of `what()`, explains a missed deadline.
export async function until(probe, { timeout = 10000, every = 50, what = 'the condition' } = {}) {
  const deadline = Date.now() + timeout;
  let last;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() >= deadline) {
      const subject = typeof what === 'function' ? await what() : what;
      throw new Error(`waited ${timeout} ms for ${subject}${last ? `; last: ${last.message}` : ''}`);
    }
    await sleep(every);
  }
}

// Rejects when `promise` has not settled in time.
export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// Calls `action` with each of the list, so many at once, in the list's order. Fails with the first that
// fails, once those under way are over.
export async function few_at_once(count, list, action) {
  const left = [...list];
  const work = async () => {
    while (left.length > 0) await action(left.shift());
  };
  const ends = await Promise.allSettled(Array.from({ length: count }, work));
  const failed = ends.find(({ status }) => status === 'rejected');
  if (failed) throw failed.reason;
}
