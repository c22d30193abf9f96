/**
 * Counts → shares of 0 to 1; null where there is nothing to be a share of. Pure.
 * @import { Quality } from '../quality.js'
 * @import { Tone } from '../../bars.js'
 */

/** @typedef {Quality['types'][number]} TypeQuality */

/**
 * @param {number} part
 * @param {number} whole
 */
const shareOf = (part, whole) => (whole === 0 ? null : part / whole)

/** @param {Pick<TypeQuality, 'passing' | 'violating'>} kind */
export const passingShare = ({ passing, violating }) => shareOf(passing, passing + violating)

/** @param {Pick<TypeQuality, 'events' | 'duplicates'>} kind */
export const duplicateShare = ({ events, duplicates }) => shareOf(duplicates, events + duplicates)

/** @param {Pick<TypeQuality, 'identity'>} kind */
export const identityShare = ({ identity }) => identity && shareOf(identity.usable, identity.of)

/**
 * @param {number} share
 * @returns {Tone}
 */
export function toneOf(share) {
  if (share >= 0.99) return 'good'
  return share >= 0.9 ? 'fair' : 'poor'
}

/**
 * Least complete first.
 * @param {TypeQuality['required']} properties
 */
export const worst = properties =>
  [...properties].sort(
    (a, b) =>
      (shareOf(a.present, a.of) ?? 1) - (shareOf(b.present, b.of) ?? 1) || order(a.property, b.property),
  )

/**
 * @param {string} a
 * @param {string} b
 */
const order = (a, b) => (a < b ? -1 : 1)

/** @param {readonly TypeQuality[]} types */
export function totalsOf(types) {
  const sum = (/** @type {(kind: TypeQuality) => number} */ read) =>
    types.reduce((all, kind) => all + read(kind), 0)
  const events = sum(kind => kind.events)
  const passing = sum(kind => kind.passing)
  const violating = sum(kind => kind.violating)
  const duplicates = sum(kind => kind.duplicates)
  const identityOf = sum(kind => kind.identity?.of ?? 0)
  const identityUsable = sum(kind => kind.identity?.usable ?? 0)
  return {
    events,
    violating,
    duplicates,
    identityOf,
    identityUsable,
    unmapped: sum(kind => (kind.unmapped ? kind.events : 0)),
    passing: shareOf(passing, passing + violating),
    duplicate: shareOf(duplicates, events + duplicates),
    identity: shareOf(identityUsable, identityOf),
    silent: types.filter(({ volume }) => volume.silentSince !== null).length,
  }
}
