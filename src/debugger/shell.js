/**
 * Header, navigation, the health bar, the theme toggle, the foot where short messages appear.
 * @import { Api } from './api.js'
 * @import { About, ReasonText } from '../http/about.ts'
 * @import { Stream } from './stream.js'
 */
import { createArrivalBanner } from './arrival.js'
import { h, replaceChildren, svg } from './dom.js'
import { createHealthBar } from './health-bar.js'
import { button, icon, iconButton } from './parts.js'

const routes = [
  ['events', 'Events'],
  ['dead-letters', 'Dead letters'],
  ['quality', 'Quality'],
  ['health', 'Health'],
]
const TOAST_MS = 4_000

/** @param {{ api: Api, stream: Stream, onLogOut: () => void, reasons: () => Record<string, ReasonText>, about: () => About | null }} page */
export function createShell({ api, stream, onLogOut, reasons, about }) {
  const links = new Map(
    routes.map(([route = '', name = '']) => [route, h('a', { href: `#/${route}`, class: 'tab' }, name)]),
  )
  const nav = h('nav', { class: 'tabs', 'aria-label': 'Views' }, [...links.values()])
  const healthBar = createHealthBar(stream, reasons, about)
  const offline = h(
    'div',
    { class: 'banner', role: 'status', hidden: true },
    icon('alert'),
    h('span', null, 'Connection lost. Showing the last known data; reconnecting…'),
  )
  const arrival = createArrivalBanner({ api, stream, toast })
  const session = h(
    'div',
    { class: 'session' },
    iconButton('keyboard', 'Keyboard shortcuts', showKeys),
    createThemeToggle(),
    h('span', { class: 'logout' }, iconButton('exit', 'Log out', onLogOut)),
  )
  const main = h('main', { id: 'main', tabindex: -1 })
  const toasts = h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' })
  /** @type {readonly (readonly [string, string])[]} */
  let lastKeys = []
  let toastTimer = 0

  const element = h(
    'div',
    { class: 'shell' },
    h('a', { class: 'skip', href: '#main', on: { click: toMain } }, 'Skip to content'),
    h(
      'header',
      { class: 'top' },
      h(
        'a',
        { class: 'brand', href: '#/events', 'aria-label': 'twilio-segment-bridge: events' },
        mark(),
        name(),
      ),
      nav,
      session,
    ),
    healthBar.element,
    h('div', { class: 'banners' }, offline, arrival.element),
    main,
    toasts,
  )

  stream.onState(state => {
    if (state === 'live') setOffline(false)
  })

  /** @param {boolean} on */
  function setOffline(on) {
    offline.hidden = !on
    healthBar.setOffline(on)
    element.classList.toggle('offline', on)
  }

  /** @param {Event} event */
  function toMain(event) {
    event.preventDefault()
    main.focus()
  }

  /** @param {string} text */
  function toast(text) {
    clearTimeout(toastTimer)
    replaceChildren(toasts, h('span', null, text))
    toastTimer = setTimeout(() => replaceChildren(toasts), TOAST_MS)
  }

  function showKeys() {
    const list = [...lastKeys, /** @type {const} */ (['?', 'show these keys'])]
    const dialog = h(
      'dialog',
      { class: 'dialog', 'aria-label': 'Keyboard shortcuts' },
      h('h2', null, 'Keyboard shortcuts'),
      h(
        'dl',
        { class: 'keys dialog-text' },
        list.map(([key, meaning]) =>
          h(
            'div',
            null,
            h('dt', null, ...key.split(' ').map(k => h('kbd', null, k))),
            h('dd', null, meaning),
          ),
        ),
      ),
      h('div', { class: 'actions' }, button('Close', { onClick: () => dialog.close() })),
    )
    dialog.addEventListener('close', () => dialog.remove())
    document.body.append(dialog)
    dialog.showModal()
  }

  return {
    element,
    showKeys,
    /** @param {readonly (readonly [string, string])[]} keys */
    setKeys(keys) {
      lastKeys = keys
    },
    /** @param {HTMLElement} view */
    setMain(view) {
      replaceChildren(main, view)
    },
    /** @param {string} route */
    setRoute(route) {
      for (const [name, link] of links) {
        if (name === route) link.setAttribute('aria-current', 'page')
        else link.removeAttribute('aria-current')
      }
    },
    /** @param {boolean} on */
    setLoggedIn(on) {
      element.classList.toggle('logged-out', !on)
      arrival.reset()
      setOffline(false)
    },
    /** @param {boolean} reached */
    setReached(reached) {
      setOffline(!reached && !element.classList.contains('logged-out'))
    },
    toast,
  }
}

/** A bridge of one arch. */
function mark() {
  return svg(
    'svg',
    { class: 'mark', viewBox: '0 0 24 24', 'aria-hidden': 'true' },
    svg('path', { d: 'M2 17.5h20 M6 17.5V7 M18 17.5V7 M2 12c2.5 0 4-5 4-5s2 6 6 6 6-6 6-6 1.5 5 4 5' }),
  )
}

function name() {
  return h(
    'span',
    { class: 'brand-name' },
    'twilio',
    h('span', null, '–'),
    'segment',
    h('span', null, '–'),
    'bridge',
  )
}

/** System → light → dark → system. */
function createThemeToggle() {
  const root = document.documentElement
  const order = /** @type {const} */ (['', 'light', 'dark'])
  const toggle = iconButton('auto', 'Theme', () => {
    const next = order[(order.indexOf(now()) + 1) % order.length] ?? ''
    if (next) root.dataset.theme = next
    else delete root.dataset.theme
    try {
      if (next) localStorage.setItem('theme', next)
      else localStorage.removeItem('theme')
    } catch {
      // Storage may be forbidden: the theme then lasts as long as the page.
    }
    draw()
    dispatchEvent(new Event('theme'))
  })
  function now() {
    const theme = root.dataset.theme
    return theme === 'light' || theme === 'dark' ? theme : ''
  }
  function draw() {
    const theme = now()
    toggle.replaceChildren(icon(theme === '' ? 'auto' : theme === 'light' ? 'sun' : 'moon'))
    const label = `Theme: ${theme || 'as the system'}`
    toggle.setAttribute('aria-label', label)
    toggle.title = label
  }
  draw()
  return toggle
}
