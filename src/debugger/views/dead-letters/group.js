/**
 * One reason: the count, the words, up to ten samples. Retry shows first what it would do; drop asks, and says what is lost.
 * @import { Page } from '../../main.js'
 * @import { SummaryJson as Summary } from '../../../http/event-json.ts'
 * @import { State } from '../../../reasons.ts'
 */
import { h, replaceChildren } from '../../dom.js'
import { moment, number, plural, relative, shortType } from '../../format.js'
import { ask, button, chip, customer, data } from '../../parts.js'

/** @typedef {{ state: State, reason: string, count: number, samples: Summary[] }} Group */
/** @typedef {{ matched: number, ready: number, done: number }} Changed */

/**
 * @param {Page} page
 * @param {Group} group
 * @param {() => void} onChange
 */
export function createGroup(page, group, onChange) {
  const { state, reason, count, samples } = group
  const filter = { state, reason }
  const { title = reason, remedy = '' } = page.reasons()[reason] ?? {}
  const previewBox = h('div', { class: 'preview', role: 'status' })
  const retry = button('Retry all…', { icon: 'retry', onClick: () => void busy(preview) })
  const drop = button('Drop all…', { kind: 'danger', onClick: () => void busy(dropAll) })

  /** @param {() => Promise<void>} act */
  async function busy(act) {
    for (const one of [retry, drop]) one.disabled = true
    try {
      await act()
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      replaceChildren(previewBox, h('p', { class: 'note note-rejected' }, `Nothing was changed: ${message}.`))
    } finally {
      for (const one of [retry, drop]) one.disabled = false
    }
  }

  async function preview() {
    /** @type {Changed} */
    const { matched, ready } = await page.api.post('/dead-letters/retry', { ...filter, preview: true })
    const close = button(ready > 0 ? 'Cancel' : 'Close', { onClick: closePreview })
    const send = button(`Send ${number(ready)} again`, {
      kind: 'primary',
      onClick: () => void busy(retryAll),
    })
    replaceChildren(
      previewBox,
      h(
        'div',
        { class: 'note' },
        h('p', null, toPreviewText(matched, ready)),
        h('div', { class: 'actions push' }, close, ready > 0 && send),
      ),
    )
    queueMicrotask(() => (ready > 0 ? send : close).focus())
  }

  function closePreview() {
    replaceChildren(previewBox)
    retry.focus()
  }

  async function retryAll() {
    /** @type {Changed} */
    const { matched, done } = await page.api.post('/dead-letters/retry', filter)
    page.toast(`${number(done)} of ${number(matched)} will be sent again`)
    onChange()
  }

  async function dropAll() {
    /** @type {Changed} */
    const { ready } = await page.api.post('/dead-letters/drop', { ...filter, preview: true })
    const yes = await ask({
      title: `Drop ${plural(ready, 'event')}?`,
      text: toLossText(ready, title, page.about()?.retentionDays),
      yes: `Drop ${number(ready)}`,
      kind: 'danger',
    })
    if (!yes) return void queueMicrotask(() => drop.focus())
    /** @type {Changed} */
    const { done } = await page.api.post('/dead-letters/drop', filter)
    page.toast(`${plural(done, 'event')} dropped`)
    onChange()
  }

  const heading = `group-${state}-${reason}`.replace(/[^\w-]/g, '_').slice(0, 100)
  return h(
    'section',
    { class: 'card group', 'aria-labelledby': heading },
    h(
      'div',
      { class: 'group-head' },
      h('p', { class: 'group-count tabular' }, number(count)),
      h(
        'div',
        { class: 'group-words' },
        h('h2', { id: heading }, data(title, '', 200)),
        h('p', { class: 'soft' }, data(remedy)),
        h('p', { class: 'group-code' }, chip(state), data(reason, 'mono faint', 100)),
      ),
      h('div', { class: 'actions' }, retry, drop),
    ),
    previewBox,
    h('ul', { class: 'samples' }, samples.map(toSample)),
    count > samples.length &&
      h(
        'p',
        { class: 'more' },
        h('a', { href: `#/events?${new URLSearchParams(filter)}` }, `All ${number(count)} in the list`),
      ),
  )
}

/** @param {Summary} event */
function toSample({ key, id, type, version, customer: address, receivedAt }) {
  return h(
    'li',
    { class: 'sample' },
    h(
      'time',
      { datetime: receivedAt, title: moment(receivedAt), class: 'faint tabular' },
      relative(receivedAt),
    ),
    h(
      'span',
      { class: 'cut' },
      h(
        'a',
        { href: `#/events/${encodeURIComponent(key)}` },
        type === '' ? 'Not readable as an event' : shortType(type),
      ),
      version > 0 && h('span', { class: 'kind-version' }, `v${version}`),
    ),
    data(id ?? 'no id', 'mono faint cut', 80),
    customer(address),
  )
}

/**
 * @param {number} matched
 * @param {number} ready
 */
function toPreviewText(matched, ready) {
  const rest = matched - ready
  if (ready === 0) {
    const none = matched === 1 ? 'It still fails validation' : `All ${number(matched)} still fail validation`
    return `${none}: nothing would be sent again. “npx twilio-segment-bridge dead-letters edit” corrects one.`
  }
  const all = `${plural(ready, 'event')} would be sent again.`
  if (rest === 0) return matched === 1 ? 'The event would be sent again.' : `All ${all}`
  return `${number(ready)} of ${number(matched)} would be sent again; ${number(rest)} still ${rest === 1 ? 'fails' : 'fail'} validation.`
}

/**
 * @param {number} n
 * @param {string} title
 * @param {number | undefined} days
 */
function toLossText(n, title, days) {
  const them = n === 1 ? 'It' : 'They'
  const when =
    days === undefined ? 'after RETENTION_DAYS' : days === 0 ? 'at once' : `${plural(days, 'day')} from now`
  const bytes = n === 1 ? 'Its bytes are' : 'Their bytes are'
  return [
    h('p', null, `${plural(n, 'dead letter')} with the reason “`, data(title, '', 200), '”.'),
    h('p', null, `${them} will not reach Segment, and ${n === 1 ? 'is' : 'are'} counted as skipped.`),
    h(
      'p',
      null,
      h('strong', null, `${bytes} deleted for good ${when}.`),
      days === 0 ? '' : ` Until then ${n === 1 ? 'it stays' : 'they stay'} in the list of events.`,
    ),
  ]
}
