// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The codecs of a werift connection, and packets for them.

import { ExtensionProfiles, RTCRtpCodecParameters, RtpHeader, RtpPacket, useAudioLevelIndication, useTransportWideCC } from 'werift';

const kFeedback = [{ type: 'transport-cc' }, { type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'ccm', parameter: 'fir' }];
export const codecs = () => ({
  audio: [new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48000, channels: 2, payloadType: 111 })],
  video: [new RTCRtpCodecParameters({ mimeType: 'video/VP8', clockRate: 90000, payloadType: 96, rtcpFeedback: kFeedback })],
});
// The same with RED before Opus, which werift wraps into it.
export const red_codecs = () => {
  const red = new RTCRtpCodecParameters({ mimeType: 'audio/red', clockRate: 48000, channels: 2, payloadType: 63, parameters: '111/111' });
  const { audio, video } = codecs();
  return { audio: [red, ...audio], video };
};
export const header_extensions = () => ({ audio: [useAudioLevelIndication()], video: [useTransportWideCC()] });
const kLevelId = 1; // the first that is offered
const kLoud = Buffer.from([0x80 | 15]); // voice, -15 dBov (RFC 6464 §3)
const kOpusSilence = Buffer.from([0xf8, 0xff, 0xfe]);
// A key frame of nothing, 640 × 360.
const kVp8KeyFrame = Buffer.from('10009d012a80026801', 'hex');

// Sends a packet on the track each 20 ms, of sound as loud as speech when `is_loud()`; `next` gives
// its payload and marker, if it likes also its time and extensions. Gives the timer.
export function send_packets(track, is_loud, next, { first = 0, every = 20 } = {}) {
  const video = track.kind === 'video';
  const usual = { payload: video ? kVp8KeyFrame : kOpusSilence, marker: true };
  let sequenceNumber = first;
  let timestamp = 0;
  return setInterval(() => {
    sequenceNumber = (sequenceNumber + 1) & 0xffff;
    timestamp += video ? 1800 : 960;
    const level = !video && is_loud() ? [{ id: kLevelId, payload: kLoud }] : [];
    const { payload, marker, at = timestamp, extensions = level, two_byte = false } = next?.() ?? usual;
    const header = new RtpHeader({ sequenceNumber, timestamp: at, marker, extension: extensions.length > 0, extensions });
    if (two_byte) header.extensionProfile = ExtensionProfiles.TwoByte;
    track.writeRtp(new RtpPacket(header, payload));
  }, every);
}
