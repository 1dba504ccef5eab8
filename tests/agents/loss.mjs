// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Workers and agents that are lost: during an offer, with a job, and back again.

import { JobStatus } from '@livekit/protocol';

import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { check, dispatch_client, fresh_name, room_client, states, Worker } from './worker.mjs';

const join = async (server, room, { job, token }) => SignalClient.join(server, room, job.state.participantIdentity, { token });

// A worker whose agent is in a call has lost its connection and is there again, with another one.
async function back_again(suite, server, name) {
  const agentName = fresh_name(name);
  const room = fresh_name(name);
  const alice = await SignalClient.join(server, room, 'alice');
  const first = await Worker.start(suite, server, { agentName });
  const made = await dispatch_client(server).createDispatch(room, agentName);
  const assigned = await first.assigned(room);
  const agent = await join(server, room, assigned);
  first.stop();
  const again = await Worker.start(suite, server, { agentName });
  return { room, alice, made, assigned, agent, again };
}

// The worker goes with its agent; another one brings the job along after `away` ms, and the agent is
// back 7 s after it left: longer than a worker has to say how a job ended.
async function loaded_anew(suite, server, away) {
  const agentName = fresh_name('anew');
  const room = fresh_name('anew');
  const alice = await SignalClient.join(server, room, 'alice');
  const worker = await Worker.start(suite, server, { agentName });
  await dispatch_client(server).createDispatch(room, agentName);
  const assigned = await worker.assigned(room);
  const agent = await join(server, room, assigned);
  const left = Date.now();
  const since = (ms) => until(() => Date.now() - left >= ms, { timeout: 10000 });
  worker.stop(); // an SDK lets its connection go before it ends its agents
  await since(100);
  agent.send('leave', { reason: 1 });
  await since(away);
  const again = await Worker.start(suite, server, { agentName });
  again.say('migrateJob', { jobIds: [assigned.job.id] });
  await since(7000);
  const back = await join(server, room, assigned);
  await since(10000);
  assert.deepEqual(again.ended, []);
  const running = (await states(server, room)).filter((one) => one.status === JobStatus.JS_RUNNING);
  assert.deepEqual(running.map((one) => one.workerId), [again.id]);
  for (const client of [alice, agent, back]) client.ws.destroy();
  again.stop();
}

