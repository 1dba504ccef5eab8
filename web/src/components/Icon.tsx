// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The page's own line icons, 24 × 24, drawn with the text colour. Decoration only: the button that
// carries one has a text of its own.

const paths = {
  microphone: 'M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21',
  camera: 'M3.5 7h10a1.5 1.5 0 0 1 1.5 1.5v7a1.5 1.5 0 0 1-1.5 1.5h-10A1.5 1.5 0 0 1 2 15.5v-7A1.5 1.5 0 0 1 3.5 7zM15 11l6-3.5v9L15 13',
  screen: 'M3 5h18v11H3zM8 20h8M12 13V8M9.5 10L12 7.5l2.5 2.5',
  chat: 'M4 5h16v11H10l-4 4v-4H4zM8 9h8M8 12h5',
  devices: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4',
  stats: 'M4 20h16M6 16v-4M11 16V6M16 16v-7',
  invite: 'M10 8a3.5 3.5 0 1 0 0-.1M3.5 20a6.5 6.5 0 0 1 13 0M19 7v6M16 10h6',
  leave: 'M14 4H5v16h9M10 12h11M17.5 8.5L21 12l-3.5 3.5',
  hand: 'M7 12V6.5a1.5 1.5 0 0 1 3 0V11M10 10V4.5a1.5 1.5 0 0 1 3 0V10M13 10.5V5.5a1.5 1.5 0 0 1 3 0V13M16 11.5a1.5 1.5 0 0 1 3 0V15a6 6 0 0 1-6 6h-1a6 6 0 0 1-5-2.7L4 14a1.5 1.5 0 0 1 2.4-1.7L7 13',
  reactions: 'M12 3a9 9 0 1 0 .1 0M8.5 10v.1M15.5 10v.1M8 14.5a5 5 0 0 0 8 0',
  people: 'M9 4.5a3.5 3.5 0 1 0 .1 0M2.5 20a6.5 6.5 0 0 1 13 0M16 5a3.5 3.5 0 0 1 0 6.8M18 14.2a6.5 6.5 0 0 1 3.5 5.8',
  captions: 'M3 5h18v14H3zM10.5 10.5a2 2 0 1 0 0 3M17.5 10.5a2 2 0 1 0 0 3',
  record: 'M12 3a9 9 0 1 0 .1 0M12 8a4 4 0 1 0 .1 0',
  encrypted: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  close: 'M6 6l12 12M18 6L6 18',
  enlarge: 'M4 9V4h5M20 15v5h-5M4 4l6 6M20 20l-6-6',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, off = false }: { name: IconName; off?: boolean }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
      {off && <path d="M4 3l16 18" />}
    </svg>
  );
}
