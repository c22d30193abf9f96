/** JSON as plain text, in one text node a piece: the browser lays out what it must, and no more than asked for. */
import { h } from '../dom.js'
import { clip, number, visible } from '../format.js'

const PIECE = 20_000

/**
 * @param {string} text
 * @returns {HTMLElement}
 */
export function createRaw(text) {
  const body = h('pre', { class: 'raw data' })
  body.textContent = visible(clip(text, PIECE))
  if (text.length <= PIECE) return body
  const all = h('button', { type: 'button', class: 'link' }, `Show all ${number(text.length)} characters`)
  all.addEventListener('click', () => {
    body.textContent = visible(text)
    all.remove()
  })
  return h('div', null, body, h('p', { class: 'raw-more' }, all))
}

/**
 * The browser writes only as deep as its stack is.
 * @param {unknown} value
 * @param {number} [spaces]
 * @returns {string | null}
 */
export function toText(value, spaces) {
  try {
    return JSON.stringify(value, null, spaces) ?? null
  } catch {
    return null
  }
}
