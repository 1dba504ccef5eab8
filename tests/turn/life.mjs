// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What a participant was given on the TURN server ends with it, and with its key.

import path from 'node:path';

import { change } from '../lib/config_file.mjs';
import { assert } from '../lib/suite.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { TurnClient } from '../lib/turn_client.mjs';
import { until } from '../lib/wait.mjs';
import { kUdpPort, metric_becomes, start_turn_server } from './settings.mjs';

const kAfterParticipant = 30;

async function join_with_allocation(server, host, identity) {
  const signal = await SignalClient.join(server, 'life', identity);
  const turn = await TurnClient.open(host, kUdpPort, signal.last.join.iceServers[0]);
  assert.equal((await turn.allocate()).error, 0);
  return { signal, turn };
}

export async function life_checks(place) {
  const { suite, host, folder } = place;
  const names = {
    end: 'an allocation outlives its participant by half a minute at most [TURN-17]',
    key: 'with a key that is taken out of the file its allocations end at once [TURN-17] [TOK-02]',
  };
  if (!Object.values(names).some((name) => suite.selected(name))) return;
  const file = path.join(folder, 'life.yaml');
  const server = await start_turn_server(place, {}, { rest: { confab: { metrics_enabled: true, watch_config: false } }, start: { file } });

  await suite.check(names.end, async () => {
    const [alice, bob] = [await join_with_allocation(server, host, 'alice'), await join_with_allocation(server, host, 'bob')];
    assert.equal((await alice.turn.refresh(600)).lifetime, 600);
    await alice.signal.leave();
    // The server has ended her once nobody else is told of her.
    await until(async () => (await alice.turn.refresh(600)).lifetime <= kAfterParticipant, { what: 'a shorter life' });
    assert.equal((await bob.turn.refresh(600)).lifetime, 600);
    await bob.signal.leave();
    await Promise.all([alice, bob].map(({ turn }) => turn.refresh(0)));
    alice.turn.close();
    bob.turn.close();
  });

  await suite.check(names.key, async () => {
    const carol = await join_with_allocation(server, host, 'carol');
    await metric_becomes(server, 'confab_turn_allocations', (count) => count === 1);
    change(file, { keys: { APInext: 'the-next-secret-of-this-node-0123456789' } });
    server.signal('SIGHUP');
    await metric_becomes(server, 'confab_turn_allocations', (count) => count === 0);
    assert.notEqual((await carol.turn.refresh(600)).error, 0);
    carol.turn.close();
    await carol.signal.leave();
  });
  await server.stop();
}
