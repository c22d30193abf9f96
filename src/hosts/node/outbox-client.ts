/** The outbox's side, in a thread of its own, as the door calls it: each call is a message, each answer another. */

import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { OutboxClient } from '../../bridge.ts'
import { encodeRow } from '../../outbox/encode-row.ts'
import { zlib } from './compression.ts'
import { createGroupCommit } from './group-commit.ts'
import type { Reply, Request, ThreadData } from './outbox-rpc.ts'
import type { Calls } from './outbox-worker.ts'

export type NodeOutboxClient = OutboxClient & {
  /** Ends deliveries, closes the outbox, ends the thread. */
  stop(): Promise<void>
  /** Settles when the thread ends though nobody asked it to. */
  readonly failed: Promise<Error>
}

/** Throws, with a sentence for a person, when the outbox cannot be opened. */
export async function startOutboxClient(data: ThreadData): Promise<NodeOutboxClient> {
  // Sources run as .ts, the published package as .js.
  const file = new URL(`./outbox-worker${extname(new URL(import.meta.url).pathname)}`, import.meta.url)
  const { dryRunFile, noticeClockFile, outboxFile, settings } = data
  const { acknowledgedFile, cleanEndFile, missingFile } = data
  const records = { acknowledgedFile, cleanEndFile, missingFile }
  const workerData: ThreadData = { dryRunFile, noticeClockFile, outboxFile, ...records, settings }
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
  await new Promise<void>((resolve, reject) => {
    thread.once('message', () => resolve())
    void failed.then(error => {
      reject(new Error(`The outbox ${outboxFile} cannot be opened: ${error.message}`, { cause: error }))
    })
  })
  thread.on('message', ({ id, value, error }: Reply) => {
    const call = open.get(id)
    open.delete(id)
    if (error === undefined) call?.resolve(value)
    else call?.reject(new Error(error))
  })

  function ask<Answer>(send: (id: number) => void): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (ended) return reject(ended)
      nextId += 1
      open.set(nextId, { resolve: value => resolve(value as Answer), reject })
      send(nextId)
    })
  }

  function call(name: keyof Calls) {
    return (...args: readonly unknown[]) =>
      ask<never>(id => thread.postMessage({ id, call: name, args } satisfies Request))
  }

  const commit = createGroupCommit(parcels =>
    ask(id => thread.postMessage({ id, parcels } satisfies Request)),
  )
  const stop = call('stop')
  const report = call('report')
  return {
    // Compressed here, so that less crosses to the other thread.
    put: intake => commit(encodeRow(intake, zlib)),
    report: failure => void report(failure).catch(() => undefined),
    stats: call('stats'),
    metrics: call('metrics'),
    troubles: call('troubles'),
    pulse: call('pulse'),
    deadLetters: call('deadLetters'),
    events: call('events'),
    event: call('event'),
    notices: call('notices'),
    quality: call('quality'),
    retry: call('retry'),
    drop: call('drop'),
    deliverNow: call('deliverNow'),
    changeMany: call('changeMany'),
    status: call('status'),
    confirmArrival: call('confirmArrival'),
    resend: call('resend'),
    resendMany: call('resendMany'),
    transfer: { import: call('import'), exportPage: call('exportPage') },
    failed,
    async stop() {
      try {
        await stop()
      } finally {
        await thread.terminate()
      }
    },
  }
}

type OpenCall = { resolve(value: unknown): void; reject(error: Error): void }
