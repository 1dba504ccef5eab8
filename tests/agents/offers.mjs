// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// How workers answer offers: not, no, later, with the end of the job; who is full or busy.

import { JobStatus, WorkerStatus } from '@livekit/protocol';

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { check, fresh_name, room_client, states, Worker } from './worker.mjs';

const kRefuse = () => ({ available: false });
const kSilent = () => undefined;

// Two workers of one name, the first of which answers with `answer`, and a room that wants one.
async function pair(suite, server, answer) {
  const agentName = fresh_name('offer');
  const odd = await Worker.start(suite, server, { agentName }, { answer });
  const good = await Worker.start(suite, server, { agentName });
  return { odd, good, room: (name) => room_client(server).createRoom({ name, agents: [{ agentName }] }) };
}

export async function offer_checks(suite, server) {
  await check(suite, 'a worker that refuses is passed over [CON-52]', async () => {
    const { odd, good, room } = await pair(suite, server, kRefuse);
    good.say('updateWorker', { status: WorkerStatus.WS_FULL, load: 0 });
    good.say('ping', { timestamp: 1n });
    await until(() => good.told.some((one) => one.case === 'pong')); // it is full: the other one is asked
    const names = Array.from({ length: 6 }, () => fresh_name('refuse'));
    for (const name of names) await room(name);
    await until(() => names.every((name) => odd.offers_of(name).length > 0), { what: 'an offer of each job to the other' });
    assert.equal(good.offers.length, 0);
    good.say('updateWorker', { status: WorkerStatus.WS_AVAILABLE, load: 0 });
    for (const name of names) await good.assigned(name);
    assert.equal(odd.jobs.size, 0);
    for (const worker of [odd, good]) worker.stop();
  });

  await check(suite, 'a job that its worker refuses, or leaves unanswered, stops no other [CON-52] [DSP-06] [DSP-07]', async () => {
    const agentName = fresh_name('some');
    const [refused, silent, taken] = ['refused', 'silent', 'taken'].map(fresh_name);
    const answer = (job) => {
      if (job.room.name === silent) return undefined;
      return { available: job.room.name === taken, participantIdentity: 'agent' };
    };
    const worker = await Worker.start(suite, server, { agentName }, { answer });
    const room = (name) => room_client(server).createRoom({ name, agents: [{ agentName }] });
    await room(refused);
    await until(() => worker.offers_of(refused).length === 1);
    await room(silent);
    await until(() => worker.offers_of(silent).length === 1);
    await room(taken);
    await worker.assigned(taken, { timeout: 3000 }); // the silent one is waited for 12 s
    assert.equal((await states(server, refused))[0].status, JobStatus.JS_PENDING);
    assert.equal(worker.jobs.size, 1);
    worker.stop();
  });

  await check(suite, 'a burst is offered at once, and many that are left unanswered stop no other [CON-52] [DSP-06]', async () => {
    const agentName = fresh_name('burst');
    const silent = Array.from({ length: 9 }, () => fresh_name('silent'));
    const taken = fresh_name('taken');
    const answer = (job) => (job.room.name === taken ? { available: true, participantIdentity: 'agent' } : undefined);
    const worker = await Worker.start(suite, server, { agentName }, { answer });
    const room = (name) => room_client(server).createRoom({ name, agents: [{ agentName }] });
    await Promise.all(silent.map(room));
    await until(() => worker.offers.length === silent.length, { what: 'an offer of each' });
    await room(taken);
    await worker.assigned(taken, { timeout: 3000 });
    assert.equal(worker.jobs.size, 1);
    worker.stop();
  });

  await check(suite, 'a worker that says nothing is passed over, and may still be late [DSP-02] [DSP-06]', async () => {
    const { odd, good, room } = await pair(suite, server, kSilent);
    good.say('updateWorker', { status: WorkerStatus.WS_FULL, load: 0 });
    const silent = fresh_name('silent');
    await room(silent);
    await until(() => odd.offers.length === 1);
    good.say('updateWorker', { status: WorkerStatus.WS_AVAILABLE, load: 0 });
    await good.assigned(silent, { timeout: 9000 });
    assert.equal(odd.jobs.size, 0);
    odd.say('availability', { jobId: odd.offers[0].id, available: true }); // too late: somebody has it
    await until(() => odd.ended.includes(odd.offers[0].id));
    for (const worker of [odd, good]) worker.stop();
  });

  await check(suite, 'a worker that needs longer than 3 s to accept gets its job [DSP-02]', async () => {
    const agentName = fresh_name('slow');
    const slow = await Worker.start(suite, server, { agentName }, { answer: kSilent });
    const name = fresh_name('slow');
    await room_client(server).createRoom({ name, agents: [{ agentName }] });
    const offered = await until(() => slow.offers[0]);
    await new Promise((resolve) => setTimeout(resolve, 3500)); // what is shown is that so long is no end
    slow.say('availability', { jobId: offered.id, available: true, participantIdentity: 'slow' });
    assert.equal((await slow.assigned(name)).job.id, offered.id);
    assert.equal(slow.offers.length, 1);
    slow.stop();
  });

  await check(suite, 'terminate ends the job at once [CON-52]', async () => {
    const agentName = fresh_name('term');
    const worker = await Worker.start(suite, server, { agentName }, { answer: () => ({ terminate: true }) });
    const name = fresh_name('term');
    await room_client(server).createRoom({ name, agents: [{ agentName }] });
    const state = await until(async () => (await states(server, name)).find((one) => one.status === JobStatus.JS_SUCCESS));
    assert.equal(state.workerId, worker.id);
    assert.equal(worker.offers.length, 1);
    worker.stop();
  });

  await check(suite, 'a job waits while all are full, and is listed as waiting [DSP-01] [DSP-23] [WRK-06]', async () => {
    const agentName = fresh_name('full');
    const worker = await Worker.start(suite, server, { agentName });
    const name = fresh_name('full');
    worker.say('updateWorker', { status: WorkerStatus.WS_FULL, load: 0 });
    worker.say('ping', { timestamp: 1n });
    await until(() => worker.told.some((one) => one.case === 'pong'));
    await room_client(server).createRoom({ name, agents: [{ agentName }] });
    const waiting = await until(async () => (await states(server, name))[0]);
    assert.equal(waiting.status, JobStatus.JS_PENDING);
    assert.equal(worker.offers.length, 0);
    worker.say('updateWorker', { load: 0.1 }); // without a status it stays full
    worker.say('ping', { timestamp: 2n });
    await until(() => worker.told.filter((one) => one.case === 'pong').length === 2);
    assert.equal(worker.offers.length, 0);
    worker.say('updateWorker', { status: WorkerStatus.WS_AVAILABLE, load: 1 }); // by its load nothing is left, but it is the only one
    await worker.assigned(name);
    assert.equal((await until(async () => (await states(server, name)).find((one) => one.status === JobStatus.JS_RUNNING))).workerId, worker.id);
    worker.stop();
  });

  await check(suite, 'simulate_job offers a job to the one that asked alone [WRK-09]', async () => {
    const agentName = fresh_name('sim');
    const [one, other] = [await Worker.start(suite, server, { agentName }), await Worker.start(suite, server, { agentName })];
    const name = fresh_name('sim');
    one.say('simulateJob', {}); // without a room: nothing
    one.say('simulateJob', { room: { name } });
    one.say('simulateJob', { room: { name }, participant: { identity: 'bob' } });
    await until(() => one.jobs_of(name).length === 2);
    const kinds = one.jobs_of(name).map(({ job }) => `${job.type} ${job.participant?.identity} ${job.dispatchId} ${job.agentName}`);
    assert.deepEqual(kinds, [`0 undefined  ${agentName}`, `1 bob  ${agentName}`]);
    assert.equal(one.offers.length, 2);
    assert.equal(other.offers.length, 0);
    for (const worker of [one, other]) worker.stop();
  });
}
