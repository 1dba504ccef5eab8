// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Turns what the browser, the client library and the server throw into one of the problems of
// strings.ts, which tell the reader what to do.

import { ConnectionError, ConnectionErrorReason, DisconnectReason, MediaDeviceFailure } from 'livekit-client';
import type { ProblemKey } from '../strings';
import { TokenError } from './token';

export interface Problem {
  key: ProblemKey;
  /** The original text, shown small below the remedy. */
  detail: string;
}

/** The end of waiting or of joining: what a host, the server or the network did. */
export class EndError extends Error {
  readonly key: ProblemKey;

  constructor(key: ProblemKey, reason: DisconnectReason | undefined) {
    super(reason === undefined ? '' : DisconnectReason[reason]);
    this.name = 'EndError';
    this.key = key;
  }
}

export type Device = 'camera' | 'microphone' | 'screen';

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function tokenProblem(status: number): ProblemKey {
  if (status === 0) return 'serverUnreachable';
  if (status === 401 || status === 403) return 'tokenDenied';
  if (status === 404 || status === 405) return 'tokenEndpointOff';
  if (status === 429) return 'tokenTooOften';
  return status < 500 ? 'badName' : 'serverError';
}

const full = /room (is )?full|max(imum)?[ _].*participants|participants exceeded|closed by media/i;
const refused = /websocket error during connection|unspecified websocket error/i;
const media = /pc connection|(publisher|subscriber).*connection|ice connection|negotiat/i;

/**
 * A full room is refused while the socket opens, where a browser sees no reason (01 CON-33): the
 * client then asks `validate`, which still answers 200, and reports a socket error.
 */
function connectionProblem(error: ConnectionError): ProblemKey {
  switch (error.reason) {
    case ConnectionErrorReason.NotAllowed:
      return error.status === 404 ? 'roomMissing' : 'tokenRefused';
    case ConnectionErrorReason.ServerUnreachable:
    case ConnectionErrorReason.ServiceNotFound:
      return 'serverUnreachable';
    case ConnectionErrorReason.Timeout:
      return 'serverTooSlow';
    case ConnectionErrorReason.LeaveRequest:
      return endProblem(error.context as DisconnectReason | undefined) ?? 'roomClosed';
    default:
      if (refused.test(error.message)) return 'roomFull';
      return media.test(error.message) ? 'mediaBlocked' : 'serverError';
  }
}

/** A problem of joining, or null if the person cancelled; `asHost`: a host's key was shown. */
export function joinProblem(error: unknown, asHost = false): Problem | null {
  const detail = text(error);
  if (error instanceof EndError) return { key: error.key, detail };
  if (asHost && error instanceof TokenError && (error.status === 401 || error.status === 403)) {
    return { key: 'hostKeyRefused', detail };
  }
  if (error instanceof TokenError) return { key: tokenProblem(error.status), detail };
  if (full.test(detail)) return { key: 'roomFull', detail };
  if (error instanceof ConnectionError) {
    if (error.reason === ConnectionErrorReason.Cancelled) return null;
    return { key: connectionProblem(error as ConnectionError), detail };
  }
  if (media.test(detail)) return { key: 'mediaBlocked', detail };
  return { key: 'unknown', detail };
}

const endings = new Map<DisconnectReason | undefined, ProblemKey | null>([
  [DisconnectReason.CLIENT_INITIATED, null],
  [DisconnectReason.DUPLICATE_IDENTITY, 'duplicateIdentity'],
  [DisconnectReason.SERVER_SHUTDOWN, 'serverShutdown'],
  [DisconnectReason.PARTICIPANT_REMOVED, 'removed'],
  [DisconnectReason.ROOM_DELETED, 'roomClosed'],
  [DisconnectReason.ROOM_CLOSED, 'roomClosed'],
  [DisconnectReason.MEDIA_FAILURE, 'mediaBlocked'],
]);

/** Why a call that stood has ended; null if the person wanted it. */
export function endProblem(reason: DisconnectReason | undefined): ProblemKey | null {
  const known = endings.get(reason);
  return known === undefined ? 'connectionLost' : known;
}

/** Why waiting has ended; the person's own doing is none of it. */
export function lobbyProblem(reason: DisconnectReason | undefined): ProblemKey {
  if (reason === DisconnectReason.PARTICIPANT_REMOVED) return 'lobbyDenied';
  const key = endProblem(reason) ?? 'lobbyLost';
  return key === 'connectionLost' ? 'lobbyLost' : key;
}

const missing = { camera: 'noCamera', microphone: 'noMicrophone', screen: 'screenShareFailed' } as const;
const denied = { camera: 'cameraDenied', microphone: 'microphoneDenied', screen: 'screenShareFailed' } as const;

/** A problem of a device, or null if the person closed the screen picker. */
export function deviceProblem(device: Device, error: unknown, hasMediaDevices = true): Problem | null {
  const detail = text(error);
  if (!hasMediaDevices) return { key: device === 'screen' ? 'screenShareUnsupported' : 'insecurePage', detail };
  if (/insufficient permission|not allowed to publish|permission.*publish/i.test(detail)) {
    return { key: 'publishDenied', detail };
  }
  if (device === 'screen' && /getDisplayMedia.*not (supported|a function)/i.test(detail)) {
    return { key: 'screenShareUnsupported', detail };
  }
  switch (MediaDeviceFailure.getFailure(error)) {
    case MediaDeviceFailure.PermissionDenied:
      return device === 'screen' && !/system/i.test(detail) ? null : { key: denied[device], detail };
    case MediaDeviceFailure.NotFound:
      return { key: missing[device], detail };
    case MediaDeviceFailure.DeviceInUse:
      return { key: 'deviceBusy', detail };
    default:
      return { key: device === 'screen' ? 'screenShareFailed' : 'deviceFailed', detail };
  }
}
