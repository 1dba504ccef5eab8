// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The past as plots, over a chosen time.

import { useEffect, useState } from 'react';
import type { History as Data } from '../api/types';
import { usePoll } from '../hooks/usePoll';
import { replaceAddress, useTitle } from '../hooks/useRoute';
import { localInput } from '../lib/format';
import { type Period, periodOf, periods, type PeriodName } from '../lib/period';
import { addressOf, type Route } from '../lib/route';
import { strings } from '../strings';
import { Loading, PageHead, Refused } from '../ui/bits';
import { allPlots, HistoryPlots } from '../ui/HistoryPlots';

const text = strings.history;
const refreshMs = 15_000;

function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), refreshMs);
    return () => clearInterval(timer);
  }, []);
  return now;
}

type Go = (params: Record<string, string>) => void;

function Moments({ period, go }: { period: Period; go: Go }) {
  const input = (name: 'from' | 'to') => (
    <label className="field field--inline">
      {text[name]}
      <input
        type="datetime-local" value={localInput(period[name])} data-testid={name}
        onChange={(event) => {
          const at = new Date(event.target.value).getTime();
          if (Number.isFinite(at)) go({ range: 'custom', from: String(period.from), to: String(period.to), [name]: String(at) });
        }}
      />
    </label>
  );
  return <>{input('from')}{input('to')}</>;
}

function Choice({ period, go }: { period: Period; go: Go }) {
  const moments = (range: string) => (range === 'custom' ? { from: String(period.from), to: String(period.to) } : { from: '', to: '' });
  const choose = (range: string) => go({ range, ...moments(range) });
  return (
    <div className="filters">
      <label className="field field--inline">
        {text.range}
        <select value={period.name} onChange={(event) => choose(event.target.value)} data-testid="range">
          {periods.map((name: PeriodName) => <option key={name} value={name}>{text.ranges[name]}</option>)}
        </select>
      </label>
      {period.name === 'custom' && <Moments period={period} go={go} />}
    </div>
  );
}

export function History({ route }: { route: Route }) {
  useTitle(strings.pages.history);
  const period = periodOf(route.params, useNow());
  const go: Go = (params) => replaceAddress(addressOf('history', [], { ...route.params, ...params }));
  const params = { from: period.from, to: period.to, points: 300 };
  const { data, refusal } = usePoll<Data>('history', { everyMs: 60_000, keep: true, params });
  return (
    <>
      <PageHead title={strings.pages.history}><Choice period={period} go={go} /></PageHead>
      {period.to <= period.from && <p className="problem" role="alert">{text.badRange}</p>}
      {refusal && <Refused refusal={refusal} />}
      {data ? <HistoryPlots history={data} which={allPlots} /> : !refusal && <Loading />}
    </>
  );
}
