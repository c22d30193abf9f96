/**
 * Requests to the bridge. Every failure is one kind of error with a sentence a person can act on; a 401 also tells the
 * shell, which shows the login form.
 */

export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status 0: no answer came
   * @param {string} remedy
   * @param {unknown} [body]
   */
  constructor(message, status, remedy, body) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.remedy = remedy
    this.body = body
  }
}

/**
 * @typedef {object} Api
 * @property {<T = any>(path: string, signal?: AbortSignal) => Promise<T>} get  `path` below `/api`: `get('/stats')`
 * @property {<T = any>(path: string, body?: unknown, signal?: AbortSignal) => Promise<T>} post
 * @property {(path: string, signal?: AbortSignal) => Promise<string>} text
 */

/**
 * @param {{ onExpired: () => void, onReach: (reached: boolean) => void }} shell
 * @returns {Api}
 */
export function createApi({ onExpired, onReach }) {
  /**
   * @param {string} path
   * @param {RequestInit} init
   * @returns {Promise<string>}
   */
  async function ask(path, init) {
    let response
    try {
      response = await fetch(`/api${path}`, { ...init, credentials: 'same-origin', cache: 'no-store' })
    } catch (cause) {
      if (init.signal?.aborted) throw cause
      onReach(false)
      throw new ApiError('No answer from the bridge', 0, 'Is it running? Reconnecting…')
    }
    onReach(true)
    const text = await response.text()
    if (response.ok) return text
    if (response.status === 401 && path !== '/login') onExpired()
    throw toError(response, read(text))
  }

  return {
    get: async (path, signal) => JSON.parse(await ask(path, withSignal({}, signal))),
    text: (path, signal) => ask(path, withSignal({}, signal)),
    async post(path, body, signal) {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' } }
      const text = await ask(
        path,
        withSignal(body === undefined ? { method: 'POST' } : { ...init, body: JSON.stringify(body) }, signal),
      )
      return text === '' ? null : JSON.parse(text)
    },
  }
}

/**
 * @param {RequestInit} init
 * @param {AbortSignal | undefined} signal
 * @returns {RequestInit}
 */
function withSignal(init, signal) {
  return signal ? { ...init, signal } : init
}

/**
 * @param {Response} response
 * @param {any} body
 */
function toError(response, body) {
  const { status } = response
  const said = typeof body?.message === 'string' ? body.message : `The bridge answered ${status}`
  const wait = Number(response.headers.get('retry-after'))
  if (status === 401) return new ApiError('You are logged out', status, 'Log in again.', body)
  if (status === 404) return new ApiError(said, status, 'It may have been deleted: see the list.', body)
  if (status === 429) return new ApiError('Too many attempts', status, `Wait ${wait || 60} seconds.`, body)
  if (status >= 500)
    return new ApiError(said, status, "Try again; if it goes on, look at the bridge's log.", body)
  return new ApiError(said, status, 'Reload the page and try again.', body)
}

/** @param {string} text */
function read(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
