// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A server with a call in it, and beside the call everything a bad client can think of. After each
// attack the call's picture and sound have gone on and the server has not grown.

import { start_server } from '../lib/server.mjs';
import { Seeded } from '../lib/seeded.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { churn_checks } from './churn.mjs';
import { data_attacks } from './data.mjs';
import { frozen_attacks } from './frozen.mjs';
import { http_attacks } from './http.mjs';
import { media_port_attacks } from './media_ports.mjs';
import { offer_attacks } from './offers.mjs';
import { replay_attacks } from './replay.mjs';
import { secret_checks } from './secrets.mjs';
import { signalling_attacks } from './signalling.mjs';
import { token_attacks } from './tokens.mjs';
import { Witness } from './witness.mjs';

// Every sid of the call, as any other participant is told.
async function sids_of(server, room) {
  const client = await SignalClient.join(server, room, 'observer');
  const others = client.last.join.otherParticipants;
  await client.leave();
  return [client.last.join.room.sid, ...others.flatMap((one) => [one.sid, ...one.tracks.map((track) => track.sid)])];
}

const suite = new Suite({ limit: 900 });
await suite.run(async () => {
  const random = new Seeded();
  console.log(`seed ${random.seed}`);
  const server = await start_server(suite, { logging: { level: 'debug', pion_level: 'debug' } });
  const room = 'hostile';
  const place = { suite, server, room, random };
  await suite.check(
    'a call is up',
    async () => {
      place.witness = await Witness.start(suite, server, room);
      place.sids = await sids_of(server, room);
      assert.equal(place.sids.length, 7);
    },
    { needed: true, seconds: 60 },
  );
  if (!place.sids) return;
  await signalling_attacks(place);
  await offer_attacks(place);
  await frozen_attacks(place);
  await media_port_attacks(place);
  await replay_attacks(place);
  await data_attacks(place);
  await token_attacks(place);
  await http_attacks(place);
  await secret_checks(place);
  await place.witness.stop();
  await churn_checks(suite);
});
