// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Session descriptions as clients offer them, and what the suites need to know of the server's.

import { randomBytes } from 'node:crypto';

const kAudio = [
  'a=rtpmap:111 opus/48000/2',
  'a=fmtp:111 minptime=10;useinbandfec=1',
  'a=rtcp-fb:111 transport-cc',
  'a=rtpmap:63 red/48000/2',
  'a=fmtp:63 111/111',
];
const kVideo = [
  'a=rtpmap:96 VP8/90000',
  'a=rtcp-fb:96 goog-remb',
  'a=rtcp-fb:96 transport-cc',
  'a=rtcp-fb:96 ccm fir',
  'a=rtcp-fb:96 nack',
  'a=rtcp-fb:96 nack pli',
  'a=rtpmap:97 rtx/90000',
  'a=fmtp:97 apt=96',
  'a=rtpmap:108 H264/90000',
  'a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
];
const kExtensions = [
  'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  'a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
];

export const random_ice = () => ({ ufrag: randomBytes(4).toString('hex'), pwd: randomBytes(12).toString('hex') });
export const random_fingerprint = () =>
  [...randomBytes(32)].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':');

function media_section({ kind, direction, cid, ssrc, rids = [] }, mid, ice) {
  const codecs = kind === 'audio' ? '111 63' : '96 97 108';
  const lines = [
    `m=${kind} 9 UDP/TLS/RTP/SAVPF ${codecs}`,
    'c=IN IP4 0.0.0.0',
    'a=setup:actpass',
    `a=mid:${mid}`,
    ...ice,
    'a=rtcp-mux',
    'a=rtcp-rsize',
  ];
  lines.push(...(kind === 'audio' ? kAudio : kVideo), ...kExtensions, `a=${direction}`);
  if (cid) lines.push(`a=msid:stream ${cid}`);
  for (const rid of rids) lines.push(`a=rid:${rid} send`);
  if (rids.length) lines.push(`a=simulcast:send ${rids.join(';')}`);
  if (ssrc) lines.push(`a=ssrc:${ssrc} cname:c`, `a=ssrc:${ssrc} msid:stream ${cid}`);
  return lines;
}

// An offer with `sections` ({kind, direction, cid, ssrc, rids}) and a data section.
export function make_offer(sections, { ufrag, pwd } = random_ice(), fingerprint = random_fingerprint()) {
  const ice = [`a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`];
  const count = sections.length + 1;
  const mids = Array.from({ length: count }, (_, index) => index).join(' ');
  const lines = [
    'v=0',
    'o=- 4156562855640697693 2 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    `a=group:BUNDLE ${mids}`,
    'a=extmap-allow-mixed',
    `a=fingerprint:sha-256 ${fingerprint}`,
    'a=msid-semantic: WMS *',
  ];
  sections.forEach((section, index) => lines.push(...media_section(section, index, ice)));
  lines.push(
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    'a=setup:actpass',
    `a=mid:${count - 1}`,
    ...ice,
    'a=sctp-port:5000',
    'a=max-message-size:262144',
  );
  return `${lines.join('\r\n')}\r\n`;
}

// {ufrag, pwd} of a description.
export function ice_of(sdp) {
  const value = (name) => new RegExp(`^a=${name}:(.*?)\\r?$`, 'm').exec(sdp)?.[1];
  return { ufrag: value('ice-ufrag'), pwd: value('ice-pwd') };
}

// {transport, host, port} of a candidate line or a candidate init in JSON.
export function candidate_of(text) {
  const [, transport, host, port] = /candidate:\S+ \d+ (\S+) \d+ (\S+) (\d+)/.exec(text) ?? [];
  return { transport, host, port: Number(port) };
}
