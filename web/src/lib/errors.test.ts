// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { ConnectionError, DisconnectReason } from 'livekit-client';
import { describe, expect, test } from 'vitest';
import { problems } from '../strings';
import { deviceProblem, EndError, endProblem, joinProblem, lobbyProblem } from './errors';
import { TokenError } from './token';

const named = (name: string, message = name) => Object.assign(new Error(message), { name });

describe('joinProblem', () => {
  test.each([
    [0, 'serverUnreachable'], [400, 'badName'], [401, 'tokenDenied'], [403, 'tokenDenied'],
    [404, 'tokenEndpointOff'], [405, 'tokenEndpointOff'], [429, 'tokenTooOften'], [503, 'serverError'],
  ])('token endpoint status %i is %s', (status, key) => {
    expect(joinProblem(new TokenError(status, ''))?.key).toBe(key);
  });

  test.each([
    [ConnectionError.notAllowed('invalid token', 401), 'tokenRefused'],
    [ConnectionError.notAllowed('requested room does not exist', 404), 'roomMissing'],
    [ConnectionError.serverUnreachable('gone'), 'serverUnreachable'],
    [ConnectionError.timeout('slow'), 'serverTooSlow'],
    [ConnectionError.internal('could not establish pc connection'), 'mediaBlocked'],
    [ConnectionError.internal('no message received as first message'), 'serverError'],
    [ConnectionError.internal('connection closed by media'), 'roomFull'],
    [ConnectionError.websocket('Encountered websocket error during connection establishment'), 'roomFull'],
    [ConnectionError.internal('Encountered unknown websocket error during connection: x'), 'roomFull'],
    [ConnectionError.leaveRequest('left', DisconnectReason.SERVER_SHUTDOWN), 'serverShutdown'],
    [new Error('surprise'), 'unknown'],
  ])('%s is %s', (error, key) => {
    expect(joinProblem(error)?.key).toBe(key);
  });

  test('cancelling is no problem', () => {
    expect(joinProblem(ConnectionError.cancelled('stop'))).toBeNull();
  });
});

describe('endProblem', () => {
  test.each([
    [DisconnectReason.CLIENT_INITIATED, null],
    [DisconnectReason.DUPLICATE_IDENTITY, 'duplicateIdentity'],
    [DisconnectReason.PARTICIPANT_REMOVED, 'removed'],
    [DisconnectReason.ROOM_DELETED, 'roomClosed'],
    [DisconnectReason.SERVER_SHUTDOWN, 'serverShutdown'],
    [DisconnectReason.UNKNOWN_REASON, 'connectionLost'],
    [undefined, 'connectionLost'],
  ])('%s is %s', (reason, key) => {
    expect(endProblem(reason)).toBe(key);
  });
});

describe('the lobby', () => {
  test.each([
    [DisconnectReason.PARTICIPANT_REMOVED, 'lobbyDenied'],
    [DisconnectReason.SERVER_SHUTDOWN, 'serverShutdown'],
    [DisconnectReason.ROOM_DELETED, 'roomClosed'],
    [DisconnectReason.CLIENT_INITIATED, 'lobbyLost'],
    [undefined, 'lobbyLost'],
  ])('ended by %s is %s', (reason, key) => {
    expect(lobbyProblem(reason)).toBe(key);
    expect(joinProblem(new EndError(lobbyProblem(reason), reason))?.key).toBe(key);
  });

  test.each([[401, 'hostKeyRefused'], [403, 'hostKeyRefused'], [429, 'tokenTooOften']])("a host's key refused with %i is %s", (status, key) => {
    expect(joinProblem(new TokenError(status, ''), true)?.key).toBe(key);
  });
});

describe('deviceProblem', () => {
  test.each([
    ['camera', named('NotFoundError'), 'noCamera'],
    ['microphone', named('NotFoundError'), 'noMicrophone'],
    ['camera', named('NotAllowedError'), 'cameraDenied'],
    ['microphone', named('NotAllowedError'), 'microphoneDenied'],
    ['camera', named('NotReadableError'), 'deviceBusy'],
    ['camera', named('OverconstrainedError'), 'deviceFailed'],
    ['screen', named('NotAllowedError', 'Permission denied by system'), 'screenShareFailed'],
    ['screen', new Error('getDisplayMedia not supported'), 'screenShareUnsupported'],
    ['microphone', named('PublishTrackError', 'insufficient permissions to publish'), 'publishDenied'],
  ] as const)('%s with %s is %s', (device, error, key) => {
    expect(deviceProblem(device, error)?.key).toBe(key);
  });

  test('closing the screen picker is no problem', () => {
    expect(deviceProblem('screen', named('NotAllowedError', 'Permission denied'))).toBeNull();
  });

  test('without mediaDevices the page is not secure', () => {
    expect(deviceProblem('camera', new TypeError('x'), false)?.key).toBe('insecurePage');
    expect(deviceProblem('screen', new TypeError('x'), false)?.key).toBe('screenShareUnsupported');
  });
});

test('every problem says what happened and what to do', () => {
  for (const text of Object.values(problems)) {
    expect(text.title.length).toBeGreaterThan(5);
    expect(text.remedy).toMatch(/[.]$/);
  }
});
