/**
 * The small parts views are made of.
 * @import { Child } from './dom.js'
 * @import { State } from '../reasons.ts'
 */
import { h, svg } from './dom.js'
import { clip, mask, visible } from './format.js'

/** Drawn on a grid of 16, one line thick. */
const paths = {
  eye: 'M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8Z M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z',
  'eye-off':
    'M2 2l12 12 M6.5 3.7A6 6 0 0 1 8 3.5C12 3.5 14.5 8 14.5 8a11 11 0 0 1-1.7 2.2 M4.2 4.7A11 11 0 0 0 1.5 8S4 12.5 8 12.5a6.2 6.2 0 0 0 3.2-.9',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10Z M10.7 10.7 14 14',
  pause: 'M5.5 3.5v9 M10.5 3.5v9',
  play: 'M5 3.2v9.6L12.5 8Z',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z M8 1v1.5 M8 13.5V15 M1 8h1.5 M13.5 8H15 M3 3l1.1 1.1 M11.9 11.9 13 13 M3 13l1.1-1.1 M11.9 4.1 13 3',
  moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7Z',
  auto: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Z M8 2v12 M8 5.5h4.5 M8 8h6 M8 10.5h4.5',
  exit: 'M6 2.5H3.5a1 1 0 0 0-1 1v9a1 1 0 0 0 1 1H6 M10.5 11l3-3-3-3 M13.5 8H6',
  back: 'M9.5 3.5 5 8l4.5 4.5',
  next: 'M6.5 3.5 11 8l-4.5 4.5',
  copy: 'M6 5.5h6.5a1 1 0 0 1 1 1V13a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V6.5a1 1 0 0 1 1-1Z M2.5 10.5V3a1 1 0 0 1 1-1h7',
  check: 'M3 8.5 6.5 12 13 4.5',
  cross: 'M3.5 3.5l9 9 M12.5 3.5l-9 9',
  retry: 'M13 3v3.5H9.5 M13 6.5A5.5 5.5 0 1 0 13.5 9',
  alert: 'M8 2 14.5 13.5h-13Z M8 6.5v3 M8 11.5v.1',
  keyboard:
    'M2.5 4h11a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1Z M4.5 6.5h.1 M7 6.5h.1 M9.5 6.5h.1 M12 6.5h.1 M5 9.5h6',
}
/** @typedef {keyof typeof paths} IconName */

/** @param {IconName} name */
export function icon(name) {
  return svg(
    'svg',
    { class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true' },
    svg('path', { d: paths[name] }),
  )
}

/**
 * A word from outside: it keeps its own direction, shows its control characters, and breaks where it must.
 * @param {string} text
 * @param {string} [className]
 * @param {number} [longest] characters shown
 */
export function data(text, className = '', longest = 400) {
  return h('bdi', { class: `data ${className}`.trim() }, visible(clip(text, longest)))
}

/**
 * Colour and word: `accepted`.
 * @param {State} state
 */
export function chip(state) {
  return h('span', { class: `chip chip-${state}` }, state)
}

/**
 * @param {string} label
 * @param {{ icon?: IconName, kind?: 'primary' | 'danger' | 'quiet', onClick: (event: MouseEvent) => void, title?: string }} options
 */
export function button(label, { icon: name, kind, onClick, title }) {
  return h(
    'button',
    { type: 'button', class: `button ${kind ? `button-${kind}` : ''}`.trim(), title, on: { click: onClick } },
    name && icon(name),
    label,
  )
}

/**
 * A button that is only its icon; its name is read out.
 * @param {IconName} name
 * @param {string} label
 * @param {(event: MouseEvent) => void} onClick
 */
export function iconButton(name, label, onClick) {
  return h(
    'button',
    { type: 'button', class: 'icon-button', 'aria-label': label, title: label, on: { click: onClick } },
    icon(name),
  )
}

/** Revealed by a click, and only until the page is left: never written down anywhere. */
const revealed = new Set()

/** @param {string | null} address */
export const isRevealed = address => address !== null && revealed.has(address)

/**
 * @param {string} address
 * @param {boolean} on
 */
export function reveal(address, on) {
  if (on) revealed.add(address)
  else revealed.delete(address)
}

/**
 * A customer's address, masked until its reveal toggle is clicked. Revealing is for that one address and this visit only.
 * @param {string | null} address
 * @param {() => void} [onTurn]
 * @returns {HTMLElement}
 */
export function customer(address, onTurn) {
  if (!address) return h('span', { class: 'customer faint' }, '–')
  const [, scheme, bare = address] = /^([a-z][a-z0-9+.-]{0,30}):(.*)$/is.exec(address) ?? []
  const text = h('bdi', { class: 'data mono cut' })
  const toggle = iconButton('eye', '', event => {
    event.preventDefault()
    reveal(address, !isRevealed(address))
    draw()
    onTurn?.()
  })
  function draw() {
    const on = isRevealed(address)
    text.textContent = on ? visible(clip(bare, 100)) : mask(bare)
    const label = `${on ? 'Hide' : 'Reveal'} the customer ${mask(address)}`
    toggle.setAttribute('aria-label', label)
    toggle.title = on ? 'Hide' : 'Reveal'
    toggle.replaceChildren(icon(on ? 'eye-off' : 'eye'))
  }
  draw()
  return h('span', { class: 'customer' }, text, toggle, scheme && data(scheme, 'scheme faint cut', 30))
}

/**
 * What stands where nothing is: why, and what to do next.
 * @param {{ title: string, text?: Child | Child[], actions?: Child[] }} content
 */
export function empty({ title, text, actions = [] }) {
  return h(
    'div',
    { class: 'empty' },
    h('h2', null, title),
    text !== undefined && h('p', null, ...[text].flat()),
    actions.length > 0 && h('div', { class: 'actions' }, actions),
  )
}

/**
 * An error with what to do about it.
 * @param {unknown} error an ApiError or a bug
 * @param {() => void} [again]
 */
export function failure(error, again) {
  const message = error instanceof Error ? error.message : String(error)
  const remedy = error instanceof Error && 'remedy' in error ? String(error.remedy) : 'Reload the page.'
  return h(
    'div',
    { class: 'empty', role: 'alert' },
    h('h2', null, message),
    h('p', null, remedy),
    again && h('div', { class: 'actions' }, button('Try again', { icon: 'retry', onClick: again })),
  )
}

/**
 * Grey lines while something loads.
 * @param {number} lines
 */
export function skeleton(lines) {
  const line = () => h('div', { class: 'skeleton' })
  return h(
    'div',
    { class: 'skeletons', 'aria-busy': 'true' },
    h('span', { class: 'only-read' }, 'Loading'),
    Array.from({ length: lines }, line),
  )
}

/**
 * Asks before something that cannot be undone.
 * @param {{ title: string, text: Child | Child[], yes: string, kind?: 'primary' | 'danger' }} question
 * @returns {Promise<boolean>}
 */
export function ask({ title, text, yes, kind = 'primary' }) {
  return new Promise(resolve => {
    const close = (/** @type {string} */ value) => () => dialog.close(value)
    const dialog = h(
      'dialog',
      { class: 'dialog', 'aria-label': title },
      h('h2', null, title),
      h('div', { class: 'dialog-text' }, ...[text].flat()),
      h(
        'div',
        { class: 'actions' },
        button('Cancel', { onClick: close('') }),
        button(yes, { kind, onClick: close('yes') }),
      ),
    )
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(dialog.returnValue === 'yes')
    })
    document.body.append(dialog)
    dialog.showModal()
  })
}
