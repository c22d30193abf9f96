/** What the fragment asks for: `#/quality?window=24h&type=…&version=8`. Pure. */

/** @typedef {{ window: string, type: string | null, version: number }} Choice */

export const windows = { '1h': '1 hour', '24h': '24 hours', '7d': '7 days' }

/**
 * @param {URLSearchParams} query
 * @returns {Choice}
 */
export function toChoice(query) {
  const asked = query.get('window')
  const window = asked !== null && Object.hasOwn(windows, asked) ? asked : '24h'
  return { window, type: query.get('type'), version: Number(query.get('version') ?? 0) }
}

/**
 * @param {string} window
 * @param {{ type: string | null, version: number }} [kind]
 */
export function toHash(window, kind) {
  const query = new URLSearchParams({ window })
  if (kind && kind.type !== null) {
    query.set('type', kind.type)
    query.set('version', String(kind.version))
  }
  return `#/quality?${query}`
}
