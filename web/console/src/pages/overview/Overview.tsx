// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The server at a glance.

import type { Overview as Data } from '../../api/types';
import { usePoll } from '../../hooks/usePoll';
import { useTitle } from '../../hooks/useRoute';
import { count, duration, rateOfBytes } from '../../lib/format';
import { strings } from '../../strings';
import { Loading, PageHead, Refused, Section } from '../../ui/bits';
import { Certificates } from './Certificates';
import { JoinFunnel } from './JoinFunnel';
import { LastHours } from './LastHours';
import { Nodes, Workers } from './Load';

const text = strings.overview;

function Totals({ data }: { data: Data }) {
  const { totals, now, started_at, version } = data;
  const tiles: [string, string, string][] = [
    ['rooms', text.rooms, count(totals.rooms)],
    ['participants', text.participants, count(totals.participants)],
    ['tracks', text.tracks, count(totals.tracks)],
    ['in', text.in, rateOfBytes(totals.bytes_in_per_s)],
    ['out', text.out, rateOfBytes(totals.bytes_out_per_s)],
    ['uptime', text.uptime, duration(now - started_at)],
    ['version', text.version, version],
  ];
  return (
    <dl className="tiles">
      {tiles.map(([id, name, value]) => (
        <div key={id} className="tile"><dt>{name}</dt><dd data-testid={`total-${id}`}>{value}</dd></div>
      ))}
    </dl>
  );
}

export function Overview() {
  useTitle(strings.pages.overview);
  const { data, refusal } = usePoll<Data>('overview', { everyMs: 2000 });
  return (
    <>
      <PageHead title={strings.pages.overview} />
      {refusal && <Refused refusal={refusal} />}
      {data ? (
        <>
          {data.history && <p className="banner" role="status" data-testid="history-trouble">{data.history}</p>}
          <Totals data={data} />
          <div className="columns">
            <LastHours />
            <Section title={text.nodes} wide><Nodes nodes={data.nodes} /></Section>
            <Section title={text.workers}><Workers workers={data.workers} /></Section>
            <Section title={text.joins}><JoinFunnel joins={data.joins} /></Section>
            <Section title={text.certificates} wide><Certificates certificates={data.certificates} now={data.now} /></Section>
          </div>
        </>
      ) : !refusal && <Loading />}
    </>
  );
}
