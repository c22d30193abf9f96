/**
 * How the figures are counted, in the bridge's own words, for whoever asks.
 * @import { Quality } from '../quality.js'
 */
import { h, replaceChildren } from '../../dom.js'
import { data } from '../../parts.js'

const titles = {
  passing: 'Passing the schema',
  completeness: 'Completeness',
  identity: 'Identity match rate',
  duplicates: 'Duplicates',
  volume: 'Volume',
}

export function createDefinitions() {
  const list = h('dl', { class: 'definitions' })
  const element = h(
    'details',
    { class: 'how', hidden: true },
    h('summary', null, 'How is this counted?'),
    list,
  )
  return {
    element,
    /** @param {Quality} quality */
    draw({ definitions, from, to, hours }) {
      element.hidden = false
      const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
      const hoursText = `Whole clock hours, ${hours.length} of them from ${local(from)} to now (${local(to)}), the last one still running. Hours begin on the hour of UTC and are shown in your time, ${zone}.`
      const entries = /** @type {[keyof typeof titles, string][]} */ (Object.entries(titles))
      replaceChildren(
        list,
        entries.map(([key, title]) =>
          h('div', null, h('dt', null, title), h('dd', null, data(definitions[key] ?? ''))),
        ),
        h('div', null, h('dt', null, 'Hours'), h('dd', null, hoursText)),
      )
    },
  }
}

const format = new Intl.DateTimeFormat('en', {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
})
/** @param {string} time */
export const local = time => format.format(new Date(time))
