/**
 * Notices leave here: the pure cadence of throttle.ts, kept in the outbox before a notice goes out, then logged and posted.
 * A notice is kept first and posted once: a crash between the two costs a post, never a second notice too early.
 * Each component has a clock of its own; changes of state are logged at once, whatever the clocks say (state-log.ts).
 */

import { toSigningKey } from '../config/signing-key.ts'
import type { Settings } from '../config.ts'
import type { KeyValues, Synchronous } from '../outbox/store.ts'
import type { Reason } from '../reasons.ts'
import type { Log } from '../runtime.ts'
import { type Component, components, toComponent } from './component.ts'
import { type Notice, toNotice } from './notice.ts'
import { type PostParts, postNotice } from './post-notice.ts'
import { toErrorText } from './redact.ts'
import type { StateLog } from './state-log.ts'
import {
  allCalm,
  type Digest,
  due,
  type Failing,
  type Failure,
  forEach,
  isForgeable,
  KeptNotices,
  type NoticeState,
  type NoticeStates,
  record,
  recover,
  type Standing,
  take,
  toStanding,
} from './throttle.ts'

export type NotifierParts = PostParts & {
  readonly store: Pick<Synchronous<KeyValues>, 'remember' | 'recall'>
  /** Reads what the store keeps by that name; the fallback stands for what is damaged, which is set aside and reported. */
  readonly read: (name: string, schema: typeof KeptNotices, fallback: NoticeStates) => NoticeStates
  readonly about: () => About
  readonly everyMs: number
  readonly sinkSid: string
  readonly notifyUrl: string | undefined
  readonly now: () => number
  readonly log: Log
  /** Where changes of state are logged at once. */
  readonly changes: StateLog
  /** A second memory of when each component's last notice went out, for the time when the outbox cannot be written. */
  readonly lastTold: LastTold
  /**
   * What only counts up is kept no more often: a restart may forget so much of the counting, never a failure.
   * @default 0: at once
   */
  readonly keepEveryMs?: number
}

export type LastTold = {
  read(component: Component): number | undefined
  write(component: Component, at: number): void
}

/** How things stand when a notice goes out. Times are ms since 1970. */
export type About = {
  readonly accountSid?: string | undefined
  /** Pending events, and since when the oldest of them has waited. */
  readonly waiting: number
  readonly waitingSince?: number | undefined
  readonly nextAttemptAt?: number | undefined
  /** Each destination that gets nothing now. */
  readonly failing?: readonly Failing[] | undefined
}

export type Notifier = {
  failed(failures: readonly Failure[]): void
  /** `by`: a destination that has come right; `isLast`: no other fails. */
  recovered(
    component: Component,
    by?: { readonly destination: string | undefined; readonly isLast: boolean },
  ): void
  /** A request verified: now, or at `at`, as somebody else saw it; then it ends only what was open before. */
  verified(at?: number): void
  /** Sends what is due; to be called about once a second. Returns when it is due next, ms since 1970. */
  tick(): number | undefined
  standing(): Standing
}

const MEMORY = 'notices'
const UNKNOWN_DIGITS = '0'.repeat(32)

/** What the settings say about notices. */
export function notifierSettings(
  settings: Settings,
): Pick<NotifierParts, 'everyMs' | 'sinkSid' | 'notifyUrl' | 'notifyFormat' | 'signingKey'> {
  return {
    everyMs: settings.NOTIFY_EVERY_MINUTES * 60_000,
    sinkSid: settings.SINK_SID ?? `DG${UNKNOWN_DIGITS}`,
    notifyUrl: settings.NOTIFY_URL,
    notifyFormat: settings.NOTIFY_FORMAT,
    signingKey: toSigningKey(settings),
  }
}

