/**
 * One event: where it is, why, and what was said about it; what came beside what goes out.
 * @import { Page, Place, View } from '../main.js'
 * @import { StateJson as Change, EventJson as Detail, PulseJson as Pulse } from '../../http/event-json.ts'
 */
import { h, replaceChildren } from '../dom.js'
import { shortType, visible } from '../format.js'
import { parseExactly } from '../json/exact.js'
import { createHide } from '../json/hide.js'
import { chip, customer, data, empty, failure, icon, isRevealed, skeleton } from '../parts.js'
import { createActions } from './event/actions.js'
import { createAttempts } from './event/attempts.js'
import { createCopies } from './event/copies.js'
import { createDeliveries } from './event/deliveries.js'
import { createPanes } from './event/panes.js'
import { createTimeline } from './event/timeline.js'

const LOOK_AGAIN_MS = 2_000

/**
 * @param {Page} page
 * @returns {View}
 */
export function createEventView(page) {
  const element = h('div', { class: 'page event' })
  /** @type {string} */
  let key = ''
  let text = ''
  /** @type {Detail | undefined} */
  let event
  let raw = false
  let readAt = 0
  /** Where no family says who the customer is, the reveal toggle is for every number in the event. */
  let allRevealed = false
  let abort = new AbortController()
  let off = () => {}

  async function read() {
    readAt = Date.now()
    abort.abort()
    abort = new AbortController()
    const { signal } = abort
    try {
      const answer = await page.api.text(`/events/${encodeURIComponent(key)}`, signal)
      if (signal.aborted || answer === text) return
      text = answer
      event = parseExactly(answer)
      if (event) dispatchEvent(new CustomEvent('event-read', { detail: toChange(event) }))
    } catch (error) {
      if (signal.aborted) return
      const missing = error instanceof Error && 'status' in error && error.status === 404
      if (missing) replaceChildren(element, toList(), noName(), notFound())
      else if (!event)
        replaceChildren(
          element,
          toList(),
          noName(),
          failure(error, () => void read()),
        )
      return
    }
    draw()
  }

  /** @param {Pulse} pulse */
  function onPulse({ changes }) {
    const isNews = changes.some(change => change.key === key && change.state !== event?.state)
    const waiting = event?.state === 'pending' && Date.now() - readAt > LOOK_AGAIN_MS
    if (isNews || waiting) void read()
  }

  function draw() {
    if (!event) return
    const now = event
    const reasons = page.reasons()
    const open = now.customer === null ? allRevealed : isRevealed(now.customer)
    const hide = open ? (/** @type {string} */ same) => same : createHide(now.customer)
    const focused = document.activeElement?.getAttribute('aria-label')
    const h1 = h('h1', { class: 'cut' }, data(shortType(now.type)))
    replaceChildren(
      element,
      toList(),
      h(
        'div',
        { class: 'page-head' },
        h1,
        now.version > 0 && h('span', { class: 'faint mono' }, `v${now.version}`),
        chip(now.state),
        h(
          'div',
          { class: 'actions push' },
          createActions(page, now, () => void read()),
        ),
      ),
      facts(now, hide),
      now.reason && note(now, hide),
      h('section', { class: 'card timeline-card', 'aria-label': 'Path' }, createTimeline(now, reasons)),
      h(
        'div',
        { class: 'page-head' },
        h(
          'div',
          { class: 'segmented', role: 'group', 'aria-label': 'Show as' },
          mode('Pretty', false),
          mode('Raw', true),
        ),
        h(
          'div',
          { class: 'actions push', role: 'group', 'aria-label': 'Copy as' },
          h('span', { class: 'copy-as faint' }, 'Copy as'),
          createCopies(now, page.about()),
        ),
      ),
      createPanes(now, { raw, hide, retentionDays: page.about()?.retentionDays ?? 7 }),
      createDeliveries(page, now, hide, () => void read()),
      createAttempts(now, reasons, hide),
    )
    if (focused) {
      const same = [...element.querySelectorAll('[aria-label]')].find(
        one => one.getAttribute('aria-label') === focused,
      )
      if (same instanceof HTMLElement) same.focus({ preventScroll: true })
    }
  }

  /**
   * @param {Detail} now
   * @param {(text: string) => string} hide
   */
  function facts(now, hide) {
    return h(
      'dl',
      { class: 'event-facts' },
      fact('Customer', now.customer ? customer(now.customer, draw) : allEye()),
      now.id !== null && fact('Event id', data(hide(now.id), 'mono', 200)),
      now.type !== '' && fact('Type', data(now.type, 'mono', 300)),
      !!now.name && fact('Name', data(now.name)),
      now.source !== null && fact('Source', data(hide(now.source), 'mono', 300)),
    )
  }

  function allEye() {
    const label = allRevealed ? 'Hide numbers' : 'Reveal numbers in this event'
    return h(
      'span',
      { class: 'customer' },
      h('span', { class: 'faint' }, 'none known'),
      h(
        'button',
        {
          type: 'button',
          class: 'icon-button',
          'aria-label': label,
          title: label,
          on: {
            click: () => {
              allRevealed = !allRevealed
              draw()
            },
          },
        },
        icon(allRevealed ? 'eye-off' : 'eye'),
      ),
    )
  }

  /**
   * @param {Detail} now
   * @param {(text: string) => string} hide
   */
  function note(now, hide) {
    const words = page.reasons()[now.reason ?? '']
    const bad = now.state === 'rejected' || now.state === 'refused'
    return h(
      'section',
      {
        class: `note ${bad ? 'note-rejected' : now.state === 'pending' ? 'note-pending' : ''}`,
        'aria-label': 'Why it stopped',
      },
      icon('alert'),
      h(
        'div',
        { class: 'note-words' },
        h(
          'h2',
          null,
          words?.title ?? visible(now.reason ?? ''),
          ' ',
          h('code', { class: 'soft' }, visible(now.reason ?? '')),
        ),
        words && h('p', null, words.remedy),
        now.answer && h('pre', { class: 'code' }, data(hide(now.answer), '', 4_000)),
        now.faults.length > 0 &&
          h(
            'ul',
            { class: 'faults' },
            now.faults.map(({ path, expected, received }) =>
              h(
                'li',
                null,
                h('code', null, data(path)),
                h(
                  'span',
                  null,
                  'expected ',
                  h('b', null, data(expected)),
                  ', received ',
                  h('b', null, data(hide(received))),
                ),
              ),
            ),
          ),
      ),
    )
  }

  /**
   * @param {string} name
   * @param {boolean} value
   */
  function mode(name, value) {
    const choose = () => {
      raw = value
      draw()
    }
    return h(
      'button',
      { type: 'button', 'aria-label': name, 'aria-pressed': String(raw === value), on: { click: choose } },
      name,
    )
  }

  return {
    element,
    keys: [['Esc', 'back to the list']],
    onKey({ key: pressed }) {
      if (pressed === 'Escape') history.length > 1 ? history.back() : page.go('#/events')
    },
    /** @param {Place} place */
    show(place) {
      if (place.key === null) return
      off()
      off = page.stream.onPulse(onPulse)
      if (place.key !== key) {
        key = place.key
        text = ''
        event = undefined
        allRevealed = false
        replaceChildren(element, toList(), noName(), h('div', { class: 'card' }, skeleton(9)))
      }
      element.closest('main')?.scrollTo(0, 0)
      void read()
    },
    hide() {
      off()
      abort.abort()
    },
  }
}

/**
 * What the list should know of it, too.
 * @param {Detail} event
 * @returns {Change}
 */
function toChange({ key, state, reason, settledAt, triedAt = null, attemptCount = 0 }) {
  return { key, state, reason, settledAt, triedAt, attempts: attemptCount }
}

/**
 * @param {string} name
 * @param {HTMLElement} value
 */
function fact(name, value) {
  return h('div', null, h('dt', { class: 'faint' }, name), h('dd', null, value))
}

function toList() {
  return h('a', { class: 'back', href: '#/events' }, icon('back'), 'Events')
}

/** The heading while there is no event to name. */
function noName() {
  return h('h1', { class: 'only-read' }, 'Event')
}

function notFound() {
  return empty({
    title: 'Event not found',
    text: 'Accepted and skipped events are deleted after RETENTION_DAYS. The link may also belong to another bridge.',
    actions: [h('a', { class: 'button', href: '#/events' }, 'All events')],
  })
}
