// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Numbers with units, times in the reader's own zone.

const dash = '–';
const locale = undefined; // the browser's
const rateUnits = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'];

function known(value: number | null | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

export function count(value: number | null | undefined): string {
  return known(value) ? value.toLocaleString(locale) : dash;
}

/** Three digits that matter: 1.23, 12.3, 123. */
function digits(value: number): string {
  const places = value === 0 || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString(locale, { maximumFractionDigits: places });
}

export function bitrate(bitsPerSecond: number | null | undefined): string {
  if (!known(bitsPerSecond)) return dash;
  let unit = 0;
  let value = bitsPerSecond;
  for (; Math.abs(value) >= 999.5 && unit < rateUnits.length - 1; ++unit) value /= 1000;
  return `${digits(value)} ${rateUnits[unit] ?? ''}`;
}

export const rateOfBytes = (bytesPerSecond: number | null | undefined) => bitrate(known(bytesPerSecond) ? bytesPerSecond * 8 : undefined);

export function perSecond(value: number | null | undefined): string {
  return known(value) ? `${digits(value)}/s` : dash;
}

export function percent(share: number | null | undefined): string {
  return known(share) ? `${digits(share * 100)} %` : dash;
}

export function millis(value: number | null | undefined): string {
  return known(value) && value > 0 ? `${digits(value)} ms` : dash;
}

/** 3 d 4 h, 2 h 5 min, 1 min 3 s: the two largest units. */
export function duration(ms: number | null | undefined): string {
  if (!known(ms)) return dash;
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'], [Math.floor(seconds / 3600) % 24, 'h'], [Math.floor(seconds / 60) % 60, 'min'], [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  if (first < 0) return '0 s';
  return parts.slice(first, first + 2).filter(([value]) => value > 0).map(([value, unit]) => `${value} ${unit}`).join(' ');
}

export function daysLeft(notAfter: number, now: number): number {
  return Math.floor((notAfter - now) / 86_400_000);
}

const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat(locale, { month: 'short', day: 'numeric' });
const dayClock = new Intl.DateTimeFormat(locale, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
const full = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'long' });
const minute = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });

const sameDay = (a: number, b: number) => new Date(a).toDateString() === new Date(b).toDateString();

/** Today: the time with seconds; another day: date and minute. */
export function time(at: number, now = Date.now()): string {
  return sameDay(at, now) ? clock.format(at) : dayClock.format(at);
}

export const fullTime = (at: number) => full.format(at);

/** For the axis of a plot that spans `spanMs`. */
export function tickTime(at: number, spanMs: number): string {
  return spanMs > 2 * 86_400_000 ? day.format(at) : minute.format(at);
}

/** For an input of type datetime-local, which wants the reader's own zone. */
export function localInput(at: number): string {
  const date = new Date(at);
  return new Date(at - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
