/** The records of one file on their way to being safe: gathered, sent as a group, and only then told as done. */
import { isNextLine } from '../../admin/export-format.ts'
import type { Destination } from './destination.ts'
import type { Source } from './files.ts'
import type { Journal } from './journal.ts'
import type { Pace } from './rate-limiter.ts'
import { type Changes, type Item, toItem } from './record.ts'
import type { Bad, RejectedFile } from './rejected.ts'
import type { Beginning, Piece } from './split.ts'
import { addOutcome, DAY_MS, type Tally } from './summary.ts'
import { unwrap } from './unwrap.ts'

export type GroupParts = {
  readonly destination: Destination
  readonly changes: Changes
  readonly isSelected: (item: Item) => boolean
  /** Selected events of all files together. */
  readonly limit: number
  readonly isStrict: boolean
  /** Without one, nothing is kept: neither places nor bad records. */
  readonly journal: Journal | undefined
  readonly pace: Pace
  readonly groupEvents: number
  readonly sleep: (ms: number) => Promise<void>
  readonly onBad: (bad: Bad) => void
}

export type Verdict = 'go on' | 'full' | 'limit' | 'strict'

export type Group = {
  /** `full`: to be sent before more is taken. */
  take(piece: Piece): Verdict
  /** The file cannot be read any further. */
  breakOff(why: string): Verdict
  /** Throws CliError when the group is not safe; then it is not told as done either. */
  send(isDone: boolean): Promise<void>
}

/** A group never holds more text, whatever its events are. */
const GROUP_CHARACTERS = 4_000_000

export function createGroup(
  source: Source,
  from: Beginning,
  file: RejectedFile | undefined,
  tally: Tally,
  parts: GroupParts,
): Group {
  const { destination, changes, journal, pace, limit } = parts
  const { end, depth } = from
  let reached: Beginning = { end, depth }
  let items: Item[] = []
  let bad: Bad[] = []
  let characters = 0

  function reject(text: string, offset: number, reason: string): Verdict {
    const record = { file: source.name, offset, reason, text }
    tally.read += 1
    tally.bad += 1
    bad.push(record)
    parts.onBad(record)
    return parts.isStrict ? 'strict' : 'go on'
  }

  function takeOne(value: unknown, text: string, offset: number): Verdict {
    // Parts of an export, one behind the other: where one of them ends.
    if (isNextLine(text)) return 'go on'
    const made = toItem(value, text, changes, destination.mapping)
    if (!made.ok) return reject(text, offset, made.fault)
    const { item } = made
    tally.read += 1
    if (!parts.isSelected(item)) {
      tally.notSelected += 1
      return 'go on'
    }
    items.push(item)
    characters += item.record.length
    tally.selected += 1
    const { entry } = item.arriving
    const goes = !entry.carried && entry.state === 'pending'
    if (goes && item.at !== undefined && item.at < Date.now() - DAY_MS) tally.old += 1
    return 'go on'
  }

  return {
    take(piece) {
      let verdict: Verdict = 'go on'
      if (piece.fault !== undefined) verdict = reject(piece.text, piece.at, piece.fault)
      else {
        for (const found of unwrap(piece.text)) {
          verdict =
            found.fault === undefined
              ? takeOne(found.value, found.text, piece.at)
              : reject(found.text, piece.at, found.fault)
          if (verdict === 'strict') break
        }
        // Only now: the next run goes on behind the whole record, which may hold several events.
        if (verdict !== 'strict' && tally.selected >= limit) verdict = 'limit'
      }
      if (verdict !== 'strict') reached = piece
      const isFull =
        items.length >= parts.groupEvents || bad.length >= parts.groupEvents || characters > GROUP_CHARACTERS
      return verdict === 'go on' && isFull ? 'full' : verdict
    },

    breakOff: why => reject('', reached.end, why),

    async send(isDone) {
      if (items.length > 0) {
        const wait = pace.wait(items.length, Date.now())
        if (wait > 0) await parts.sleep(wait)
        addOutcome(tally, await destination.send(items))
      }
      file?.write(bad)
      items = []
      bad = []
      characters = 0
      journal?.note(source, {
        end: reached.end,
        depth: reached.depth,
        rejectedBytes: file?.bytes() ?? 0,
        done: isDone,
      })
    },
  }
}
