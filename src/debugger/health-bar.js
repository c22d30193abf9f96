/**
 * One line that is always there: does Segment take events, how many wait, how fast they come and go.
 * @import { Rates } from './rates.js'
 * @import { Stream, StreamState } from './stream.js'
 * @import { LiveStats as Stats } from '../admin/changes.ts'
 * @import { About, ReasonText } from '../http/about.ts'
 */
import { h, replaceChildren } from './dom.js'
import { number, plural, rate } from './format.js'
import { ratesOf } from './rates.js'
import { toHeadline } from './verdict.js'

const TICK_MS = 1_000

/**
 * @param {Stream} stream
 * @param {() => Record<string, ReasonText>} reasons
 * @param {() => About | null} about
 */
export function createHealthBar(stream, reasons, about) {
  const rates = ratesOf(stream)
  const verdict = h('span', { class: 'verdict' })
  const figures = h('span', { class: 'figures' })
  const connection = h('span', { class: 'connection', role: 'status' })
  const element = h(
    'section',
    { class: 'health-bar', 'aria-label': 'Health' },
    h('a', { href: '#/health', class: 'health-bar-link' }, verdict, figures),
    connection,
  )
  let isOffline = false

  function draw() {
    const stats = stream.last()?.stats
    if (!stats) return replaceChildren(verdict, 'Loading…')
    const { tone, text } = toHeadline(stats, about(), reasons())
    element.dataset.tone = isOffline ? 'unknown' : tone
    const words = isOffline ? `Last known: ${text}` : text
    replaceChildren(verdict, h('span', { class: 'status-dot', 'aria-hidden': 'true' }), words)
    replaceChildren(figures, ...measure(stats, rates).map(words => h('span', null, words)))
  }

  stream.onPulse(draw)
  stream.onState(state => {
    connection.dataset.state = state
    replaceChildren(connection, words[state])
  })
  setInterval(draw, TICK_MS)
  return {
    element,
    /** What was good before the connection broke may not be good now. @param {boolean} on */
    setOffline(on) {
      isOffline = on
      draw()
    },
  }
}

/** @type {Record<StreamState, string>} */
const words = { off: '', connecting: 'Connecting', live: 'Live', reconnecting: 'Reconnecting' }

/**
 * @param {Stats} stats
 * @param {Rates} rates
 */
function measure(stats, rates) {
  const now = rates.perSecond()
  const dead = stats.rejected + stats.refused
  return [
    `${number(stats.pending + stats.unsorted)} waiting`,
    `in ${now ? rate(now.in) : '–'}`,
    `out ${now ? rate(now.out) : '–'}`,
    dead === 0 ? 'no dead letters' : plural(dead, 'dead letter'),
  ]
}
