// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Every text of the page, in one place. Problems have a title (what happened) and a remedy
// (what the reader can do now).

export interface ProblemText {
  readonly title: string;
  readonly remedy: string;
}

export const problems = {
  noCamera: {
    title: 'No camera found',
    remedy: 'Plug in a camera or choose another one under Devices. You can stay in the call without one.',
  },
  noMicrophone: {
    title: 'No microphone found',
    remedy: 'Plug in a microphone or choose another one under Devices. You can still listen and chat.',
  },
  cameraDenied: {
    title: 'The browser may not use the camera',
    remedy: 'Allow the camera in the address bar (the icon left of the address), then press Camera again.',
  },
  microphoneDenied: {
    title: 'The browser may not use the microphone',
    remedy: 'Allow the microphone in the address bar (the icon left of the address), then press Microphone again.',
  },
  deviceBusy: {
    title: 'The device is in use',
    remedy: 'Close the other program or tab that uses it, then try again, or choose another device.',
  },
  deviceFailed: {
    title: 'The device could not be started',
    remedy: 'Choose another device under Devices, or unplug it and plug it in again.',
  },
  insecurePage: {
    title: 'Camera and microphone need a secure page',
    remedy: 'Open this page over https://, or on the server itself as http://localhost. Browsers block them elsewhere.',
  },
  screenShareUnsupported: {
    title: 'This browser cannot share the screen',
    remedy: 'Use a desktop browser over https:// or http://localhost. Phone browsers cannot share the screen.',
  },
  screenShareFailed: {
    title: 'The screen could not be shared',
    remedy: 'Allow screen recording for the browser in the system settings, then try again.',
  },
  publishDenied: {
    title: 'You may only watch in this room',
    remedy: 'Your token does not allow publishing. Ask for a token with the right to publish.',
  },
  serverUnreachable: {
    title: 'The server does not answer',
    remedy: 'Check that it is running and that this address is right, then try again.',
  },
  serverError: {
    title: 'The server reported an error',
    remedy: 'Try again. If it stays, the server log tells more.',
  },
  serverTooSlow: {
    title: 'The server took too long to answer',
    remedy: 'Check your network, then try again.',
  },
  mediaBlocked: {
    title: 'Audio and video cannot reach the server',
    remedy: 'A firewall may block the media ports, or the server announces an address you cannot reach. Run the connection test.',
  },
  tokenEndpointOff: {
    title: 'This server gives out no tokens',
    remedy: 'Start it with --dev, or switch the token endpoint on.',
  },
  tokenDenied: {
    title: 'The server refused to give a token',
    remedy: 'Its token endpoint is not open to this address. Open the page on the server itself, or allow this address.',
  },
  tokenTooOften: {
    title: 'Too many tries',
    remedy: 'Wait a minute, then try again.',
  },
  badName: {
    title: 'The server does not accept this name or room',
    remedy: 'Use letters, digits, dots, dashes and underscores, and a shorter text.',
  },
  tokenRefused: {
    title: 'The server refused the token',
    remedy: 'The token has run out or was made with other keys. Join again to get a new one, and check the clock of both machines.',
  },
  roomMissing: {
    title: 'This room does not exist',
    remedy: 'The server does not create rooms by itself. Create the room first, or choose another one.',
  },
  roomFull: {
    title: 'No entry: the room may be full',
    remedy: 'The server answers, but refused the call. Wait until somebody leaves, or choose another room.',
  },
  browserTooOld: {
    title: 'This browser cannot make calls',
    remedy: 'Use a current Firefox, Chromium, Edge or Safari with WebRTC switched on.',
  },
  connectionLost: {
    title: 'The connection was lost',
    remedy: 'The server is gone or the network is down. Join again when it is back.',
  },
  serverShutdown: {
    title: 'The server was shut down',
    remedy: 'Join again once it is running.',
  },
  duplicateIdentity: {
    title: 'You joined from somewhere else',
    remedy: 'The same identity joined in another tab or device. Join with another name to be there twice.',
  },
  removed: {
    title: 'You were removed from the room',
    remedy: 'Ask the host, or choose another room.',
  },
  roomClosed: {
    title: 'The room was closed',
    remedy: 'Join again to open it anew, or choose another room.',
  },
  chatFailed: {
    title: 'The message was not sent',
    remedy: 'Wait until the connection is back, then send it again.',
  },
  decryptionFailed: {
    title: 'Somebody uses another encryption key',
    remedy: 'Leave, and join with the key that everybody in the room uses.',
  },
  pageBroken: {
    title: 'The page stopped working',
    remedy: 'Load it again. Reports with the text below help to mend it.',
  },
  unknown: {
    title: 'Something went wrong',
    remedy: 'Try again. The text below tells more.',
  },
} as const satisfies Record<string, ProblemText>;

