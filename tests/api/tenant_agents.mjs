// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Agent workers of two tenants under one name, in rooms of one name.

import { Worker, check, decoded, worker_token } from '../agents/worker.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_name, refused } from './clients.mjs';
import { acme, acme_too, globex, operator } from './tenant_clients.mjs';

export async function tenant_agent_checks(suite, server, title) {
  const start = async (party, register) => Worker.start(suite, server, register, { token: await worker_token(party) });

  await check(suite, `workers get the jobs of their tenant's rooms, and nothing shows the tenant${title} [TEN-09] [DSP-10]`, async () => {
    const name = fresh_name('staffed');
    const bot = { agentName: 'bot', namespace: 'ns' };
    const [of_acme, of_globex, of_operator] = [await start(acme, bot), await start(globex, bot), await start(operator, bot)];
    const dispatch = await acme_too.dispatches(server).createDispatch(name, 'bot');
    assert.equal(dispatch.room, name);
    const { job, token } = await of_acme.assigned(name);
    assert.deepEqual([job.room.name, job.namespace, job.agentName], [name, 'ns', 'bot']);
    assert.deepEqual(of_acme.offers.map((offer) => offer.namespace), ['ns']);
    assert.deepEqual([decoded(token).iss, decoded(token).video.room], [acme.key, name]);
    // Of a room that is not the caller's nothing is told.
    for (const party of [globex, operator]) {
      await refused(party.dispatches(server).listDispatch(name), 'unavailable', 503, 'no response from servers');
      await refused(party.dispatches(server).deleteDispatch(dispatch.id, name), 'unavailable', 503, 'no response from servers');
    }
    await globex.dispatches(server).createDispatch(name, 'bot');
    const theirs = await of_globex.assigned(name);
    assert.equal(decoded(theirs.token).iss, globex.key);
    const listed = await acme.dispatches(server).listDispatch(name);
    assert.deepEqual(listed.flatMap(({ state }) => state.jobs.map((one) => `${one.id} ${one.namespace}`)), [`${job.id} ns`]);
    // The end of a room ends the jobs of that room.
    await globex.rooms(server).deleteRoom(name);
    await until(() => of_globex.ended.length > 0, { what: 'the end of the job in globex' });
    assert.deepEqual(of_globex.ended, [theirs.job.id]);
    await acme.rooms(server).deleteRoom(name);
    await until(() => of_acme.ended.length > 0, { what: 'the end of the job in acme' });
    assert.deepEqual([of_acme.ended, of_globex.ended, of_operator.offers], [[job.id], [theirs.job.id], []]);
  });

  await check(suite, `a job waits for a worker of its own tenant${title} [TEN-09]`, async () => {
    const name = fresh_name('waiting');
    const other = await start(globex, { agentName: 'late' });
    await acme.rooms(server).createRoom({ name, agents: [{ agentName: 'late' }] });
    await globex.rooms(server).createRoom({ name: `${name}-theirs`, agents: [{ agentName: 'late' }] });
    await other.assigned(`${name}-theirs`);
    assert.deepEqual(other.offers_of(name), []);
    const own = await start(acme, { agentName: 'late' });
    await own.assigned(name);
    assert.equal(other.offers.length, 1);
    await acme.rooms(server).deleteRoom(name);
    await globex.rooms(server).deleteRoom(`${name}-theirs`);
  });
}
