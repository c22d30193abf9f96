/**
 * A window onto thousands of rows of one height: only those in sight, and the one with the focus, are in the document.
 * @import { Row } from './row.js'
 * @import { SummaryJson as Summary } from '../../../http/event-json.ts'
 */
import { h } from '../../dom.js'
import { createHead, createRow } from './row.js'

/** Rows kept ready above and below what is in sight. */
const SPARE = 8
/** From the end, in rows, where older ones are asked for. */
const NEAR_END = 30

/** @param {{ onNearEnd: () => void, onScroll: () => void }} on */
export function createList({ onNearEnd, onScroll }) {
  /** @type {Map<string, Row>} */
  const drawn = new Map()
  /** @type {readonly Summary[]} */
  let rows = []
  const body = h('div', { class: 'rows', role: 'rowgroup' })
  const table = h(
    'div',
    { class: 'list-table', role: 'table', 'aria-label': 'Events, newest first' },
    h('div', { class: 'list-head', role: 'rowgroup' }, createHead()),
    body,
  )
  const foot = h('div', { class: 'list-foot' })
  const element = h('div', { class: 'list', on: { scroll: onScrolled } }, table, foot)
  let frame = 0
  let height = 40
  /** @type {{ top: number, key: string | undefined }} */
  let kept = { top: 0, key: undefined }

  function onScrolled() {
    onScroll()
    schedule()
  }

  function schedule() {
    if (frame !== 0) return
    frame = requestAnimationFrame(() => {
      frame = 0
      draw()
    })
  }

  function measure() {
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize)
    height = rem * Number.parseFloat(getComputedStyle(body).getPropertyValue('--row-rem')) || height
    schedule()
  }

  function draw() {
    if (element.clientHeight === 0) return
    const first = Math.max(0, Math.floor(element.scrollTop / height) - SPARE)
    const end = Math.min(rows.length, Math.ceil((element.scrollTop + element.clientHeight) / height) + SPARE)
    /** @type {Map<string, number>} */
    const wanted = new Map()
    for (let index = first; index < end; index += 1) wanted.set(rows[index]?.key ?? '', index)
    const focused = focusedKey()
    const focusedIndex = focused === undefined ? -1 : rows.findIndex(row => row.key === focused)
    if (focused !== undefined && focusedIndex >= 0) wanted.set(focused, focusedIndex)
    for (const [key, row] of drawn) {
      if (wanted.has(key)) continue
      row.element.remove()
      drawn.delete(key)
    }
    // In the order of the list, so that Tab and screen readers walk it as it is seen.
    let after = body.firstElementChild
    for (const [key, index] of [...wanted].sort((a, b) => a[1] - b[1])) {
      const event = rows[index]
      if (!event) continue
      let row = drawn.get(key)
      if (!row) {
        row = createRow(event)
        drawn.set(key, row)
      }
      row.setIndex(index)
      if (row.element === after) after = after.nextElementSibling
      else body.insertBefore(row.element, after)
    }
    if (end >= rows.length - NEAR_END) onNearEnd()
  }

  /** @returns {string | undefined} */
  function focusedKey() {
    if (!body.contains(document.activeElement)) return undefined
    for (const [key, row] of drawn) if (row.element.contains(document.activeElement)) return key
    return undefined
  }

  // Once a change of width, not once a frame: asking for a computed style is not free.
  new ResizeObserver(measure).observe(element)

  return {
    element,
    foot,
    /**
     * @param {readonly Summary[]} next
     * @param {{ total: boolean, added?: number }} how `added`: rows new at the top, so that what is in sight stays there
     */
    setRows(next, { total, added = 0 }) {
      rows = next
      table.setAttribute('aria-rowcount', total ? String(rows.length + 1) : '-1')
      body.style.setProperty('--count', String(rows.length))
      if (added > 0 && element.scrollTop > height) element.scrollTop += added * height
      schedule()
    },
    /** @param {Summary} event */
    update(event) {
      drawn.get(event.key)?.update(event)
    },
    atTop: () => element.scrollTop <= height,
    toTop() {
      element.scrollTop = 0
    },
    /** @param {1 | -1} step */
    move(step) {
      const key = focusedKey()
      const from = key === undefined ? undefined : rows.findIndex(row => row.key === key)
      const top = Math.ceil(element.scrollTop / height)
      const index = Math.min(rows.length - 1, Math.max(0, from === undefined ? top : from + step))
      this.focus(index)
    },
    /** @param {number} index */
    focus(index) {
      const event = rows[index]
      if (!event) return
      const top = index * height
      const room = element.clientHeight - height * 2
      if (top < element.scrollTop) element.scrollTop = top
      else if (top > element.scrollTop + room) element.scrollTop = top - room
      draw()
      drawn.get(event.key)?.link.focus({ preventScroll: true })
    },
    /** A box that leaves the document forgets how far it was scrolled and what had the focus. */
    remember() {
      kept = { top: element.scrollTop, key: focusedKey() ?? kept.key }
    },
    restore() {
      element.scrollTop = kept.top
      draw()
      if (kept.key) drawn.get(kept.key)?.link.focus({ preventScroll: true })
    },
  }
}
