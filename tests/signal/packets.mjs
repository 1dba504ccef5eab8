// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The codecs of a werift connection, and packets for them.

import { RTCRtpCodecParameters, RtpHeader, RtpPacket } from 'werift';

const kFeedback = [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'ccm', parameter: 'fir' }];
export const codecs = () => ({
  audio: [new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48000, channels: 2, payloadType: 111 })],
  video: [new RTCRtpCodecParameters({ mimeType: 'video/VP8', clockRate: 90000, payloadType: 96, rtcpFeedback: kFeedback })],
});
const kOpusSilence = Buffer.from([0xf8, 0xff, 0xfe]);
// A key frame of nothing, 640 × 360.
const kVp8KeyFrame = Buffer.from('10009d012a80026801', 'hex');

// Sends a packet on the track each 20 ms; gives the timer.
export function send_packets(track) {
  const video = track.kind === 'video';
  const payload = video ? kVp8KeyFrame : kOpusSilence;
  let sequenceNumber = 0;
  let timestamp = 0;
  return setInterval(() => {
    sequenceNumber = (sequenceNumber + 1) & 0xffff;
    timestamp += video ? 1800 : 960;
    track.writeRtp(new RtpPacket(new RtpHeader({ sequenceNumber, timestamp, marker: true }), payload));
  }, 20);
}
