/**
 * Every attempt that held the event: what Segment said, and how long it took.
 * @import { ReasonText } from '../../../http/about.ts'
 * @import { AttemptJson as Attempt, EventJson as Detail } from '../../../http/event-json.ts'
 */
import { h } from '../../dom.js'
import { clip, duration, moment, number } from '../../format.js'
import { data } from '../../parts.js'

const SHOWN = 20

/**
 * @param {Detail} event
 * @param {Record<string, ReasonText>} reasons
 * @param {(text: string) => string} hide
 */
export function createAttempts({ attempts, attemptCount, state, deliveries = [] }, reasons, hide) {
  const all = Math.max(attemptCount ?? 0, attempts.length)
  const newest = [...attempts].reverse().slice(0, SHOWN)
  const head = h(
    'div',
    { class: 'card-head' },
    h('h2', null, 'Attempts'),
    h(
      'span',
      { class: 'faint tabular' },
      all > newest.length ? `the last ${newest.length} of ${number(all)}` : number(all),
    ),
  )
  if (newest.length === 0) {
    const why = state === 'pending' ? 'No attempt yet.' : 'It was never sent to Segment.'
    return h('section', { class: 'card' }, head, h('p', { class: 'card-body soft' }, why))
  }
  return h(
    'section',
    { class: 'card' },
    head,
    h(
      'ol',
      { class: 'attempts' },
      newest.map((attempt, index) =>
        draw(attempt, attempts.length - index, reasons, hide, deliveries.length > 1),
      ),
    ),
  )
}

/**
 * @param {Attempt} attempt
 * @param {number} position
 * @param {Record<string, ReasonText>} reasons
 * @param {(text: string) => string} hide
 * @param {boolean} isShared
 */
function draw(attempt, position, reasons, hide, isShared) {
  const { at, destination, tookMs, events, reason, status, answer, headers = {} } = attempt
  const good = status !== null && status >= 200 && status < 300
  const names = Object.entries(headers)
  return h(
    'li',
    { class: 'attempt' },
    h('span', { class: 'attempt-number faint mono' }, String(position)),
    h('span', { class: `status mono ${good ? 'status-good' : 'status-bad'}` }, status ?? 'no answer'),
    h(
      'div',
      { class: 'attempt-words' },
      h(
        'p',
        { class: 'attempt-line' },
        h('time', { class: 'mono soft', datetime: at, title: at }, moment(at)),
        isShared && data(destination, 'mono'),
        h('span', { class: 'tabular' }, `took ${duration(tookMs)}`),
        h('span', { class: 'faint' }, events > 1 ? `in a batch of ${number(events)}` : 'alone'),
      ),
      reason && h('p', null, reasons[reason]?.title ?? reason, ' ', h('code', { class: 'faint' }, reason)),
      answer && h('pre', { class: 'code' }, data(hide(clip(answer, 2_000)), '', 2_000)),
    ),
    names.length > 0 &&
      h(
        'dl',
        { class: 'headers mono' },
        names
          .slice(0, 20)
          .map(([name, value]) =>
            h('div', null, h('dt', { class: 'faint' }, data(name)), h('dd', null, data(hide(value)))),
          ),
      ),
  )
}
