/**
 * Every type and schema version in one table, worst figure of each kind in sight; above it the same over all types.
 * @import { Quality } from '../quality.js'
 */
import { bar, sparkline } from '../../bars.js'
import { h } from '../../dom.js'
import { clip, compact, number, percent, plural, shortType, visible } from '../../format.js'
import { data } from '../../parts.js'
import { toHash } from './choice.js'
import { local } from './definitions.js'
import { duplicateShare, identityShare, passingShare, toneOf, totalsOf, worst } from './shares.js'

/** @typedef {Quality['types'][number]} TypeQuality */

/** @param {Quality} quality */
export function createOverview(quality) {
  return h('div', { class: 'quality' }, createTotals(quality), createTable(quality))
}

/** @param {Quality} quality */
function createTotals({ types }) {
  const all = totalsOf(types)
  const odd = types.filter(({ volume }) => volume.marks.length > 0).length
  return h(
    'dl',
    { class: 'card tiles' },
    tile(
      'Events',
      number(all.events),
      all.unmapped ? `${number(all.unmapped)} of an unsupported type` : 'all types supported',
    ),
    tile(
      'Passing the schema',
      share(all.passing),
      all.violating ? `${plural(all.violating, 'violation')}` : 'no violation',
    ),
    tile('Identity match', share(all.identity), `${number(all.identityUsable)} of ${number(all.identityOf)}`),
    tile('Duplicates', share(all.duplicate), plural(all.duplicates, 'copy', 'copies')),
    tile(
      'Volume',
      odd === 0 && all.silent === 0 ? 'As usual' : `${number(odd + all.silent)} unusual`,
      volumeWords(odd, all.silent),
    ),
  )
}

/**
 * @param {number} odd
 * @param {number} silent
 */
function volumeWords(odd, silent) {
  if (odd === 0 && silent === 0) return 'no drop, no spike, no type stopped'
  const words = [
    odd > 0 && `${number(odd)} with a drop or spike`,
    silent > 0 && `${number(silent)} gone silent`,
  ]
  return words.filter(Boolean).join(', ')
}

/** @param {number | null} n */
const share = n => (n === null ? '–' : percent(n))

/**
 * @param {string} label
 * @param {string} value
 * @param {string} note
 */
function tile(label, value, note) {
  return h(
    'div',
    { class: 'tile' },
    h('dt', null, label),
    h('dd', { class: 'figure-value' }, value),
    h('dd', { class: 'figure-note' }, note),
  )
}

const columns = ['Type', 'Events', 'Passing', 'Required, worst', 'Identity', 'Duplicates', 'Volume']

/** @param {Quality} quality */
function createTable(quality) {
  return h(
    'section',
    { class: 'card', 'aria-labelledby': 'types-title' },
    h('div', { class: 'card-head' }, h('h2', { id: 'types-title' }, 'By event type')),
    h(
      'table',
      { class: 'table types' },
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          columns.map(name =>
            h('th', { scope: 'col', class: `col-${name.split(/\W/)[0]?.toLowerCase()}` }, name),
          ),
        ),
      ),
      h(
        'tbody',
        null,
        quality.types.map(type => toRow(quality, type)),
      ),
    ),
  )
}

/**
 * @param {Quality} quality
 * @param {TypeQuality} kind
 */
function toRow(quality, kind) {
  const { type, version, events, volume } = kind
  const least = worst(kind.required)[0]
  return h(
    'tr',
    null,
    h(
      'th',
      { scope: 'row', class: 'type-cell' },
      h(
        'a',
        {
          href: toHash(quality.window, kind),
          title: visible(clip(type, 200)),
          'data-focus': `${version} ${type}`,
        },
        data(shortType(type)),
      ),
      h('span', { class: 'kind-version' }, toVersion(kind)),
    ),
    cell('Events', h('span', { title: number(events) }, events < 100_000 ? number(events) : compact(events))),
    cell('Passing', meter(passingShare(kind), kind.violating ? `${number(kind.violating)} violate` : '')),
    cell(
      'Required',
      least
        ? meter(least.of ? least.present / least.of : null, least.present === least.of ? '' : least.property)
        : none(),
    ),
    cell('Identity', meter(identityShare(kind), '')),
    cell('Duplicates', share(duplicateShare(kind))),
    h('td', { class: 'volume-cell', 'data-label': 'Volume' }, toVolume(quality, volume)),
  )
}

/** @param {TypeQuality} kind */
function toVersion({ unmapped, version }) {
  if (unmapped) return 'no family'
  return version > 0 ? `v${version}` : ''
}

const none = () => h('span', { class: 'faint' }, '–')

/**
 * @param {string} label
 * @param {Node | string} content
 */
const cell = (label, content) => h('td', { class: 'tabular', 'data-label': label }, content)

/**
 * @param {number | null} n
 * @param {string} note
 */
function meter(n, note) {
  if (n === null) return none()
  return h(
    'span',
    { class: 'meter' },
    h('span', { class: 'meter-number' }, percent(n)),
    bar(n, toneOf(n)),
    note && data(note, 'meter-note cut'),
  )
}

/**
 * @param {Quality} quality
 * @param {TypeQuality['volume']} volume
 */
function toVolume({ hours }, { perHour, baseline, marks, silentSince }) {
  if (silentSince) return h('span', { class: 'flag flag-silent' }, `Silent since ${local(silentSince)}`)
  const places = marks.map(({ hour, kind }) => ({ index: hours.indexOf(hour), kind }))
  const drops = marks.filter(({ kind }) => kind === 'drop').length
  const words = [toFlag('drop', drops), toFlag('spike', marks.length - drops)]
  return h(
    'span',
    { class: 'volume' },
    sparkline(perHour, baseline, places),
    h('span', { class: 'flags' }, words),
  )
}

/**
 * @param {'drop' | 'spike'} kind
 * @param {number} n
 */
function toFlag(kind, n) {
  if (n === 0) return null
  return h('span', { class: `flag flag-${kind}` }, `${kind === 'drop' ? '▼' : '▲'} ${plural(n, kind)}`)
}
