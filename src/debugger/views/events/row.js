/**
 * One event as a row of the list: a link over the whole row, with the customer's reveal toggle above it.
 * @import { SummaryJson as Summary } from '../../../http/event-json.ts'
 */
import { h, replaceChildren } from '../../dom.js'
import { clock, moment, shortType } from '../../format.js'
import { chip, customer, data } from '../../parts.js'
import { stationBar, toStations, toTotal } from './stations.js'

export const columns = ['Time', 'Type', 'Customer', 'State', 'Attempts', 'Path']

/**
 * @typedef {{ element: HTMLElement, link: HTMLAnchorElement, update: (event: Summary) => void, setIndex: (index: number) => void }} Row
 * @param {Summary} event
 * @returns {Row}
 */
export function createRow(event) {
  const { day, time, ms } = clock(event.receivedAt)
  const link = h(
    'a',
    {
      class: 'row-link cut',
      href: `#/events/${encodeURIComponent(event.key)}`,
      title: event.type.slice(0, 300),
    },
    data(shortType(event.type)),
  )
  const state = cell('cell-state')
  const attempts = cell('cell-attempts')
  const path = cell('cell-path')
  const element = h(
    'div',
    { class: 'row', role: 'row' },
    h(
      'div',
      { class: 'cell cell-time mono', role: 'cell' },
      h(
        'time',
        { datetime: event.receivedAt, title: `${moment(event.receivedAt)} · ${event.receivedAt}` },
        day && h('span', { class: 'faint' }, `${day} `),
        time,
        h('span', { class: 'faint' }, ms),
      ),
    ),
    h(
      'div',
      { class: 'cell cell-type', role: 'cell' },
      link,
      event.version > 0 && h('span', { class: 'version faint mono' }, `v${event.version}`),
    ),
    h('div', { class: 'cell cell-customer', role: 'cell' }, customer(event.customer)),
    state,
    attempts,
    path,
  )

  /** @param {Summary} now */
  function update(now) {
    replaceChildren(state, chip(now.state), now.reason && data(now.reason, 'reason faint cut', 60))
    const tries = now.attempts ?? 0
    replaceChildren(attempts, tries > 0 ? String(tries) : h('span', { class: 'faint' }, '0'))
    replaceChildren(
      path,
      stationBar(toStations(now)),
      now.state === 'pending'
        ? h('span', { class: 'total faint' }, 'waiting')
        : h('span', { class: 'total mono soft' }, toTotal(now)),
    )
  }
  update(event)

  return {
    element,
    link,
    update,
    setIndex(index) {
      // The head is row 1.
      element.setAttribute('aria-rowindex', String(index + 2))
      element.style.transform = `translateY(calc(${index} * var(--row-height)))`
    },
  }
}

/** @param {string} name */
function cell(name) {
  return h('div', { class: `cell ${name} tabular`, role: 'cell' })
}

/** @returns {HTMLElement} */
export function createHead() {
  return h(
    'div',
    { class: 'row row-head', role: 'row', 'aria-rowindex': 1 },
    columns.map(name => h('div', { class: `cell cell-${name.toLowerCase()}`, role: 'columnheader' }, name)),
  )
}
