// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Small things that many pages show.

import { type ReactNode, useEffect, useId, useRef } from 'react';
import type { Refusal } from '../api/client';
import { fullTime, percent, time } from '../lib/format';
import { strings } from '../strings';

/** A moment in local time; the full date as its title. */
export function Time({ at }: { at: number | null | undefined }) {
  if (!at) return <>{strings.none}</>;
  return <time dateTime={new Date(at).toISOString()} title={fullTime(at)}>{time(at)}</time>;
}

export type Tone = 'good' | 'warn' | 'bad' | 'plain';

export function Badge({ tone = 'plain', children, title }: { tone?: Tone; children: ReactNode; title?: string }) {
  return <span className={`badge badge--${tone}`} title={title}>{children}</span>;
}

const loadTone = (share: number): Tone => (share >= 0.9 ? 'bad' : share >= 0.7 ? 'warn' : 'good');

/** A share as a bar with its number; 0.7 and 0.9 are where operators get nervous. */
export function Meter({ share, label }: { share: number; label: string }) {
  const width = `${Math.min(100, Math.max(0, share * 100))}%`;
  return (
    <span className="meter" role="img" aria-label={`${label} ${percent(share)}`}>
      <span className="meter__track"><span className={`meter__bar meter__bar--${loadTone(share)}`} style={{ width }} /></span>
      <span className="meter__text">{percent(share)}</span>
    </span>
  );
}

export function Loading() {
  return <p className="muted loading" role="status" data-testid="loading">{strings.loading}</p>;
}

/** What the server says instead of an answer; 412 is no failure, but something that is not set up. */
export function Refused({ refusal }: { refusal: Refusal }) {
  if (refusal.status === 412) return <p className="banner" role="status" data-testid="refused">{refusal.message}</p>;
  return <p className="problem" role="alert" data-testid="refused"><strong>{strings.failed.title}.</strong> {refusal.message}</p>;
}

export function Section({ title, children, wide = false }: { title: string; children: ReactNode; wide?: boolean }) {
  const id = useId();
  return (
    <section className={wide ? 'section section--wide' : 'section'} aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

/** Names and values. */
export function Facts({ rows }: { rows: [string, ReactNode][] }) {
  return (
    <dl className="facts">
      {rows.map(([name, value]) => (
        <div key={name} className="facts__row">
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The heading of a page. It gets the focus when somebody comes from another page of the console. */
export function PageHead({ title, children }: { title: string; children?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (document.documentElement.dataset.moved === 'yes') heading.current?.focus();
    document.documentElement.dataset.moved = 'yes';
  }, []);
  return (
    <div className="head">
      <h1 ref={heading} tabIndex={-1} data-testid="heading">{title}</h1>
      {children}
    </div>
  );
}

interface SearchProps {
  label: string;
  hint?: string;
  value: string;
  onChange: (value: string) => void;
}

/** The search field of the page; the key / leads to it. */
export function Search({ label, hint, value, onChange }: SearchProps) {
  return (
    <input
      type="search" className="search" aria-label={label} placeholder={hint} value={value} data-search data-testid="search"
      autoComplete="off" spellCheck={false} autoCapitalize="none" onChange={(event) => onChange(event.target.value)}
    />
  );
}

/** Text that operators or clients chose: shown as it is, long or not. */
export function Verbatim({ text }: { text: string | undefined }) {
  return text ? <code className="verbatim">{text}</code> : <>{strings.none}</>;
}
