/**
 * Dead letters by reason: how many, what is wrong, what to do, some samples, and the two things a person may do to all of
 * them. The list holds still while somebody reads it: news are told above it.
 * @import { Page, View } from '../main.js'
 * @import { LiveStats as Stats } from '../../admin/changes.ts'
 */
import { h, replaceChildren, setText } from '../dom.js'
import { number, plural, toIndexLag } from '../format.js'
import { button, empty, failure, icon, skeleton } from '../parts.js'
import { createGroup } from './dead-letters/group.js'

/** @typedef {import('./dead-letters/group.js').Group} Group */

/**
 * @param {Page} page
 * @returns {View}
 */
export function createDeadLettersView(page) {
  const total = h('p', { class: 'soft' })
  const lag = h('p', { class: 'index-lag soft', role: 'status' })
  const news = h('div', { class: 'news', role: 'status' })
  const body = h('div', { class: 'groups' }, skeleton(6))
  const element = h(
    'div',
    { class: 'page' },
    h('div', { class: 'page-head' }, h('h1', { tabindex: -1 }, 'Dead letters'), total),
    lag,
    news,
    body,
  )
  let counted = -1
  let reading = false
  /** @type {() => void} */
  let end = () => {}

  async function read() {
    if (reading) return
    reading = true
    try {
      /** @type {{ groups: Group[], unsorted: number }} */
      const { groups, unsorted } = await page.api.get('/dead-letters')
      draw(groups)
      setText(lag, toIndexLag(unsorted))
    } catch (error) {
      replaceChildren(
        body,
        failure(error, () => void read()),
      )
    } finally {
      reading = false
    }
  }

  /** @param {Group[]} groups */
  function draw(groups) {
    counted = groups.reduce((sum, { count }) => sum + count, 0)
    replaceChildren(news)
    replaceChildren(
      total,
      counted > 0 && `${plural(counted, 'event')} for ${plural(groups.length, 'reason')}`,
    )
    if (groups.length === 0) return replaceChildren(body, nothing())
    replaceChildren(
      body,
      groups.map(group => createGroup(page, group, () => void read())),
    )
  }

  /** @param {Stats} stats */
  function take({ rejected, refused, unsorted }) {
    setText(lag, toIndexLag(unsorted))
    const now = rejected + refused
    if (counted < 0 || now === counted) return replaceChildren(news)
    // Nothing is being read, so nothing can be pulled away from under the pointer.
    if (counted === 0) return void read()
    const words =
      now > counted
        ? `${number(now - counted)} more since this page loaded.`
        : `${number(counted - now)} fewer since this page loaded.`
    if (news.dataset.words === words && news.childElementCount > 0) return
    news.dataset.words = words
    replaceChildren(
      news,
      h(
        'p',
        { class: 'note' },
        icon('retry'),
        h('span', null, words),
        button('Show', { onClick: () => void read() }),
      ),
    )
  }

  return {
    element,
    show() {
      end()
      end = page.stream.onPulse(({ stats }) => take(stats))
      void read()
    },
    hide() {
      end()
      end = () => {}
    },
  }
}

function nothing() {
  return empty({
    title: 'No dead letters',
    text: 'Every event was accepted, is waiting, or was skipped on purpose. Events that fail validation, or that Segment refuses, stay here with the reason until somebody decides.',
    actions: [h('a', { class: 'button', href: '#/events' }, 'To the events')],
  })
}
