/** The page's frame: who is logged in, which view the fragment names, what every view gets. */
import { createApi } from './api.js'
import { h } from './dom.js'
import { createShell } from './shell.js'
import { createStream } from './stream.js'
import { createLoginView, takeTokenFromFragment } from './views/login.js'

/**
 * @import { About, ReasonText } from '../http/about.ts'
 */

/**
 * Where the page is: `#/events/12-0?state=pending`.
 * @typedef {{ route: string, key: string | null, query: URLSearchParams }} Place
 *
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {(place: Place) => void} show  Called on every change of the fragment while the view is on.
 * @property {() => void} hide  Timers and subscriptions end here; the element may be shown again.
 * @property {(event: KeyboardEvent) => void} [onKey]  Keys pressed outside of fields, while the view is on.
 * @property {readonly (readonly [keys: string, meaning: string])[]} [keys]  What `?` lists.
 *
 * @typedef {object} Page  What every view gets.
 * @property {import('./api.js').Api} api
 * @property {import('./stream.js').Stream} stream
 * @property {(hash: string) => void} go  `page.go('#/events/12-0')`
 * @property {() => Record<string, ReasonText>} reasons
 * @property {() => About | null} about
 * @property {(text: string) => void} toast  A short message at the foot of the page, read out by screen readers.
 */

const ASK_AGAIN_MS = 3_600_000

/** A view's module is fetched when it is first looked at. @type {Record<string, () => Promise<(page: Page) => View>>} */
const views = {
  events: async () => (await import('./views/events.js')).createEventsView,
  event: async () => (await import('./views/event.js')).createEventView,
  'dead-letters': async () => (await import('./views/dead-letters.js')).createDeadLettersView,
  quality: async () => (await import('./views/quality.js')).createQualityView,
  health: async () => (await import('./views/health.js')).createHealthView,
}

/** @type {Map<string, View>} */
const made = new Map()
/** @type {{ name: string, view: View } | undefined} */
let current
/** @type {Record<string, ReasonText>} */
let reasons = {}
/** @type {About | null} */
let about = null
let loggedIn = false

const api = createApi({ onExpired, onReach: reached => shell.setReached(reached) })
const stream = createStream(sessionHolds)
const shell = createShell({ api, stream, onLogOut: logOut, reasons: () => reasons, about: () => about })
/** @type {Page} */
const page = {
  api,
  stream,
  go: hash => {
    location.hash = hash
  },
  reasons: () => reasons,
  about: () => about,
  toast: shell.toast,
}
document.body.append(shell.element)

function onExpired() {
  showLogin('Your session has ended. Log in again to continue here.')
}

/** A question that also prolongs a session in use. */
async function sessionHolds() {
  try {
    if (await isLoggedIn()) return true
    onExpired()
  } catch {
    // The API has told the shell; a bridge that is down is asked again.
  }
  return false
}

/** @returns {Promise<boolean>} */
async function isLoggedIn() {
  return (await api.get('/session')).via !== null
}

/** @returns {Place & { name: string }} */
function readPlace() {
  const hash = location.hash.replace(/^#\/?/, '')
  const mark = hash.indexOf('?')
  const path = mark < 0 ? hash : hash.slice(0, mark)
  const query = mark < 0 ? '' : hash.slice(mark + 1)
  const [route = '', key = ''] = path.split('/')
  const name = route === 'events' && key ? 'event' : route in views && route !== 'event' ? route : 'events'
  return {
    name,
    route: name === 'event' ? 'events' : name,
    key: key || null,
    query: new URLSearchParams(query),
  }
}

async function route() {
  if (!loggedIn) return
  const place = readPlace()
  shell.setRoute(place.route)
  document.title = `${titles[place.name] ?? 'Events'} · twilio-segment-bridge`
  if (current?.name === place.name) return current.view.show(place)
  let view = made.get(place.name)
  if (!view) {
    const load = views[place.name]
    if (!load) return
    try {
      const create = await load()
      // Another fragment of the same view may have made it meanwhile: a second one would listen for good beside it.
      view = made.get(place.name) ?? create(page)
    } catch (cause) {
      console.error(cause)
      return shell.setMain(
        h('div', { class: 'empty', role: 'alert' }, 'This view did not load. Reload the page.'),
      )
    }
    made.set(place.name, view)
    // Somebody may have clicked on while the module was on its way.
    if (readPlace().name !== place.name || !loggedIn) return
  }
  current?.view.hide()
  current = { name: place.name, view }
  shell.setMain(view.element)
  shell.setKeys(view.keys ?? [])
  view.show(readPlace())
}

/** @type {Record<string, string>} */
const titles = {
  events: 'Events',
  event: 'Event',
  'dead-letters': 'Dead letters',
  quality: 'Quality',
  health: 'Health',
}

async function enter() {
  loggedIn = true
  shell.setLoggedIn(true)
  const [words, facts] = await Promise.allSettled([api.get('/reasons'), api.get('/about')])
  if (!loggedIn) return
  if (words.status === 'fulfilled') reasons = words.value
  if (facts.status === 'fulfilled') about = facts.value
  stream.start()
  await route()
}

/** @param {string} [why] */
function showLogin(why) {
  if (!loggedIn && current === undefined && made.has('login')) return
  loggedIn = false
  stream.stop()
  current?.view.hide()
  current = undefined
  shell.setLoggedIn(false)
  const login = createLoginView(page, () => void enter(), why)
  made.set('login', login)
  document.title = 'Log in · twilio-segment-bridge'
  shell.setMain(login.element)
  login.show(readPlace())
}

async function logOut() {
  loggedIn = false
  stream.stop()
  try {
    await api.post('/logout')
  } finally {
    // Nothing a person has seen stays in memory for the next one.
    made.clear()
    location.hash = '#/events'
    location.reload()
  }
}

/** @param {string | null} token */
async function start(token = takeTokenFromFragment()) {
  try {
    if (token) await api.post('/login', { token })
    else if (!(await isLoggedIn())) return showLogin()
  } catch (error) {
    if (error instanceof Error && 'status' in error && error.status === 0) return waitForBridge(token)
    return showLogin('The token in this link is wrong.')
  }
  await enter()
}

/** @param {string | null} token */
function waitForBridge(token) {
  shell.setMain(
    h(
      'div',
      { class: 'empty', role: 'alert' },
      h('h2', null, 'No answer from the bridge'),
      h('p', null, 'Is it running? Reconnecting…'),
    ),
  )
  setTimeout(() => void start(token), 3_000)
}

addEventListener('hashchange', () => {
  const token = takeTokenFromFragment()
  void (token === null ? route() : start(token))
})
addEventListener('keydown', event => {
  const { target } = event
  const inField = target instanceof HTMLElement && target.matches('input, select, textarea')
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
  if (inField && event.key !== 'Escape') return
  if (event.key === '?') shell.showKeys()
  else current?.view.onKey?.(event)
})
// A page that only listens to the stream asks for nothing else.
setInterval(() => loggedIn && void sessionHolds(), ASK_AGAIN_MS)
void start()
