/**
 * The live stream: one EventSource for the whole page. It reconnects by itself, goes on where it was, and says calmly how
 * it stands. Views listen to pulses; the health bar and the list live on the same ones.
 * @import { PulseJson as Pulse } from '../http/event-json.ts'
 * @typedef {'off' | 'connecting' | 'live' | 'reconnecting'} StreamState
 *
 * @typedef {object} Stream
 * @property {(listener: (pulse: Pulse) => void) => () => void} onPulse  The result ends the listening.
 * @property {(listener: (state: StreamState) => void) => () => void} onState  Called at once, then on every change.
 * @property {() => Pulse | null} last
 * @property {(cursor?: string) => void} start  Goes on after `cursor`; without one, where it was.
 * @property {() => void} stop
 */

/** Two heartbeats of five seconds and some patience: a connection this silent is dead, though nobody said so. */
const SILENCE_MS = 14_000
const RETRY_MS = 2_000

/**
 * @param {() => Promise<boolean>} check asks whether the session still holds; the API tells the shell if not
 * @returns {Stream}
 */
export function createStream(check) {
  /** @type {Set<(pulse: Pulse) => void>} */
  const pulseListeners = new Set()
  /** @type {Set<(state: StreamState) => void>} */
  const stateListeners = new Set()
  /** @type {StreamState} */
  let state = 'off'
  /** @type {EventSource | undefined} */
  let source
  /** @type {string | undefined} */
  let cursor
  /** @type {Pulse | null} */
  let last = null
  let silence = 0
  let errors = 0
  let retry = 0

  /** @param {StreamState} next */
  function turn(next) {
    if (next === state) return
    state = next
    for (const listener of stateListeners) listener(state)
  }

  function listen() {
    clearTimeout(silence)
    silence = setTimeout(again, SILENCE_MS)
  }

  function open() {
    source = new EventSource(`/api/stream${cursor ? `?after=${encodeURIComponent(cursor)}` : ''}`)
    listen()
    source.addEventListener('pulse', event => {
      if (event.lastEventId) cursor = event.lastEventId
      last = JSON.parse(event.data)
      errors = 0
      turn('live')
      listen()
      if (last) for (const listener of pulseListeners) listener(last)
    })
    source.addEventListener('error', () => {
      turn('reconnecting')
      errors += 1
      // A refusal (401, 503) ends an EventSource for good, without saying which it was.
      if (source?.readyState === EventSource.CLOSED) again()
      // One error is a restart or a Worker's turn; with the second, people are told that nobody answers.
      else if (errors > 1) void check()
    })
  }

  function close() {
    source?.close()
    source = undefined
    clearTimeout(silence)
    clearTimeout(retry)
  }

  function again() {
    close()
    turn('reconnecting')
    retry = setTimeout(async () => {
      const holds = await check()
      if (state !== 'off' && holds && !source) open()
      else if (state !== 'off' && !source) again()
    }, RETRY_MS)
  }

  return {
    onPulse(listener) {
      pulseListeners.add(listener)
      return () => pulseListeners.delete(listener)
    },
    onState(listener) {
      stateListeners.add(listener)
      listener(state)
      return () => stateListeners.delete(listener)
    },
    last: () => last,
    start(from) {
      close()
      cursor = from ?? cursor
      turn('connecting')
      open()
    },
    stop() {
      close()
      turn('off')
    },
  }
}
