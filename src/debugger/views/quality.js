/**
 * Data quality, the operator's figures: all types in one table, one type with its plots. The window and the type stand in
 * the fragment, so that a link shows another person the same.
 * @import { Page, Place, View } from '../main.js'
 */
import { h, replaceChildren } from '../dom.js'
import { empty, failure, skeleton } from '../parts.js'
import { toChoice, toHash, windows } from './quality/choice.js'
import { createDefinitions } from './quality/definitions.js'
import { createOverview } from './quality/overview.js'
import { createTypeView } from './quality/type.js'

/** @typedef {import('../../stats/quality.ts').Quality} Quality */
/** @typedef {import('./quality/choice.js').Choice} Choice */

/** The figures are by the hour: a minute is soon enough. */
const REREAD_MS = 60_000

/**
 * @param {Page} page
 * @returns {View}
 */
export function createQualityView(page) {
  const title = h('h1', { tabindex: -1 }, 'Data quality')
  const choices = h('div', { class: 'segmented push', role: 'group', 'aria-label': 'Window' })
  const body = h('div', { class: 'quality', 'aria-live': 'off' })
  const definitions = createDefinitions()
  const element = h(
    'div',
    { class: 'page' },
    h('div', { class: 'page-head' }, title, choices),
    body,
    definitions.element,
  )
  /** @type {Choice} */
  let choice = { window: '24h', type: null, version: 0 }
  /** @type {Quality | null} */
  let quality = null
  let timer = 0
  /** @type {AbortController | undefined} */
  let asking
  let destroy = () => {}

  async function read() {
    clearTimeout(timer)
    asking?.abort()
    asking = new AbortController()
    const { signal } = asking
    try {
      const { window } = choice
      quality = await page.api.get(`/quality?window=${window}`, signal)
      draw()
    } catch (error) {
      if (signal.aborted) return
      if (!quality)
        replaceChildren(
          body,
          failure(error, () => void read()),
        )
    }
    timer = setTimeout(() => void read(), REREAD_MS)
  }

  function draw() {
    if (!quality) return
    const focused = document.activeElement?.getAttribute('data-focus')
    const open = new Set([...body.querySelectorAll('details[open][data-focus]')].map(nameOf))
    const scrolled = body.querySelector('.numbers')?.scrollTop ?? 0
    destroy()
    destroy = () => {}
    definitions.draw(quality)
    if (quality.types.length === 0) replaceChildren(body, nothing())
    else if (choice.type === null) replaceChildren(body, createOverview(quality))
    else {
      const { type, version } = choice
      const found = quality.types.find(one => one.type === type && one.version === version)
      const view = found ? createTypeView(quality, found, toHash(choice.window)) : null
      replaceChildren(body, view ? view.element : unknown(choice))
      destroy = view?.destroy ?? destroy
    }
    for (const part of body.querySelectorAll('details[data-focus]')) {
      if (!open.has(nameOf(part))) continue
      part.setAttribute('open', '')
      // What it fills itself with on opening is wanted before the scrolling, not after.
      part.dispatchEvent(new Event('toggle'))
    }
    body.querySelector('.numbers')?.scrollTo({ top: scrolled })
    refocus(body, focused)
  }

  function drawChoices() {
    replaceChildren(
      choices,
      Object.entries(windows).map(([window, name]) =>
        h(
          'button',
          {
            type: 'button',
            'aria-pressed': String(window === choice.window),
            on: { click: () => page.go(toHash(window, choice)) },
          },
          name,
        ),
      ),
    )
  }

  return {
    element,
    show({ query }) {
      const next = toChoice(query)
      const another = next.window !== choice.window
      const elsewhere = another || next.type !== choice.type || next.version !== choice.version
      const pressed = choices.contains(document.activeElement)
      choice = next
      drawChoices()
      if (pressed) /** @type {HTMLElement | null} */ (choices.querySelector('[aria-pressed="true"]'))?.focus()
      else if (elsewhere && quality) title.focus()
      if (quality && !another) draw()
      else replaceChildren(body, skeleton(8))
      if (another) quality = null
      void read()
    },
    hide() {
      clearTimeout(timer)
      asking?.abort()
      destroy()
      destroy = () => {}
    },
  }
}

/** @param {Element} element */
const nameOf = element => element.getAttribute('data-focus') ?? ''

/**
 * The figures were drawn anew under somebody's keyboard.
 * @param {HTMLElement} body
 * @param {string | null | undefined} name
 */
function refocus(body, name) {
  const place = name ? body.querySelector(`[data-focus="${CSS.escape(name)}"]`) : null
  if (place instanceof HTMLElement) place.focus({ preventScroll: true })
}

function nothing() {
  return empty({
    title: 'No figures for this window yet',
    text: 'Events are counted per hour on arrival; the counts outlive the events. Try a longer window, or send a first event.',
    actions: [h('a', { class: 'button', href: '#/events' }, 'To the events')],
  })
}

/** @param {Choice} choice */
function unknown({ window }) {
  return empty({
    title: 'No event of this type in this window',
    text: 'Nor in the days it is compared with.',
    actions: [h('a', { class: 'button', href: toHash(window) }, 'All types')],
  })
}
