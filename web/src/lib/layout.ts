// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which tile is large, and in how many columns the others stand.

export const layouts = ['grid', 'speaker', 'sidebar'] as const;
export type Layout = (typeof layouts)[number];

export interface TileInfo {
  key: string;
  identity: string;
  isScreen: boolean;
  isLocal: boolean;
}

export function parseLayout(text: string): Layout {
  return layouts.find((layout) => layout === text) ?? 'grid';
}

/**
 * The key of the large tile. What the person pinned, else a shared screen; the speaker's layouts then
 * take whoever spoke last, or the first of the others. `pinned`: undefined: nobody chose yet; null:
 * everything small, which only the grid can do.
 */
export function pickBig(tiles: TileInfo[], layout: Layout, pinned: string | null | undefined, speaker: string): string | null {
  const known = tiles.find((tile) => tile.key === pinned);
  if (known) return known.key;
  if (layout === 'grid' && pinned === null) return null;
  const screen = tiles.find((tile) => tile.isScreen);
  if (screen) return screen.key;
  if (layout === 'grid') return null;
  const big = tiles.find((tile) => tile.identity === speaker) ?? tiles.find((tile) => !tile.isLocal) ?? tiles[0];
  return big?.key ?? null;
}

/** Of the small tiles: on a wide window and on a narrow one. */
export function columnsOf(tiles: number, layout: Layout, hasBig: boolean): { wide: number; narrow: number } {
  const small = hasBig ? tiles - 1 : tiles;
  if (layout !== 'grid') return { wide: Math.max(1, Math.min(small, 6)), narrow: Math.max(1, Math.min(small, 3)) };
  const wide = Math.max(1, hasBig ? Math.min(small, 4) : Math.ceil(Math.sqrt(small)));
  return { wide, narrow: small > 2 || (hasBig && small > 1) ? 2 : 1 };
}
