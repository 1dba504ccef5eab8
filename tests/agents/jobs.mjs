// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Which jobs there are: of a room, of each participant, of each publisher; their tokens and ends.

import { JobStatus, JobType, ParticipantInfo_Kind } from '@livekit/protocol';

import { Peer } from '../lib/rtc_peer.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { check, decoded, dispatches, fresh_name, kPermissions, room_client, states, Worker } from './worker.mjs';

const kRoom = JobType.JT_ROOM;
const kPublisher = JobType.JT_PUBLISHER;
const kParticipant = JobType.JT_PARTICIPANT;

// Joins with the token of an assignment, as an agent does.
const join_as_agent = (server, room, { job, token }) => SignalClient.join(server, room, job.state.participantIdentity, { token });

export async function job_checks(suite, server, sink) {
  await check(suite, 'a new room is a job for a worker without a name [CON-52] [DSP-20] [DSP-21] [TST-39]', async () => {
    const room = fresh_name('room');
    const worker = await Worker.start(suite, server);
    const alice = await SignalClient.join(server, room, 'alice');
    const { job, token } = await worker.assigned(room);
    assert.equal(job.type, kRoom);
    assert.match(job.id, /^AJ_\w{12}$/);
    assert.match(job.dispatchId, /^AD_\w{12}$/);
    assert.equal(job.room.name, room);
    assert.match(job.room.sid, /^RM_/);
    assert.equal(job.room.turnPassword, '');
    assert.ok(job.room.enabledCodecs.length > 5);
    assert.equal(job.participant, undefined);
    assert.equal(job.state.status, JobStatus.JS_RUNNING);
    assert.equal(job.state.workerId, worker.id);
    assert.equal(job.state.participantIdentity, `agent-${job.id}`);
    const claims = decoded(token);
    assert.deepEqual([claims.sub, claims.identity], [`agent-${job.id}`, `agent-${job.id}`]);
    assert.equal(claims.kind, 'agent');
    assert.equal(claims.name, 'The Agent');
    assert.equal(claims.exp - claims.nbf, 3600);
    assert.deepEqual(claims.attributes, { 'lk.agent_name': '' });
    const { roomJoin, agent, canPublish, canSubscribe, canPublishData, canUpdateOwnMetadata } = claims.video;
    assert.ok(roomJoin && agent && canPublish && canSubscribe && canPublishData && canUpdateOwnMetadata);
    assert.equal(claims.video.room, room);
    assert.equal(claims.video.canSubscribeMetrics, false);
    const [listed] = await dispatches(server, room);
    assert.equal(listed.agentName, '');
    assert.equal(listed.id, job.dispatchId);
    assert.deepEqual(listed.state.jobs.map((one) => one.id), [job.id]);

    const agent_client = await join_as_agent(server, room, { job, token });
    const seen = await until(() => alice.people.get(`agent-${job.id}`));
    assert.equal(seen.kind, ParticipantInfo_Kind.AGENT);
    assert.ok(seen.permission.agent);
    assert.equal(seen.attributes['lk.agent_name'], '');
    const { numParticipants } = (await room_client(server).listRooms([room]))[0];
    assert.equal(numParticipants, 1, 'an agent does not count');
    await SignalClient.join(server, room, 'bob').then((bob) => bob.ws.destroy());
    assert.equal(worker.offers_of(room).length, 1);

    await room_client(server).deleteRoom(room);
    await until(() => worker.ended.includes(job.id), { what: 'the end of the job with its room' });
    await until(() => agent_client.last.leave, { what: 'the leave of the agent' });
    const events = await until(() => {
      const found = sink.deliveries.map((one) => one.event).filter((one) => one?.job?.id === job.id);
      return found.length === 2 && found;
    }, { what: 'two webhooks of the job' });
    assert.deepEqual(events.map((one) => one.event), ['agent_job_started', 'agent_job_ended']); // [DSP-30]
    assert.equal(events[1].job.state.status, JobStatus.JS_SUCCESS);
    for (const client of [alice, agent_client]) client.ws.destroy();
    worker.stop();
  });

  await check(suite, 'a worker says what its agents may [WRK-03] [DSP-10]', async () => {
    const room = fresh_name('may');
    const worker = await Worker.start(suite, server, { allowedPermissions: kPermissions({ canSubscribe: true, hidden: true }) });
    worker.answer = (job) => ({
      available: true,
      participantIdentity: 'spy',
      participantMetadata: 'md',
      participantAttributes: { a: 'b', 'lk.agent.name': 'x' },
      jobId: job.id,
    });
    await room_client(server).createRoom({ name: room });
    const { token } = await worker.assigned(room);
    const { sub, metadata, attributes, video } = decoded(token);
    assert.equal(sub, 'spy');
    assert.equal(metadata, 'md');
    assert.deepEqual(attributes, { a: 'b', 'lk.agent.name': 'x', 'lk.agent_name': '' });
    assert.deepEqual(
      { ...video },
      {
        agent: true,
        canPublish: false,
        canPublishData: false,
        canSubscribe: true,
        canSubscribeMetrics: false,
        canUpdateOwnMetadata: false,
        hidden: true,
        room,
        roomJoin: true,
      },
    );
    worker.stop();
  });

  await check(suite, 'a job for each participant and for each publisher, once [DSP-21] [DSP-12] [TST-39]', async () => {
    const room = fresh_name('people');
    const people = await Worker.start(suite, server, { type: kParticipant });
    const publishers = await Worker.start(suite, server, { type: kPublisher });
    const alice = await Peer.join(suite, server, room, 'alice');
    const first = await people.assigned(room);
    assert.equal(first.job.type, kParticipant);
    assert.equal(first.job.participant.identity, 'alice');
    assert.equal(publishers.offers_of(room).length, 0);
    await alice.publish_tone();
    const published = await publishers.assigned(room);
    assert.equal(published.job.type, kPublisher);
    assert.equal(published.job.participant.identity, 'alice');
    assert.equal(published.job.participant.tracks.length, 1);
    const agent = await join_as_agent(server, room, first); // an agent is no participant to work for
    const bob = await SignalClient.join(server, room, 'bob');
    await until(() => people.jobs_of(room).length === 2);
    const named = people.offers_of(room).map((job) => job.participant.identity).sort();
    assert.deepEqual(named, ['alice', 'bob']);
    bob.ws.destroy();
    const again = await SignalClient.join(server, room, 'bob');
    await until(() => people.jobs_of(room).length === 3, { what: 'a job for the new session of bob' });
    assert.equal(publishers.offers_of(room).length, 1);
    for (const client of [agent, again]) client.ws.destroy();
    await alice.leave();
    for (const worker of [people, publishers]) worker.stop();
  });

  await check(suite, 'a worker that comes after the room gets its jobs, nothing is lost [DSP-23]', async () => {
    const room = fresh_name('late');
    const alice = await SignalClient.join(server, room, 'alice');
    const before = await states(server, room);
    const worker = await Worker.start(suite, server);
    const { job } = await worker.assigned(room);
    assert.equal(job.type, kRoom);
    const people = await Worker.start(suite, server, { type: kParticipant });
    assert.equal((await people.assigned(room)).job.participant.identity, 'alice');
    assert.ok(before.every((one) => one.status === JobStatus.JS_PENDING));
    alice.ws.destroy();
    for (const one of [worker, people]) one.stop();
  });

  await check(suite, 'how a job ended is listed: as its worker says, or by how the agent left [DSP-26] [DSP-27]', async () => {
    const worker = await Worker.start(suite, server);
    const run = async (how) => {
      const room = fresh_name('end');
      const alice = await SignalClient.join(server, room, 'alice');
      const assigned = await worker.assigned(room);
      const agent = await join_as_agent(server, room, assigned);
      await how(assigned.job, agent);
      const state = await until(
        async () => {
          const [one] = await states(server, room);
          return one?.status !== JobStatus.JS_RUNNING && one;
        },
        { timeout: 12000, what: 'the end of the job' },
      );
      for (const client of [alice, agent]) client.ws.destroy();
      return state;
    };
    const said = run((job) => worker.say('updateJob', { jobId: job.id, status: JobStatus.JS_SUCCESS }));
    const failed = run((job) => worker.say('updateJob', { jobId: job.id, status: JobStatus.JS_FAILED, error: 'broken' }));
    const left = run((_, agent) => agent.send('leave', { reason: 1 }));
    const broke = run((_, agent) => agent.send('leave', { reason: 16 })); // AGENT_ERROR
    assert.equal((await said).status, JobStatus.JS_SUCCESS);
    assert.equal((await failed).status, JobStatus.JS_FAILED);
    assert.equal((await failed).error, 'broken');
    assert.equal((await left).status, JobStatus.JS_SUCCESS);
    assert.equal((await broke).status, JobStatus.JS_FAILED);
    worker.stop();
  });

  await check(suite, 'the job of an agent that is removed ends at once [DSP-27] [WRK-11]', async () => {
    const worker = await Worker.start(suite, server);
    const room = fresh_name('removed');
    const alice = await SignalClient.join(server, room, 'alice');
    const assigned = await worker.assigned(room);
    const agent = await join_as_agent(server, room, assigned);
    await room_client(server).removeParticipant(room, assigned.job.state.participantIdentity);
    await until(() => worker.ended.includes(assigned.job.id), { timeout: 4000, what: 'the end of the job' });
    assert.equal((await until(() => agent.last.leave)).reason, 4); // PARTICIPANT_REMOVED
    const ended = (await states(server, room)).find((one) => one.workerId === worker.id);
    assert.equal(ended.status, JobStatus.JS_SUCCESS);
    for (const client of [alice, agent]) client.ws.destroy();
    worker.stop();
  });
}
