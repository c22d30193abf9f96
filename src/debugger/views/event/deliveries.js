/**
 * One event on its way to several destinations, side by side: what became of each delivery, and what a person may do to it alone.
 * @import { Page } from '../../main.js'
 * @import { ReasonText } from '../../../http/about.ts'
 * @import { DeliveryJson as Delivery, EventJson as Detail } from '../../../http/event-json.ts'
 */
import { h } from '../../dom.js'
import { moment, number, plural } from '../../format.js'
import { button, chip, data } from '../../parts.js'
import { act } from './actions.js'

/**
 * Nothing, when there is one destination.
 * @param {Page} page
 * @param {Detail} event
 * @param {(text: string) => string} hide
 * @param {() => void} onDone
 */
export function createDeliveries(page, event, hide, onDone) {
  const { deliveries = [] } = event
  if (deliveries.length < 2) return null
  const reasons = page.reasons()
  return h(
    'section',
    { class: 'card', 'aria-label': 'Deliveries' },
    h(
      'div',
      { class: 'card-head' },
      h('h2', null, 'Deliveries'),
      h('span', { class: 'faint tabular' }, number(deliveries.length)),
    ),
    h(
      'ol',
      { class: 'attempts' },
      deliveries.map(one => draw(one, reasons, hide, createActions(page, event, one, onDone))),
    ),
  )
}

/**
 * @param {Delivery} delivery
 * @param {Record<string, ReasonText>} reasons
 * @param {(text: string) => string} hide
 * @param {(HTMLElement | false)[]} actions
 */
function draw(
  { destination, state, reason, answer, messageId, attempts, settledAt },
  reasons,
  hide,
  actions,
) {
  return h(
    'li',
    { class: 'attempt delivery' },
    chip(state),
    h(
      'div',
      { class: 'attempt-words' },
      h(
        'p',
        { class: 'attempt-line' },
        data(destination, 'mono'),
        settledAt &&
          h('time', { class: 'mono soft', datetime: settledAt, title: settledAt }, moment(settledAt)),
        h('span', { class: 'faint' }, plural(attempts, 'attempt')),
        messageId !== null && h('span', { class: 'faint' }, data(hide(messageId), 'mono', 200)),
      ),
      reason && h('p', null, reasons[reason]?.title ?? reason, ' ', h('code', { class: 'faint' }, reason)),
      answer && h('pre', { class: 'code' }, data(hide(answer), '', 2_000)),
    ),
    h('div', { class: 'actions' }, actions),
  )
}

/**
 * @param {Page} page
 * @param {Detail} event
 * @param {Delivery} delivery
 * @param {() => void} onDone
 */
function createActions(page, event, { destination, state }, onDone) {
  const isDead = state === 'rejected' || state === 'refused'
  /** @param {'retry' | 'drop'} action */
  const on = action => () => void act(page, event.key, action, onDone, destination)
  return [
    (isDead || state === 'skipped') &&
      button('Retry', { title: `Retry ${destination}`, onClick: on('retry') }),
    isDead && button('Drop', { kind: 'danger', title: `Drop for ${destination}`, onClick: on('drop') }),
  ]
}
