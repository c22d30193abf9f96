/**
 * Notices leave here: the pure cadence of notify.ts, kept in the outbox before a notice goes out, then logged and posted.
 * A notice is kept first and posted once: a crash between the two costs a post, never a second notice too early.
 */

import type { Settings } from '../config.ts'
import type { NoticeBook } from '../outbox/notice-book.ts'
import type { Digests, Log } from '../ports.ts'
import type { Reason } from '../reasons.ts'
import { describe } from './deliver.ts'
import { type Notice, toDebuggerForm, toNotice } from './notice.ts'
import {
  due,
  type Failure,
  type NoticeState,
  record,
  recover,
  restore,
  type Standing,
  type Station,
  take,
  toStanding,
} from './notify.ts'

export type TellerParts = {
  readonly store: Pick<NoticeBook, 'remember' | 'recall'>
  readonly about: () => About
  readonly everyMs: number
  readonly sinkSid: string
  readonly notifyUrl: string | undefined
  readonly authToken: string | undefined
  readonly digests: Digests
  readonly send: typeof fetch
  readonly now: () => number
  readonly log: Log
  /** A second memory of when the last notice went out, for the time when the outbox cannot be written. */
  readonly lastTold: { read(): number | undefined; write(at: number): void }
}

/** How things stand when a notice goes out. Times are ms since 1970. */
export type About = {
  readonly accountSid?: string | undefined
  /** Pending events, and since when the oldest of them has waited. */
  readonly waiting: number
  readonly waitingSince?: number | undefined
  readonly nextAttemptAt?: number | undefined
}

export type Teller = {
  failed(failures: readonly Failure[]): void
  recovered(station: Station): void
  /** Sends what is due; to be called about once a second. Returns when it is due next, ms since 1970. */
  tick(): number | undefined
  state(): NoticeState
  standing(): Standing
}

const MEMORY = 'notices'
const POST_TIMEOUT_MS = 10_000
const UNKNOWN_DIGITS = '0'.repeat(32)

/** What the settings say about notices. */
export function tellerSettings(
  settings: Settings,
): Pick<TellerParts, 'everyMs' | 'sinkSid' | 'notifyUrl' | 'authToken'> {
  return {
    everyMs: settings.NOTIFY_EVERY_MINUTES * 60_000,
    sinkSid: settings.SINK_SID ?? `DG${UNKNOWN_DIGITS}`,
    notifyUrl: settings.NOTIFY_URL,
    authToken: settings.TWILIO_AUTH_TOKEN?.[0],
  }
}

export function createTeller(parts: TellerParts): Teller {
  const { store, everyMs, now, log, lastTold } = parts
  let state = load()
  let isKept = true
  /** Told, but not in the outbox's list yet. */
  const unkept: { at: number; body: Notice }[] = []

  function load(): NoticeState {
    const kept = store.recall(MEMORY)
    const restored = restore(kept === undefined ? undefined : parse(kept), now())
    const told = Math.max(restored.toldAt ?? 0, lastTold.read() ?? 0)
    return told > 0 ? { ...restored, toldAt: told } : restored
  }

  function keep(next: NoticeState, notice?: Notice): void {
    state = next
    if (notice) unkept.push({ at: now(), body: notice })
    try {
      const text = JSON.stringify(next)
      if (unkept.length === 0) store.remember(MEMORY, text)
      for (; unkept.length > 0; unkept.shift()) store.remember(MEMORY, text, unkept[0])
      isKept = true
    } catch (error) {
      // The outbox itself is what fails: the notice about it must go out all the same.
      if (isKept) log.warn({ fault: describe(error) }, 'the notice clock could not be kept in the outbox')
      isKept = false
    }
  }

  function tick(): number | undefined {
    const taken = take(state, now(), everyMs)
    if (taken.digest) {
      const { accountSid, waiting, waitingSince, nextAttemptAt } = parts.about()
      const notice = toNotice(taken.digest, {
        sid: `NO${crypto.randomUUID().replaceAll('-', '')}`,
        accountSid: accountSid ?? `AC${UNKNOWN_DIGITS}`,
        sinkSid: parts.sinkSid,
        now: now(),
        waiting,
        waitingSince,
        nextAttemptAt,
      })
      lastTold.write(now())
      keep(taken.state, notice)
      tell(notice)
    } else if (taken.state !== state) {
      // The clock was set back: both memories count the silence from now.
      lastTold.write(taken.state.toldAt ?? now())
      keep(taken.state)
    }
    return due(state, everyMs)
  }

  function tell(notice: Notice): void {
    const { level, error_code, payload, sid } = notice
    const line = { notice: sid, error_code, ...payload.more_info }
    if (level === 'Error') log.error(line, payload.message)
    else log.warn(line, payload.message)
    if (parts.notifyUrl) {
      post(parts.notifyUrl, notice, parts).catch((error: unknown) => {
        log.warn({ notice: sid, fault: describe(error) }, 'the notice could not be posted to NOTIFY_URL')
      })
    }
  }

  return {
    failed(failures) {
      if (failures.length === 0) return
      keep(sumUp(failures).reduce(record, state))
      tick()
    },
    recovered(station) {
      const next = recover(state, station, now())
      if (next === state) return
      keep(next)
      tick()
    },
    tick,
    state: () => state,
    standing: () => toStanding(state, everyMs),
  }
}

/** One failure a reason: a body may hold a hundred thousand bad events. */
function sumUp(failures: readonly Failure[]): Failure[] {
  const sums = new Map<Reason, Failure>()
  for (const failure of failures) {
    const { count, firstId } = sums.get(failure.reason) ?? { count: 0, firstId: failure.firstId }
    const { lastId = failure.firstId } = failure
    sums.set(failure.reason, { ...failure, count: count + failure.count, firstId, lastId })
  }
  return [...sums.values()]
}

/** As Twilio's Debugger posts: form-encoded, signed over the URL and the sorted parameters. */
async function post(url: string, notice: Notice, { authToken, digests, send }: TellerParts): Promise<void> {
  const form = toDebuggerForm(notice)
  const names = [...form.keys()].sort()
  const text = names.reduce((signed, name) => signed + name + form.get(name), url)
  const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' }
  if (authToken) headers['x-twilio-signature'] = await digests.hmacSha1(authToken, text)
  // fetch takes no credentials in a URL, and would name them in its error.
  const target = new URL(url)
  const { username, password } = target
  if (username || password)
    headers.authorization = `Basic ${toBase64(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)}`
  target.username = ''
  target.password = ''
  const signal = AbortSignal.timeout(POST_TIMEOUT_MS)
  const response = await send(target, {
    method: 'POST',
    headers,
    body: form.toString(),
    signal,
    redirect: 'manual',
  })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`NOTIFY_URL answered ${response.status}`)
}

/** `null` when it is damaged: `restore` then starts with the silence. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function toBase64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}
