// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Identifiers: the prefix says of what, twelve characters of the alphabet follow.

import { AgentDispatchClient } from 'livekit-server-sdk';

import { room_client } from '../api/clients.mjs';
import { WebhookSink } from '../api/webhook_sink.mjs';
import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client, fresh_room } from './client.mjs';

export async function id_checks(suite) {
  await suite.check('ids of rooms, nodes, participants, tracks, dispatches and events begin with their prefix [SID-02] [SID-01] [SID-03]', async () => {
    const sink = await WebhookSink.start(suite);
    const server = await start_server(suite, { webhook: { urls: [sink.url], api_key: KEY } });
    const room = fresh_room('ids');
    await room_client(server).createRoom({ name: room });
    const dispatch = await new AgentDispatchClient(server.http, KEY, SECRET).createDispatch(room, 'helper');
    const alice = await Client.join(suite, server, room, 'alice');
    alice.send('addTrack', { cid: 'mic', type: 0, source: 2 });
    const { track } = await alice.told('trackPublished');
    alice.send('publishDataTrackRequest', { pubHandle: 1, name: 'x' });
    const { info } = await alice.told('publishDataTrackResponse');
    const [event] = await until(() => sink.of_room(room).length && sink.of_room(room));
    const ids = {
      RM_: alice.joined.room.sid,
      ND_: alice.joined.serverInfo.nodeId,
      PA_: alice.joined.participant.sid,
      TR_AM: track.sid,
      DTR_: info.sid,
      AD_: dispatch.id,
      EV_: event.event.id,
    };
    for (const [prefix, id] of Object.entries(ids)) assert.match(id, new RegExp(`^${prefix}[2-9A-HJ-NP-Za-km-z]{12}$`));
    const bob = await Client.join(suite, server, room, 'bob');
    assert.notEqual(bob.sid, alice.sid);
    await server.stop();
    server.forget();
  });
}
