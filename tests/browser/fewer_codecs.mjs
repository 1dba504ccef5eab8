// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A browser that lacks a codec: its descriptions no longer name it.

// From now on the page of `caller` offers and answers without `codec`, as its a=rtpmap names it (and
// without the retransmission of what is left out).
export function leave_out(caller, codec) {
  return caller.evaluate((name) => {
    const without = (sdp) => {
      const named = [...sdp.matchAll(/^a=rtpmap:(\d+) ([^/]+)\//gm)].filter((one) => one[2] === name).map((one) => one[1]);
      const repairs = [...sdp.matchAll(/^a=fmtp:(\d+) apt=(\d+)/gm)].filter((one) => named.includes(one[2])).map((one) => one[1]);
      const gone = new Set([...named, ...repairs]);
      const kept = sdp.split('\r\n').filter((line) => !gone.has(line.match(/^a=(?:rtpmap|fmtp|rtcp-fb):(\d+)/)?.[1]));
      return kept.map((line) => (line.startsWith('m=video') ? line.split(' ').filter((word, at) => at < 3 || !gone.has(word)).join(' ') : line)).join('\r\n');
    };
    for (const method of ['createOffer', 'createAnswer']) {
      const make = RTCPeerConnection.prototype[method];
      RTCPeerConnection.prototype[method] = async function create(...options) {
        const { type, sdp } = await make.apply(this, options);
        return { type, sdp: without(sdp) };
      };
    }
  }, codec);
}
