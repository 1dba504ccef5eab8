// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// GStreamer's webrtcbin as an encoder: trickled candidates, all in the offer, and an encoder that
// dies.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { tone_of } from '../lib/picture.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';
import { gone } from './http.mjs';

const kNumber = 5;
const kEncoder = fileURLToPath(new URL('gstreamer_encoder.py', import.meta.url));

// `ingress`: as the ingress service passes it on.
export async function start_encoder(suite, server, room, { trickle, ingress }) {
  const token = await join_token(room, 'encoder');
  const args = [`${server.http}/whip/v1`, token, tone_of(kNumber), ...(trickle ? ['--trickle'] : []), ...(ingress ? ['--ingress'] : [])];
  const child = spawn(kEncoder, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const encoder = { child, log: '' };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (encoder.log += data));
  suite.cleanup(() => child.kill('SIGKILL'));
  return encoder;
}

export async function gstreamer_checks(suite, server) {
  const encoder = { identity: 'encoder', number: kNumber };
  for (const trickle of [true, false]) {
    const way = trickle ? 'trickled candidates' : 'all candidates in the offer';
    await suite.check(`GStreamer: picture and tone arrive with ${way}, until it ends [CON-60] [CON-61]`, async () => {
      const room = `whip-${randomUUID()}`;
      const bob = await Peer.join(suite, server, room, 'bob');
      const client = await start_encoder(suite, server, room, { trickle });
      const frames = () => bob.pictures.get(encoder.identity)?.frames ?? 0;
      const what = () => `frames of GStreamer, ${frames()} came; it says ${client.log.slice(-1500)}`;
      await until(() => frames() >= 20, { timeout: 20000, what });
      await bob.hears(encoder);
      client.child.kill('SIGINT');
      await once(client.child, 'exit');
      await gone(server, room, encoder.identity);
      assert.match(client.log, trickle ? /PATCH 204/ : /POST 201/, client.log.slice(-1500));
      assert.match(client.log, /DELETE 200/, client.log.slice(-1500));
      await bob.leave();
    }, { seconds: 60 });
  }

  await suite.check('GStreamer: an encoder that dies is gone within half a minute [CON-60] [SIG-145]', async () => {
    const room = `whip-${randomUUID()}`;
    const bob = await Peer.join(suite, server, room, 'bob');
    const client = await start_encoder(suite, server, room, { trickle: true });
    await until(() => (bob.pictures.get(encoder.identity)?.frames ?? 0) > 5, { timeout: 20000, what: () => `frames; ${client.log.slice(-1500)}` });
    client.child.kill('SIGKILL');
    await gone(server, room, encoder.identity, 35000);
    await bob.leave();
  }, { seconds: 90 });
}
