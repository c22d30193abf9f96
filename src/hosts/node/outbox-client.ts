/** The outbox's side, in a thread of its own, as HTTP calls it: each call is a message, each answer another. */

import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { AdminClient, OutboxClient } from '../../bridge.ts'
import { encodeRow } from '../../outbox/encode-row.ts'
import { StorageError } from '../../outbox/sqlite-errors.ts'
import { zlib } from './compression.ts'
import { createGroupCommit } from './group-commit.ts'
import type { Opened, Reply, Request, WorkerData } from './outbox-rpc.ts'

export type NodeOutboxClient = OutboxClient & {
  /** Ends deliveries, closes the outbox, ends the thread. */
  stop(): Promise<void>
  /** Settles when the thread ends though nobody asked it to. */
  readonly failed: Promise<Error>
}

/** Throws, with a sentence for a person, when the outbox cannot be opened. */
export async function startOutboxClient(data: WorkerData): Promise<NodeOutboxClient> {
  // Sources run as .ts, the published package as .js.
  const file = new URL(`./outbox-worker${extname(new URL(import.meta.url).pathname)}`, import.meta.url)
  const { dryRunFile, noticeClockFile, outboxFile, settings } = data
  const { acknowledgedFile, cleanEndFile, missingFile } = data
  const records = { acknowledgedFile, cleanEndFile, missingFile }
  const workerData: WorkerData = { dryRunFile, noticeClockFile, outboxFile, ...records, settings }
  // Node 22 calls node:sqlite experimental, once a thread.
  const execArgv = ['--disable-warning=ExperimentalWarning']
  const thread = new Worker(file, { workerData, execArgv })
  const open = new Map<number, OpenCall>()
  let nextId = 0
  let ended: Error | undefined

  const failed = new Promise<Error>(resolve => {
    thread.once('error', error => resolve(error instanceof Error ? error : new Error(String(error))))
    thread.once('exit', code => resolve(new Error(`the outbox worker ended with code ${code}`)))
  })
  void failed.then(error => {
    ended = error
    for (const { reject } of open.values()) reject(error)
    open.clear()
  })
  const { methods } = await new Promise<Opened>((resolve, reject) => {
    thread.once('message', resolve)
    void failed.then(error => {
      reject(new Error(`The outbox ${outboxFile} cannot be opened: ${error.message}`, { cause: error }))
    })
  })
  thread.on('message', ({ id, value, error, reason }: Reply) => {
    const call = open.get(id)
    open.delete(id)
    if (error === undefined) call?.resolve(value)
    else call?.reject(reason ? new StorageError(reason, error) : new Error(error))
  })

  function ask<Answer>(toRequest: (id: number) => Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (ended) return reject(ended)
      nextId += 1
      open.set(nextId, { resolve: value => resolve(value as Answer), reject })
      thread.postMessage(toRequest(nextId))
    })
  }

  const call = (name: string, args: readonly unknown[] = []) => ask<never>(id => ({ id, call: name, args }))
  const append = createGroupCommit(rows => ask(id => ({ id, rows })))
  const admin = Object.fromEntries<unknown>(
    methods.map(name => [name, (...args: readonly unknown[]) => call(name, args)]),
  ) as AdminClient
  return {
    ...admin,
    // Compressed here, so that less crosses to the other thread.
    put: request => append(encodeRow(request, zlib)),
    report: failure => void call('report', [failure]).catch(() => undefined),
    failed,
    async stop() {
      try {
        await call('stop')
      } finally {
        await thread.terminate()
      }
    },
  }
}

type OpenCall = { resolve(value: unknown): void; reject(error: Error): void }
