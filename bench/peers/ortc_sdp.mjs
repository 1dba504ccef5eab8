// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Session descriptions for a server that knows none: it has transports, senders and receivers with
// parameters as in ORTC (mediasoup's). One bundle, one stream and its RTX in each section.

const kCrlf = '\r\n';

const is_rtx = ({ mimeType }) => mimeType.toLowerCase().endsWith('/rtx');
const feedback_text = ({ type, parameter }) => (parameter ? `${type} ${parameter}` : type);

// ---------------------------------------------------------------- what an offer or answer says

// Of the session, or of the first section that has any.
export function fingerprints_of({ session, sections }) {
  const found = [session, ...sections].map((one) => one.all('fingerprint')).find((all) => all.length > 0) ?? [];
  return found.map((text) => {
    const [algorithm, value] = text.split(' ');
    return { algorithm: algorithm.toLowerCase(), value };
  });
}

// Values by what stands before the first space, a payload type.
function by_type(section, name) {
  const cut = (text) => [Number.parseInt(text, 10), text.slice(text.indexOf(' ') + 1)];
  return section.all(name).map(cut);
}

// { name: value } of "a=b;c=d", numbers as such.
function format_parameters(text) {
  const pairs = text.split(';').map((pair) => pair.trim().split('='));
  return Object.fromEntries(pairs.map(([name, value]) => [name, /^\d+$/.test(value) ? Number(value) : value]));
}

function codec_of(section, [payloadType, text], capabilities) {
  const [name, clockRate, channels] = text.split('/');
  const mimeType = `${section.kind}/${name}`;
  const known = capabilities.codecs.find((one) => one.mimeType.toLowerCase() === mimeType.toLowerCase());
  if (!known) return null;
  const format = by_type(section, 'fmtp').find(([type]) => type === payloadType);
  const wanted = by_type(section, 'rtcp-fb').flatMap(([type, value]) => (type === payloadType ? [value] : []));
  return {
    mimeType,
    payloadType,
    clockRate: Number(clockRate),
    ...(channels && { channels: Number(channels) }),
    parameters: format ? format_parameters(format[1]) : {},
    rtcpFeedback: known.rtcpFeedback.filter((one) => wanted.includes(feedback_text(one))),
  };
}

// Those that the server has, too, and behind them their RTX.
function common_codecs(section, capabilities) {
  const codecs = by_type(section, 'rtpmap').flatMap((line) => codec_of(section, line, capabilities) ?? []);
  const media = codecs.filter((codec) => !is_rtx(codec));
  const repairs = (codec) => is_rtx(codec) && media.some((one) => one.payloadType === codec.parameters.apt);
  return [...media, ...codecs.filter(repairs)];
}

function common_extensions(section, capabilities) {
  const has = (uri) => capabilities.headerExtensions.some((one) => one.kind === section.kind && one.uri === uri);
  return by_type(section, 'extmap').flatMap(([id, uri]) => (has(uri) ? [{ id, uri }] : []));
}

// What a section of an offer sends, as RtpParameters.
export function sent_parameters(section, capabilities) {
  const [ssrc] = section.all('ssrc').map((text) => Number.parseInt(text, 10));
  const repair = section.all('ssrc-group').find((text) => text.startsWith(`FID ${ssrc} `));
  return {
    mid: section.get('mid'),
    codecs: common_codecs(section, capabilities),
    headerExtensions: common_extensions(section, capabilities),
    encodings: [{ ssrc, ...(repair && { rtx: { ssrc: Number(repair.split(' ')[2]) } }) }],
    rtcp: { cname: 'stream', reducedSize: true },
  };
}

// ---------------------------------------------------------------- offers and answers

function codec_lines({ mimeType, payloadType, clockRate, channels, parameters, rtcpFeedback }) {
  const name = mimeType.split('/')[1];
  const format = Object.entries(parameters).map(([key, value]) => `${key}=${value}`);
  return [
    `a=rtpmap:${payloadType} ${name}/${clockRate}${channels > 1 ? `/${channels}` : ''}`,
    ...(format.length > 0 ? [`a=fmtp:${payloadType} ${format.join(';')}`] : []),
    ...rtcpFeedback.map((one) => `a=rtcp-fb:${payloadType} ${feedback_text(one)}`),
  ];
}

function candidate_line({ foundation, priority, address, port }) {
  return `a=candidate:${foundation} 1 udp ${priority} ${address} ${port} typ host`;
}

function media_lines(transport, { kind, mid, direction, codecs, extensions }) {
  return [
    `m=${kind} 9 UDP/TLS/RTP/SAVPF ${codecs.map(({ payloadType }) => payloadType).join(' ')}`,
    'c=IN IP4 0.0.0.0',
    `a=mid:${mid}`,
    `a=${direction}`,
    'a=rtcp-mux',
    'a=rtcp-rsize',
    ...codecs.flatMap(codec_lines),
    ...extensions.map(({ id, uri }) => `a=extmap:${id} ${uri}`),
    ...transport.iceCandidates.map(candidate_line),
    'a=end-of-candidates',
  ];
}

// `sections`: { mid, lines }, without a mid where they are refused.
function description(transport, setup, sections) {
  const { usernameFragment, password } = transport.iceParameters;
  const lines = [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=ice-lite',
    `a=group:BUNDLE ${sections.flatMap(({ mid }) => mid ?? []).join(' ')}`,
    `a=ice-ufrag:${usernameFragment}`,
    `a=ice-pwd:${password}`,
    ...transport.dtlsParameters.fingerprints.map(({ algorithm, value }) => `a=fingerprint:${algorithm} ${value}`),
    `a=setup:${setup}`,
    ...sections.flatMap((section) => section.lines),
  ];
  return lines.join(kCrlf) + kCrlf;
}

function answer_section(transport, section, capabilities) {
  const mid = section.get('mid');
  const codecs = section.is_sent ? common_codecs(section, capabilities) : [];
  if (codecs.length === 0) {
    const refused = section.lines[0].replace(/ \d+ /, ' 0 ');
    return { lines: [refused, 'c=IN IP4 0.0.0.0', `a=mid:${mid}`, 'a=inactive'] };
  }
  const extensions = common_extensions(section, capabilities);
  const media = { kind: section.kind, mid, direction: 'recvonly', codecs, extensions };
  return { mid, lines: media_lines(transport, media) };
}

// What the offer sends is received; everything else is refused.
export function answer_for(transport, { sections }, capabilities) {
  const answers = sections.map((section) => answer_section(transport, section, capabilities));
  return description(transport, 'passive', answers);
}

function offer_section(transport, { consumer, msid }) {
  const { mid, codecs, headerExtensions: extensions, encodings, rtcp } = consumer.rtpParameters;
  const ssrcs = [encodings[0], encodings[0].rtx].flatMap((one) => one?.ssrc ?? []);
  const lines = [
    ...media_lines(transport, { kind: consumer.kind, mid, direction: 'sendonly', codecs, extensions }),
    `a=msid:${msid}`,
    ...(ssrcs.length > 1 ? [`a=ssrc-group:FID ${ssrcs.join(' ')}`] : []),
    ...ssrcs.map((ssrc) => `a=ssrc:${ssrc} cname:${rtcp.cname}`),
  ];
  return { mid, lines };
}

// Of all of a participant's { consumer, msid }.
export function offer_for(transport, consumers) {
  const sections = consumers.map((one) => offer_section(transport, one));
  return description(transport, 'actpass', sections);
}
