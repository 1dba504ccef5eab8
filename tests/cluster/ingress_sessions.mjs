// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// WHIP sessions that the ingress service passes on: it is told of them, as their media does not come
// by it.

import { encode, Fields, Peer as Service } from '../lib/psrpc.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';
import { start_encoder } from '../whip/gstreamer.mjs';
import { ask, gone, kSdp, people } from '../whip/http.mjs';
import { offer } from '../whip/requests.mjs';
import { Nodes } from './nodes.mjs';

export async function ingress_checks(suite) {
  await suite.check('the ingress service hears of a WHIP session that it passed on, now and then and at its end, from the node of the room, by a call without claims [RPC-19] [ING-35] [PSR-15]', async () => {
    const nodes = await Nodes.start(suite, 2);
    const service = await Service.start(suite, nodes.redis.port, 'ingress');
    const heard = [];
    const post = async (node, identity, headers) => {
      const token = await join_token('passed-on', identity);
      const created = await ask(node, 'POST', { token, type: kSdp, body: offer(), headers });
      assert.equal(created.status, 201, created.text);
      const location = created.headers.get('location');
      const sid = location.split('/').at(-1);
      await service.serve('IngressHandler', 'WHIPRTCConnectionNotify', sid, (request) => {
        const fields = new Fields(request);
        heard.push([identity, fields.text(1) === sid, fields.number(2) === 1]);
        return encode({});
      }, { single: true });
      return { token, location, sid };
    };
    const [one, two] = nodes.all;
    const passed_on = await post(one, 'encoder', { 'X-Livekit-Ingress': 'true' });
    const other = await post(two, 'other', {});
    const through = await post(nodes.other(nodes.holder('passed-on')), 'through', { 'X-Livekit-Ingress': 'true' });
    const of = (who) => heard.filter(([identity]) => identity === who);
    await until(() => of('encoder').length > 0 && of('through').length > 0, { timeout: 15000, what: 'a notice of both within ten seconds' });
    const gone = async (node, { token, location }) => assert.equal((await ask(node, 'DELETE', { token, location })).status, 200);
    await gone(two, passed_on);
    await gone(two, other);
    await gone(one, through);
    await until(() => ['encoder', 'through'].every((who) => of(who).at(-1)?.[2]), { what: 'that they are closed' });
    assert.deepEqual(of('encoder').map(([, is_its, closed]) => [is_its, closed]).slice(-1), [[true, true]]);
    assert.equal(of('encoder').filter(([, , closed]) => closed).length, 1);
    assert.deepEqual(of('other'), []);
    await nodes.end();
  }, { seconds: 40 });

  await suite.check('the ingress service hears how much comes of a session that it passed on, in bits a second [RPC-19] [ING-35] [ING-38]', async () => {
    const nodes = await Nodes.start(suite, 1);
    const [node] = nodes.all;
    const service = await Service.start(suite, nodes.redis.port, 'ingress');
    const client = await start_encoder(suite, node, 'measured', { trickle: true, ingress: true });
    const sid = await until(async () => (await people(node, 'measured').catch(() => undefined))?.get('encoder')?.sid, { timeout: 15000, what: () => `the encoder; it says ${client.log.slice(-1500)}` });
    const heard = [];
    await service.serve('IngressHandler', 'WHIPRTCConnectionNotify', sid, (request) => {
      const fields = new Fields(request);
      if (fields.number(2) !== 1 && fields.has(3)) heard.push({ video: fields.message(3), audio: fields.message(4) });
      return encode({});
    }, { single: true });
    // The first window may have begun before the media.
    const { video, audio } = await until(() => heard.length > 1 && heard.at(-1), { timeout: 30000, what: 'two notices with what is sent' });
    assert.match(video.text(1), /^video\//);
    assert.match(audio.text(1), /^audio\/opus$/i);
    const rates = [video.number(2), audio.number(2)];
    console.log(`  ${rates[0]} bit/s of video, ${rates[1]} of audio`);
    assert.ok(rates[0] > 10000 && rates[0] < 20000000, `video ${rates[0]}`);
    assert.ok(rates[1] > 1000 && rates[1] < 600000, `audio ${rates[1]}`);
    client.child.kill('SIGINT');
    await gone(node, 'measured', 'encoder');
    await nodes.end();
  }, { seconds: 70 });
}
