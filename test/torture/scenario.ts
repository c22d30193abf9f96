/** What a scenario is, and what it is given. Types only: a scenario imports this file and the stand-ins, nothing else. */
import type { SegmentStandIn } from '../support/segment.ts'
import type { BridgeProcess } from './bridge-process.ts'
import type { Clock } from './clock.ts'
import type { Ledger, Sample } from './ledger.ts'
import type { Random } from './random.ts'
import type { Sender, SenderOptions } from './sender.ts'

export type Scenario = {
  /** Unique, kebab-case; `--only` takes it, or its beginning. */
  readonly name: string
  /** One sentence, as the table's legend prints it. */
  readonly does: string
  /** Part of the selection that CI runs. */
  readonly short: boolean
  /** It then is a failure of its own. @default 120 */
  readonly timeoutSeconds?: number | undefined
  /** Why it cannot run here, such as "only root can mount"; `undefined`: it can. */
  unfit?(): string | undefined
  /** Throws when something is not as it must be. The end conditions are checked after it returns, as `End` bends them. */
  run(context: Context): Promise<End | undefined>
}

/** What is not as usual at the end of a scenario. */
export type End = {
  /** Finished events are pruned: the account and Segment's ledger are checked, the list of events is not. */
  readonly pruned?: boolean
  /** Least notices that must have come. @default 0 */
  readonly leastNotices?: number
  /** Most of the bridge's memory when all is done, MiB. @default memoryBoundMiB in check.ts */
  readonly memoryMiB?: number
}

export type Context = {
  readonly seed: number
  readonly random: Random
  /** The long selection: more of everything. */
  readonly isLong: boolean
  /** Ends with Ctrl-C and with the time-out; wait with it. */
  readonly signal: AbortSignal
  /** The real process on a fresh folder, not started yet. Its port stays the same over restarts. */
  readonly bridge: BridgeProcess
  /** In this process, so that its ledger can be read. The bridge sends to it. */
  readonly segment: SegmentStandIn
  /** Turns the bridge's clock, when it is started with `{ clockFile: clock.file }`. */
  readonly clock: Clock
  /** What was sent, what was acknowledged, and which state each must end in. */
  readonly ledger: Ledger
  /** A sender with Twilio's manners, writing into the ledger. */
  sender(options: SenderOptions): Sender
  /** Acceptable events, each unlike the others. */
  events(count: number, more?: Readonly<Record<string, unknown>>): Sample[]
  /** Counts a fault for the table: `fault('SIGKILL')`, `fault('idle connection', 10_000)`. */
  fault(name: string, count?: number): void
  /** Notes a failure and goes on. */
  expect(holds: boolean, otherwise: string): void
  /** One line of progress. */
  say(text: string): void
  /** The same, and kept beside the table: a figure that is no verdict. */
  note(text: string): void
  /** Ends early, without a word, with `signal`. */
  sleep(ms: number): Promise<void>
  /** Until it holds; throws with `what` after `timeoutMs` (30,000). Looks every 20 ms. */
  until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs?: number): Promise<void>
  /** Undone in the opposite order at the end, however it ends: mounts, sockets, processes. */
  onEnd(undo: () => unknown): void
}
