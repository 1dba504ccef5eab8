// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Settings of a connection, in the query of /rtc and in the join request of /rtc/v1: adaptive
// stream, pausing when the bandwidth is short, ICE-lite.

import { StreamState, VideoQuality } from '@livekit/protocol';

import { make_offer } from '../lib/sdp.mjs';
import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client, fresh_room } from './client.mjs';
import { count, MediaClient, more } from './media.mjs';

const { ACTIVE, PAUSED } = StreamState;
const { LOW, MEDIUM, HIGH } = VideoQuality;
const kLayers = [[LOW, 160, 90], [MEDIUM, 320, 180], [HIGH, 640, 360]]
  .map(([quality, width, height]) => ({ quality, width, height, bitrate: 100000 * (quality + 1) }));

const v0 = (query) => ({ query });
const v1 = (settings) => ({ v1: true, request: { connectionSettings: { autoSubscribe: true, ...settings } } });
const states = ({ client }) => client.all('streamStateUpdate').flatMap((one) => one.streamStates.map((two) => two.state));

// Subscribers with these settings that see the video of alice, with a downlink of this bandwidth.
async function narrow(suite, server, settings) {
  const room = fresh_room('settings');
  const alice = await MediaClient.join(suite, server, room, 'alice');
  const peers = [];
  for (const [index, one] of settings.entries()) peers.push(await MediaClient.join(suite, server, room, `viewer-${index}`, one));
  await alice.publish('video', { layers: kLayers });
  for (const peer of peers) await until(() => count(peer, 'video') > 5);
  for (const { client } of peers) limit(client, 100n);
  return peers;
}
const limit = (client, value) => client.send('simulate', { scenario: { case: 'subscriberBandwidth', value } });

async function pause_checks(suite, server) {
  await suite.check('a downlink cut by simulate pauses who allows it, until it is whole again [SIG-174] [SIG-40] [CON-35]', async () => {
    const [pauses, goes_on] = await narrow(suite, server, [v0({ subscriber_allow_pause: '1' }), v0({})]);
    await until(() => states(pauses).at(-1) === PAUSED);
    await more(goes_on, 'video', 10); // what was under way when that was said has come, too
    const begin = count(pauses, 'video');
    await more(goes_on, 'video', 50);
    assert.ok(count(pauses, 'video') - begin < 5, 'packets in the pause');
    assert.ok(!states(goes_on).includes(PAUSED));
    limit(pauses.client, 0n);
    await more(pauses, 'video', 50);
    assert.deepEqual(states(pauses), [ACTIVE, PAUSED, ACTIVE]);
  });

  await suite.check('where the configuration allows pauses: v0 takes that, v1 only what it says itself [CON-35] [CON-40]', async () => {
    const allowing = await start_server(suite, { rtc: { congestion_control: { allow_pause: true } } });
    const settings = [v0({}), v1({ subscriberAllowPause: true }), v0({ subscriber_allow_pause: '0' }), v1({})];
    const peers = await narrow(suite, allowing, settings);
    for (const peer of peers.slice(0, 2)) await until(() => states(peer).includes(PAUSED));
    for (const peer of peers.slice(2)) await more(peer, 'video', 50);
    assert.deepEqual(peers.map((peer) => states(peer).includes(PAUSED)), [true, true, false, false]);
    await Promise.all(peers.map((peer) => peer.close()));
    await allowing.stop();
    allowing.forget();
  });
}

// All are wanted at first (DYN-01); what is not goes when the delay is over.
async function adaptive_check(suite) {
  await suite.check('adaptive_stream begins with the lowest layer, others with the highest [CON-35] [CON-40] [SIG-113] [SUB-04] [DYN-01]', async () => {
    const fast = await start_server(suite, { video: { dynacast_pause_delay: '1s' } });
    const cases = [
      [v0({ adaptive_stream: '1' }), [LOW]],
      [v1({ adaptiveStream: true }), [LOW]],
      [v0({ adaptive_stream: '0' })],
      [v1({})],
    ];
    const told = async ([settings, then]) => {
      const room = fresh_room('settings');
      const alice = await MediaClient.join(suite, fast, room, 'alice');
      await MediaClient.join(suite, fast, room, 'viewer', settings);
      await alice.publish('video', { layers: kLayers });
      const updates = () => alice.client.all('subscribedQualityUpdate');
      const wanted = () => updates().map((one) => one.subscribedQualities.filter((layer) => layer.enabled).map((layer) => layer.quality));
      await until(() => updates().length > 0);
      await until(() => updates().length > 1, { timeout: then ? 10000 : 3000 }).catch(() => undefined);
      assert.deepEqual(wanted(), [[LOW, MEDIUM, HIGH], ...(then ? [then] : [])], JSON.stringify(settings));
    };
    await Promise.all(cases.map(told));
    await fast.stop();
    fast.forget();
  });
}

async function ice_lite_check(suite) {
  await suite.check('a server that is ICE-lite is not for who does not want it [CON-35] [CON-40]', async () => {
    const lite = await start_server(suite, { rtc: { use_ice_lite: true } });
    const is_lite = async (settings) => {
      const client = await Client.join(suite, lite, fresh_room('settings'), 'alice', settings);
      client.send('offer', { type: 'offer', sdp: make_offer([]), id: 1 });
      return (await client.told('answer')).sdp.includes('a=ice-lite');
    };
    const found = await Promise.all([v0({}), v1({}), v0({ disable_ice_lite: '1' }), v1({ disableIceLite: true })].map(is_lite));
    assert.deepEqual(found, [true, true, false, false]);
    await lite.stop();
    lite.forget();
  });
}

export async function setting_checks(suite, server) {
  await Promise.all([pause_checks(suite, server), adaptive_check(suite), ice_lite_check(suite)]);
}
