// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Agents of rooms whose node goes: what is kept of them in Redis, and who works for the room at its
// next node. Workers are sockets at the node that stays.

import { AgentDispatch, Job } from '@livekit/protocol';

import { dispatch_client, Worker } from '../agents/worker.mjs';
import { room_client } from '../api/clients.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { Nodes } from './nodes.mjs';

const { FAILED, RUNNING } = { RUNNING: 1, FAILED: 3 };
const { PUBLISHER, PARTICIPANT } = { PUBLISHER: 1, PARTICIPANT: 2 }; // JobType

// Binary values, as Redis has them.
const stored = async (nodes, key, type) => {
  const { commands } = nodes;
  const all = await commands.send('HGETALL', key);
  return Object.fromEntries(all.flatMap((name, i) => (i % 2 ? [] : [[String(name), type.fromBinary(all[i + 1])]])));
};

const join_agent = (node, room, { job, token }) => SignalClient.join(node, room, job.state.participantIdentity, { token });

export async function agent_checks(suite) {
  const { Peer: Service } = await import('../lib/psrpc.mjs');

  async function start(config, options) {
    const nodes = await Nodes.start(suite, 2, config, options);
    nodes.commands = (await Service.start(suite, nodes.redis.port, 'reader')).commands;
    return nodes;
  }

  await suite.check('dispatches and jobs are in Redis as long as they are, and listed by each node [RDS-18] [RDS-19] [DSP-25] [DSP-26]', async () => {
    const nodes = await start();
    const [holder, away] = nodes.all;
    const bot = await Worker.start(suite, away, { agentName: 'bot' });
    await room_client(away).createRoom({ name: 'kept', nodeId: holder.node, emptyTimeout: 60 });
    const made = await dispatch_client(away).createDispatch('kept', 'bot', { metadata: 'md' });
    const { job } = await bot.assigned('kept');
    const jobs = await until(async () => { const all = await stored(nodes, 'agent_job:kept', Job); return all[job.id] && all; }, { what: 'the job in Redis' });
    const record = jobs[job.id];
    assert.deepEqual([record.dispatchId, record.room, record.state.status, record.agentName], [made.id, undefined, RUNNING, 'bot']);
    const dispatches = await stored(nodes, 'agent_dispatch:kept', AgentDispatch);
    assert.equal(Object.keys(dispatches).length, 2, 'and the one for workers without a name');
    assert.deepEqual([dispatches[made.id].metadata, dispatches[made.id].state.jobs], ['md', []]);
    for (const node of nodes.all) {
      const listed = await dispatch_client(node).listDispatch('kept');
      assert.deepEqual(listed.map(({ id }) => id).sort(), Object.keys(dispatches).sort());
    }
    await dispatch_client(away).deleteDispatch(made.id, 'kept');
    await until(async () => !(await stored(nodes, 'agent_dispatch:kept', AgentDispatch))[made.id] && !(await stored(nodes, 'agent_job:kept', Job))[job.id], { what: 'both to be gone from Redis' });
    await room_client(away).deleteRoom('kept');
    await until(() => nodes.redis.cli('EXISTS', 'agent_dispatch:kept', 'agent_job:kept') === '0', { what: 'all to be gone with the room' });
    await nodes.end();
  });

  await suite.check('the node of a room is killed: a dispatch of the API goes on, its agent keeps its job, and no other is started [DSP-29] [RDS-18] [RDS-27]', async () => {
    const nodes = await start();
    const [holder, away] = nodes.all;
    const bot = await Worker.start(suite, away, { agentName: 'bot' });
    await room_client(away).createRoom({ name: 'moved', nodeId: holder.node, emptyTimeout: 60 });
    const made = await dispatch_client(away).createDispatch('moved', 'bot', { metadata: 'md' });
    const given = await bot.assigned('moved');
    const agent = await join_agent(away, 'moved', given);
    await until(async () => (await stored(nodes, 'agent_job:moved', Job))[given.job.id], { what: 'the job in Redis' });
    holder.signal('SIGKILL');
    await until(async () => {
      const back = await join_agent(away, 'moved', given).catch(() => undefined);
      return back?.last?.join && back;
    }, { timeout: 20000, what: 'the agent at the next node' });
    assert.equal(nodes.holder('moved'), away);
    const [dispatch] = await dispatch_client(away).listDispatch('moved').then((all) => all.filter(({ id }) => id === made.id));
    assert.deepEqual([dispatch.metadata, dispatch.agentName, dispatch.state.jobs.map(({ id, state }) => [id, state.status])], ['md', 'bot', [[given.job.id, RUNNING]]]);
    await sleep(17000);
    assert.equal(bot.offers.length, 1, 'no job but the first');
    assert.deepEqual(bot.ended, []);
    // It is the room's: with its dispatch it ends.
    await dispatch_client(away).deleteDispatch(made.id, 'moved');
    await until(() => bot.ended.includes(given.job.id), { what: 'the worker to be told' });
    agent.destroy();
    await nodes.end();
  }, { seconds: 70 });

  await suite.check('the node of a room is killed, and its agent does not come back: another one is started [DSP-29] [RDS-19]', async () => {
    const nodes = await start();
    const [holder, away] = nodes.all;
    const bot = await Worker.start(suite, away, { agentName: 'bot' });
    await room_client(away).createRoom({ name: 'lost', nodeId: holder.node, emptyTimeout: 60 });
    const made = await dispatch_client(away).createDispatch('lost', 'bot');
    const { job } = await bot.assigned('lost');
    await until(async () => (await stored(nodes, 'agent_job:lost', Job))[job.id], { what: 'the job in Redis' });
    holder.signal('SIGKILL');
    const alice = await until(() => SignalClient.join(away, 'lost', 'alice').catch(() => undefined), { timeout: 20000, what: 'alice at the next node' });
    await until(() => bot.offers.length === 2, { timeout: 30000, what: 'another job' });
    assert.ok(bot.ended.includes(job.id));
    const dispatch = (await dispatch_client(away).listDispatch('lost')).find(({ id }) => id === made.id);
    assert.equal(dispatch.state.jobs.find(({ id }) => id === job.id).state.status, FAILED);
    alice.destroy();
    await nodes.end();
  }, { seconds: 80 });

  // A worker of each kind at the node that stays, and a room at the other one with a participant
  // that publishes: what they were given, and their agents in the room.
  async function served(nodes, room) {
    const [holder, away] = nodes.all;
    const bots = {};
    for (const [name, type] of Object.entries({ whole: 0, publisher: PUBLISHER, participant: PARTICIPANT })) bots[name] = await Worker.start(suite, away, { agentName: name, type });
    await room_client(away).createRoom({ name: room, nodeId: holder.node, emptyTimeout: 60 });
    for (const name of Object.keys(bots)) await dispatch_client(away).createDispatch(room, name);
    const alice = await Peer.join(suite, away, room, 'alice', { number: 1 });
    await alice.publish_tone();
    const given = await Promise.all(Object.values(bots).map((bot) => bot.assigned(room)));
    for (const one of given.slice(1)) assert.equal(one.job.participant.identity, 'alice');
    const agents = await Promise.all(given.map((one) => join_agent(away, room, one)));
    await until(async () => { const jobs = await stored(nodes, `agent_job:${room}`, Job); return given.every(({ job }) => jobs[job.id]?.state.status === RUNNING); }, { what: 'the jobs in Redis' });
    return { bots: Object.values(bots), given, alice, agents };
  }

  // All come to the next node, and each job is the one it was, for who is there now.
  async function go_on({ bots, given, alice, agents }, nodes, room, since) {
    const [, away] = nodes.all;
    // Alice makes it there. Before, a node that drains would take them once more.
    await until(() => nodes.holder(room) === away, { timeout: 20000, what: 'the room at the next node' });
    const again = await Promise.all(given.map((one) => until(async () => {
      const back = await join_agent(away, room, one).catch(() => undefined);
      return back?.last?.join && back;
    }, { timeout: 20000, what: 'an agent at the next node' })));
    await alice.event('reconnected', () => true, { since, timeout: 30000 });
    await until(async () => (await room_client(away).getParticipant(room, 'alice').catch(() => undefined))?.tracks.length, { timeout: 20000, what: 'the track of alice' });
    await sleep(17000);
    assert.deepEqual(bots.map((bot) => bot.offers_of(room).length), [1, 1, 1], 'no jobs but the first');
    assert.deepEqual(bots.map((bot) => bot.ended), [[], [], []]);
    const { sid } = await room_client(away).getParticipant(room, 'alice');
    const jobs = (await dispatch_client(away).listDispatch(room)).flatMap(({ state }) => state.jobs);
    for (const { job } of given) {
      const now = jobs.find(({ id }) => id === job.id);
      assert.deepEqual([now.state.status, now.participant?.sid], [RUNNING, job.participant && sid]);
    }
    assert.equal(jobs.length, 3);
    return [...agents, ...again];
  }

  await suite.check('the node of a room is killed: agents keep their jobs for a participant that comes along, and a session after that has new ones [DSP-21] [DSP-29] [RDS-19] [RDS-27]', async () => {
    const nodes = await start();
    const [holder, away] = nodes.all;
    const all = await served(nodes, 'persons');
    const since = Date.now();
    holder.signal('SIGKILL');
    const agents = await go_on(all, nodes, 'persons', since);
    const [, publisher, participant] = all.bots;
    await all.alice.leave();
    const second = await Peer.join(suite, away, 'persons', 'alice', { number: 1 });
    await until(() => participant.offers_of('persons').length === 2, { what: 'the job of the new session' });
    assert.equal(publisher.offers_of('persons').length, 1);
    await second.publish_tone();
    await until(() => publisher.offers_of('persons').length === 2, { what: 'the job of the new track' });
    await second.leave();
    for (const agent of agents) agent.destroy();
    await nodes.end();
  }, { seconds: 100 });

  await suite.check('a room moves because its node drains: agents of the room, of a participant and of a publisher keep their jobs, and no worker is told to end one [DSP-29] [OPS-01] [RDS-19]', async () => {
    const nodes = await start({ confab: { drain_timeout: '1s' } }, { args: ['serve'] });
    const [holder] = nodes.all;
    const all = await served(nodes, 'drained');
    const since = Date.now();
    holder.signal('SIGTERM');
    const agents = await go_on(all, nodes, 'drained', since);
    assert.equal((await holder.ended).code, 0);
    await all.alice.leave();
    for (const agent of agents) agent.destroy();
    await nodes.end();
  }, { seconds: 100 });
}
