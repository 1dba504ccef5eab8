// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The blur that some systems put behind the person by themselves, outside of the page (W3C Media
// Capture Extensions, backgroundBlur). It is offered where the camera says that it can be switched.

interface BlurCapabilities {
  backgroundBlur?: boolean[];
}
interface BlurSettings {
  backgroundBlur?: boolean;
}

export function canBlur(track: MediaStreamTrack | undefined): boolean {
  // Not every browser has getCapabilities.
  const camera: Partial<MediaStreamTrack> | undefined = track;
  const { backgroundBlur } = (camera?.getCapabilities?.() ?? {}) as BlurCapabilities;
  return Boolean(backgroundBlur?.includes(true) && backgroundBlur.includes(false));
}

export function isBlurred(track: MediaStreamTrack | undefined): boolean {
  return ((track?.getSettings() ?? {}) as BlurSettings).backgroundBlur === true;
}

export function setBlur(track: MediaStreamTrack, on: boolean): Promise<void> {
  return track.applyConstraints({ ...track.getConstraints(), backgroundBlur: on } as MediaTrackConstraints);
}
