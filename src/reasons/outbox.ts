/** The bridge goes on, but its store was not as it should be: a person should know. Pure data, part of reasons.ts. */
import type { Stop } from './stop.ts'

export const outboxReasons = {
  state_damaged: {
    code: 913970,
    level: 'WARNING',
    title: 'A stored value was damaged and has been reset',
    remedy:
      'Nothing: the old value is kept in the table `memory` as <name>.damaged. If it happens again, check the disk.',
  },
  disk_low: {
    code: 913977,
    level: 'WARNING',
    title: 'The disk of the data folder is nearly full',
    remedy:
      'Free space or enlarge the disk; a shorter RETENTION_DAYS helps. When it is full, requests get 503 and Twilio retries for 4 hours.',
  },
  counts_differ: {
    code: 913971,
    level: 'WARNING',
    title: 'The stored counts differed from the events and have been corrected',
    remedy: 'Nothing: no event is affected. If it happens again, check the disk.',
  },
} as const satisfies Readonly<Record<string, Stop>>
export type OutboxReason = keyof typeof outboxReasons
