// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Access tokens of the test key, made by livekit-server-sdk.

import { webcrypto } from 'node:crypto';

import { KEY, SECRET } from './server.mjs';

// Node 18 has no global WebCrypto, which the SDK's JWT library expects.
globalThis.crypto ??= webcrypto;
const { AccessToken } = await import('livekit-server-sdk');

// A token to join `room` as `identity`; `grant` is laid over the join grant, `options` go to the
// token itself (name, metadata, attributes, ttl …), `kind` is that of the participant.
export async function join_token(room, identity, { grant = {}, options = {}, kind, key = KEY, secret = SECRET } = {}) {
  const token = new AccessToken(key, secret, { identity, ttl: 600, ...options });
  if (kind) token.kind = kind;
  token.addGrant({ roomJoin: true, room, canUpdateOwnMetadata: true, ...grant });
  return token.toJwt();
}
