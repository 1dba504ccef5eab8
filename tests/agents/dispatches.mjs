// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Explicit dispatch: by the API, by the token of the join that makes the room, by CreateRoom; what
// deleting one does.

import { RoomAgentDispatch, RoomConfiguration } from '@livekit/protocol';
import { AccessToken } from 'livekit-server-sdk';

import { refused } from '../api/clients.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { check, dispatch_client, dispatches, fresh_name, room_client, Worker } from './worker.mjs';

async function token_with_agents(room, identity, agents) {
  const token = new AccessToken(KEY, SECRET, { identity, ttl: 600 });
  token.addGrant({ roomJoin: true, room });
  token.roomConfig = new RoomConfiguration({ agents: agents.map((one) => new RoomAgentDispatch(one)) });
  return token.toJwt();
}

const join = async (server, room, { job, token }) => SignalClient.join(server, room, job.state.participantIdentity, { token });

export async function dispatch_checks(suite, server) {
  const bot = await Worker.start(suite, server, { agentName: 'bot' });
  const any = await Worker.start(suite, server);

  await check(suite, 'CreateDispatch brings a named agent into a room [API-40] [DSP-24]', async () => {
    const room = fresh_name('api');
    const alice = await SignalClient.join(server, room, 'alice');
    await any.assigned(room); // the room itself has the automatic one
    const made = await dispatch_client(server).createDispatch(room, 'bot', { metadata: 'job metadata' });
    assert.match(made.id, /^AD_\w{12}$/);
    assert.equal(made.agentName, 'bot');
    assert.equal(made.metadata, 'job metadata');
    assert.ok(made.state.createdAt > 1_700_000_000_000_000_000n);
    const { job } = await bot.assigned(room);
    assert.equal(job.dispatchId, made.id);
    assert.equal(job.metadata, 'job metadata');
    assert.equal(job.agentName, 'bot');
    const listed = await dispatch_client(server).getDispatch(made.id, room);
    assert.equal(listed.state.jobs[0].id, job.id);
    assert.equal((await dispatches(server, room)).length, 2);
    alice.ws.destroy();
  });

  await check(suite, 'CreateDispatch makes the room; unknown names of rooms and dispatches [API-40] [DSP-25] [DSP-26]', async () => {
    const room = fresh_name('made');
    await dispatch_client(server).createDispatch(room, 'bot');
    await bot.assigned(room);
    await any.assigned(room); // born without a list, so the automatic one is there, too
    assert.equal((await dispatches(server, room)).length, 2);
    const client = dispatch_client(server);
    assert.equal(await client.getDispatch('AD_x', room), undefined);
    await refused(client.deleteDispatch('AD_x', room), 'not_found', 404, 'dispatch ID not found');
    await refused(client.listDispatch('nowhere'), 'unavailable', 503, 'no response from servers');
    await refused(client.deleteDispatch('AD_x', 'nowhere'), 'unavailable', 503, 'no response from servers');
    await refused(client.createDispatch('', 'bot'), 'invalid_argument', 400, 'room is required');
    await room_client(server).deleteRoom(room);
    await refused(client.listDispatch(room), 'unavailable', 503, 'no response from servers');
  });

  await check(suite, 'the token that makes the room names its agents, a later one does not [DSP-20] [DSP-32]', async () => {
    const room = fresh_name('token');
    const token = await token_with_agents(room, 'alice', [{ agentName: 'bot', metadata: 'from the token' }]);
    const alice = await SignalClient.join(server, room, 'alice', { token });
    const { job } = await bot.assigned(room);
    assert.equal(job.metadata, 'from the token');
    const other = await token_with_agents(room, 'bob', [{ agentName: 'bot' }, { agentName: '' }]);
    const bob = await SignalClient.join(server, room, 'bob', { token: other });
    const listed = await dispatches(server, room);
    assert.deepEqual(listed.map((one) => one.agentName), ['bot']);
    assert.equal(any.offers_of(room).length, 0, 'a list without it switches the automatic one off');
    for (const client of [alice, bob]) client.ws.destroy();
  });

  await check(suite, 'CreateRoom names agents; a bad deployment is left out [DSP-20] [ROOM-11] [TST-40]', async () => {
    const room = fresh_name('create');
    await room_client(server).createRoom({
      name: room,
      agents: [new RoomAgentDispatch({ agentName: 'bot' }), new RoomAgentDispatch({ agentName: '' })],
    });
    await bot.assigned(room);
    await any.assigned(room);
    const bad = fresh_name('bad');
    await room_client(server).createRoom({
      name: bad,
      agents: [new RoomAgentDispatch({ agentName: 'bot', deployment: 'a_b' })],
    });
    assert.deepEqual(await dispatches(server, bad), []);
    assert.equal(bot.offers_of(bad).length + any.offers_of(bad).length, 0);
  });

  await check(suite, 'name, namespace and deployment must fit [CON-52] [DSP-22] [TST-40]', async () => {
    const room = fresh_name('fit');
    const blue = await Worker.start(suite, server, { agentName: 'coloured', deployment: 'blue' });
    const green = await Worker.start(suite, server, { agentName: 'coloured', deployment: 'green' });
    const spaces = await Promise.all(['one', 'two'].map((namespace) => Worker.start(suite, server, { agentName: 'spaced', namespace })));
    await room_client(server).createRoom({
      name: room + '-list',
      agents: [new RoomAgentDispatch({ agentName: 'coloured', deployment: 'blue' }), new RoomAgentDispatch({ agentName: 'spaced' })],
    });
    assert.equal((await blue.assigned(room + '-list')).job.deployment, 'blue');
    const [one, two] = await Promise.all(spaces.map((worker) => worker.assigned(room + '-list')));
    assert.deepEqual([one.job.namespace, two.job.namespace], ['one', 'two']);
    assert.notEqual(one.job.id, two.job.id);
    assert.equal(green.offers_of(room + '-list').length, 0);
    for (const worker of [blue, green, ...spaces]) worker.stop();
  });

  await check(suite, 'DeleteDispatch ends its jobs, and after 3 s removes an agent that stays [DSP-25] [WRK-11]', async () => {
    const room = fresh_name('delete');
    const alice = await SignalClient.join(server, room, 'alice');
    const made = await dispatch_client(server).createDispatch(room, 'bot');
    const assigned = await bot.assigned(room);
    const agent = await join(server, room, assigned);
    const began = Date.now();
    await dispatch_client(server).deleteDispatch(made.id, room);
    await until(() => bot.ended.includes(assigned.job.id), { what: 'the end of the job' });
    assert.deepEqual((await dispatches(server, room)).map((one) => one.agentName), ['']);
    const leave = await until(() => agent.last.leave, { what: 'the removal of the agent' });
    assert.equal(leave.reason, 4); // PARTICIPANT_REMOVED
    const took = Date.now() - began;
    assert.ok(took > 2500 && took < 5000, `after ${took} ms`);
    assert.equal(bot.ended.filter((id) => id === assigned.job.id).length, 1);
    for (const client of [alice, agent]) client.ws.destroy();
  });

  bot.stop();
  any.stop();
}
