/** JSONPaths as the bridge writes them in faults and origins. Pure. */

const KEY_CHARACTERS = 60

/** @param {string | number} key */
export function toStep(key) {
  if (typeof key === 'number') return `[${key}]`
  if (/^[A-Za-z_$][\w$]{0,59}$/.test(key)) return `.${key}`
  return `[${JSON.stringify(key.length > KEY_CHARACTERS ? `${key.slice(0, KEY_CHARACTERS)}…` : key)}]`
}

const lastStep = /(?:\.([A-Za-z_$][\w$]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\])$/

/**
 * `$.data.to` → its parent `$.data` and the key `to`; undefined for the root.
 * @param {string} path
 */
export function splitPath(path) {
  const match = lastStep.exec(path)
  if (!match) return undefined
  return { parent: path.slice(0, match.index), key: match[1] ?? match[2] ?? match[3] ?? '' }
}

/**
 * Is `path` at or below `root`?
 * @param {string} path
 * @param {string} root
 */
export function isWithin(path, root) {
  return path.startsWith(root) && (path.length === root.length || /[.[]/.test(path[root.length] ?? ''))
}
