// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Chromium as an encoder: a peer connection and fetch, no SDK.

import { randomUUID } from 'node:crypto';

import { start_chromium } from '../lib/browser.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';
import { gone, people } from './http.mjs';

// ---- in the page; functions stand for themselves there

// Publishes the picture and the tone of `number`.
async function publish({ url, token, number, rids, width }) {
  const { PictureSource, ToneSource } = await import('/page/media.js');
  const media = [new ToneSource(number), new PictureSource(number, { width, height: (width * 9) / 16 })];
  const pc = new RTCPeerConnection();
  const sendEncodings = rids.map((rid, index) => ({ rid, scaleResolutionDownBy: 2 ** (rids.length - 1 - index) }));
  pc.addTransceiver(media[0].track, { direction: 'sendonly' });
  pc.addTransceiver(media[1].track, { direction: 'sendonly', ...(rids.length > 0 && { sendEncodings }) });
  await pc.setLocalDescription();
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/whip/v1`, { method: 'POST', headers: { ...headers, 'Content-Type': 'application/sdp' }, body: pc.localDescription.sdp });
  const sdp = await answer.text();
  if (answer.status !== 201) throw new Error(`${answer.status}: ${sdp}`);
  await pc.setRemoteDescription({ type: 'answer', sdp });
  Object.assign(window, { whip: { pc, headers, url, location: answer.headers.get('Location'), etag: answer.headers.get('ETag') } });
  return { location: window.whip.location, etag: window.whip.etag };
}

// An ICE restart by a PATCH; returns the new entity tag.
async function restart() {
  const { pc, headers, url, location } = window.whip;
  const value = (name, sdp) => sdp.match(new RegExp(`a=${name}:(.*)\r\n`))[1];
  await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
  const mine = pc.localDescription.sdp;
  const response = await fetch(`${url}${location}`, {
    method: 'PATCH',
    headers: { ...headers, 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': '*' },
    body: `a=ice-ufrag:${value('ice-ufrag', mine)}\r\na=ice-pwd:${value('ice-pwd', mine)}\r\n`,
  });
  const fragment = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${fragment}`);
  const theirs = ['ice-ufrag', 'ice-pwd'].reduce(
    (sdp, name) => sdp.replace(new RegExp(`a=${name}:.*\r\n`, 'g'), `a=${name}:${value(name, fragment)}\r\n`),
    window.whip.pc.remoteDescription.sdp,
  );
  await pc.setRemoteDescription({ type: 'answer', sdp: theirs });
  return response.headers.get('ETag');
}

// Whether what is sent goes over the ICE generation of the newest description.
async function is_on_newest() {
  const { pc } = window.whip;
  const stats = [...(await pc.getStats()).values()];
  const pair = stats.find(({ id }) => id === stats.find(({ type }) => type === 'transport').selectedCandidatePairId);
  const local = stats.find(({ id }) => id === pair?.localCandidateId);
  return pc.localDescription.sdp.includes(`a=ice-ufrag:${local?.usernameFragment}\r\n`);
}

const end = async () => {
  const { headers, url, location } = window.whip;
  return (await fetch(`${url}${location}`, { method: 'DELETE', headers })).status;
};

// ---- the checks

// `through`: which server the encoder of a room asks, when the viewer is there.
export async function browser_checks(suite, server, { through = () => server, who = 'Chromium', rows = '' } = {}) {
  const names = {
    call: `${who}: picture and tone arrive, over an ICE restart too, until DELETE [CON-60] [CON-61]${rows}`,
    simulcast: `${who}: simulcast is three layers, of which each can be had [CON-60] [CON-62]${rows}`,
  };
  if (!Object.values(names).some((name) => suite.selected(name))) return;
  const address = await start_page_server(suite);
  const browser = await start_chromium(suite);
  // A viewer, and an encoder in a page of its own, in a room of their own.
  const start_call = async (number, settings) => {
    const room = `whip-${randomUUID()}`;
    const bob = await Peer.join(suite, server, room, 'bob');
    const encoder = { identity: 'encoder', number };
    const page = await browser.newPage();
    await page.goto(address);
    const token = await join_token(room, encoder.identity);
    const created = await page.evaluate(publish, { url: through(room).http, token, number, ...settings });
    const info = async () => (await people(server, room)).get(encoder.identity);
    // The encoder leaves by DELETE.
    const finish = async () => {
      assert.equal(await page.evaluate(end), 200);
      await gone(server, room, encoder.identity);
      await page.close();
      await bob.leave();
    };
    return { bob, encoder, page, created, info, finish };
  };

  await suite.check(names.call, async () => {
    const { bob, encoder, page, created, info, finish } = await start_call(3, { rids: [], width: 320 });
    await Promise.all([bob.sees(encoder), bob.hears(encoder)]);
    const { tracks, state } = await info();
    assert.equal(state, 2); // ACTIVE
    // Nobody announces its size, and it is seen.
    const camera = async () => (await info()).tracks.find(({ name }) => name === 'synthesized-camera');
    await until(async () => (await camera()).width === 320 && (await camera()).height > 0, { what: 'the size of the pictures' });
    assert.deepEqual(tracks.map(({ name }) => name).sort(), ['synthesized-camera', 'synthesized-microphone']);
    const etag = await page.evaluate(restart);
    assert.notEqual(etag, created.etag);
    await until(() => page.evaluate(is_on_newest), { what: 'media over the new ICE generation' });
    await Promise.all([bob.sees(encoder, { changes: 10 }), bob.hears(encoder)]);
    assert.equal((await info()).sid, created.location.split('/').at(-1));
    await finish();
  }, { seconds: 60 });

  await suite.check(names.simulcast, async () => {
    const { bob, encoder, info, finish } = await start_call(4, { rids: ['q', 'h', 'f'], width: 1280 });
    await bob.sees(encoder);
    const track = (await info()).tracks.find(({ name }) => name === 'synthesized-camera');
    assert.equal(track.simulcast, true);
    assert.equal(track.layers.length, 3);
    await until(async () => {
      const { layers, width } = (await info()).tracks.find(({ name }) => name === 'synthesized-camera');
      return layers.every((layer, i) => layer.width > 0 && (i === 0 || layer.width > layers[i - 1].width)) && width === layers[2].width;
    }, { timeout: 20000, what: 'the sizes of the layers' });
    await until(() => bob.pictures.get(encoder.identity).width >= 1280, { timeout: 20000, what: () => `the large layer, ${bob.pictures.get(encoder.identity).width} is shown` });
    await finish();
  }, { seconds: 60 });
}
