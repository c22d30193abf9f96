/** The loader as a process of its own: told what to do over its channel, ends with its parent. */

import { prepare, type Requests } from './requests.ts'
import { type LoadOrder, type LoadResult, runLoad } from './run.ts'

export type Order =
  | { readonly do: 'prepare'; readonly count: number; readonly batch: number }
  | ({ readonly do: 'run' } & LoadOrder)
export type Reply =
  | { readonly prepared: { readonly bytesAnEvent: number } }
  | { readonly result: LoadResult }
  | { readonly error: string }

let requests: Requests = { batch: 1, bytesAnEvent: 0, bytes: [] }
let next = 0

async function obey(order: Order): Promise<Reply> {
  if (order.do === 'prepare') {
    requests = { ...requests, bytes: [] }
    requests = prepare(order.count, order.batch)
    next = 0
    return { prepared: { bytesAnEvent: requests.bytesAnEvent } }
  }
  const result = await runLoad(requests, order, order.continues ? next : 0)
  next = result.next
  return { result }
}

process.on('message', async (order: Order) => {
  const reply = await obey(order).catch((error: unknown): Reply => ({ error: String(error) }))
  process.send?.(reply)
})
process.on('disconnect', () => process.exit())
process.on('SIGINT', () => undefined)
