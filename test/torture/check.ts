/** The end conditions: what must hold after every scenario, whatever was done to the bridge. */

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { everyEvent, sumOfStates } from '../support/hosts.ts'
import type { SegmentStandIn } from '../support/segment.ts'
import type { BridgeProcess } from './bridge-process.ts'
import type { Jump } from './clock.ts'
import { differsFrom } from './expected.ts'
import type { Ledger } from './ledger.ts'
import type { End } from './scenario.ts'

/** What it may hold once all is quiet: an eighth over the 226 MiB at which it rests after 10,000 events and no fault at all. */
export const memoryBoundMiB = 256
const QUIET_WITHIN_MS = 90_000
const MEMORY_WITHIN_MS = 20_000
const NOTICE_EVERY_MS = 20 * 60_000
/** A post takes its time, and so does a clock file until it is read. */
const NOTICE_LEEWAY_MS = 2_000
/** Of each kind of fault so many are named. */
const NAMED = 3

export type CheckParts = {
  readonly bridge: BridgeProcess
  readonly segment: SegmentStandIn
  readonly ledger: Ledger
  /** When each notice came, by this process's clock. */
  readonly notices: readonly { readonly at: number; readonly component: string }[]
  readonly jumps: readonly Jump[]
  readonly until: (what: string, holds: () => boolean | Promise<boolean>, timeoutMs?: number) => Promise<void>
}

export type Verdict = {
  readonly faults: readonly string[]
  /** Acknowledged, and not (once) where it must be. */
  readonly lost: number
  /** In the account or at Segment, and never sent, or not so. */
  readonly invented: number
  readonly memoryMiB: number
}

export async function check(parts: CheckParts, end: End): Promise<Verdict> {
  const { bridge, until } = parts
  const faults: string[] = []
  const lost = new Set<string>()
  const invented = new Set<string>()
  if (!bridge.isUp)
    return { faults: ['the process does not run'], lost: 0, invented: 0, memoryMiB: Number.NaN }

  await attempt(faults, () =>
    until(
      'everything pending is delivered',
      async () => (await bridge.stats()).pending === 0,
      QUIET_WITHIN_MS,
    ),
  )
  await attempt(faults, () => checkAccount(parts, faults, end.pruned ?? false))
  if (!end.pruned) await attempt(faults, () => checkList(parts, faults, lost, invented))
  checkSegment(parts, faults, lost, invented)
  checkNotices(parts, faults, end.leastNotices ?? 0)
  await attempt(faults, () => until('/readyz answers 200', () => isReady(bridge)))
  const memoryMiB = await checkMemory(parts, faults, end.memoryMiB ?? memoryBoundMiB)
  await checkFile(bridge, faults)
  return { faults, lost: lost.size + parts.ledger.discards.length, invented: invented.size, memoryMiB }
}

async function attempt(faults: string[], work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error))
  }
}

async function checkAccount(
  { bridge, ledger }: CheckParts,
  faults: string[],
  isForgetful: boolean,
): Promise<void> {
  const stats = await bridge.stats()
  const { acknowledged, sent } = ledger.counts
  const sum = sumOfStates(stats)
  if (stats.received !== sum) faults.push(`received ${stats.received} is not the sum of the states, ${sum}`)
  if (stats.received < acknowledged) faults.push(`received ${stats.received}, acknowledged ${acknowledged}`)
  // An event that is forgotten before its copy comes is two events.
  if (stats.received > sent && !isForgetful) faults.push(`received ${stats.received}, sent ${sent}`)
}

/** Every acknowledged event stands in the list once, in the state it must end in; nothing stands there that was not sent. */
async function checkList(
  { bridge, ledger }: CheckParts,
  faults: string[],
  lost: Set<string>,
  invented: Set<string>,
): Promise<void> {
  const wrong: string[] = []
  const seen = new Set<string>()
  let others = 0
  for (const { id, key, state } of await everyEvent(bridge)) {
    const line = id === null ? undefined : ledger.lines.get(id)
    if (id === null || !line) {
      others += 1
      if (others > ledger.counts.mostOthers) invented.add(id ?? key)
    } else if (seen.has(id)) wrong.push(`${id} is listed twice`)
    else {
      seen.add(id)
      if (state !== line.fate) wrong.push(`${id} is ${state}, not ${line.fate}`)
    }
  }
  for (const [id, { acknowledged }] of ledger.lines) if (acknowledged > 0 && !seen.has(id)) lost.add(id)
  if (others < ledger.counts.leastOthers)
    wrong.push(`${others} entries without an id, not ${ledger.counts.leastOthers}`)
  name(faults, 'in the list', wrong)
  name(faults, 'acknowledged, and not in the list', [...lost])
  name(faults, 'in the list, and never sent', [...invented])
}

