/**
 * Bodies, as bytes, without a stream of the web in between. One that comes in pieces is put together in room that is used
 * again: with 32 callers a piece waits some 20 ms for the next, so V8 would take it for something that lasts, and collect all
 * of its heap eight times a second to be rid of such.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Body } from '../../ingest/receive.ts'

export type Bodies = {
  /** Reads no further than the limit. The body is the caller's until it has answered. */
  read(exchange: Exchange, limit: number): Promise<Body>
}
type Exchange = { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse }

/** More than a hundred usual events; a larger body is rare, and gets room of its own. */
const ROOM_BYTES = 128 * 1_024
/** 4 MB; with more callers at a time, the others get room of their own. */
const ROOMS = 32

export function createBodies(): Bodies {
  const free: Buffer[] = []
  let rooms = 0

  function takeRoom(): Buffer | undefined {
    if (free.length === 0 && rooms < ROOMS) {
      rooms += 1
      return Buffer.allocUnsafeSlow(ROOM_BYTES)
    }
    return free.pop()
  }

  /** Whoever has not answered may still be looking at it: then it is left to the garbage collector. */
  function giveBack(room: Buffer, isAnswered: boolean): void {
    if (isAnswered) free.push(room)
    else rooms -= 1
  }

  return {
    read({ incoming, outgoing }, limit) {
      return new Promise(resolve => {
        const pieces: Buffer[] = []
        const announced = Number(incoming.headers['content-length'] ?? Number.POSITIVE_INFINITY)
        let room: Buffer | undefined
        let length = 0

        function take(piece: Buffer): void {
          if (length + piece.length > limit) {
            settle('body_too_large')
            return
          }
          // What comes in one piece is taken as it is.
          if (length === 0 && piece.length < announced && announced <= ROOM_BYTES) lend()
          if (room) piece.copy(room, length)
          else pieces.push(piece)
          length += piece.length
        }

        function lend(): void {
          const taken = takeRoom()
          room = taken
          if (taken) outgoing.once('close', () => giveBack(taken, outgoing.writableFinished))
        }

        function end(): void {
          const [only] = pieces
          if (room) settle(room.subarray(0, length))
          else settle(only && pieces.length === 1 ? only : Buffer.concat(pieces, length))
        }

        function settle(body: Body): void {
          // The rest flows on to nobody.
          incoming.off('data', take)
          pieces.length = 0
          resolve(body)
        }

        incoming.on('data', take)
        incoming.once('end', end)
        for (const event of ['close', 'error']) incoming.once(event, () => settle('body_cut_off'))
        if (incoming.destroyed) settle('body_cut_off')
      })
    },
  }
}
