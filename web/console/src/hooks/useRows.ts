// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rows of a long table: which are on the screen, which has the focus, and how keys move it.

import { type KeyboardEvent, type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { type Range, rowByKey, visibleRange } from '../lib/rows';

const phone = '(max-width: 40rem)';

export const onPhone = () => typeof matchMedia === 'function' && matchMedia(phone).matches;

/** Pixels; the stylesheet gets it as --row. Fingers need more than mice. */
function rowHeightNow(): number {
  return onPhone() ? 44 : 34;
}

export function useRowHeight(): number {
  const [height, setHeight] = useState(rowHeightNow);
  useEffect(() => {
    const media = matchMedia(phone);
    const changed = () => setHeight(rowHeightNow());
    media.addEventListener('change', changed);
    return () => media.removeEventListener('change', changed);
  }, []);
  return height;
}

/** The rows of `body` that the window shows. */
export function useVisibleRows(body: RefObject<HTMLElement>, total: number, rowHeight: number): Range {
  const [range, setRange] = useState<Range>({ first: 0, end: Math.min(total, 40) });
  const update = useCallback(() => {
    if (!body.current) return;
    const next = visibleRange(-body.current.getBoundingClientRect().top, window.innerHeight, rowHeight, total);
    setRange((old) => (old.first === next.first && old.end === next.end ? old : next));
  }, [body, total, rowHeight]);
  useLayoutEffect(update, [update]);
  useEffect(() => {
    window.addEventListener('scroll', update, { passive: true });
    window.addEventListener('resize', update);
    return () => {
      window.removeEventListener('scroll', update);
      window.removeEventListener('resize', update);
    };
  }, [update]);
  return range;
}

export interface Roving {
  active: number;
  onKeyDown: (event: KeyboardEvent) => void;
  onFocus: (index: number) => void;
}

/** Height of what covers the top of the window: the head of the table. */
const coveredPx = 90;

function scrollTo(body: HTMLElement, index: number, rowHeight: number): void {
  const top = body.getBoundingClientRect().top + index * rowHeight;
  const low = window.innerHeight - rowHeight - 8;
  if (top < coveredPx) window.scrollBy(0, top - coveredPx);
  else if (top > low) window.scrollBy(0, top - low);
}

/** One row is in the order of Tab; arrow keys move to others. `data-row` marks what gets the focus. */
export function useRovingRows(body: RefObject<HTMLElement>, total: number, rowHeight: number, range: Range): Roving {
  const [active, setActive] = useState(0);
  const wanted = useRef(-1);
  useLayoutEffect(() => {
    if (wanted.current < 0) return;
    const link = body.current?.querySelector<HTMLElement>(`[data-row="${wanted.current}"]`);
    if (!link) return;
    wanted.current = -1;
    link.focus({ preventScroll: true });
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const from = Number((event.target as HTMLElement).dataset.row ?? NaN);
    if (!Number.isFinite(from) || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(window.innerHeight / rowHeight) - 4);
    const target = rowByKey(event.key, from, total, page);
    if (target === undefined || !body.current) return;
    event.preventDefault();
    wanted.current = target;
    scrollTo(body.current, target, rowHeight);
    setActive(target);
  };
  // One that is no longer drawn cannot be reached: then it is the first one that is.
  const reachable = active >= range.first && active < range.end ? active : range.first;
  return { active: reachable, onKeyDown, onFocus: setActive };
}
