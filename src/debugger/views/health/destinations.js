/**
 * Where events go, when there is more than one place, or one that is stopped: how each does, and what a person may do about it.
 * @import { Page } from '../../main.js'
 * @import { LiveStats as Stats } from '../../../admin/changes.ts'
 * @import { DestinationStats } from '../../../admin/figures.ts'
 */
import { h, replaceChildren } from '../../dom.js'
import { number } from '../../format.js'
import { ask, button, data } from '../../parts.js'

/** @param {Page} page */
export function createDestinations(page) {
  const list = h('ol', { class: 'attempts' })
  const element = h(
    'section',
    { class: 'card', 'aria-label': 'Destinations', hidden: true },
    h('div', { class: 'card-head' }, h('h2', null, 'Destinations')),
    list,
  )
  let shown = ''

  /**
   * @param {string} path
   * @param {string} done
   * @param {unknown} [body]
   */
  async function change(path, done, body) {
    try {
      await page.api.post(`/destinations/${path}`, body)
      page.toast(done)
    } catch (error) {
      page.toast(error instanceof Error ? error.message : 'That failed')
    }
  }

  /** @param {DestinationStats} one */
  function drawOne(one) {
    const { name, paused, delivery, unconfirmed } = one
    const reason = paused ?? delivery.reason
    const why = reason === null ? undefined : (page.reasons()[reason]?.title ?? reason)
    const counts = /** @type {const} */ (['pending', 'accepted', 'refused', 'skipped', 'filtered'])
    return h(
      'li',
      { class: 'attempt delivery destination' },
      h('span', { class: `chip chip-${toneOf(one)}` }, wordOf(one)),
      h(
        'div',
        { class: 'attempt-words' },
        h(
          'p',
          { class: 'attempt-line' },
          data(name, 'mono'),
          counts
            .filter(count => one[count] > 0 || count === 'pending' || count === 'accepted')
            .map(count => h('span', { class: 'faint tabular' }, `${number(one[count])} ${count}`)),
        ),
        (unconfirmed || why !== undefined) && h('p', null, data(unconfirmed?.text ?? why ?? '')),
      ),
      h('div', { class: 'actions' }, actionsOf(one)),
    )
  }

  /** @param {DestinationStats} one */
  function actionsOf({ name, paused, delivery, unconfirmed }) {
    const path = encodeURIComponent(name)
    if (unconfirmed) {
      const { hash, text } = unconfirmed
      const confirm = async () => {
        const yes = await ask({
          title: `Apply the change of ${name}?`,
          text: [h('p', null, data(text))],
          yes: 'Apply it',
          kind: 'danger',
        })
        if (yes) await change('confirm', 'The change is applied', { hash })
      }
      return [button('Confirm…', { title: `Confirm the change of ${name}`, onClick: () => void confirm() })]
    }
    if (paused !== null)
      return [
        button('Resume', {
          ...{ icon: /** @type {const} */ ('play'), title: `Resume ${name}` },
          onClick: () => void change(`${path}/resume`, `${name} goes on`),
        }),
      ]
    return [
      delivery.failures > 0 &&
        button('Deliver now', {
          title: `Deliver to ${name} now`,
          onClick: () => void change(`${path}/deliver-now`, 'The next delivery attempt starts now'),
        }),
      button('Pause', {
        ...{ icon: /** @type {const} */ ('pause'), title: `Pause ${name}` },
        onClick: () => void change(`${path}/pause`, `${name} is paused: its events wait`),
      }),
    ]
  }

  return {
    element,
    /** @param {Stats} stats */
    draw({ destinations }) {
      element.hidden = destinations.length < 2 && destinations.every(({ paused }) => paused === null)
      const next = JSON.stringify(destinations.map(({ oldestPendingSeconds: _, ...one }) => one))
      if (next === shown) return
      shown = next
      replaceChildren(list, ...destinations.map(drawOne))
    },
  }
}

/** @param {DestinationStats} one */
function wordOf({ paused, delivery }) {
  if (paused !== null) return 'paused'
  return delivery.failures > 0 ? (delivery.wait ?? 'failing') : 'accepting'
}

/** @param {DestinationStats} one */
function toneOf({ paused, delivery }) {
  if (paused !== null) return 'pending'
  return delivery.failures > 0 ? 'refused' : 'accepted'
}
