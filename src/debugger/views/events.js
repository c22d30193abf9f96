/**
 * The live list: newest first, within a second of their arrival. Nothing moves under a person's eyes: while it is paused,
 * scrolled or searched, new events are counted and wait.
 * @import { Page, Place, View } from '../main.js'
 * @import { LiveStats as Stats } from '../../admin/changes.ts'
 * @import { Asked } from './events/event-list-model.js'
 */
import { h, replaceChildren, setText } from '../dom.js'
import { moment, number, plural, toIndexLag } from '../format.js'
import { button, empty, failure, icon, skeleton } from '../parts.js'
import { createEventListModel } from './events/event-list-model.js'
import { createFilters } from './events/filters.js'
import { createFirst } from './events/first.js'
import { createList } from './events/list.js'

/** How often pending rows that the stream does not speak of are asked for. */
const LOOK_AGAIN_MS = 3_000

/**
 * @param {Page} page
 * @returns {View}
 */
export function createEventsView(page) {
  /** @type {Omit<Asked, 'q'>} */
  let filter = { state: '', type: '', reason: '' }
  let q = ''
  let paused = false
  let lookedAgain = 0
  let listening = false

  const model = createEventListModel(page.api, { onChange: draw, onRow: event => list.update(event) })
  const list = createList({ onNearEnd: model.more, onScroll: pauseOrResume })
  const filters = createFilters(page.api, {
    onFilter: next => page.go(toHash(next)),
    onSearch(text) {
      if (text === q) return
      q = text
      list.toTop()
      void model.load({ ...filter, q })
    },
  })
  const pause = button('Pause', { icon: 'pause', onClick: togglePause, title: 'Pause (p)' })
  const came = h('button', { type: 'button', class: 'came', hidden: true, on: { click: showNew } })
  const place = h('div', { class: 'list-place' })
  const lag = h('p', { class: 'index-lag soft', role: 'status' })
  const reached = h('div', { class: 'reached soft', role: 'status' })
  replaceChildren(list.foot, reached)
  const element = h(
    'div',
    { class: 'events' },
    h('h1', { class: 'only-read' }, 'Events'),
    h('div', { class: 'toolbar' }, filters.element, pause),
    h('div', { class: 'list-frame' }, lag, came, list.element, place),
  )

  function pauseOrResume() {
    model.setPaused(paused || !list.atTop())
  }

  function togglePause() {
    paused = !paused
    pause.setAttribute('aria-pressed', String(paused))
    pause.replaceChildren(icon(paused ? 'play' : 'pause'), paused ? 'Resume' : 'Pause')
    pauseOrResume()
  }

  function showNew() {
    const hadFocus = document.activeElement === came
    if (q) return void model.again()
    list.toTop()
    if (paused) togglePause()
    model.setPaused(false)
    if (hadFocus) list.focus(0)
  }

  function draw(added = 0) {
    const { rows, heldCount, next, loading, hasGap } = model.now()
    list.setRows(rows, { total: next === null && !hasGap, added })
    came.hidden = heldCount === 0
    setText(came, `${plural(heldCount, 'new event')}${q ? ' since this search · search again' : ' · show'}`)
    replaceChildren(place, ...instead())
    list.element.hidden = rows.length === 0
    element.classList.toggle('is-loading', loading !== 'idle')
    replaceChildren(reached, ...howFar())
  }

  /** What stands in the list's place while it has no rows. */
  function instead() {
    const { rows, loading, error, asked, next, reachedAt } = model.now()
    if (rows.length > 0) return []
    if (error) return [failure(error, model.again)]
    const narrowed = Object.values(asked).some(value => value !== '')
    if (loading !== 'idle') {
      const back = narrowed && reachedAt ? `Searched back to ${moment(reachedAt)}.` : ''
      return back
        ? [empty({ title: 'Searching…', text: back, actions: [button('Stop', { onClick: model.stop })] })]
        : [skeleton(12)]
    }
    if (!narrowed) return [createFirst(page.about())]
    const text = next
      ? `Nothing back to ${reachedAt ? moment(reachedAt) : 'where it stopped'}.`
      : `None of ${number(page.stream.last()?.stats.received ?? 0)} events received. Accepted and skipped ones are stored for ${page.about()?.retentionDays ?? 7} days.`
    const actions = [button('Clear filters', { kind: 'primary', onClick: clear })]
    if (next) actions.push(button('Search on', { onClick: model.more }))
    return [empty({ title: 'No events match', text, actions })]
  }

  function howFar() {
    const { rows, next, loading, asked, reachedAt, error, hasGap } = model.now()
    if (rows.length === 0) return []
    if (error) return ['Older events did not load. ', linkTo('Try again', model.again)]
    const searching = Object.values(asked).some(value => value !== '')
    if (loading !== 'idle') {
      return [
        searching && reachedAt
          ? `Searching: back to ${moment(reachedAt)} so far · `
          : 'Loading older events…',
        searching && linkTo('Stop', model.stop),
      ]
    }
    if (next || hasGap) return searching && reachedAt ? [`Searched back to ${moment(reachedAt)}`] : []
    return [
      rows.length >= 5_000 ? 'The list shows 5,000 events: narrow it to see older ones.' : 'No older events.',
    ]
  }

  function clear() {
    q = ''
    filters.clearSearch()
    if (toHash(filter) === '#/events') void model.load({ ...filter, q })
    else page.go('#/events')
  }

  /** The stream speaks of events it has sent; those that were read and are pending still are asked for. */
  async function lookAgain(anyway = false) {
    const { rows, loading, asked } = model.now()
    const pending = rows.slice(0, 100).some(row => row.state === 'pending')
    if (!(pending || anyway) || loading !== 'idle' || asked.q || Date.now() - lookedAgain < LOOK_AGAIN_MS)
      return
    lookedAgain = Date.now()
    const { type } = asked
    try {
      const { events } = await page.api.post('/events/search', { ...(type && { type }), limit: 100 })
      for (const event of events) model.settle(event)
    } catch {
      // The next pulse asks again.
    }
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const { key } = event
    if (key === '/') filters.focusSearch()
    else if (key === 'j' || key === 'ArrowDown') list.move(1)
    else if (key === 'k' || key === 'ArrowUp') list.move(-1)
    else if (key === 'p') togglePause()
    else if (key === 'Home') list.focus(0)
    else if (key === 'Escape' && document.activeElement instanceof HTMLElement)
      return document.activeElement.blur()
    else return
    event.preventDefault()
  }

  /** For good: a list that is not looked at goes on, so that it is whole when somebody comes back. */
  function listen() {
    listening = true
    page.stream.onPulse(pulse => {
      drawStats(pulse.stats)
      model.onPulse(pulse)
      void lookAgain()
    })
    addEventListener('event-read', event => {
      if (event instanceof CustomEvent) model.settle(event.detail)
    })
    const last = page.stream.last()
    if (last) drawStats(last.stats)
  }

  /** @param {Stats} stats */
  function drawStats(stats) {
    filters.setStats(stats)
    setText(lag, toIndexLag(stats.unsorted))
  }

  let shown = false
  return {
    element,
    onKey,
    keys: [
      ['j k', 'down, up'],
      ['Enter', 'open the event'],
      ['/', 'search'],
      ['p', 'pause or resume'],
      ['Esc', 'clear the search'],
    ],
    /** @param {Place} at */
    show({ query }) {
      const next = {
        state: query.get('state') ?? '',
        type: query.get('type') ?? '',
        reason: query.get('reason') ?? '',
      }
      const same = shown && toHash(next) === toHash(filter)
      filter = next
      shown = true
      filters.setFilter(filter)
      if (!listening) listen()
      if (!same) {
        list.toTop()
        void model.load({ ...filter, q })
      } else {
        list.restore()
        void lookAgain(true)
      }
    },
    hide() {
      list.remember()
    },
  }
}

/**
 * @param {string} text
 * @param {() => void} onClick
 */
function linkTo(text, onClick) {
  return h('button', { type: 'button', class: 'link', on: { click: onClick } }, text)
}

/** @param {Omit<Asked, 'q'>} filter */
function toHash(filter) {
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== ''))
  return `#/events${query.size > 0 ? `?${query}` : ''}`
}