export function createNotifier(parts: NotifierParts): Notifier {
  const { store, everyMs, now, log, lastTold, changes, keepEveryMs = 0 } = parts
  let isKept = true
  /** Not kept yet; urgent is what is more than a count. */
  let hasNews = false
  let isUrgent = false
  let keptAt = Number.NEGATIVE_INFINITY
  /** Told, but not in the outbox's list yet. */
  const unkept: { at: number; body: Notice }[] = []
  /** Not kept over a restart: what verified under the settings of then says nothing about those of now. */
  let verifiedAt: number | undefined
  let states = load()

  function load(): NoticeStates {
    const silent = forEach(() => ({ ...allCalm.data, toldAt: now() }))
    const kept = store.recall(MEMORY) === undefined ? allCalm : parts.read(MEMORY, KeptNotices, silent)
    // Damaged: what is begun anew must keep the silence over the next restart as well.
    if (kept === silent) remember(kept)
    return forEach(component => {
      const told = Math.max(kept[component].toldAt ?? 0, lastTold.read(component) ?? 0)
      return told > 0 ? { ...kept[component], toldAt: told } : kept[component]
    })
  }

  /** What only counts up may wait to be kept. */
  function change(component: Component, state: NoticeState): void {
    const before = states[component]
    states = { ...states, [component]: state }
    hasNews = true
    isUrgent ||= toOutline(before) !== toOutline(state)
  }

  function keep(): void {
    if (!hasNews || !(isUrgent || Math.abs(now() - keptAt) >= keepEveryMs)) return
    if (!remember(states)) return
    hasNews = false
    isUrgent = false
    keptAt = now()
  }

  function remember(all: NoticeStates): boolean {
    const wasKept = isKept
    try {
      const text = JSON.stringify(all)
      if (unkept.length === 0) store.remember(MEMORY, text)
      for (; unkept.length > 0; unkept.shift()) store.remember(MEMORY, text, unkept[0])
      isKept = true
    } catch (error) {
      // The outbox itself is what fails: the notice about it must go out all the same.
      if (wasKept) log.warn({ err: error }, 'the notice clocks could not be kept in the outbox')
      isKept = false
    }
    return isKept
  }

  function tick(): number | undefined {
    for (const component of components) takeOf(component)
    keep()
    const dues = components.flatMap(component => due(states[component], everyMs) ?? [])
    return dues.length > 0 ? Math.min(...dues) : undefined
  }

  function takeOf(component: Component): void {
    const taken = take(states[component], now(), everyMs)
    if (taken.state === states[component]) return
    change(component, taken.state)
    // Also when the clock was set back: both memories count the silence from now.
    lastTold.write(component, taken.state.toldAt ?? now())
    if (!taken.digest) return
    const notice = describeDigest(component, taken.digest)
    unkept.push({ at: now(), body: notice })
    keep()
    tell(notice)
  }

  function describeDigest(component: Component, digest: Digest): Notice {
    const { accountSid, waiting, waitingSince, nextAttemptAt, failing } = parts.about()
    return toNotice(digest, {
      component,
      sid: `NO${crypto.randomUUID().replaceAll('-', '')}`,
      accountSid: accountSid ?? `AC${UNKNOWN_DIGITS}`,
      sinkSid: parts.sinkSid,
      now: now(),
      waiting,
      waitingSince,
      nextAttemptAt,
      failing,
    })
  }

  function tell(notice: Notice): void {
    const { level, error_code, payload, sid } = notice
    const line = { notice: sid, error_code, ...payload.more_info }
    if (level === 'Error') log.error(line, payload.message)
    else log.warn(line, payload.message)
    if (parts.notifyUrl) {
      postNotice(parts.notifyUrl, notice, parts).catch((error: unknown) => {
        log.warn({ notice: sid, fault: toErrorText(error) }, 'the notice could not be posted to NOTIFY_URL')
      })
    }
  }

  /** Lately: so long that a token rotated under way is an error by the second notice of it. */
  function isStrangers({ reason, at }: Failure): boolean {
    return isForgeable(reason) && verifiedAt !== undefined && Math.abs(at - verifiedAt) < everyMs
  }

  function recovered(component: Component, by?: Parameters<Notifier['recovered']>[1]): void {
    changes.recovered(component, now(), by?.destination)
    if (by?.isLast === false) return
    const next = recover(states[component], now())
    if (next === states[component]) return
    change(component, next)
    tick()
  }

  return {
    failed(failures) {
      if (failures.length === 0) return
      for (const failure of sumUp(failures)) {
        const component = toComponent(failure.reason)
        const isStranger = isStrangers(failure)
        changes.failed(failure, isStranger)
        change(component, record(states[component], failure, isStranger))
      }
      tick()
    },
    recovered,
    verified(at) {
      verifiedAt = at ?? now()
      const { open } = states.webhook
      if (open && (at === undefined || at >= open.since)) recovered('webhook')
    },
    tick,
    standing: () => toStanding(states, everyMs),
  }
}

/** All but what counts up. */
function toOutline({ toldAt, open, recovered, counts }: NoticeState): string {
  return JSON.stringify([toldAt, open?.reason, open?.since, recovered?.at, Object.keys(counts)])
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
