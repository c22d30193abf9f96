/**
 * The way in: the admin token, once; the cookie the bridge sets does the rest and no script can read it.
 * @import { Page, View } from '../main.js'
 */
import { h, replaceChildren } from '../dom.js'

/**
 * The start-up link carries the token in the fragment, which no server sees; it leaves the address bar and the history
 * before anything else happens.
 * @returns {string | null}
 */
export function takeTokenFromFragment() {
  const [, token] = /^#token=([^&]+)/.exec(location.hash) ?? []
  if (token === undefined) return null
  history.replaceState(null, '', '#/events')
  try {
    return decodeURIComponent(token)
  } catch {
    return token
  }
}

/**
 * @param {Page} page
 * @param {() => void} onEnter
 * @param {string} [why]
 * @returns {View}
 */
export function createLoginView(page, onEnter, why) {
  const field = h('input', {
    class: 'field mono',
    id: 'token',
    type: 'password',
    autocomplete: 'current-password',
    required: true,
    'aria-describedby': 'token-help',
  })
  const said = h('p', { class: 'login-said', role: 'alert' }, why ?? '')
  const enter = h('button', { class: 'button button-primary', type: 'submit' }, 'Log in')
  const form = h(
    'form',
    { class: 'login card', on: { submit } },
    h('h1', null, 'Log in'),
    said,
    // A password manager wants a name to keep the token under.
    h('input', {
      type: 'text',
      autocomplete: 'username',
      value: 'admin',
      hidden: true,
      'aria-label': 'User',
    }),
    h('label', { for: 'token' }, 'Admin token'),
    field,
    enter,
    h(
      'p',
      { class: 'faint', id: 'token-help' },
      'It is the setting ',
      h('code', null, 'ADMIN_TOKEN'),
      '. Without that setting it is in ',
      h('code', null, 'DATA_DIR/admin-token'),
      ', and in the link that a start on a terminal prints.',
    ),
  )

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault()
    enter.disabled = true
    replaceChildren(said)
    try {
      await page.api.post('/login', { token: field.value.trim() })
      onEnter()
    } catch (error) {
      replaceChildren(said, toSentence(error))
      field.select()
    } finally {
      enter.disabled = false
    }
  }

  return { element: h('div', { class: 'login-page' }, form), show: () => field.focus(), hide() {} }
}

/** @param {unknown} error */
function toSentence(error) {
  if (!(error instanceof Error)) return 'Something failed. Reload the page.'
  const status = 'status' in error ? error.status : undefined
  if (status === 401) return 'Wrong token.'
  return 'remedy' in error ? `${error.message}. ${error.remedy}` : error.message
}
