// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Rooms and who is in them, by our program against our server; what came of it is asked of the
// server by its SDK.

import { AgentDispatchClient, RoomServiceClient } from 'livekit-server-sdk';

import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { publishers } from './verb_programs.mjs';

const printed = async (cli, args, settings) => {
  const { code, out, err } = await cli.run([...args, '-q'], settings);
  assert.deepEqual([code, err], [0, ''], args.join(' '));
  return out;
};
const json = async (cli, args) => JSON.parse(await printed(cli, [...args, '-o', 'json']));

export async function fails(cli, args, text, settings) {
  const { code, out, err } = await cli.run([...args, '-q'], settings);
  assert.equal(code, 1, err);
  assert.equal(out, '', args.join(' '));
  assert.ok(text instanceof RegExp ? text.test(err) : err.startsWith(`error: ${text}`), `${args.join(' ')}: ${err}`);
}

export async function room_checks(suite, cli, server) {
  const rooms = new RoomServiceClient(server.http, KEY, SECRET);

  await suite.check('room create, list, update, delete: as the SDK sees it [LKC-04] [LKC-09]', async () => {
    const made = await json(cli, ['room', 'create', 'one', '--empty-timeout', '77', '--metadata', 'm']);
    const [seen] = await rooms.listRooms(['one']);
    assert.deepEqual([seen.sid, seen.emptyTimeout, seen.metadata], [made.sid, 77, 'm']);
    await printed(cli, ['create-room', '--name', 'two']);
    const sids = (await printed(cli, ['room', 'list', 'one', '--field', 'sid'])).trim();
    assert.equal(sids, made.sid);
    assert.match(await printed(cli, ['room', 'list']), /│ RoomID .*\n├.*\n(│ RM_.*\n)+└/);
    const lines = (await printed(cli, ['list-rooms', '-o', 'jsonl'])).trim().split('\n').map((line) => JSON.parse(line).name);
    assert.ok(lines.includes('one') && lines.includes('two'));
    assert.match(await printed(cli, ['room', 'list', 'one', '-o', 'yaml']), /^rooms:\n {2}- sid: RM_\w+\n {4}name: one\n {4}emptyTimeout: 77\n/);
    assert.equal((await json(cli, ['room', 'update', 'one', '--metadata', 'new'])).metadata, 'new');
    assert.equal((await rooms.listRooms(['one']))[0].metadata, 'new');
    for (const name of ['one', 'two']) assert.equal(await printed(cli, ['room', 'delete', name]), `deleted room ${name}\n`);
    assert.deepEqual(await rooms.listRooms(['one', 'two']), []);
    await fails(cli, ['room', 'delete', 'one'], 'not_found: ');
    // A percent sign by position is one.
    await printed(cli, ['room', 'create', '50%x']);
    assert.equal(await printed(cli, ['room', 'delete', '--room', '50%x']), 'deleted room 50%x\n');
  });

  await suite.check('participants and their tracks: list, get, update, mute, subscriptions, data, remove', async () => {
    const publisher = await publishers(suite, cli, 'stage', 2);
    const who = ['--room', 'stage', '--identity', publisher.identity];
    const anna = await until(async () => {
      const { code, out } = await cli.run(['room', 'participants', 'get', publisher.identity, '-r', 'stage', '-j']);
      const found = code === 0 && JSON.parse(out);
      return found?.tracks?.length === 2 && found.state === 'ACTIVE' && found;
    }, { what: 'a participant with two tracks' });
    assert.match(await printed(cli, ['room', 'participants', 'list', 'stage']), /│ p-pub-0 +│ ACTIVE │ 2/);
    const video = anna.tracks.find((track) => track.type === 'VIDEO').sid;
    const track_of = async () => (await rooms.getParticipant('stage', publisher.identity)).tracks.find((track) => track.sid === video);
    assert.equal(await printed(cli, ['room', 'mute-track', video, ...who]), `Muted track [${video}]\n`);
    assert.equal((await track_of()).muted, true);
    await printed(cli, ['room', 'update-subscriptions', video, '--room', 'stage', '--identity', 'p-pub-1', '-S']);
    await printed(cli, ['room', 'send-data', '{"a": 1}', '--room', 'stage', '--topic', 't', '--identity', publisher.identity]);
    await printed(cli, ['room', 'participants', 'update', publisher.identity, '-r', 'stage', '--metadata', 'm2', '--permissions', '{"can_publish_data": false}']);
    const changed = await rooms.getParticipant('stage', publisher.identity);
    assert.deepEqual([changed.metadata, changed.permission.canPublishData, changed.permission.canPublish], ['m2', false, true]);
    assert.match(await printed(cli, ['stats', 'stage']), /stage \(RM_\w+\) {2}2 participants.*\n(.*\n)*.*CAMERA \d+x\d+ video\/VP8/);
    assert.equal(await printed(cli, ['room', 'participants', 'remove', publisher.identity, '--room', 'stage']), `removed participant ${publisher.identity}\n`);
    await until(async () => (await rooms.listParticipants('stage')).length === 1);
    await fails(cli, ['room', 'participants', 'get', 'nobody', '-r', 'stage'], 'not_found: ');
    await publisher.stop();
  });

  await suite.check('move and forward: to a room that is there', async () => {
    const publisher = await publishers(suite, cli, 'from', 1);
    await printed(cli, ['room', 'create', 'to']);
    // JOINED, and ACTIVE from the first media on: before, the server asks to try again.
    await until(async () => (await rooms.listParticipants('from'))[0]?.state === 2, { what: 'an active participant' });
    await printed(cli, ['room', 'participants', 'move', '--identity', publisher.identity, '--room', 'from', '--destination-room', 'to']);
    await until(async () => (await rooms.listParticipants('to')).length === 1, { what: 'the participant in the other room' });
    await publisher.stop();
  });

  await suite.check('dispatch: create, list, get, delete', async () => {
    const dispatches = new AgentDispatchClient(server.http, KEY, SECRET);
    await printed(cli, ['room', 'create', 'agents']);
    const { id } = await json(cli, ['dispatch', 'create', '--room', 'agents', '--agent-name', 'echo', '--metadata', 'm']);
    const named = async () => (await dispatches.listDispatch('agents')).filter((one) => one.agentName === 'echo').map((one) => one.id);
    assert.deepEqual(await named(), [id]);
    assert.match(await printed(cli, ['dispatch', 'list', 'agents']), new RegExp(`│ ${id} +│ agents │ echo +│`));
    assert.equal(await printed(cli, ['dispatch', 'get', 'agents', id, '--field', 'metadata']), 'm\n');
    await printed(cli, ['dispatch', 'delete', 'agents', id]);
    assert.deepEqual(await named(), []);
  });

  await suite.check('egress, ingress and phone calls without their services: the remedy is named', async () => {
    await fails(cli, ['egress', 'list'], /redis/);
    await fails(cli, ['egress', 'start', '--type', 'web', '{"url": "http://x", "file_outputs": [{"filepath": "x.mp4"}]}'], 'unavailable: ');
    await fails(cli, ['ingress', 'list'], /redis/);
    await fails(cli, ['sip', 'inbound', 'list'], /redis/);
  });

  await suite.check('top and rooms watch: looks by the number, and as lines of JSON', async () => {
    await printed(cli, ['room', 'create', 'seen']);
    const looks = (await printed(cli, ['top', '--count', '2', '--interval', '200ms', '-o', 'jsonl'])).trim().split('\n').map((line) => JSON.parse(line));
    assert.equal(looks.length, 2);
    assert.ok(looks[1].rooms >= 1 && looks[1].node.memoryBytes > 1e6 && looks[1].node.cpu >= 0, JSON.stringify(looks[1]));
    const watched = cli.run(['rooms', 'watch', '--interval', '100ms', '-o', 'jsonl', '-q'], {
      started: (child, out) => void (async () => {
        await until(() => out().includes('"there"'));
        await rooms.createRoom({ name: 'new' });
        await until(() => out().includes('"started"'));
        await rooms.deleteRoom('new');
        await until(() => out().includes('"finished"'));
        child.kill('SIGINT');
      })(),
    });
    const { code, out } = await watched;
    assert.equal(code, 0);
    const events = out.trim().split('\n').map((line) => JSON.parse(line)).filter((event) => event.room.name === 'new').map((event) => event.event);
    assert.deepEqual([events[0], events.at(-1)], ['started', 'finished']);
  });
}