export type ProblemKey = keyof typeof problems;

export const strings = {
  title: 'confab demo',
  skip: 'Skip to content',
  optional: 'optional',
  close: 'Close',
  dismiss: 'Dismiss',
  notices: 'Third-party notices',
  theme: { label: 'Colours', auto: 'automatic', light: 'light', dark: 'dark' },
  join: {
    heading: 'Join a room',
    intro: 'Everybody who picks the same room meets there.',
    name: 'Your name',
    room: 'Room',
    camera: 'Start with camera',
    microphone: 'Start with microphone',
    submit: 'Join',
    joining: 'Joining …',
    cancel: 'Cancel',
    options: 'Options',
    codec: 'Video codec',
    codecAuto: 'automatic',
    simulcast: 'Send several sizes (simulcast)',
    twoConnections: 'Two peer connections (older clients)',
    key: 'Encryption key',
    keyHint: 'Everybody in the room needs the same key. The server never sees it.',
    test: 'Connection test',
    tabHint: 'No camera at hand? Untick both and join from two tabs.',
  },
  invite: {
    heading: 'Invite',
    label: 'Invite link',
    copy: 'Copy',
    copied: 'Copied',
    open: 'Open in a second tab',
    hint: 'Everybody with this link can join the room.',
  },
  status: {
    joining: 'Joining the room',
    connected: 'Connected',
    reconnecting: 'Reconnecting …',
    reconnectingHint: 'The connection broke. Trying to get it back; you can keep this page open.',
    left: 'You left the room.',
    joinedRoom: (room: string) => `You are in room ${room}`,
    arrived: (name: string) => `${name} joined`,
    departed: (name: string) => `${name} left`,
    people: (count: number) => (count === 1 ? '1 person' : `${count} people`),
    alone: 'You are alone here. Use Invite to bring in others.',
    startAudio: 'Play sound',
    startAudioHint: 'The browser waits for a click before it plays sound.',
  },
  controls: {
    bar: 'Call controls',
    microphone: 'Microphone',
    camera: 'Camera',
    screen: 'Screen',
    chat: 'Chat',
    devices: 'Devices',
    stats: 'Stats',
    invite: 'Invite',
    leave: 'Leave',
    unread: (count: number) => `${count} unread`,
  },
  tile: {
    you: 'you',
    camera: 'camera',
    screen: 'screen',
    muted: 'microphone off',
    speaking: 'speaking',
    enlarge: 'Enlarge',
    encrypted: 'encrypted',
    quality: {
      excellent: 'excellent connection',
      good: 'good connection',
      poor: 'poor connection',
      lost: 'connection lost',
      unknown: 'connection not yet rated',
    },
  },
  devices: {
    heading: 'Devices',
    audioinput: 'Microphone',
    videoinput: 'Camera',
    audiooutput: 'Speaker',
    none: 'none found',
    fixedOutput: 'This browser plays on the speaker chosen in the system settings.',
    unnamed: (kind: string, index: number) => `${kind} ${index}`,
  },
  chat: {
    heading: 'Chat',
    empty: 'No messages yet.',
    label: 'Message',
    send: 'Send',
    someone: 'somebody',
  },
  stats: {
    heading: 'Stats',
    empty: 'No tracks yet.',
    columns: ['Track', 'Direction', 'Codec', 'Layer', 'Picture', 'kbit/s', 'Loss', 'Jitter', 'Freezes'],
    send: 'send',
    receive: 'receive',
    none: '–',
  },
  test: {
    heading: 'Connection test',
    intro: 'Joins a throw-away room several times and tells what works. The last steps use your camera and microphone.',
    start: 'Start the test',
    running: 'Testing …',
    back: 'Back',
    idle: 'waiting',
    run: 'running',
    skipped: 'skipped',
    success: 'works',
    failed: 'failed',
  },
} as const;