function checkSegment(
  { segment, ledger }: CheckParts,
  faults: string[],
  lost: Set<string>,
  invented: Set<string>,
): void {
  const missing: string[] = []
  const strange: string[] = []
  for (const [id, { acknowledged, fate }] of ledger.lines) {
    if (acknowledged > 0 && fate === 'accepted' && !segment.ids.has(id)) missing.push(id)
  }
  for (const call of segment.events) {
    const line = ledger.lines.get(call.messageId)
    const difference = line ? differsFrom(call, line.event) : 'was never sent'
    if (difference) strange.push(`${call.messageId}: ${difference}`)
    if (difference) invented.add(call.messageId)
  }
  for (const id of missing) lost.add(id)
  name(faults, 'acknowledged, and never at Segment', missing)
  name(faults, 'at Segment, and not as sent', strange)
  name(
    faults,
    'thrown away by Twilio',
    ledger.discards.map(({ id, why }) => `${id} ${why}`),
  )
  if (segment.others.length > 0)
    faults.push(`${segment.others.length} calls at Segment that are no track calls`)
  if (segment.discarded.length > 0) faults.push(`${segment.discarded.length} discarded behind Segment's edge`)
  if (segment.silentlyDropped > 0) faults.push(`${segment.silentlyDropped} over Segment's cap`)
}

/** A clock put forward may bring the next notice of a component forward by as much; nothing else may. */
function checkNotices({ notices, jumps }: CheckParts, faults: string[], least: number): void {
  const latest = new Map<string, number>()
  for (const { at, component } of notices) {
    const before = latest.get(component)
    latest.set(component, at)
    if (before === undefined) continue
    const forward = jumps
      .filter(jump => jump.at >= before - NOTICE_LEEWAY_MS && jump.at <= at && jump.byMs > 0)
      .reduce((sum, { byMs }) => sum + byMs, 0)
    if (at - before + forward < NOTICE_EVERY_MS - NOTICE_LEEWAY_MS)
      faults.push(`two notices of ${component} within ${Math.round((at - before + forward) / 1_000)} s`)
  }
  if (notices.length < least) faults.push(`${notices.length} notices, not ${least}`)
}

async function isReady({ origin }: BridgeProcess): Promise<boolean> {
  return (await fetch(`${origin}/readyz`)).status === 200
}

async function checkMemory({ bridge, until }: CheckParts, faults: string[], most: number): Promise<number> {
  await until('', () => bridge.rssMiB() <= most, MEMORY_WITHIN_MS).catch(() => undefined)
  const memoryMiB = bridge.rssMiB()
  if (memoryMiB > most) faults.push(`${Math.round(memoryMiB)} MiB in memory when all is quiet, over ${most}`)
  return memoryMiB
}

/** It ends when asked to, and leaves a sound file behind. */
async function checkFile(bridge: BridgeProcess, faults: string[]): Promise<void> {
  const code = await bridge.kill('SIGTERM')
  if (code !== 0) faults.push(`ended with ${code} after SIGTERM`)
  const database = new DatabaseSync(join(bridge.dataDir, 'outbox.db'))
  try {
    const verdict = JSON.stringify(database.prepare('PRAGMA integrity_check').all())
    if (verdict !== '[{"integrity_check":"ok"}]') faults.push(`the file is damaged: ${verdict.slice(0, 200)}`)
  } finally {
    database.close()
  }
}

function name(faults: string[], what: string, found: readonly string[]): void {
  if (found.length === 0) return
  const more = found.length > NAMED ? ' …' : ''
  faults.push(`${found.length} ${what}: ${found.slice(0, NAMED).join(', ')}${more}`)
}
