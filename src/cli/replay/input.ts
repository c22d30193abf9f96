/** A stream of bytes that can be looked into before it is read on, and searched for where the next part begins. */

export type Bytes = AsyncIterable<Uint8Array>

/** Of a record that is read whole. */
export const MAX_RECORD_BYTES = 16 * 1_024 * 1_024

export type Input = {
  /** At least so many bytes if there are, and all that is at hand anyway; fewer at the end. Nothing is read past. */
  peek(bytes: number): Promise<Uint8Array>
  drop(bytes: number): void
  /** Puts back what was dropped last. */
  putBack(bytes: Uint8Array): void
  /** Drops all up to the first place where `isHere` holds, or to the end. `zeros`: nothing but padding was dropped. */
  seek(isHere: (bytes: Uint8Array, at: number) => boolean): Promise<{ dropped: number; zeros: boolean }>
  /** Bytes dropped so far. */
  at(): number
  /** All that is left. Throws what the stream broke off with, after what came before it. */
  rest(): AsyncGenerator<Uint8Array, void>
  /** Throws what the stream broke off with, if it did: its end is none then. */
  check(): void
  close(): Promise<void>
}

/** Longer than any beginning that is searched for. */
const AHEAD = 32
const EMPTY = new Uint8Array()

export function openInput(bytes: Bytes): Input {
  const reader = bytes[Symbol.asyncIterator]()
  let held: Uint8Array = EMPTY
  let dropped = 0
  let isEnd = false
  let fault: { error: unknown } | undefined

  async function more(): Promise<void> {
    try {
      const { value, done } = await reader.next()
      if (done) isEnd = true
      else held = held.length === 0 ? value : Buffer.concat([held, value])
    } catch (error) {
      fault = { error }
      isEnd = true
    }
  }

  async function peek(count: number): Promise<Uint8Array> {
    while (held.length < count && !isEnd) await more()
    return held
  }

  function drop(count: number): void {
    held = held.subarray(count)
    dropped += count
  }

  function putBack(bytes: Uint8Array): void {
    held = Buffer.concat([bytes, held])
    dropped -= bytes.length
  }

  function check(): void {
    if (fault) throw fault.error
  }

  return {
    peek,
    drop,
    putBack,
    check,
    at: () => dropped,
    async seek(isHere) {
      const from = dropped
      let zeros = true
      for (;;) {
        const bytes = await peek(AHEAD)
        const until = bytes.length < AHEAD ? bytes.length : bytes.length - AHEAD + 1
        let at = 0
        while (at < until && !isHere(bytes, at)) {
          zeros &&= bytes[at] === 0
          at += 1
        }
        drop(at)
        if (at < until || bytes.length < AHEAD) return { dropped: dropped - from, zeros }
      }
    },
    async *rest() {
      for (let bytes = await peek(1); bytes.length > 0; bytes = await peek(1)) {
        drop(bytes.length)
        yield bytes
      }
      check()
    },
    async close() {
      await reader.return?.()
    },
  }
}
