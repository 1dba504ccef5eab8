// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Client information as it shows: what is relayed to others, and the codecs that a browser is told
// not to use, which depend on browser and system.

import { assert } from '../lib/suite.mjs';
import { Client, fresh_room } from './client.mjs';

const kSafari = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15';
const kFirefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0';
const kObs = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 OBS/31.0 Chrome/127.0 Safari/537.36';
const kNone = { codecs: [], publish: [] };
const kOfSafari = { codecs: ['video/AV1'], publish: ['video/VP9'] };
const kOfFirefox = { codecs: [], publish: ['video/H264'] };

const mimes = (list = []) => list.map((one) => one.mime);

// The codecs that somebody with this User-Agent and query is told not to use.
async function disabled(suite, server, agent, settings) {
  const headers = { 'User-Agent': agent };
  const client = await Client.join(suite, server, fresh_room('agent'), 'alice', { headers, ...settings });
  const found = client.joined.clientConfiguration?.disabledCodecs;
  client.destroy();
  return { codecs: mimes(found?.codecs), publish: mimes(found?.publish) };
}

export async function client_info_checks(suite, server) {
  await suite.check('browser and system come from the query, else from the User-Agent [CON-36] [SIG-69] [SDP-42]', async () => {
    const of = (agent, query) => disabled(suite, server, agent, { query: { os: undefined, ...query } });
    assert.deepEqual(await of(kSafari), kOfSafari);
    assert.deepEqual(await of(kFirefox), kOfFirefox);
    assert.deepEqual(await of(kObs), kNone);
    assert.deepEqual(await of('curl/8'), kNone);
    for (const sdk of ['reactnative', 'flutter', 'unity', 'unheard-of']) assert.deepEqual(await of(kSafari, { sdk }), kOfSafari, sdk);
    for (const sdk of ['go', 'rust', 'python', 'node', 'swift']) assert.deepEqual(await of(kSafari, { sdk }), kNone, sdk);
    const named = { browser: 'safari', browser_version: '18.3', os: 'mac os x' };
    assert.deepEqual(await of('curl/8', named), { codecs: ['video/AV1'], publish: [] });
    assert.deepEqual(await of(kSafari, { browser: 'chrome', browser_version: '130' }), kNone);
    assert.deepEqual(await of(kFirefox, { os: 'windows' }), kNone);
    for (const browser of ['firefox', 'Firefox Mobile']) {
      assert.deepEqual(await of('curl/8', { browser, browser_version: '140', os: 'android' }), kOfFirefox, browser);
      assert.deepEqual(await of('curl/8', { browser, browser_version: '140', os: 'ios' }), kNone, browser);
    }
    assert.deepEqual(await of('curl/8', { sdk: 'android', os: 'android', device_model: 'Xiaomi 2201117TI' }), kOfFirefox);
  });

  await suite.check('v1: client_info of the join request is completed from the User-Agent as well [CON-36] [CON-40]', async () => {
    const request = { clientInfo: { sdk: 1, protocol: 16 } };
    const query = { browser: 'chrome', sdk: 'go' };
    assert.deepEqual(await disabled(suite, server, kSafari, { v1: true, request, query }), kOfSafari);
    const go = { clientInfo: { sdk: 5, protocol: 16 } };
    assert.deepEqual(await disabled(suite, server, kSafari, { v1: true, request: go }), kNone);
  });

  await suite.check('client_protocol and capabilities are relayed, unknown capabilities dropped [CON-36] [SIG-70]', async () => {
    const room = fresh_room('agent');
    const query = { client_protocol: '2', capabilities: 'CAP_PACKET_TRAILER,CAP_NONE_SUCH,CAP_COMPRESSION_DEFLATE_RAW' };
    const alice = await Client.join(suite, server, room, 'alice', { query });
    const bob = await Client.join(suite, server, room, 'bob', { query: { client_protocol: undefined } });
    const [seen] = bob.joined.otherParticipants;
    assert.equal(seen.identity, 'alice');
    assert.equal(seen.clientProtocol, 2);
    assert.deepEqual([...seen.capabilities], [1, 2]);
    assert.equal(bob.joined.participant.clientProtocol, 0);
    assert.deepEqual([...bob.joined.participant.capabilities], []);
    alice.destroy();
  });
}
