/**
 * One type and version: its volume large, each property, each kind of customer address.
 * @import { Quality } from '../quality.js'
 */
import { bar } from '../../bars.js'
import { h } from '../../dom.js'
import { number, percent, plural, shortType } from '../../format.js'
import { data, icon } from '../../parts.js'
import { duplicateShare, identityShare, passingShare, toneOf, worst } from './shares.js'
import { createVolume } from './volume.js'

/** @typedef {Quality['types'][number]} TypeQuality */
/** @typedef {NonNullable<TypeQuality['identity']>} Identity */

/** @type {Record<keyof Identity['kinds'], readonly [name: string, usable: boolean, why: string]>} */
const kinds = {
  phone: ['Phone number', true, 'E.164, also after whatsapp: and rcs:'],
  other_scheme: ['Account on another channel', true, 'as messenger:…'],
  short_code: ['Short code', false, 'identifies no person'],
  alphanumeric: ['Sender name or other text', false, 'identifies no person'],
  missing: ['Nothing', false, 'the field is missing, empty or not a string'],
}

/**
 * @param {Quality} quality
 * @param {TypeQuality} kind
 * @param {string} back
 * @returns {{ element: HTMLElement, destroy: () => void }}
 */
export function createTypeView(quality, kind, back) {
  const volume = createVolume(quality, kind)
  const element = h(
    'div',
    { class: 'quality' },
    h(
      'div',
      { class: 'type-head' },
      h('a', { class: 'all-types', href: back, 'data-focus': 'back' }, icon('back'), 'All types'),
      h(
        'h2',
        { class: 'type-title' },
        data(shortType(kind.type)),
        kind.version > 0 && h('span', { class: 'kind-version' }, `v${kind.version}`),
      ),
      h('p', { class: 'faint mono' }, data(kind.type, '', 300)),
    ),
    createFigures(kind),
    volume.element,
    h('div', { class: 'pair' }, createProperties(kind), createIdentity(kind)),
  )
  return { element, destroy: volume.destroy }
}

/** @param {TypeQuality} kind */
function createFigures(kind) {
  const { events, version, passing, violating, duplicates, identity, unmapped } = kind
  const duplicate = duplicateShare(kind)
  return h(
    'dl',
    { class: 'card tiles' },
    tile(
      'Events',
      number(events),
      unmapped ? 'unsupported event type' : version > 0 ? `schema version ${version}` : '',
    ),
    tile('Passing the schema', passingShare(kind), `${number(passing)} of ${number(passing + violating)}`),
    identity &&
      tile('Identity match', identityShare(kind), `${number(identity.usable)} of ${number(identity.of)}`),
    tile('Duplicates', duplicate, plural(duplicates, 'copy', 'copies'), 'plain'),
  )
}

/**
 * @param {string} label
 * @param {number | string | null} value a share, or words
 * @param {string} note
 * @param {import('../../bars.js').Tone} [tone]
 */
function tile(label, value, note, tone) {
  const isShare = typeof value === 'number'
  return h(
    'div',
    { class: 'tile' },
    h('dt', null, label),
    h('dd', { class: 'figure-value' }, isShare ? percent(value) : (value ?? '–')),
    isShare && h('dd', null, bar(value, tone ?? toneOf(value))),
    h('dd', { class: 'figure-note' }, note),
  )
}

/** @param {TypeQuality} kind */
function createProperties({ required, optional, unmapped }) {
  const none = unmapped
    ? 'The bridge has no schema for this type.'
    : 'No properties are counted for this type.'
  return h(
    'section',
    { class: 'card', 'aria-labelledby': 'properties-title' },
    h('div', { class: 'card-head' }, h('h2', { id: 'properties-title' }, 'Completeness')),
    h(
      'div',
      { class: 'card-body properties' },
      required.length === 0 && optional.length === 0 && h('p', { class: 'faint' }, none),
      required.length > 0 && h('h3', null, `Required (${required.length}), worst first`),
      required.length > 0 && toBars(worst(required), true),
      optional.length > 0 &&
        h(
          'details',
          { 'data-focus': 'optional', class: 'how' },
          h('summary', null, `Optional (${optional.length})`),
          toBars(worst(optional).reverse(), false),
        ),
    ),
  )
}

/**
 * @param {TypeQuality['required']} properties
 * @param {boolean} judged an optional property that is absent is no fault
 */
function toBars(properties, judged) {
  return h(
    'ul',
    { class: 'shares' },
    properties.map(({ property, present, of }) => {
      const share = of === 0 ? null : present / of
      return toShare(
        data(property, 'mono'),
        share,
        judged && share !== null ? toneOf(share) : 'plain',
        present,
        of,
      )
    }),
  )
}

/**
 * @param {Node} name
 * @param {number | null} share
 * @param {import('../../bars.js').Tone} tone
 * @param {number} n
 * @param {number} of
 */
function toShare(name, share, tone, n, of) {
  return h(
    'li',
    null,
    h('span', { class: 'share-name' }, name),
    h('span', { class: 'share-of faint tabular' }, `${number(n)} of ${number(of)}`),
    h('span', { class: 'share-number tabular' }, share === null ? '–' : percent(share)),
    bar(share ?? 0, tone),
  )
}

/** @param {TypeQuality} kind */
function createIdentity({ identity }) {
  const entries = identity
    ? /** @type {[keyof typeof kinds, number][]} */ (Object.entries(identity.kinds))
    : []
  const part = (/** @type {boolean} */ usable) =>
    entries
      .filter(([kind]) => kinds[kind]?.[1] === usable)
      .map(([kind, n]) => {
        const [name, , why] = kinds[kind]
        const label = h('span', null, name, h('span', { class: 'share-why faint' }, why))
        const of = identity?.of ?? 0
        return toShare(label, of === 0 ? null : n / of, usable ? 'plain' : n > 0 ? 'fair' : 'plain', n, of)
      })
  return h(
    'section',
    { class: 'card', 'aria-labelledby': 'identity-title' },
    h('div', { class: 'card-head' }, h('h2', { id: 'identity-title' }, 'Customer identity')),
    h(
      'div',
      { class: 'card-body properties' },
      !identity && h('p', { class: 'faint' }, 'Events of this type have no customer.'),
      identity && h('h3', null, 'Segment can identify the customer by'),
      identity && h('ul', { class: 'shares' }, part(true)),
      identity && h('h3', null, 'Not by'),
      identity && h('ul', { class: 'shares' }, part(false)),
    ),
  )
}
