/**
 * One line that is always there: does Segment accept events, how many wait, how many arrive and leave per second.
 * @import { Stream, StreamState } from './stream.js'
 * @import { PulseJson as Pulse } from '../http/event-json.ts'
 * @import { About, ReasonText } from '../http/about.ts'
 */
import { h, replaceChildren } from './dom.js'
import { number, plural, rate } from './format.js'
import { toHeadline } from './verdict.js'

const TICK_MS = 1_000

/**
 * @param {Stream} stream
 * @param {() => Record<string, ReasonText>} reasons
 * @param {() => About | null} about
 */
export function createHealthBar(stream, reasons, about) {
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
    const last = stream.last()
    if (!last) return replaceChildren(verdict, 'Loading…')
    const { tone, text } = toHeadline(last.stats, about(), reasons())
    element.dataset.tone = isOffline ? 'unknown' : tone
    const words = isOffline ? `Last known: ${text}` : text
    replaceChildren(verdict, h('span', { class: 'status-dot', 'aria-hidden': 'true' }), words)
    replaceChildren(figures, ...measure(last).map(words => h('span', null, words)))
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

/** @param {Pulse} pulse */
function measure({ stats, rate: now }) {
  const dead = stats.rejected + stats.refused
  return [
    `${number(stats.pending + stats.unsorted)} waiting`,
    `in ${now ? rate(now.in) : '–'}`,
    `out ${now ? rate(now.out) : '–'}`,
    dead === 0 ? 'no dead letters' : plural(dead, 'dead letter'),
  ]
}
