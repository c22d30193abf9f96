/**
 * Notices so far, shaped like the list of Twilio's Debugger: time, level, code, message; opened, everything the notice says.
 * @import { Page } from '../../main.js'
 * @import { LiveStats as Stats } from '../../../admin/changes.ts'
 */
import { h, replaceChildren } from '../../dom.js'
import { clip, moment, number, relative, visible } from '../../format.js'
import { button, data, empty, failure, icon, skeleton } from '../../parts.js'
import { hour } from './stations.js'

/** @typedef {import('../../../alerts/notice.ts').Notice} Notice */

const SHOWN = 20
const MOST = 1_000
/** Of one component a notice is no more often than every 20 minutes: this is for what the stream could not tell. */
const REREAD_MS = 60_000

/** @param {Page} page */
export function createNotices(page) {
  const list = h('div', null, skeleton(3))
  const element = h(
    'section',
    { class: 'card', 'aria-labelledby': 'notices-title' },
    h('div', { class: 'card-head' }, h('h2', { id: 'notices-title' }, 'Notices')),
    list,
  )
  /** @type {Map<string, HTMLElement>} So that an opened one stays open. */
  const rows = new Map()
  let lastAt = /** @type {string | undefined} */ (undefined)
  let readAt = 0
  let limit = SHOWN

  async function read() {
    readAt = Date.now()
    try {
      /** @type {{ notices: Notice[] }} */
      const { notices } = await page.api.get(`/notices?limit=${limit + 1}`)
      draw(notices)
    } catch (error) {
      if (rows.size === 0)
        replaceChildren(
          list,
          failure(error, () => void read()),
        )
    }
  }

  /** @param {Notice[]} notices */
  function draw(notices) {
    if (notices.length === 0) {
      const text =
        'The first failure of delivery, outbox or webhook is reported at once; while it lasts, a notice every 20 minutes sums it up.'
      return replaceChildren(list, empty({ title: 'No notice so far', text }))
    }
    const shown = notices.slice(0, limit)
    for (const notice of shown) if (!rows.has(notice.sid)) rows.set(notice.sid, toRow(notice))
    const more = notices.length > limit && button('Show older ones', { kind: 'quiet', onClick: showMore })
    const items = shown.map(({ sid }) => rows.get(sid) ?? null)
    const known = list.firstElementChild
    const same = known?.matches('ol') && known.childElementCount === items.length
    if (same && items.every((item, i) => known.children[i] === item)) return
    replaceChildren(list, h('ol', { class: 'notices' }, items), more && h('div', { class: 'more' }, more))
  }

  function showMore() {
    limit = MOST - 1
    void read()
  }

  return {
    element,
    /** @param {Stats} stats */
    draw({ notices }) {
      const told = Object.values(notices ?? {})
        .map(({ lastAt }) => lastAt ?? '')
        .join(' ')
      if (told === lastAt && Date.now() - readAt < REREAD_MS) return
      lastAt = told
      void read()
    },
  }
}

/** @param {Notice} notice */
function toRow({ sid, timestamp, level, error_code, payload }) {
  const { more_info: info, message, webhook } = payload
  return h(
    'li',
    null,
    h(
      'details',
      { class: 'notice' },
      h(
        'summary',
        null,
        icon('next'),
        h('time', { datetime: timestamp, title: moment(timestamp), class: 'tabular' }, hour(timestamp)),
        h('span', { class: `level level-${level.toLowerCase()}` }, level),
        h('span', { class: 'mono faint' }, String(error_code)),
        h('span', { class: 'notice-message' }, data(message, '', 600)),
      ),
      h(
        'div',
        { class: 'notice-body' },
        h('p', { class: 'notice-remedy' }, h('strong', null, 'What to do: '), data(info.remedy, '', 600)),
        h(
          'dl',
          { class: 'notice-facts' },
          fact('Concerns', info.component ?? null),
          fact('Raised', `${relative(timestamp)} · ${moment(timestamp)}`),
          fact('Since the last notice', toCounts(info.counts)),
          fact('Since', info.since && moment(info.since)),
          fact('Events wait', info.waiting > 0 ? toWait(info.waiting, info.waiting_since) : 'none'),
          fact('Next try', info.next_attempt_at && moment(info.next_attempt_at)),
          fact('First event', info.first_event_id, true),
          fact('Last event', info.last_event_id, true),
          fact('Segment answered', webhook && toAnswer(webhook.response)),
          fact('Sink', payload.resource_sid, true),
          fact('Notice', sid, true),
        ),
      ),
    ),
  )
}

/**
 * @param {string} name
 * @param {string | Node | null} value
 * @param {boolean} [mono]
 */
function fact(name, value, mono = false) {
  if (value === null || value === '') return null
  const shown = typeof value === 'string' ? data(value, mono ? 'mono' : '') : value
  return h('div', null, h('dt', null, name), h('dd', null, shown))
}

/** @param {Notice['payload']['more_info']['counts']} counts */
function toCounts(counts) {
  const rows = Object.entries(counts)
  if (rows.length === 0) return null
  return h(
    'ul',
    null,
    rows.map(([reason, n]) =>
      h('li', null, h('span', { class: 'tabular' }, number(n)), ' ', data(reason, 'mono')),
    ),
  )
}

/**
 * @param {number} waiting
 * @param {string | null} since
 */
const toWait = (waiting, since) => `${number(waiting)}${since ? `, the oldest since ${moment(since)}` : ''}`

/** @param {{ status_code: number | null, body: string | null }} response */
function toAnswer({ status_code, body }) {
  return h(
    'div',
    null,
    h('span', { class: 'mono' }, status_code === null ? 'nothing' : String(status_code)),
    body && h('pre', { class: 'code' }, h('bdi', null, visible(clip(body, 1_000)))),
  )
}
