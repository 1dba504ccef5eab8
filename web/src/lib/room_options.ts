// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Options of the client library's Room for the chosen settings.

import E2eeWorker from 'livekit-client/e2ee-worker?worker';
import { ExternalE2EEKeyProvider, type RoomOptions, type TrackPublishDefaults } from 'livekit-client';
import type { Settings } from './params';

export function publishDefaults(settings: Settings): TrackPublishDefaults {
  return {
    simulcast: settings.simulcast,
    ...(settings.codec ? { videoCodec: settings.codec } : {}),
  };
}

async function encryption(key: string): Promise<RoomOptions['encryption']> {
  const keyProvider = new ExternalE2EEKeyProvider();
  await keyProvider.setKey(key);
  return { keyProvider, worker: new E2eeWorker() };
}

export async function roomOptions(settings: Settings): Promise<RoomOptions> {
  return {
    adaptiveStream: settings.adaptive,
    dynacast: true,
    singlePeerConnection: !settings.twoConnections,
    publishDefaults: publishDefaults(settings),
    ...(settings.cameraId ? { videoCaptureDefaults: { deviceId: settings.cameraId } } : {}),
    ...(settings.microphoneId ? { audioCaptureDefaults: { deviceId: settings.microphoneId } } : {}),
    ...(settings.encryptionKey ? { encryption: await encryption(settings.encryptionKey) } : {}),
  };
}
