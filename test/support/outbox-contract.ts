/**
 * The outbox's rules, for every SQLite that fits the port. Imports nothing of a host, and each rule has a fresh database,
 * so that the same suite runs on Node and inside a Durable Object.
 */
import { describe, test } from 'vitest'
import { createBench, type OpenedSql, type Rule } from './outbox-bench.ts'
import { registerDelivery } from './outbox-rules-delivery.ts'
import { registerFailures } from './outbox-rules-failures.ts'
import { registerHours } from './outbox-rules-hours.ts'
import { registerIntake } from './outbox-rules-intake.ts'
import { registerLook } from './outbox-rules-look.ts'
import { registerPruning } from './outbox-rules-pruning.ts'

/** `within`: what each rule has to run in, where a database can only be reached from inside of something. */
export function registerOutboxContract(
  name: string,
  openSql: () => OpenedSql,
  within: (body: () => void) => void | Promise<void> = body => body(),
  tags: string[] = [],
): void {
  const rule: Rule = (title, body) => {
    test(title, () =>
      within(() => {
        const opened = openSql()
        try {
          body(createBench(opened))
        } finally {
          opened.close()
        }
      }),
    )
  }
  describe(`the outbox on ${name}`, { tags }, () => {
    registerIntake(rule)
    registerDelivery(rule)
    registerPruning(rule)
    registerLook(rule)
    registerFailures(rule)
    registerHours(rule)
  })
}
