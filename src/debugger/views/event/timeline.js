/**
 * An event's path, station by station, with the time between them.
 * @import { ReasonText } from '../../../http/about.ts'
 * @import { EventJson as Detail } from '../../../http/event-json.ts'
 * @typedef {{ name: string, at: string | null, note?: string, tone?: string, kind?: string }} Step
 */
import { h } from '../../dom.js'
import { clock, duration, moment, plural } from '../../format.js'

/**
 * @param {Detail} event
 * @param {Record<string, ReasonText>} reasons
 */
export function createTimeline(event, reasons) {
  const steps = toSteps(event, reasons)
  return h(
    'ol',
    { class: 'timeline' },
    steps.map((step, index) => draw(step, steps[index - 1])),
  )
}

/**
 * @param {Step} step
 * @param {Step | undefined} before
 */
function draw({ name, at, note, tone, kind }, before) {
  const took = at && before?.at ? Date.parse(at) - Date.parse(before.at) : undefined
  const { day, time, ms } = at ? clock(at) : { day: '', time: '', ms: '' }
  return h(
    'li',
    { class: `step ${tone ? `step-${tone}` : ''} ${kind ? `from-${kind}` : ''}` },
    before &&
      h(
        'span',
        { class: 'step-took mono tabular' },
        took === undefined ? '' : `+${duration(Math.max(0, took))}`,
      ),
    h('span', { class: 'step-dot', 'aria-hidden': 'true' }),
    h('span', { class: 'step-name' }, name),
    at &&
      h(
        'time',
        { class: 'step-time mono soft', datetime: at, title: `${moment(at)} · ${at}` },
        day && `${day} `,
        time,
        h('span', { class: 'faint' }, ms),
      ),
    note && h('span', { class: 'step-note faint' }, note),
  )
}

/**
 * @param {Detail} event
 * @param {Record<string, ReasonText>} reasons
 * @returns {Step[]}
 */
function toSteps(event, reasons) {
  const { occurredAt, receivedAt, storedAt, settledAt, state, attempts, triedAt } = event
  const first = attempts[0]
  const count = Math.max(event.attemptCount ?? 0, attempts.length)
  const tried = triedAt ?? attempts.at(-1)?.at ?? null
  const again = count > 1 || (first && tried && first.at !== tried)
  return [
    ...(occurredAt ? [{ name: 'Happened', at: occurredAt, note: "Twilio's clock" }] : []),
    { name: 'Received', at: receivedAt, kind: 'twilio' },
    ...(storedAt ? [{ name: 'Stored', at: storedAt, kind: 'store', note: 'Twilio answered 200' }] : []),
    ...(first && again ? [{ name: 'First tried', at: first.at, kind: 'wait' }] : []),
    ...(tried && count > 0
      ? [
          {
            name: again ? 'Last tried' : 'Sent',
            at: tried,
            kind: 'wait',
            note: again ? plural(count, 'attempt') : '',
          },
        ]
      : []),
    {
      ...outcome(event, reasons),
      at: state === 'rejected' ? null : settledAt,
      kind: tried ? 'segment' : '',
      tone: state,
    },
  ]
}

/**
 * @param {Detail} event
 * @param {Record<string, ReasonText>} reasons
 */
function outcome({ state, reason }, reasons) {
  const note = reason ? (reasons[reason]?.title ?? reason) : ''
  if (state === 'accepted') return { name: 'Accepted by Segment' }
  if (state === 'pending') return { name: 'Waiting', note: 'for its next attempt' }
  if (state === 'rejected') return { name: 'Rejected at the webhook', note }
  if (state === 'refused') return { name: 'Refused', note }
  return { name: 'Not sent', note }
}
