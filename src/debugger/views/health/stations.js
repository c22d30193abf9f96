/**
 * The two questions somebody has at 3 a.m.: does the bridge take events, does Segment? Each with why, since when, and what
 * comes next. The words are written anew only when they change; the countdowns tick beside them, unread.
 * @import { Page } from '../../main.js'
 * @import { LiveStats as Stats } from '../../../admin/changes.ts'
 * @import { Verdict } from '../../verdict.js'
 */
import { h, replaceChildren, setText } from '../../dom.js'
import { clock, relative } from '../../format.js'
import { button, data, icon } from '../../parts.js'
import { judgeSegment, judgeWebhook } from '../../verdict.js'

/** @param {Page} page */
export function createStations(page) {
  const webhook = createStation('Is the bridge accepting events from Twilio?')
  const segment = createStation('Is Segment accepting events?', deliverNow)
  const notice = h('p', { class: 'next-notice' })
  const element = h(
    'section',
    { class: 'card asked', 'aria-label': 'Now' },
    webhook.element,
    segment.element,
    notice,
  )

  async function deliverNow() {
    try {
      await page.api.post('/deliver-now')
      page.toast('The next delivery attempt starts now')
    } catch (error) {
      page.toast(error instanceof Error ? error.message : 'That failed')
    }
  }

  return {
    element,
    /** @param {Stats} stats */
    draw(stats) {
      webhook.draw(judgeWebhook(stats, page.reasons()))
      segment.draw(judgeSegment(stats, page.about(), page.reasons()))
      drawNotice(notice, stats)
    },
  }
}

/**
 * @param {string} question
 * @param {() => Promise<void>} [tryNow] ends the wait for the next try
 */
function createStation(question, tryNow) {
  const answer = h('p', { class: 'answer' })
  const text = h('p', { class: 'cause' })
  const remedy = h('p', { class: 'remedy' })
  const since = h('dd')
  const next = h('dd')
  const times = h(
    'dl',
    { class: 'times' },
    h('div', null, h('dt', null, 'Since'), since),
    h('div', null, h('dt', null, 'Next try'), next),
  )
  const words = h('div', { role: 'status' }, answer, text, remedy)
  const now = tryNow && button('Deliver now', { icon: 'play', onClick: () => void tryNow() })
  const actions = h('div', { class: 'actions', hidden: true }, now ?? null)
  const element = h('div', { class: 'question' }, h('h2', null, question), words, times, actions)
  let shown = ''
  return {
    element,
    /** @param {Verdict} verdict */
    draw(verdict) {
      const said = JSON.stringify([verdict.tone, verdict.answer, verdict.text, verdict.remedy])
      if (said !== shown) {
        shown = said
        element.dataset.tone = verdict.tone
        replaceChildren(answer, h('span', { class: 'status-dot', 'aria-hidden': 'true' }), verdict.answer)
        replaceChildren(text, data(verdict.text))
        replaceChildren(remedy, verdict.remedy && data(verdict.remedy))
        remedy.hidden = !verdict.remedy
      }
      drawTime(since, verdict.since)
      drawTime(next, verdict.nextAt)
      times.hidden = !verdict.since && !verdict.nextAt
      actions.hidden = !now || !verdict.nextAt
    },
  }
}

/**
 * `in 3 min 4 s · 20:14:00`.
 * @param {HTMLElement} place
 * @param {string | null | undefined} at
 */
function drawTime(place, at) {
  if (place.parentElement) place.parentElement.hidden = !at
  if (at) setText(place, `${relative(at)} · ${hour(at)}`)
}

/** @param {string} at */
export function hour(at) {
  const { day, time } = clock(at)
  return day ? `${day}, ${time.slice(0, 5)}` : time
}

/**
 * @param {HTMLElement} place
 * @param {Stats} stats
 */
function drawNotice(place, { notices }) {
  const next = Object.values(notices ?? {})
    .filter(({ nextAt }) => nextAt !== null)
    .sort((a, b) => (a.nextAt ?? '').localeCompare(b.nextAt ?? ''))[0]
  const at = next?.nextAt
  place.hidden = !at
  if (!at) return
  const due = Date.parse(at) <= Date.now()
  const what = next.open.length > 0 ? 'While this lasts, the next notice is sent' : 'The next notice is sent'
  const words = `${what} ${due ? 'now' : `${relative(at)}, at ${hour(at)}`}.`
  if (place.childElementCount === 0) replaceChildren(place, icon('alert'), h('span'))
  const [, text] = place.children
  if (text) setText(text, words)
}
