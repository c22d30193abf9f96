/**
 * What a person may do to an event that stopped: retry, or drop after being asked; and to one that was accepted: send it again.
 * @import { Page } from '../../main.js'
 * @import { EventJson as Detail } from '../../../http/event-json.ts'
 */
import { h } from '../../dom.js'
import { shortType } from '../../format.js'
import { ask, button } from '../../parts.js'

/**
 * @param {Page} page
 * @param {Detail} event
 * @param {() => void} onDone
 */
export function createActions(page, event, onDone) {
  /** @param {'retry' | 'drop' | 'resend'} action */
  const doIt = action => act(page, event.key, action, onDone)
  const dead = event.state === 'rejected' || event.state === 'refused'
  if (event.state === 'accepted')
    return [button('Send again', { icon: 'retry', onClick: () => void sendAgain() })]
  if (!dead && event.state !== 'skipped') return []

  async function sendAgain() {
    const yes = await ask({
      title: 'Send this event again?',
      text: [h('p', null, 'It keeps its id: Segment drops it if it received it in the last 24 hours.')],
      yes: 'Send again',
    })
    if (yes) await doIt('resend')
  }

  async function drop() {
    const yes = await ask({
      title: 'Drop this event?',
      text: [
        h(
          'p',
          null,
          `${shortType(event.type)} will not be sent to Segment. It is marked skipped, and can be retried until it is deleted after RETENTION_DAYS.`,
        ),
      ],
      yes: 'Drop',
      kind: 'danger',
    })
    if (yes) await doIt('drop')
  }

  return [
    button('Retry', { icon: 'retry', kind: 'primary', onClick: () => void doIt('retry') }),
    dead && button('Drop', { kind: 'danger', onClick: () => void drop() }),
  ]
}

/**
 * @param {Page} page
 * @param {string} key
 * @param {'retry' | 'drop' | 'resend'} action
 * @param {() => void} onDone
 * @param {string} [destination] only the delivery there
 */
export async function act(page, key, action, onDone, destination) {
  const query = destination === undefined ? '' : `?destination=${encodeURIComponent(destination)}`
  try {
    await page.api.post(`/events/${encodeURIComponent(key)}/${action}${query}`)
    page.toast(action === 'drop' ? 'Dropped' : 'Waits for its next attempt')
  } catch (error) {
    page.toast(toSentence(error, action))
  }
  onDone()
}

/**
 * @param {unknown} error
 * @param {string} action
 */
function toSentence(error, action) {
  const body = error instanceof Error && 'body' in error ? error.body : undefined
  const reason = typeof body === 'object' && body !== null && 'reason' in body ? body.reason : undefined
  if (reason === 'bytes_pruned') return 'Its body was deleted: it can no longer be sent'
  if (reason === 'unreadable') return 'Its stored bytes are damaged: it cannot be sent'
  if (reason === 'already_pending') return 'It waits for its next attempt already'
  if (reason === 'not_a_dead_letter') return 'It is no longer a dead letter'
  if (action !== 'drop' && typeof reason === 'string') return `It still fails: ${reason}. Edit it, then retry`
  return error instanceof Error ? error.message : 'That failed'
}
