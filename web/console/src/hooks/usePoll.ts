// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the server says, kept fresh while the page is seen.

import { useCallback, useEffect, useRef, useState } from 'react';
import { get, query, Refusal } from '../api/client';
import { measureUpdate } from '../lib/measure';
import { Poller } from '../lib/poller';

export interface Polled<T> {
  /** The last answer; it stays while the server is away. */
  data?: T;
  /** What it answers: path and parameters. */
  answers: string;
  /** Why there is no newer one: the server's own words. Absences are told by the banner. */
  refusal?: Refusal;
  refresh: () => void;
}

interface State<T> {
  /** The question of `refusal`; that of `data` is `answers`. */
  key: string;
  answers: string;
  data?: T;
  refusal?: Refusal;
}

interface Options {
  everyMs: number;
  /** Answers to an earlier question stay until this one is answered. */
  keep?: boolean;
  params?: Record<string, string | number | undefined>;
}

/** Fetches `path` again and again. Another path or other parameters are another question. */
export function usePoll<T>(path: string, { everyMs, keep = false, params = {} }: Options): Polled<T> {
  const key = path + query(params);
  const [state, setState] = useState<State<T>>({ key, answers: key });
  const poller = useRef<Poller<T> | null>(null);
  const receivedAt = useRef(0);
  useEffect(() => {
    const received = (at: number) => void (receivedAt.current = at);
    const made = new Poller<T>((signal) => get<T>(key, {}, signal, received), everyMs, {
      answer: (data) => setState({ key, answers: key, data }),
      failure: (error) => setState((old) => ({ ...old, key, refusal: error instanceof Refusal ? error : undefined })),
    });
    poller.current = made;
    const seen = () => made.pause(document.hidden);
    document.addEventListener('visibilitychange', seen);
    made.kick();
    return () => {
      document.removeEventListener('visibilitychange', seen);
      made.stop();
    };
  }, [key, everyMs]);
  useEffect(() => {
    if (receivedAt.current > 0) measureUpdate(receivedAt.current);
  }, [state.data]);
  const refresh = useCallback(() => poller.current?.kick(), []);
  return {
    data: keep || state.answers === key ? state.data : undefined,
    answers: state.answers,
    refusal: state.key === key ? state.refusal : undefined,
    refresh,
  };
}
