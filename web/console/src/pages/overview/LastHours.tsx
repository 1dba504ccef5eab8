// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The plots of the last hours.

import { useEffect, useState } from 'react';
import type { History } from '../../api/types';
import { usePoll } from '../../hooks/usePoll';
import { strings } from '../../strings';
import { Loading, Refused, Section } from '../../ui/bits';
import { HistoryPlots } from '../../ui/HistoryPlots';

const spanMs = 6 * 3_600_000;
const stepMs = 60_000;

const minuteNow = () => Math.floor(Date.now() / stepMs) * stepMs;

export function LastHours() {
  const [to, setTo] = useState(minuteNow);
  useEffect(() => {
    const timer = setInterval(() => setTo(minuteNow()), 15_000);
    return () => clearInterval(timer);
  }, []);
  const params = { from: to - spanMs, to, points: 180 };
  const { data, refusal } = usePoll<History>('history', { everyMs: 60_000, keep: true, params });
  return (
    <Section title={strings.overview.lastHours} wide>
      {refusal && <Refused refusal={refusal} />}
      {data ? <HistoryPlots history={data} which={['participants', 'traffic', 'joins', 'cpu']} /> : !refusal && <Loading />}
    </Section>
  );
}
