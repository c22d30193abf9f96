/**
 * The events of the list: what was read, what came since, what is held back while nobody should be disturbed. No document
 * in here; the view draws what `onChange` tells.
 * @import { Api } from '../../api.js'
 * @import { StateJson as Change, EventsJson as EventsPage, PulseJson as Pulse, SummaryJson as Summary } from '../../../http/event-json.ts'
 * @typedef {{ state: string, type: string, reason: string, q: string }} Asked
 */
import { isOfType } from '../../format.js'

const PAGE = 100
const MOST_ROWS = 5_000
const MOST_HELD = 500
/** A search goes on by itself until it has so many. */
const ENOUGH = 50

/**
 * @param {Api} api
 * @param {{ onChange: (added: number) => void, onRow: (event: Summary) => void }} on
 */
export function createEventListModel(api, { onChange, onRow }) {
  /** @type {Asked} */
  let asked = { state: '', type: '', reason: '', q: '' }
  /** @type {Summary[]} */
  let rows = []
  /** @type {Summary[]} */
  let held = []
  /** Seen, but not what was asked for: they may become it. @type {Map<string, Summary>} */
  const notMatching = new Map()
  let heldCount = 0
  let isPaused = false
  /** More was held back than is kept: letting go means reading again. */
  let overflowed = false
  /** Events are missing below the rows, which came too fast to be sent all. */
  let hasGap = false
  /** @type {string | null} */
  let next = null
  /** @type {string | null} */
  let reachedAt = null
  /** @type {'idle' | 'first' | 'more'} */
  let loading = 'idle'
  /** @type {unknown} */
  let error = null
  let abort = new AbortController()

  /** @param {Summary} event */
  const fits = ({ state, type, reason }) =>
    (!asked.state || state === asked.state) &&
    (!asked.type || isOfType(type, asked.type)) &&
    (!asked.reason || reason === asked.reason)

  /** @param {Asked} what */
  async function load(what) {
    abort.abort()
    abort = new AbortController()
    asked = what
    rows = []
    next = null
    reachedAt = null
    notMatching.clear()
    forgetHeld()
    await read('first', undefined)
  }

  /**
   * @param {'first' | 'more'} kind
   * @param {string | undefined} before
   */
  async function read(kind, before) {
    const { signal } = abort
    loading = kind
    error = null
    onChange(0)
    try {
      let from = before
      let found = 0
      do {
        const body = { ...toFilter(asked), ...(from && { before: from }), limit: PAGE }
        /** @type {EventsPage} */
        const page = await api.post('/events/search', body, signal)
        found += page.events.length
        take(page, from === undefined)
        from = page.next ?? undefined
        onChange(0)
      } while (from !== undefined && found < ENOUGH && rows.length < MOST_ROWS)
    } catch (cause) {
      if (signal.aborted) return
      error = cause
    }
    loading = 'idle'
    flushHeld()
    onChange(0)
  }

  /**
   * @param {EventsPage} page
   * @param {boolean} first
   */
  function take(page, first) {
    if (first) [rows, hasGap] = [[], false]
    const known = new Set(rows.map(row => row.key))
    rows = [...rows, ...page.events.filter(event => !known.has(event.key))].slice(0, MOST_ROWS)
    forgetRead(page.events)
    next = page.next
    reachedAt = page.reachedAt ?? page.events.at(-1)?.receivedAt ?? reachedAt
  }

  /** What came while it was being read is in the answer, and no news any more. @param {readonly Summary[]} events */
  function forgetRead(events) {
    const read = new Set(events.map(event => event.key))
    const left = held.filter(event => !read.has(event.key))
    heldCount -= held.length - left.length
    held = left
  }

  /** What was held back only while the list was being read. */
  function flushHeld() {
    if (isPaused || asked.q) return
    const [fresh, gap] = [held, overflowed]
    forgetHeld()
    add(fresh, gap)
  }

  function forgetHeld() {
    held = []
    heldCount = 0
    overflowed = false
  }

  /** @param {Pulse} pulse */
  function onPulse({ events, missed, changes }) {
    for (const change of changes) settle(change)
    if (events.length === 0 && missed === 0) return
    const known = new Set([...rows, ...held].map(row => row.key))
    const fresh = events.filter(event => !known.has(event.key))
    for (const event of fresh) if (!fits(event)) keepNotMatching(event)
    const fitting = fresh.filter(fits)
    // What the text of an event holds is not in its summary, so a search is never added to, only counted past.
    if (isPaused || asked.q || loading === 'first') {
      heldCount += fitting.length + missed
      if (missed > 0 || heldCount > MOST_HELD) overflowed = true
      held = [...fitting, ...held].slice(0, MOST_HELD)
      return onChange(0)
    }
    add(fitting, missed > 0)
  }

  /**
   * @param {Summary[]} fresh
   * @param {boolean} gap
   */
  function add(fresh, gap) {
    if (gap) hasGap = true
    // What is below a gap is read again when somebody scrolls to it.
    rows = (gap ? fresh : [...fresh, ...rows]).slice(0, MOST_ROWS)
    if (fresh.length > 0 || gap) onChange(fresh.length)
  }

  /** @param {Summary} event */
  function keepNotMatching(event) {
    if (event.state !== 'pending') return
    notMatching.set(event.key, event)
    const [oldest] = notMatching.keys()
    if (notMatching.size > MOST_HELD && oldest !== undefined) notMatching.delete(oldest)
  }

  /** @param {Change} change */
  function settle(change) {
    const waiting = notMatching.get(change.key)
    if (waiting) {
      const now = { ...waiting, ...change }
      if (!fits(now)) return
      notMatching.delete(change.key)
      const at = rows.findIndex(row => row.receivedAt <= now.receivedAt)
      rows.splice(at < 0 ? rows.length : at, 0, now)
      return onChange(at === 0 ? 1 : 0)
    }
    for (const list of [rows, held]) {
      const index = list.findIndex(row => row.key === change.key)
      const row = list[index]
      if (!row) continue
      const now = { ...row, ...change }
      if (fits(now)) list[index] = now
      else list.splice(index, 1)
      if (list === rows && fits(now)) onRow(now)
      else if (list === rows) onChange(0)
    }
  }

  return {
    load,
    onPulse,
    settle,
    more() {
      if (loading !== 'idle' || error || rows.length >= MOST_ROWS) return
      if (hasGap && isPaused) return void read('more', undefined)
      if (!hasGap && next !== null) void read('more', next)
    },
    stop() {
      abort.abort()
      abort = new AbortController()
      loading = 'idle'
      flushHeld()
      onChange(0)
    },
    again: () => load(asked),
    /** @param {boolean} on */
    setPaused(on) {
      if (on === isPaused) return
      isPaused = on
      if (on) return onChange(0)
      const [fresh, gap] = [held, overflowed]
      forgetHeld()
      if (gap || asked.q) void load(asked)
      else add(fresh, false)
      onChange(0)
    },
    rows: () => rows,
    now: () => ({ asked, rows, heldCount, isPaused, next, reachedAt, loading, error, hasGap }),
  }
}

/** @param {Asked} asked */
function toFilter(asked) {
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== ''))
}
