/**
 * Where every event is: `received = pending + accepted + rejected + refused + skipped`, as one bar and its numbers.
 * @import { LiveStats as Stats } from '../../../admin/changes.ts'
 * @import { State } from '../../../reasons.ts'
 */
import { stack } from '../../bars.js'
import { h, replaceChildren } from '../../dom.js'
import { number, percent, plural } from '../../format.js'

/** @type {readonly (readonly [State, string])[]} */
const states = [
  ['accepted', 'Segment answered 2xx'],
  ['pending', 'wait for Segment'],
  ['skipped', 'deliberately not sent'],
  ['rejected', 'failed validation'],
  ['refused', 'undeliverable: Segment refused them'],
]

export function createAccount() {
  const total = h('p', { class: 'account-total tabular' })
  const picture = h('div')
  const terms = h('ul', { class: 'account-terms' })
  const beside = h('p', { class: 'account-beside faint' })
  const element = h(
    'section',
    { class: 'card', 'aria-labelledby': 'account-title' },
    h('div', { class: 'card-head' }, h('h2', { id: 'account-title' }, 'Where every event is'), beside),
    h('div', { class: 'card-body account' }, total, picture, terms),
  )
  let shown = ''
  return {
    element,
    /** @param {Stats} stats */
    draw(stats) {
      const parts = states.map(([name, meaning]) => ({ name, meaning, n: stats[name] }))
      const now = JSON.stringify([parts, stats.received, stats.duplicates, stats.unsorted])
      if (now === shown) return
      shown = now
      replaceChildren(
        total,
        h('strong', null, number(stats.received)),
        ' received',
        sumOf(parts, stats.received),
        rest(stats),
      )
      replaceChildren(picture, stack(parts))
      if (terms.childElementCount === 0) replaceChildren(terms, parts.map(createTerm))
      parts.forEach((part, i) => {
        const value = terms.children[i]?.querySelector('.term-value')
        if (value)
          replaceChildren(
            value,
            h('span', { class: 'term-number' }, number(part.n)),
            share(part.n, stats.received),
          )
      })
      replaceChildren(
        beside,
        `${plural(stats.duplicates, 'duplicate')} counted separately, never stored twice`,
      )
    },
  }
}

/** The states may be read a moment apart on several shards: the page shows what it was told, and says so. */
function sumOf(/** @type {{ n: number }[]} */ parts, /** @type {number} */ received) {
  const sum = parts.reduce((all, { n }) => all + n, 0)
  return h(
    'span',
    { class: 'faint' },
    sum === received ? ' = the sum of these' : ` · these add up to ${number(sum)}`,
  )
}

/** @param {Stats} stats */
function rest({ unsorted }) {
  return unsorted > 0
    ? h('span', { class: 'faint' }, ` · ${number(unsorted)} more stored, not indexed yet`)
    : null
}

/** @param {{ name: State, meaning: string }} part */
function createTerm({ name, meaning }) {
  return h(
    'li',
    null,
    h('a', { class: `term part-${name}`, href: `#/events?state=${name}` }, name),
    h('span', { class: 'term-value tabular' }),
    h('span', { class: 'faint' }, meaning),
  )
}

/**
 * @param {number} n
 * @param {number} whole
 */
function share(n, whole) {
  return h('span', { class: 'faint' }, toShare(n / whole))
}

/** @param {number} n NaN of nothing at all */
function toShare(n) {
  if (!(n > 0)) return ''
  return n < 0.001 ? '< 0.1 %' : percent(n)
}
