// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Poller } from './poller';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Made {
  poller: Poller<number>;
  seen: (number | string)[];
  asked: () => number;
  fail: (yes: boolean) => void;
}

function make(everyMs = 2000): Made {
  let count = 0;
  let failing = false;
  const seen: (number | string)[] = [];
  const load = () => {
    count += 1;
    return failing ? Promise.reject(new Error('away')) : Promise.resolve(count);
  };
  const poller = new Poller(load, everyMs, {
    answer: (value) => void seen.push(value),
    failure: (error) => void seen.push(error.message),
  });
  return { poller, seen, asked: () => count, fail: (yes) => void (failing = yes) };
}

test('asks again after each answer', async () => {
  const { poller, seen } = make();
  poller.kick();
  await vi.advanceTimersByTimeAsync(4100);
  expect(seen).toEqual([1, 2, 3]);
  poller.stop();
  await vi.advanceTimersByTimeAsync(9000);
  expect(seen).toHaveLength(3);
});

test('waits longer after each failure, eight seconds at most, and goes on', async () => {
  const { poller, seen, asked, fail } = make();
  fail(true);
  poller.kick();
  await vi.advanceTimersByTimeAsync(999);
  expect(asked()).toBe(1);
  await vi.advanceTimersByTimeAsync(1 + 2000 + 4000 + 8000 + 8000);
  expect(asked()).toBe(6);
  fail(false);
  await vi.advanceTimersByTimeAsync(8000 + 2000);
  expect(seen.slice(-2)).toEqual([7, 8]);
});

test('is silent while paused and asks at once afterwards', async () => {
  const { poller, asked } = make();
  poller.kick();
  await vi.advanceTimersByTimeAsync(100);
  poller.pause(true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked()).toBe(1);
  poller.pause(false);
  await vi.advanceTimersByTimeAsync(0);
  expect(asked()).toBe(2);
});

test('an answer that was overtaken is not told', async () => {
  const answers: ((value: string) => void)[] = [];
  const seen: string[] = [];
  const poller = new Poller(() => new Promise<string>((resolve) => void answers.push(resolve)), 1000, {
    answer: (value) => void seen.push(value),
    failure: () => undefined,
  });
  poller.kick();
  poller.kick();
  answers[1]?.('new');
  answers[0]?.('old');
  await vi.advanceTimersByTimeAsync(0);
  expect(seen).toEqual(['new']);
});
