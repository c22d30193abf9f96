/** Where files are put, and how long one may take. A bucket and a folder stand behind it. */
import type { DeliveryReason } from '../../reasons.ts'
import { type DeliveryFailure, failed } from '../destination.ts'

export type Packed = { readonly path: string; readonly bytes: Uint8Array<ArrayBuffer> }

/** `stored`: the whole file is there for good. */
export type Put =
  | { readonly kind: 'stored'; readonly status: number }
  | { readonly kind: 'aborted' }
  | DeliveryFailure

export type Store = {
  /** Never rejects. `signal` ends what can be ended. */
  put(file: Packed, signal: AbortSignal): Promise<Put>
  /** Why a file was not stored that took too long. */
  readonly tooSlow: DeliveryReason
}

/** Ends in time, and at once when `signal` aborts, whatever the storage does: a disk may hang, and cannot be asked to stop. */
export async function putInTime(
  store: Store,
  file: Packed,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<Put> {
  if (signal.aborted) return { kind: 'aborted' }
  return new Promise(resolve => {
    const wire = new AbortController()
    const end = (put: Put) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      wire.abort()
      resolve(put)
    }
    const abort = () => end({ kind: 'aborted' })
    const late = () => end(failed(store.tooSlow, undefined, `not stored within ${timeoutMs} ms`))
    const timer = setTimeout(late, timeoutMs)
    signal.addEventListener('abort', abort)
    store.put(file, wire.signal).then(end)
  })
}