export async function loss_checks(suite, server) {
  await check(suite, 'a worker that goes while it is asked: the next one is asked [CON-52]', async () => {
    const agentName = fresh_name('gone');
    const going = await Worker.start(suite, server, { agentName });
    going.answer = () => going.stop();
    const name = fresh_name('gone');
    await room_client(server).createRoom({ name, agents: [{ agentName }] });
    await until(() => going.offers.length === 1);
    const good = await Worker.start(suite, server, { agentName }); // the job waited for it
    await good.assigned(name);
    good.stop();
  });

  await check(suite, 'a worker that is back while all are asked gets the jobs of new rooms [RPC-06] [DSP-23]', async () => {
    const before = await Worker.start(suite, server);
    before.stop();
    await sleep(200);
    await Worker.start(suite, server, { agentName: fresh_name('new') }); // of a new kind: all are asked
    await sleep(200);
    const back = await Worker.start(suite, server);
    await sleep(1500); // the answers are in
    const room = fresh_name('back');
    const alice = await SignalClient.join(server, room, 'alice');
    await back.assigned(room, { timeout: 5000 });
    alice.ws.destroy();
    back.stop();
  });

  await check(suite, 'a worker comes back for its job: no second one, and it can be ended [WRK-10]', async () => {
    const { room, alice, made, assigned, agent, again } = await back_again(suite, server, 'back');
    again.say('migrateJob', { jobIds: [assigned.job.id, 'AJ_of_another'] });
    await until(() => again.ended.includes('AJ_of_another'));
    assert.deepEqual(again.ended, ['AJ_of_another']);
    await until(async () => (await states(server, room)).filter((one) => one.status === JobStatus.JS_RUNNING).length === 1);
    await dispatch_client(server).deleteDispatch(made.id, room);
    await until(() => again.ended.includes(assigned.job.id), { what: 'the end of the job at its new connection' });
    assert.equal(again.offers.length, 0);
    for (const client of [alice, agent]) client.ws.destroy();
    again.stop();
  });

  await check(suite, 'a worker that does not say which job it has is told to end it all the same [WRK-10]', async () => {
    const { room, alice, made, assigned, agent, again } = await back_again(suite, server, 'node');
    await dispatch_client(server).deleteDispatch(made.id, room);
    await until(() => again.ended.includes(assigned.job.id));
    const leave = await until(() => agent.last.leave, { what: 'the removal of the agent' });
    assert.equal(leave.reason, 4);
    for (const client of [alice, agent]) client.ws.destroy();
    again.stop();
  });

  await check(suite, 'a job that failed is started again, unless its dispatch says never [DSP-28]', async () => {
    const agentName = fresh_name('again');
    const worker = await Worker.start(suite, server, { agentName });
    const room = fresh_name('again');
    await room_client(server).createRoom({ name: room, agents: [{ agentName }] });
    const { job } = await worker.assigned(room);
    const began = Date.now();
    worker.say('updateJob', { jobId: job.id, status: JobStatus.JS_FAILED, error: 'crashed' });
    await until(() => worker.jobs_of(room).length === 2, { what: 'the job to be started again' });
    assert.ok(Date.now() - began > 900, 'not at once');
    const wanted = `${[JobStatus.JS_FAILED, JobStatus.JS_RUNNING]}`; // the room hears of it behind the worker
    await until(async () => `${(await states(server, room)).map((one) => one.status)}` === wanted, { what: wanted });
    const never = fresh_name('never');
    await room_client(server).createRoom({ name: never, agents: [{ agentName, restartPolicy: 1 }] });
    const other = await worker.assigned(never);
    worker.say('updateJob', { jobId: other.job.id, status: JobStatus.JS_FAILED });
    worker.say('updateJob', { jobId: worker.jobs_of(room)[1].job.id, status: JobStatus.JS_FAILED });
    await until(() => worker.jobs_of(room).length === 3); // the later one, after two seconds
    assert.equal(worker.offers_of(never).length, 1);
    worker.stop();
  });

  await check(suite, 'an agent whose worker is loaded anew goes on [WRK-10] [DSP-27]', async () => {
    await Promise.all([3000, 7000].map((away) => loaded_anew(suite, server, away)));
  });

  await check(suite, 'a worker that ends behind its agent says nothing more: the job is over at once [DSP-27]', async () => {
    const agentName = fresh_name('behind');
    const room = fresh_name('behind');
    const alice = await SignalClient.join(server, room, 'alice');
    const worker = await Worker.start(suite, server, { agentName });
    await dispatch_client(server).createDispatch(room, agentName);
    const assigned = await worker.assigned(room);
    const agent = await join(server, room, assigned);
    agent.send('leave', { reason: 1 });
    const identity = assigned.job.state.participantIdentity;
    await until(async () => (await room_client(server).listParticipants(room)).every((one) => one.identity !== identity));
    const gone = Date.now();
    worker.stop();
    const wanted = `${[JobStatus.JS_SUCCESS]}`;
    await until(async () => `${(await states(server, room)).map((one) => one.status)}` === wanted, { timeout: 3000, what: 'the job to be over' });
    console.log(`  over after ${Date.now() - gone} ms`);
    for (const client of [alice, agent]) client.ws.destroy();
  });

  await check(suite, 'a worker that is back with a new session keeps its job [DSP-27]', async () => {
    const agentName = fresh_name('session');
    const room = fresh_name('session');
    const alice = await SignalClient.join(server, room, 'alice');
    const worker = await Worker.start(suite, server, { agentName });
    await dispatch_client(server).createDispatch(room, agentName);
    const assigned = await worker.assigned(room);
    const first = await join(server, room, assigned);
    const second = await join(server, room, assigned); // a full reconnect: the same identity again
    await until(() => first.last.leave);
    second.ws.destroy(); // lost before it was connected: this is an end that may be undone
    const third = await join(server, room, assigned);
    const later = Date.now() + 6000; // longer than the worker has to say how a job ended
    await until(() => Date.now() > later, { timeout: 8000 });
    assert.deepEqual(worker.ended, []);
    const running = (await states(server, room)).filter((one) => one.status === JobStatus.JS_RUNNING);
    assert.equal(running.length, 1);
    for (const client of [alice, third]) client.ws.destroy();
    worker.stop();
  });
}
