/** What `GET /api/status` answers and `status` prints: how each destination does, what waits, dead letters. */
import * as z from 'zod'
import { states } from '../reasons.ts'

export const Level = z.enum(['ok', 'warning', 'error'])
export const time = z.string().nullable()

export const Status = z.object({
  at: z.string(),
  /** False as soon as one line is an error. */
  ok: z.boolean(),
  destinations: z.array(
    z.object({
      name: z.string(),
      host: z.string(),
      state: z.enum(['accepting', 'behind', 'retrying', 'failing', 'paused', 'dry_run']),
      reason: z.string().nullable(),
      /** A change of the destinations file that waits for a person: `destinations confirm <hash>`. */
      unconfirmed: z.object({ text: z.string(), hash: z.string() }).optional(),
      nextAttemptAt: time,
      accepted: z.number(),
      waiting: z.number(),
      waitingSince: time,
      held: z.number(),
      /** Whether a person has seen events arrive under this write key. A dry run is not asked. */
      arrival: z.enum(['confirmed', 'unconfirmed', 'not_asked']),
      confirmedAt: time,
    }),
  ),
  /** Destinations that left the file, for which events still wait; absent when there is none. */
  left: z.array(z.object({ name: z.string(), pending: z.number() })).optional(),
  outbox: z.object({
    troubles: z.array(z.string()),
    /** Of these. */
    reasons: z.array(z.string()),
    received: z.number(),
    /** Stored, but not indexed yet. */
    unsorted: z.number(),
    unsortedSince: time,
    /** Figures that could not be read; absent when all could. */
    unreadable: z.array(z.string()).optional(),
  }),
  deadLetters: z.array(z.object({ state: z.enum(states), reason: z.string(), count: z.number() })),
  lastNotice: z.object({ at: z.string(), level: z.string(), message: z.string() }).nullable(),
  /** The same for a person to read, in the order of the screen. */
  lines: z.array(
    z.object({ name: z.string(), level: Level, text: z.string(), remedy: z.string().nullable() }),
  ),
})

export type Status = Readonly<z.infer<typeof Status>>
