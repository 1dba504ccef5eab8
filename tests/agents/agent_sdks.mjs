// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A Python and a Node worker, unmodified: they register, take jobs of the automatic dispatch and of
// explicit ones, answer a participant, and end when they are told to.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { JobStatus } from '@livekit/protocol';

import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { dispatch_client, dispatches, fresh_name, room_client, states } from './worker.mjs';

const kSdk = path.join(path.dirname(fileURLToPath(import.meta.url)), 'sdk');
const kKinds = {
  python: { program: path.join(kSdk, '.venv/bin/python'), script: 'agent.py' },
  node: { program: process.execPath, script: 'agent.mjs' },
};

class AgentProcess {
  log = '';

  static start(suite, server, kind, name) {
    const agent = new AgentProcess();
    const { program, script } = kKinds[kind];
    const env = { ...process.env, LIVEKIT_URL: server.ws, LIVEKIT_API_KEY: KEY, LIVEKIT_API_SECRET: SECRET, AGENT_NAME: name };
    // A group of its own, so that no job process stays behind.
    agent.process = spawn(program, [path.join(kSdk, script), 'start'], { cwd: kSdk, env, detached: true });
    for (const stream of [agent.process.stdout, agent.process.stderr]) stream.on('data', (data) => (agent.log += data));
    agent.ended = new Promise((resolve) => agent.process.on('exit', (code) => resolve(code)));
    suite.cleanup(() => agent.kill_all());
    suite.diagnostics(() => {}, () => [`${kind} worker:`, ...agent.log.trimEnd().split('\n').slice(-12)]);
    return agent;
  }

  // As supervisors end it: the worker alone is told, and ends its job processes itself.
  stop() {
    this.process.kill('SIGTERM');
  }

  kill_all() {
    try {
      process.kill(-this.process.pid, 'SIGKILL');
    } catch {
      // It is gone.
    }
  }
}

const registered = async (server) => {
  const text = await (await fetch(`${server.http}/metrics`)).text();
  return Number(text.match(/^confab_agent_workers\{[^}]*state="registered"[^}]*\} (\d+)/m)?.[1] ?? 0);
};

const agent_in = (peer) => [...peer.room.remoteParticipants.values()].find((one) => one.identity.startsWith('agent-'));

// Joins as somebody with a question, and has the agent's answer when it returns.
async function ask(suite, server, room, kind, question) {
  const peer = await Peer.join(suite, server, room, 'alice');
  const answers = [];
  peer.room.registerTextStreamHandler('answer', async (reader) => answers.push(await reader.readAll()));
  const agent = await until(() => agent_in(peer)?.attributes.ready === kind && agent_in(peer), { timeout: 20000, what: 'the agent' });
  await peer.local.sendText(question, { topic: 'question', destinationIdentities: [agent.identity] });
  await until(() => answers.length > 0, { what: 'the answer' });
  return { peer, agent, answer: answers[0] };
}

async function kind_checks(suite, server, kind) {
  const name = `${kind}-bot`;
  const worker = AgentProcess.start(suite, server, kind, name);
  const before = await registered(server);
  const is_up = await suite.check(`${kind}: the worker registers [CON-51] [WRK-18]`, () =>
    until(async () => (await registered(server)) > before, { timeout: 50000, what: 'the registration' }), { seconds: 55 });
  if (!is_up) return;

  await suite.check(`${kind}: CreateDispatch brings it, it answers, DeleteDispatch ends it [DSP-24] [DSP-25] [DSP-26]`, async () => {
    const room = fresh_name(kind);
    const made = await dispatch_client(server).createDispatch(room, name, { metadata: 'by the API' });
    const { peer, agent, answer } = await ask(suite, server, room, kind, 'hello');
    assert.equal(answer, 'HELLO by the API');
    assert.equal(agent.attributes['lk.agent_name'], name);
    assert.equal(agent.attributes['lk.agent.name'], name);
    const [state] = await states(server, room);
    assert.equal(state.status, JobStatus.JS_RUNNING);
    assert.equal(state.participantIdentity, agent.identity);
    await dispatch_client(server).deleteDispatch(made.id, room);
    await until(() => agent_in(peer) === undefined, { what: 'the agent to leave' });
    assert.deepEqual((await dispatches(server, room)).map((one) => one.agentName), ['']);
    await peer.leave();
  }, { seconds: 60 });

  await suite.check(`${kind}: named by CreateRoom it comes, and its job ends with the room [DSP-20] [DSP-21]`, async () => {
    const room = fresh_name(kind);
    await room_client(server).createRoom({ name: room, agents: [{ agentName: name, metadata: 'by the room' }] });
    const { peer, answer } = await ask(suite, server, room, kind, 'who');
    assert.equal(answer, 'WHO by the room');
    await peer.leave();
    await room_client(server).deleteRoom(room);
  }, { seconds: 60 });

  await suite.check(`${kind}: a room that was there first gets it when it is asked for [DSP-21] [DSP-22]`, async () => {
    const room = fresh_name(kind);
    const bob = await Peer.join(suite, server, room, 'bob', { number: 2 });
    await dispatch_client(server).createDispatch(room, name, { metadata: 'late' });
    const { peer, answer } = await ask(suite, server, room, kind, 'you');
    assert.equal(answer, 'YOU late');
    // Removed by the API: its job is over, and as nothing failed nobody follows.
    await room_client(server).removeParticipant(room, agent_in(peer).identity);
    await until(async () => (await states(server, room)).some((one) => one.status === JobStatus.JS_SUCCESS), { timeout: 15000 });
    // Who publishes nothing is told to be gone within 3 s; one more would have been asked for after 1 s.
    await until(() => agent_in(peer) === undefined, { what: 'the agent to leave' });
    assert.equal((await states(server, room)).length, 1);
    for (const one of [peer, bob]) await one.leave();
  }, { seconds: 60 });

  await suite.check(`${kind}: the worker ends, the next job waits for another one [DSP-23]`, async () => {
    const with_it = await registered(server);
    worker.stop();
    // It waits for its jobs, and these may for the room of the last check, which stays for 20 s.
    await until(async () => (await registered(server)) < with_it, { timeout: 45000, what: 'the worker to go' });
    const room = fresh_name(kind);
    await dispatch_client(server).createDispatch(room, name, { metadata: 'again' });
    AgentProcess.start(suite, server, kind, name);
    const { peer, answer } = await ask(suite, server, room, kind, 'next');
    assert.equal(answer, 'NEXT again');
    await peer.leave();
  }, { seconds: 90 });
}

const suite = new Suite({ limit: 300 });
await suite.run(async () => {
  const server = await start_server(suite);
  await kind_checks(suite, server, 'python');
  await kind_checks(suite, server, 'node');
});
