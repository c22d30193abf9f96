/**
 * How long an event spent where, as a bar and as words.
 * @import { SummaryJson as Summary } from '../../../http/event-json.ts'
 * @typedef {{ id: 'twilio' | 'store' | 'wait' | 'segment', name: string, ms: number }} Station
 */
import { h } from '../../dom.js'
import { duration } from '../../format.js'

/**
 * Stations whose both ends are known, in order. Twilio's clock is not ours: a negative stretch there counts as none.
 * @param {Pick<Summary, 'occurredAt' | 'receivedAt' | 'storedAt' | 'triedAt' | 'settledAt' | 'state'>} event
 * @returns {Station[]}
 */
export function toStations({ occurredAt, receivedAt, storedAt, triedAt, settledAt, state }) {
  const stored = storedAt ?? receivedAt
  // A dead letter of the webhook is settled by being stored: nobody tried it.
  const settled = triedAt ? settledAt : null
  return [
    ...stretch('twilio', 'Twilio', occurredAt, receivedAt),
    ...stretch('store', 'Stored in', receivedAt, storedAt),
    ...stretch('wait', 'Waited', stored, triedAt),
    ...(state === 'pending' ? [] : stretch('segment', 'Segment', triedAt, settled)),
  ]
}

/**
 * @param {Station['id']} id
 * @param {string} name
 * @param {string | null | undefined} from
 * @param {string | null | undefined} to
 * @returns {Station[]}
 */
function stretch(id, name, from, to) {
  if (!from || !to) return []
  return [{ id, name, ms: Math.max(0, Date.parse(to) - Date.parse(from)) }]
}

/**
 * Widths grow with the logarithm, so that 4 ms and 4 hours both can be seen side by side.
 * @param {Station[]} stations
 */
export function stationBar(stations) {
  if (stations.length === 0) return null
  const text = stations.map(({ name, ms }) => `${name} ${duration(ms)}`).join(', ')
  return h(
    'span',
    { class: 'stations', role: 'img', 'aria-label': text, title: text },
    stations.map(({ id, ms }) =>
      h('span', { class: `station station-${id}`, css: { 'flex-grow': String(Math.log2(ms + 1.15)) } }),
    ),
  )
}

/**
 * What the bridge itself took, from the first byte to Segment's answer.
 * @param {Pick<Summary, 'receivedAt' | 'settledAt' | 'triedAt' | 'state'>} event
 */
export function toTotal({ receivedAt, settledAt, triedAt, state }) {
  if (state === 'pending' || !settledAt || !triedAt) return ''
  return duration(Math.max(0, Date.parse(settledAt) - Date.parse(receivedAt)))
}
