// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Offers with all that a publisher could offer, and what a description says section by section.

import { random_fingerprint, random_ice } from '../lib/sdp.mjs';

export const kUris = {
  audio_level: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  abs_send_time: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  transport_cc: 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  mid: 'urn:ietf:params:rtp-hdrext:sdes:mid',
  abs_capture_time: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time',
  playout_delay: 'http://www.webrtc.org/experiments/rtp-hdrext/playout-delay',
  frame_marking: 'urn:ietf:params:rtp-hdrext:framemarking',
  orientation: 'urn:3gpp:video-orientation',
  rid: 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
  repaired_rid: 'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id',
  dependency: 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension',
};
const kExtensions = Object.values(kUris).map((uri, index) => `a=extmap:${index + 1} ${uri}`);
const kFeedback = ['goog-remb', 'transport-cc', 'ccm fir', 'nack', 'nack pli'];

const kAudio = [
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  'a=rtcp-fb:111 transport-cc',
  'a=rtcp-fb:111 nack',
  'a=rtpmap:63 red/48000/2',
  'a=fmtp:63 111/111',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
];
const kH264 = 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f';
const kVideo = [[96, 'VP8'], [98, 'VP9', 'profile-id=0'], [108, 'H264', kH264], [45, 'AV1']]
  .flatMap(([type, name, format]) => [
    `a=rtpmap:${type} ${name}/90000`,
    ...(format ? [`a=fmtp:${type} ${format}`] : []),
    ...kFeedback.map((one) => `a=rtcp-fb:${type} ${one}`),
    `a=rtpmap:${type + 1} rtx/90000`,
    `a=fmtp:${type + 1} apt=${type}`,
  ]);
const kTypes = { audio: '111 63 0 8', video: '96 97 98 99 108 109 45 46' };

// `tracks` are {kind, cid}: a section each.
export function rich_offer(tracks) {
  const { ufrag, pwd } = random_ice();
  const lines = ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', `a=group:BUNDLE ${tracks.map((_, mid) => mid).join(' ')}`,
    `a=fingerprint:sha-256 ${random_fingerprint()}`];
  tracks.forEach(({ kind, cid, direction = 'sendonly' }, mid) => lines.push(
    `m=${kind} 9 UDP/TLS/RTP/SAVPF ${kTypes[kind]}`, 'c=IN IP4 0.0.0.0', 'a=setup:actpass', `a=mid:${mid}`,
    `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`, 'a=rtcp-mux', ...(kind === 'audio' ? kAudio : kVideo), ...kExtensions,
    `a=${direction}`, ...(cid ? [`a=msid:s ${cid}`] : [])));
  return `${lines.join('\r\n')}\r\n`;
}

// The sections of a description: {kind, mid, direction, types, codecs, fmtp, feedback, extensions}.
export function sections_of(sdp) {
  return sdp.split(/^m=/m).slice(1).map((text) => {
    const values = (pattern) => [...text.matchAll(pattern)].map((one) => one.slice(1));
    const types = text.split('\r\n')[0].split(' ').slice(3).map(Number);
    const of_types = (pattern) => Object.fromEntries(values(pattern));
    const feedback = {};
    for (const [type, value] of values(/^a=rtcp-fb:(\d+) (.*?)\r$/gm)) (feedback[type] ??= []).push(value);
    return {
      text,
      kind: text.split(' ')[0],
      mid: values(/^a=mid:(.*?)\r$/gm)[0]?.[0],
      direction: /^a=(sendrecv|sendonly|recvonly|inactive)\r$/m.exec(text)?.[1],
      types,
      codecs: of_types(/^a=rtpmap:(\d+) (.*?)\r$/gm),
      fmtp: of_types(/^a=fmtp:(\d+) (.*?)\r$/gm),
      feedback,
      extensions: Object.fromEntries(values(/^a=extmap:(\d+)\S* (.*?)\r$/gm).map(([id, uri]) => [uri, Number(id)])),
    };
  });
}
