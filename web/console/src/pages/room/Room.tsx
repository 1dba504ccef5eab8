// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One room: what it is, who is in it, and one of them more closely.

import type { RoomDetail } from '../../api/types';
import { useFocusKept } from '../../hooks/useFocusKept';
import { usePoll } from '../../hooks/usePoll';
import { useTitle } from '../../hooks/useRoute';
import { closeRoom, dispatchAgent, type Place, sendData, setRoomMetadata } from '../../lib/actions';
import { count } from '../../lib/format';
import { addressOf } from '../../lib/route';
import { strings } from '../../strings';
import { ActionBar } from '../../ui/ActionBar';
import { Badge, Loading, PageHead, Refused } from '../../ui/bits';
import { People } from './People';
import { PersonPanel } from './PersonPanel';
import { RoomFacts } from './RoomFacts';

interface Props extends Place {
  identity: string | undefined;
}

function Gone() {
  return (
    <div className="banner" role="status" data-testid="gone">
      <strong>{strings.room.gone}</strong> {strings.room.goneHint} <a href={addressOf('events')}>{strings.pages.events}</a>
    </div>
  );
}

interface InsideProps {
  place: Place;
  detail: RoomDetail;
  identity: string | undefined;
  refresh: () => void;
}

function Inside({ place, detail, identity, refresh }: InsideProps) {
  const { room, participants } = detail;
  const chosen = participants.find((one) => one.identity === identity);
  return (
    <>
      <ActionBar
        label={strings.room.actions} after={refresh}
        actions={[
          setRoomMetadata(place, room.metadata ?? ''), sendData(place), dispatchAgent(place),
          closeRoom(place, count(participants.length)),
        ]}
      />
      <RoomFacts detail={detail} />
      <div className={identity === undefined ? 'split' : 'split split--chosen'}>
        <People place={place} participants={participants} identity={identity} />
        {identity !== undefined && <PersonPanel place={place} identity={identity} person={chosen} refresh={refresh} />}
      </div>
    </>
  );
}

export function Room({ room, tenant, identity }: Props) {
  useTitle(...(identity === undefined ? [] : [identity]), room, strings.pages.rooms);
  const { data, refusal, refresh } = usePoll<RoomDetail>('room', { everyMs: 1000, params: { name: room, tenant } });
  const gone = refusal?.status === 404;
  const there = data?.participants.some((one) => one.identity === identity);
  useFocusKept(`${identity} ${there} ${gone}`, '.panel h2, h1');
  return (
    <>
      <p className="crumbs"><a href={addressOf('rooms')}>{strings.room.back}</a></p>
      <PageHead title={room}>
        {tenant && <span className="muted">{tenant}</span>}
        {data?.room.active_recording && !gone && <Badge tone="bad">{strings.rooms.recording}</Badge>}
      </PageHead>
      {gone && <Gone />}
      {refusal && !gone && <Refused refusal={refusal} />}
      {data && !gone ? <Inside place={{ room, tenant }} detail={data} identity={identity} refresh={refresh} /> : !refusal && <Loading />}
    </>
  );
}
