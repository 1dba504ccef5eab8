// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Tenants in the configuration: what is refused, and what becomes of a server whose tenants change.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { Worker, worker_token } from '../agents/worker.mjs';
import { change, read_config } from '../lib/config_file.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { start_server } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until, within } from '../lib/wait.mjs';
import { fresh_name } from './clients.mjs';
import { acme, acme_too, globex, keys, tenants } from './tenant_clients.mjs';

const kMistakes = [
  [{ acme: ['APInobody'] }, /API key APInobody of tenant acme is not one of the keys/],
  [{ ...tenants, third: [acme.key] }, /API key APIacme is given twice in confab\.tenants: acme and third/],
  [{ 'no good': [acme.key] }, /a tenant in confab\.tenants has no good name/],
  [{ acme: acme.key }, /confab\.tenants\.acme/],
];

export async function tenant_reload_checks(suite) {
  await suite.check('tenants that make no sense are refused at the start [TEN-02]', async () => {
    for (const [wrong, text] of kMistakes)
      await assert.rejects(start_server(suite, { keys, confab: { tenants: wrong } }), text);
  });

  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-tenants-'));
  suite.cleanup(() => fs.rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'confab.yaml');
  const server = await start_server(suite, { keys, confab: { tenants, watch_config: false, control_threads: 2 } }, { file });
  const own = read_config(file).confab;
  // The log from the reload on, up to that line.
  const reload = async (changed, line) => {
    const from = server.log.length;
    change(file, { confab: { ...own, tenants: changed } });
    server.signal('SIGHUP');
    await until(() => line.test(server.log.slice(from)), { what: () => `${line} in ${server.log.slice(from)}` });
    return server.log.slice(from);
  };

  await suite.check('tenants that make no sense are refused when they are reloaded, and all stays [TEN-02] [TEN-11]', async () => {
    const name = fresh_name('stays');
    await acme.rooms(server).createRoom({ name });
    for (const [wrong, text] of kMistakes) assert.match(await reload(wrong, /is not reloaded, all stays as it was/), text);
    assert.deepEqual([await acme_too.names(server), await globex.names(server)], [[name], []]);
    await acme.rooms(server).deleteRoom(name);
  });

  await suite.check('a key that goes to another tenant: its rooms stay, it names those of the other, its workers come anew [TEN-11]', async () => {
    const name = fresh_name('moved');
    const alice = await Peer.join(suite, server, name, 'alice', { token: await acme_too.token(name, 'alice') });
    const bob = await Peer.join(suite, server, name, 'bob', { token: await acme.token(name, 'bob') });
    const worker = await Worker.start(suite, server, { agentName: 'bot' }, { token: await worker_token(acme_too) });
    const stays = await Worker.start(suite, server, { agentName: 'bot' }, { token: await worker_token(acme) });
    await reload({ acme: [acme.key], globex: [globex.key, acme_too.key] }, /configuration reloaded.*confab\.tenants/);
    await within(5000, 'the end of the connection', worker.ws.closed);
    // Who is inside stays there, and hears the others.
    assert.deepEqual(await acme.people(server, name), ['alice', 'bob']);
    assert.deepEqual(await acme_too.names(server), []);
    await alice.local.publishData(new TextEncoder().encode('still here'), { reliable: true });
    await until(() => bob.data.some(({ text }) => text === 'still here'), { what: 'data' });
    // Who comes is in the new tenant's room.
    const carol = await SignalClient.join(server, name, 'alice', { token: await acme_too.token(name, 'alice') });
    assert.deepEqual([await globex.people(server, name), await acme.people(server, name)], [['alice'], ['alice', 'bob']]);
    const again = await Worker.start(suite, server, { agentName: 'bot' }, { token: await worker_token(acme_too) });
    await globex.dispatches(server).createDispatch(name, 'bot');
    await again.assigned(name);
    assert.equal(stays.offers.length, 0);
    assert.ok(stays.ws.open && carol.open);
    await Promise.all([alice.leave(), bob.leave(), carol.leave()]);
    worker.stop();
    again.stop();
    stays.stop();
  });
  await server.stop();
}
