/** Where replayed events go. A group is sent whole; when `send` returns, it is safe there. */
import * as z from 'zod'
import { addUnsent, reasonOf, toIntakes, toUnsent, type Unsent } from '../../admin/export-format.ts'
import type { Imported, Transfer } from '../../admin/transfer.ts'
import type { Mapping } from '../../event/mapping.ts'
import { reasons } from '../../reasons.ts'
import { toTrack } from '../../send/segment/map.ts'
import { check, type OutboxAccess } from '../outbox-access.ts'
import { CliError } from '../terminal.ts'
import { type Item, toJson } from './record.ts'
import { packs, retrying } from './request.ts'

export type Outcome = Imported & {
  /** Taken by a bridge that does not tell which of them it knew already. */
  readonly sent: number
  /** Not to be sent: accepted or skipped already where they come from. */
  readonly leftOut: number
  /** Why some will never be sent, duplicates of such among them: events by reason. */
  readonly unsent: Unsent
}

export type Destination = {
  /** As it stands in a sentence. */
  readonly name: string
  /** What events are judged by; undefined where a bridge with settings of its own judges them. */
  readonly mapping: Mapping | undefined
  /** Throws CliError when it is no use to go on. */
  send(items: readonly Item[]): Promise<Outcome>
}

const Answer = z.object({
  stored: z.number(),
  duplicates: z.number(),
  again: z.number(),
  pending: z.number().optional(),
  skipped: z.number().default(0),
  skippedReasons: z.record(z.string(), z.number()).optional(),
})

export const nothing: Outcome = {
  ...{ stored: 0, pending: 0, skipped: 0, duplicates: 0, again: 0, sent: 0, leftOut: 0 },
  unsent: {},
}

export function toOutbox(name: string, transfer: Transfer, mapping: Mapping, only?: string): Destination {
  return {
    name,
    mapping,
    async send(items) {
      const arriving = items.map(item => item.arriving)
      let imported: Awaited<ReturnType<Transfer['import']>>
      try {
        imported = await transfer.import(toIntakes(arriving, Date.now()), only)
      } catch (error) {
        throw new CliError(
          `${reasons.outbox_unwritable.title}: ${error instanceof Error ? error.message : String(error)}`,
        )
      }
      if (imported.stored === false)
        throw new CliError(`${reasons[imported.reason].title}: ${imported.detail}`)
      return { ...nothing, ...imported, unsent: toUnsent(arriving, imported.skipped) }
    },
  }
}

/** Through the admin API of a running bridge, which keeps states as a local outbox does. */
export function toBridge(
  access: OutboxAccess,
  { again, only }: { readonly again: boolean; readonly only: string | undefined },
  signal: AbortSignal,
): Destination {
  const query = `again=${again}${only === undefined ? '' : `&only=${encodeURIComponent(only)}`}`
  return {
    name: access.name,
    mapping: undefined,
    async send(items) {
      const total = { ...nothing }
      for (const pack of packs(items, ({ record }) => record)) {
        const response = await retrying(
          timeout =>
            access.request(`/import?${query}`, {
              signal: timeout,
              method: 'POST',
              body: `[${pack.map(({ record }) => record).join(',')}]`,
            }),
          access.name,
          signal,
        )
        const imported = Answer.parse(await (await check(access, response)).json())
        total.stored += imported.stored
        total.pending += imported.pending ?? imported.stored
        total.skipped += imported.skipped
        total.duplicates += imported.duplicates
        total.again += imported.again
        // An older bridge does not say why.
        const unsent = imported.skippedReasons ?? toUnsent(pack.map(({ arriving }) => arriving))
        total.unsent = addUnsent(total.unsent, unsent)
      }
      return total
    },
  }
}

/** Nowhere: the track calls are for a person, or a program, to read. */
export function toReader(pour: (text: string) => Promise<void>, mapping: Mapping): Destination {
  return {
    name: 'nobody (dry run)',
    mapping,
    async send(items) {
      let lines = ''
      let leftOut = 0
      const unsent: Record<string, number> = {}
      for (const { arriving, event } of items) {
        const { entry, receivedAt = Date.now() } = arriving
        const goes = (entry.carried ?? entry).state === 'pending'
        const mapped = goes ? toTrack(event, receivedAt, undefined, mapping) : undefined
        const track = mapped?.ok ? toJson(mapped.track) : undefined
        if (track !== undefined) lines += `${track}\n`
        else {
          leftOut += 1
          const reason = mapped?.ok === false ? mapped.reason : reasonOf(entry)
          unsent[reason] = (unsent[reason] ?? 0) + 1
        }
      }
      if (lines !== '') await pour(lines)
      return { ...nothing, sent: items.length - leftOut, leftOut, unsent }
    },
  }
}
