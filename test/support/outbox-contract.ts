/**
 * What every store promises (src/outbox/store.ts), and what every SQLite that fits the port below it adds to that. Imports
 * nothing of a host, and each rule has a fresh store, so that the same suites run on Node and inside a Durable Object.
 */
import { describe, test } from 'vitest'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import { createBench, type OpenedSql, type Rule } from './outbox-bench.ts'
import { registerDelivery } from './outbox-rules-delivery.ts'
import { registerDestinations } from './outbox-rules-destinations.ts'
import { registerFailures } from './outbox-rules-failures.ts'
import { registerHours } from './outbox-rules-hours.ts'
import { registerIntake } from './outbox-rules-intake.ts'
import { registerLook } from './outbox-rules-look.ts'
import { registerPruning } from './outbox-rules-pruning.ts'
import { registerSqlite } from './outbox-rules-sqlite.ts'
import { registerTransfer } from './outbox-rules-transfer.ts'
import { createStoreBench, type OpenedStore, type StoreRule } from './store-bench.ts'

/** What each rule has to run in, where a database can only be reached from inside of something. */
type Within = (body: () => void | Promise<void>) => void | Promise<void>

export function registerStoreContract(
  name: string,
  openStore: () => OpenedStore,
  within: Within = body => body(),
  tags: string[] = [],
): void {
  const rule: StoreRule = (title, body) => {
    test(title, () =>
      within(async () => {
        const opened = openStore()
        try {
          await body(createStoreBench(opened))
        } finally {
          opened.close()
        }
      }),
    )
  }
  describe(`the outbox on ${name}`, { tags }, () => {
    registerIntake(rule)
    registerDelivery(rule)
    registerDestinations(rule)
    registerPruning(rule)
    registerLook(rule)
    registerHours(rule)
    registerTransfer(rule)
  })
}

export function registerOutboxContract(
  name: string,
  openSql: () => OpenedSql,
  within: Within = body => body(),
  tags: string[] = [],
): void {
  const openStore = (): OpenedStore => {
    const opened = openSql()
    return {
      open: pruning => createOutbox(opened.sql, pruning),
      crash: pruning => createOutbox(opened.reopen(), pruning),
      close: opened.close,
    }
  }
  registerStoreContract(name, openStore, within, tags)
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
  describe(`the outbox on ${name}, as a database`, { tags }, () => {
    registerFailures(rule)
    registerSqlite(rule)
  })
}
